//! Barriers in memory, `mbarrier`, without asynchronous copies.

use std::sync::Arc;

use tensor_wasm_ptx::Module;
use tensor_wasm_ptx::compile::compile;

use crate::common::{module_printed_again, value_of_each_thread};

/// A kernel with a barrier and 64 words in shared memory, which the first thread begins for so many
/// arrivals.
fn kernel(arrivals: u32, body: &str) -> Arc<Module> {
    let text = format!(
        ".version 8.0\n.target sm_80\n.address_size 64\n\
         .visible .entry k(.param .u64 a)\n{{\n\
         .reg .pred %p<9>; .reg .b32 %r<9>; .reg .b64 %d<9>;\n\
         .shared .align 8 .b64 bar; .shared .align 4 .b8 words[256];\n\
         ld.param.u64 %d1, [a]; mov.u32 %r1, %tid.x; mul.wide.u32 %d2, %r1, 4; add.s64 %d1, %d1, %d2;\n\
         shl.b32 %r2, %r1, 2; mov.u32 %r3, words; add.s32 %r2, %r3, %r2; setp.eq.u32 %p1, %r1, 0;\n\
         @%p1 mbarrier.init.shared.b64 [bar], {arrivals}; bar.sync 0;\n{body}\nret;\n}}\n"
    );
    let parsed = module_printed_again(&text);
    assert!(compile(&parsed, "k").is_ok());
    parsed
}

/// Each thread says a number, and reads that of the thread 33 further once all have arrived.
#[test]
fn threads_wait_for_a_phase_by_its_state_or_its_parity() {
    let read = "add.u32 %r4, %r1, 33; and.b32 %r4, %r4, 63; shl.b32 %r4, %r4, 2; add.s32 %r4, %r3, %r4; ld.shared.u32 %r5, [%r4];\n";
    let first = "mad.lo.u32 %r6, %r1, 10, 5; st.shared.u32 [%r2], %r6; mbarrier.arrive.shared.b64 %d3, [bar];\n\
        one: mbarrier.test_wait.shared.b64 %p2, [bar], %d3; @!%p2 bra one;\n";
    let second = "mbarrier.arrive.shared.b64 _, [bar];\n\
        two: mbarrier.try_wait.parity.shared.b64 %p3, [bar], 1, 100; @!%p3 bra two;\n\
        st.shared.u32 [%r2], %r5; mbarrier.arrive.release.cta.shared::cta.b64 %d3, [bar], 1;\n\
        three: mbarrier.try_wait.parity.shared.b64 %p4, [bar], 0; @!%p4 bra three;\n";
    let store = "st.global.u32 [%d1], %r5;";
    let expected: Vec<u32> = (0..64)
        .map(|thread| ((thread + 33) & 63) * 10 + 5)
        .collect();
    let module = kernel(64, &format!("{first}{read}{store}"));
    assert_eq!(value_of_each_thread::<u32>(&module, 64).unwrap(), expected);
    let module = kernel(64, &format!("{first}{read}{second}{read}{store}"));
    let expected: Vec<u32> = (0..64)
        .map(|thread| ((thread + 66) & 63) * 10 + 5)
        .collect();
    assert_eq!(value_of_each_thread::<u32>(&module, 64).unwrap(), expected);
}

#[test]
fn a_state_says_what_its_phase_waited_for_and_a_phase_may_expect_fewer() {
    // Of three arrivals, two come at once, and the last drops out: the next phase expects two.
    let body = "mbarrier.arrive.shared.b64 %d3, [bar], 2; mbarrier.pending_count.b64 %r4, %d3;\n\
        mbarrier.test_wait.shared.b64 %p2, [bar], %d3; selp.u32 %r5, 1000, 0, %p2;\n\
        mbarrier.arrive_drop.shared.b64 %d4, [bar]; mbarrier.pending_count.b64 %r6, %d4;\n\
        mbarrier.test_wait.shared.b64 %p3, [bar], %d4; selp.u32 %r7, 100, 0, %p3;\n\
        mbarrier.arrive.noComplete.shared.b64 %d5, [bar], 1; mbarrier.pending_count.b64 %r8, %d5;\n\
        mbarrier.test_wait.parity.shared.b64 %p4, [bar], 1; mbarrier.test_wait.parity.shared.b64 %p5, [bar], 0;\n\
        mad.lo.u32 %r4, %r4, 10, %r6; add.u32 %r4, %r4, %r5; add.u32 %r4, %r4, %r7; mad.lo.u32 %r4, %r8, 10000, %r4;\n\
        @%p4 add.u32 %r4, %r4, 100000; @!%p5 add.u32 %r4, %r4, 200000;\n\
        fence.mbarrier_init.release.cluster; mbarrier.inval.shared.b64 [bar]; st.global.u32 [%d1], %r4;";
    assert_eq!(
        value_of_each_thread::<u32>(&kernel(3, body), 1).unwrap(),
        [20_131]
    );
}

//! Barriers in memory, `mbarrier`, and the copies that tell them when they are complete.

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
         .shared .align 8 .b64 bar; .shared .align 16 .b8 words[256];\n\
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

#[test]
fn a_phase_waits_for_bytes_too() {
    // Bytes may come before they are expected, and the last arrival may come before the last bytes.
    let body = "mbarrier.complete_tx.relaxed.cta.shared.b64 [bar], 48;\n\
        mbarrier.expect_tx.relaxed.cta.shared::cta.b64 [bar], 16;\n\
        mbarrier.arrive.expect_tx.shared.b64 %d3, [bar], 64; mbarrier.pending_count.b64 %r4, %d3;\n\
        mbarrier.test_wait.shared.b64 %p2, [bar], %d3; selp.u32 %r5, 10, 0, %p2;\n\
        mbarrier.arrive.shared.b64 _, [bar];\n\
        mbarrier.test_wait.shared.b64 %p3, [bar], %d3; selp.u32 %r6, 100, 0, %p3;\n\
        mbarrier.complete_tx.shared.b64 [bar], 32;\n\
        mbarrier.test_wait.shared.b64 %p4, [bar], %d3; selp.u32 %r7, 1000, 0, %p4;\n\
        mbarrier.arrive_drop.expect_tx.shared.b64 %d4, [bar], 16; mbarrier.complete_tx.shared.b64 [bar], 16;\n\
        mbarrier.test_wait.parity.shared.b64 %p5, [bar], 1; selp.u32 %r8, 10000, 0, %p5;\n\
        add.u32 %r4, %r4, %r5; add.u32 %r4, %r4, %r6; add.u32 %r4, %r4, %r7; add.u32 %r4, %r4, %r8;\n\
        mbarrier.arrive.shared.b64 %d5, [bar]; mbarrier.test_wait.shared.b64 %p6, [bar], %d5;\n\
        @%p6 add.u32 %r4, %r4, 100000; st.global.u32 [%d1], %r4;";
    assert_eq!(
        value_of_each_thread::<u32>(&kernel(2, body), 1).unwrap(),
        [101_002]
    );
}

#[test]
fn a_thread_arrives_once_its_asynchronous_copies_are_complete() {
    // Each copies its neighbour's word from device memory, and arrives so.
    for (arrive, count) in [
        ("cp.async.mbarrier.arrive.noinc.shared.b64 [bar];", 64),
        // Without `.noinc` the phase expects one arrival more, and gets it.
        (
            "cp.async.mbarrier.arrive.shared::cta.b64 [bar]; mbarrier.arrive.shared.b64 _, [bar];",
            64,
        ),
    ] {
        let body = format!(
            "mul.lo.u32 %r4, %r1, 3; st.global.u32 [%d1], %r4; bar.sync 0;\n\
             cp.async.ca.shared.global [%r2], [%d1], 4; {arrive}\n\
             one: mbarrier.try_wait.parity.shared.b64 %p2, [bar], 0; @!%p2 bra one;\n\
             xor.b32 %r5, %r2, 8; ld.shared.u32 %r6, [%r5]; st.global.u32 [%d1], %r6;"
        );
        let expected: Vec<u32> = (0..64).map(|thread| (thread ^ 2) * 3).collect();
        let module = kernel(count, &body);
        assert_eq!(value_of_each_thread::<u32>(&module, 64).unwrap(), expected);
    }
}

/// A kernel in which the first thread copies words in bulk, and all threads wait for them.
fn bulk(copy: &str) -> Arc<Module> {
    kernel(
        1,
        &format!(
            "add.u32 %r4, %r1, 7; st.global.u32 [%d1], %r4; st.shared.u32 [%r2], %r1; bar.sync 0;\n\
             @!%p1 bra wait;\nmbarrier.arrive.expect_tx.shared.b64 _, [bar], 128;\n{copy}\n\
             wait: mbarrier.try_wait.parity.shared.b64 %p2, [bar], 0; @!%p2 bra wait;\n\
             ld.shared.u32 %r5, [%r2]; bar.sync 0; st.global.u32 [%d1], %r5;"
        ),
    )
}

#[test]
fn bulk_copies_move_their_bytes_and_complete_a_phase() {
    let copy = "mov.u32 %r6, 128;\ncp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [words+16], [%d1+32], %r6, [bar];";
    let expected: Vec<u32> = (0..64)
        .map(|word| match word {
            4..36 => word + 4 + 7,
            other => other,
        })
        .collect();
    assert_eq!(
        value_of_each_thread::<u32>(&bulk(copy), 64).unwrap(),
        expected
    );
    // In two parts, within shared memory, and with one that its guard leaves out.
    let copy = "mov.u32 %r6, 3;\nsetp.eq.u32 %p3, %r6, 4;\n\
        @%p3 cp.async.bulk.shared::cta.global.mbarrier::complete_tx::bytes [words], [%d1], 64, [bar];\n\
        cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [words+128], [words], 64, [bar];\n\
        cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes [words+192], [words+128], 64, [bar];";
    let expected: Vec<u32> = (0..64)
        .map(|word| if word < 32 { word } else { word % 16 })
        .collect();
    assert_eq!(
        value_of_each_thread::<u32>(&bulk(copy), 64).unwrap(),
        expected
    );
    // To device memory nobody waits for a barrier.
    let body = "st.shared.u32 [%r2], %r1; fence.proxy.async.shared::cta; bar.sync 0;\n\
        @%p1 cp.async.bulk.global.shared::cta.bulk_group [%d1+16], [words+64], 96;\n\
        cp.async.bulk.commit_group; cp.async.bulk.wait_group.read 0; cp.async.bulk.wait_group 0;";
    let expected: Vec<u32> = (0..64)
        .map(|word| {
            if (4..28).contains(&word) {
                word + 12
            } else {
                0
            }
        })
        .collect();
    assert_eq!(
        value_of_each_thread::<u32>(&kernel(1, body), 64).unwrap(),
        expected
    );
}

#[test]
fn bulk_copies_of_odd_sizes_misaligned_or_outside_are_faults() {
    let to_shared = |to: &str, from: &str, bytes: &str| {
        format!(
            "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [{to}], [{from}], {bytes}, [bar];"
        )
    };
    for (copy, expected) in [
        (
            to_shared("words", "%d1", "24"),
            "a bulk copy of 24 bytes, which is not a multiple of 16",
        ),
        (
            to_shared("words+8", "%d1", "16"),
            "is not aligned to 16 bytes",
        ),
        (
            to_shared("words", "%d1+4", "16"),
            "is not aligned to 16 bytes",
        ),
        (to_shared("words", "%d1+240", "32"), "0x10000000100"),
        (
            to_shared("words+240", "%d1", "64"),
            "of shared memory, which has",
        ),
        (
            "cp.async.bulk.global.shared::cta.bulk_group [%d1+248], [words], 16;".to_owned(),
            "is not aligned to 16 bytes",
        ),
    ] {
        let said = value_of_each_thread::<u32>(&bulk(&copy), 64).unwrap_err();
        assert!(said.to_string().contains(expected), "{copy}: {said}");
    }
}

#[test]
fn a_phase_that_expects_more_than_comes_is_never_complete() {
    let body = "mbarrier.arrive.shared.b64 _, [bar];\n\
        mbarrier.test_wait.parity.shared.b64 %p2, [bar], 0; selp.u32 %r4, 1, 0, %p2; st.global.u32 [%d1], %r4;";
    for (expected, complete) in [(1, 1), (2, 0), (0xf_ffff, 0)] {
        let module = kernel(expected, body);
        let found = value_of_each_thread::<u32>(&module, 1).unwrap();
        assert_eq!(found, [complete], "{expected} arrivals expected");
    }
}

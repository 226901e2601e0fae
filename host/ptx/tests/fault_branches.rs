//! Branches to faults, as of bounds checks: compiled for lane groups, a launch faults exactly where the
//! interpreter says so, whatever is compared, and also where numbers wrap around within a group.

use crate::common::{Arguments, Flat, launch_as, line, module};
use tensor_wasm_ptx::compile::Vectorize;

const WAYS: [Vectorize; 2] = [Vectorize::Never, Vectorize::Always];
const THREADS: u32 = 40;

/// Whether a launch faults whose threads check this condition of `%r1`, their number and an offset, and
/// of the limit in `%r2`: where it leads to the fault, or where it does not.
#[track_caller]
fn faults(condition: &str, when: bool, offset: u32, limit: u32) -> bool {
    let not = if when { "" } else { "!" };
    let text = format!(
        ".version 8.0\n.target sm_80\n.address_size 64\n\
         .visible .entry k(.param .u64 data, .param .u32 limit)\n{{\n\
         .reg .pred %p<8>; .reg .b32 %r<8>; .reg .b64 %d<8>;\n\
         ld.param.u64 %d0, [data];\nld.param.u32 %r2, [limit];\n\
         cvt.u64.u32 %d2, %r2;\nmov.u32 %r0, %tid.x;\n\
         mul.wide.u32 %d1, %r0, 4;\nadd.s64 %d1, %d0, %d1;\n\
         add.u32 %r1, %r0, {offset};\ncvt.u64.u32 %d3, %r1;\n{condition}\n\
         @{not}%p1 bra fails;\nst.global.u32 [%d1], %r1;\nret;\nfails:\ntrap;\n}}\n"
    );
    let memory = Flat::new(1 << 10);
    let arguments = Arguments::new().pointer(0).with(limit);
    let shape = (line(1), line(THREADS), 0);
    launch_as(&module(&text), "k", shape, arguments, &memory, &WAYS).is_err()
}

/// What is compared with what, of numbers without a sign.
type Comparison = fn(u32, u32) -> bool;

#[test]
fn a_launch_faults_where_any_thread_does() {
    let comparisons: [(&str, Comparison); 10] = [
        ("setp.ge.u32 %p1, %r1, %r2;", |a, b| a >= b),
        ("setp.gt.u32 %p1, %r1, %r2;", |a, b| a > b),
        ("setp.le.u32 %p1, %r2, %r1;", |a, b| b <= a),
        ("setp.lt.u32 %p1, %r1, %r2;", |a, b| a < b),
        ("setp.gt.u32 %p1, %r2, %r1;", |a, b| b > a),
        ("setp.ge.s32 %p1, %r1, %r2;", |a, b| {
            a.cast_signed() >= b.cast_signed()
        }),
        ("setp.lt.s32 %p1, %r1, %r2;", |a, b| {
            a.cast_signed() < b.cast_signed()
        }),
        ("setp.eq.u32 %p1, %r1, %r2;", |a, b| a == b),
        ("setp.ne.u32 %p1, %r1, %r2;", |a, b| a != b),
        ("setp.ge.u64 %p1, %d3, %d2;", |a, b| a >= b),
    ];
    let offsets = [0, u32::MAX - 20, (1 << 31) - 9];
    let limits = [0, 16, 39, 40, 1 << 31, u32::MAX];
    for (text, comparison) in comparisons {
        for when in [true, false] {
            for offset in offsets {
                for limit in limits {
                    let mut threads = (0..THREADS).map(|thread| thread.wrapping_add(offset));
                    let expected = threads.any(|number| comparison(number, limit) == when);
                    let found = faults(text, when, offset, limit);
                    assert_eq!(found, expected, "{text} {when} {offset} {limit}");
                }
            }
        }
    }
}

#[test]
fn conditions_that_are_combined_fault_where_they_hold_together() {
    let both = "setp.ge.u32 %p2, %r1, %r2;\nsetp.lt.u32 %p3, %r0, 20;\nand.pred %p1, %p2, %p3;";
    let either = "setp.ge.u32 %p2, %r1, %r2;\nsetp.eq.u32 %p3, %r0, 50;\nor.pred %p1, %p2, %p3;";
    for limit in [0, 10, 19, 20, 21, 39, 40, 41] {
        for when in [true, false] {
            let holds = |thread| thread >= limit && thread < 20;
            let expected = (0..THREADS).any(|thread| holds(thread) == when);
            assert_eq!(faults(both, when, 0, limit), expected, "{limit} {when}");
            let expected = (0..THREADS).any(|thread| (thread >= limit) == when);
            assert_eq!(faults(either, when, 0, limit), expected, "{limit} {when}");
        }
    }
}

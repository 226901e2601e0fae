//! Control flow that cutting at suspend points makes irreducible: loops whose barriers or warp
//! operations a branch skips, loops that are entered elsewhere than at their head, jump tables into
//! loops. Compiled for one thread and for lane groups, each gives the interpreter's result, and the
//! result that Rust computes.

use crate::common::{Arguments, Flat, launch_as, line, module};
use tensor_wasm_ptx::compile::Vectorize;
use tensor_wasm_ptx::simt::RunError;

const WAYS: [Vectorize; 3] = [Vectorize::Auto, Vectorize::Never, Vectorize::Always];

/// Runs a body for one block of so many threads, and gives what each thread stored. The body finds
/// its thread's number in `%id`, the argument in `%n`, and leaves its result in `%out`.
#[track_caller]
fn results(body: &str, threads: u32, n: u32) -> Vec<u32> {
    let text = format!(
        ".version 8.6\n.target sm_90\n.address_size 64\n\
         .visible .entry k(.param .u64 out, .param .u32 n)\n{{\n\
         .reg .pred %p<8>; .reg .b32 %r<16>, %id, %n, %out; .reg .b64 %d<4>;\n\
         .shared .align 4 .b8 held[1024];\n\
         ld.param.u64 %d0, [out];\nld.param.u32 %n, [n];\nmov.u32 %id, %tid.x;\n\
         mov.u32 %out, 0;\n{body}\n\
         mul.wide.u32 %d1, %id, 4;\nadd.s64 %d1, %d0, %d1;\nst.global.u32 [%d1], %out;\nret;\n}}\n"
    );
    let memory = Flat::new(1 << 12);
    let arguments = Arguments::new().pointer(0).with(n);
    let shape = (line(1), line(threads), 0);
    launch_as(&module(&text), "k", shape, arguments, &memory, &WAYS).unwrap();
    memory.get(0, threads as usize)
}

/// For blocks smaller than a lane group, of whole groups, and of both.
#[track_caller]
fn each_gives(body: &str, n: u32, expected: impl Fn(u32, u32) -> u32) {
    for threads in [8, 32, 56] {
        let expected: Vec<u32> = (0..threads).map(|id| expected(id, threads)).collect();
        assert_eq!(results(body, threads, n), expected, "{threads} threads");
    }
}

#[test]
fn a_barrier_that_a_branch_skips_stays_in_its_loop() {
    let body = "\
        mov.u32 %r0, 1;\n\
        AGAIN:\n\
        and.b32 %r1, %r0, 4;\nsetp.eq.u32 %p0, %r1, 0;\n@%p0 bra BEHIND;\n\
        bar.sync 0;\n\
        BEHIND:\n\
        add.u32 %out, %out, %id;\n\
        shl.b32 %r0, %r0, 1;\nsetp.le.u32 %p1, %r0, %n;\n@%p1 bra AGAIN;\n";
    for (n, rounds) in [(1, 1), (4, 3), (100, 7)] {
        each_gives(body, n, |id, _| id * rounds);
    }
}

#[test]
fn a_loop_without_rounds_in_a_loop_skips_its_barriers() {
    // As in a bitonic sort: the inner loop, with a barrier in each round, has none at first.
    let body = "\
        mov.u32 %r0, 1;\n\
        OUTER:\n\
        shr.u32 %r1, %r0, 1;\n\
        setp.eq.u32 %p0, %r1, 0;\n@%p0 bra BEHIND;\n\
        INNER:\n\
        xor.b32 %r2, %id, %r1;\nadd.u32 %out, %out, %r2;\n\
        bar.sync 0;\n\
        shr.u32 %r1, %r1, 1;\nsetp.ne.u32 %p1, %r1, 0;\n@%p1 bra INNER;\n\
        BEHIND:\n\
        add.u32 %out, %out, 1;\n\
        shl.b32 %r0, %r0, 1;\nsetp.le.u32 %p2, %r0, %n;\n@%p2 bra OUTER;\n";
    each_gives(body, 8, |id, _| {
        let (mut out, mut outer) = (0, 1);
        while outer <= 8 {
            let mut inner = outer >> 1;
            while inner != 0 {
                out += id ^ inner;
                inner >>= 1;
            }
            out += 1;
            outer <<= 1;
        }
        out
    });
}

#[test]
fn a_warp_operation_that_a_branch_skips_stays_in_its_loop() {
    let body = "\
        mov.u32 %r0, 0;\nmov.u32 %out, %id;\n\
        AGAIN:\n\
        and.b32 %r1, %r0, 1;\nsetp.eq.u32 %p0, %r1, 0;\n@%p0 bra BEHIND;\n\
        shfl.sync.bfly.b32 %r2, %out, 1, 31, -1;\n\
        add.u32 %out, %out, %r2;\n\
        BEHIND:\n\
        add.u32 %out, %out, 3;\n\
        add.u32 %r0, %r0, 1;\nsetp.lt.u32 %p1, %r0, %n;\n@%p1 bra AGAIN;\n";
    each_gives(body, 4, |id, _| {
        let round = |[own, other]: [u32; 2]| [own + other + 3, own + other + 3];
        let [own, _] = round(round([id + 3, (id ^ 1) + 3]).map(|value| value + 3));
        own
    });
}

#[test]
fn two_barriers_of_which_branches_skip_one_or_both_stay_in_their_loop() {
    let body = "\
        mov.u32 %r0, 0;\n\
        AGAIN:\n\
        and.b32 %r1, %r0, 1;\nsetp.eq.u32 %p0, %r1, 0;\n@%p0 bra SECOND;\n\
        bar.sync 0;\nadd.u32 %out, %out, 10;\n\
        SECOND:\n\
        and.b32 %r1, %r0, 2;\nsetp.eq.u32 %p1, %r1, 0;\n@%p1 bra BEHIND;\n\
        bar.sync 1;\nadd.u32 %out, %out, 100;\n\
        BEHIND:\n\
        add.u32 %out, %out, %id;\n\
        add.u32 %r0, %r0, 1;\nsetp.lt.u32 %p2, %r0, %n;\n@%p2 bra AGAIN;\n";
    each_gives(body, 6, |id, _| 6 * id + 3 * 10 + 2 * 100);
}

#[test]
fn a_loop_with_a_barrier_is_entered_at_its_middle() {
    let body = "\
        mov.u32 %r0, 0;\n\
        and.b32 %r1, %n, 1;\nsetp.eq.u32 %p0, %r1, 1;\n@%p0 bra MIDDLE;\n\
        AGAIN:\n\
        add.u32 %out, %out, 1;\n\
        setp.eq.u32 %p1, %r0, 2;\n@%p1 bra MIDDLE;\n\
        bar.sync 0;\n\
        MIDDLE:\n\
        add.u32 %out, %out, 100;\n\
        add.u32 %r0, %r0, 1;\nsetp.lt.u32 %p2, %r0, %n;\n@%p2 bra AGAIN;\n";
    each_gives(body, 4, |_, _| 404);
    each_gives(body, 5, |_, _| 504);
}

#[test]
fn a_jump_table_leads_into_a_loop_with_barriers_from_outside_and_inside() {
    let body = "\
        ways: .branchtargets FIRST, SECOND, THIRD, DONE;\n\
        mov.u32 %r0, 0;\nmov.u32 %r1, %n;\n\
        brx.idx %r1, ways;\n\
        FIRST:\n\
        add.u32 %out, %out, 1;\nbar.sync 0;\n\
        SECOND:\n\
        add.u32 %out, %out, 100;\n\
        setp.eq.u32 %p1, %r0, 2;\n@%p1 bra THIRD;\n\
        bar.sync 1;\nadd.u32 %out, %out, 5;\n\
        THIRD:\n\
        add.u32 %out, %out, 10000;\n\
        add.u32 %r0, %r0, 1;\n\
        setp.ge.u32 %p2, %r0, 4;\nselp.u32 %r1, 3, %r0, %p2;\n\
        brx.idx %r1, ways;\n\
        DONE:\n\
        add.u32 %out, %out, %id;\n";
    for n in 0..4 {
        each_gives(body, n, |id, _| {
            let (mut out, mut round, mut way) = (0, 0, n);
            loop {
                if way == 3 {
                    return out + id;
                }
                out += if way < 1 { 1 } else { 0 };
                if way < 2 {
                    out += if round == 2 { 100 } else { 105 };
                }
                out += 10000;
                round += 1;
                way = if round >= 4 { 3 } else { round };
            }
        });
    }
}

#[test]
fn threads_that_diverge_around_each_other_s_barriers_meet_at_the_same_ones() {
    // Which threads skip differs from round to round; all of them come to the barrier at the end.
    let body = "\
        mov.u32 %r0, 0;\n\
        AGAIN:\n\
        add.u32 %r1, %r0, %id;\nand.b32 %r1, %r1, 1;\nsetp.eq.u32 %p0, %r1, 0;\n@%p0 bra BEHIND;\n\
        add.u32 %out, %out, 7;\n\
        and.b32 %r2, %r0, 2;\nsetp.eq.u32 %p3, %r2, 0;\n@%p3 bra BEHIND;\n\
        add.u32 %out, %out, 1000;\n\
        BEHIND:\n\
        and.b32 %r2, %r0, 1;\nsetp.eq.u32 %p1, %r2, 0;\n@%p1 bra LAST;\n\
        bar.sync 0;\n\
        LAST:\n\
        add.u32 %r0, %r0, 1;\nsetp.lt.u32 %p2, %r0, %n;\n@%p2 bra AGAIN;\n";
    each_gives(body, 8, |id, _| {
        let taken = (0..8).filter(|round| (round + id) & 1 == 1);
        taken
            .map(|round| if round & 2 == 2 { 1007 } else { 7 })
            .sum()
    });
}

#[test]
fn jumps_through_one_table_go_where_each_says() {
    // The first by what threads have in common, the others by what each has of its own; one of them in
    // a loop that the table leads back into.
    let body = "\
        T: .branchtargets FIRST, SECOND, THIRD, END;\n\
        and.b32 %r0, %n, 1;\nbrx.idx %r0, T;\n\
        FIRST:\nadd.u32 %out, %out, 100;\n\
        SECOND:\nadd.u32 %out, %out, 10;\nadd.u32 %r1, %r1, 1;\n\
        and.b32 %r2, %id, 1;\nadd.u32 %r2, %r2, 2;\n\
        setp.lt.u32 %p0, %r1, %n;\n@%p0 sub.u32 %r2, %r2, 2;\nbrx.idx %r2, T;\n\
        THIRD:\nadd.u32 %out, %out, 1;\nmov.u32 %r3, 3;\nbrx.idx %r3, T;\n\
        END:\n";
    for n in [1, 2, 3, 6] {
        each_gives(body, n, |id, _| {
            let (mut at, mut out, mut rounds) = (n & 1, 0, 0);
            loop {
                if at == 0 {
                    out += 100;
                }
                if at < 2 {
                    out += 10;
                    rounds += 1;
                    at = (id & 1) + if rounds < n { 0 } else { 2 };
                    continue;
                }
                return out + u32::from(at == 2);
            }
        });
    }
}

#[test]
fn a_jump_outside_of_a_shared_table_names_its_own_line_and_thread() {
    // One more than the threads whose jump is within, in all of a group or in its middle.
    for (threads, first_outside) in [(32, 0), (32, 5), (56, 40)] {
        let text = format!(
            ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k()\n{{\n\
             .reg .pred %p; .reg .b32 %r<4>;\nT: .branchtargets A, B;\nmov.u32 %r0, %tid.x;\n\
             mov.u32 %r1, 0;\nbrx.idx %r1, T;\nA:\nsetp.ge.u32 %p, %r0, {first_outside};\n\
             selp.u32 %r1, 7, 1, %p;\nbrx.idx %r1, T;\nB:\nret;\n}}\n"
        );
        let lines = (1..).zip(text.lines());
        let jumps = lines.filter(|(_, line)| line.contains("brx"));
        let line_of_second = jumps.map(|(number, _)| number).last();
        let memory = Flat::new(64);
        let shape = (line(1), line(threads), 0);
        let arguments = Arguments::new();
        let error = launch_as(&module(&text), "k", shape, arguments, &memory, &WAYS).unwrap_err();
        let RunError::Fault(fault) = error else {
            panic!("{error}");
        };
        assert_eq!(fault.line, line_of_second, "{fault}");
        assert_eq!(
            fault.thread.map(|thread| thread.x),
            Some(first_outside),
            "{fault}"
        );
        assert!(fault.message.contains('7'), "{fault}");
    }
}

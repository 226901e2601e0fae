//! What lane groups do by themselves: shuffles and votes of whole warps, and steps that a branch makes
//! only some lanes take. Compiled for lane groups, each gives what the interpreter gives, and what Rust
//! computes.

use crate::common::{Arguments, Flat, launch_as, line, module};
use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::compile::{Pass, Vectorize, compile_as, print_ir};

const WAYS: [Vectorize; 2] = [Vectorize::Never, Vectorize::Always];

/// Threads of a block: two whole warps, and a part of one.
const THREADS: u32 = 72;

/// A kernel around a body, which finds its thread's number in `%id` and a word of input in `%in`, and
/// leaves results in `%out` and `%more`.
fn kernel(body: &str) -> String {
    format!(
        ".version 8.6\n.target sm_90\n.address_size 64\n\
         .visible .entry k(.param .u64 data)\n{{\n\
         .reg .pred %p<8>; .reg .b32 %r<16>, %id, %in, %out, %more; .reg .b64 %d<4>;\n\
         .reg .f32 %f<8>;\n\
         .shared .align 4 .b8 held[1024];\n\
         ld.param.u64 %d0, [data];\nmov.u32 %id, %tid.x;\n\
         mul.wide.u32 %d1, %id, 4;\nadd.s64 %d1, %d0, %d1;\nld.global.u32 %in, [%d1+1024];\n\
         mov.u32 %out, 0;\nmov.u32 %more, 0;\n{body}\n\
         st.global.u32 [%d1], %out;\nst.global.u32 [%d1+512], %more;\nret;\n}}\n"
    )
}

/// A kernel that waits in a loop with little between has warps for lane groups; one that computes in a
/// loop of its own in between, or that asks for a second coordinate, has groups of half as many.
#[test]
fn lane_groups_are_warps_where_they_wait_often() {
    let waits = |inner: &str| {
        kernel(&format!(
            "mov.u32 %r1, 8;\nagain:\nst.shared.u32 [held], %in;\nbar.sync 0;\n{inner}\n\
             sub.u32 %r1, %r1, 1;\nsetp.ne.u32 %p1, %r1, 0;\n@%p1 bra again;"
        ))
    };
    let inner = "mov.u32 %r2, 9;\ninner:\nmul.lo.u32 %out, %in, %out;\nadd.u32 %out, %out, %r2;\n\
                 sub.u32 %r2, %r2, 1;\nsetp.ne.u32 %p2, %r2, 0;\n@%p2 bra inner;";
    for (text, lanes) in [
        (waits(""), 32),
        (waits(inner), 16),
        (waits("mov.u32 %r3, %tid.y;\nadd.u32 %out, %out, %r3;"), 16),
        (kernel("bar.sync 0;\nadd.u32 %out, %in, 1;"), 16),
    ] {
        let lowered = compile_as(&module(&text), "k", Vectorize::Always).unwrap();
        assert_eq!(lowered.lanes(), lanes, "{text}");
    }
}

/// A thread's word of input.
fn input(thread: u32) -> u32 {
    thread.wrapping_mul(0x9e37_79b9) ^ 0x5bd1
}

/// What each thread leaves in `%out` and `%more`.
#[track_caller]
fn results(body: &str) -> Vec<(u32, u32)> {
    let memory = Flat::new(1 << 12);
    let inputs: Vec<u32> = (0..THREADS).map(input).collect();
    memory.put(1024, &inputs);
    let arguments = Arguments::new().pointer(0);
    let shape = (line(1), line(THREADS), 0);
    launch_as(
        &module(&kernel(body)),
        "k",
        shape,
        arguments,
        &memory,
        &WAYS,
    )
    .unwrap();
    let out: Vec<u32> = memory.get(0, THREADS as usize);
    let more: Vec<u32> = memory.get(512, THREADS as usize);
    out.into_iter().zip(more).collect()
}

/// What a thread gets of a shuffle, as the PTX manual computes it ("shfl.sync"): the value, and
/// whether the lane read lies in the segment.
fn shuffled(mode: &str, thread: u32, b: u32, c: u32) -> (u32, u32) {
    let (warp, lane) = (thread / 32 * 32, thread % 32);
    let (b, clamp, segment) = (b % 32, c % 32, (c >> 8) % 32);
    let last = (lane & segment) | (clamp & !segment);
    let (from, inside) = match mode {
        "up" => (lane.wrapping_sub(b), lane >= b && lane - b >= last),
        "down" => (lane + b, lane + b <= last),
        "bfly" => (lane ^ b, lane ^ b <= last),
        _ => {
            let from = (lane & segment) | (b & !segment);
            (from, from <= last)
        }
    };
    let from = if inside { warp + from } else { thread };
    // A lane without a thread has nothing to read.
    let from = if from < THREADS { from } else { thread };
    (input(from), u32::from(inside))
}

#[test]
fn shuffles_of_whole_warps_read_the_lanes_that_the_manual_says() {
    // The whole warp, and segments of 16, 8 and 4 lanes: to their end, and for `up` to their beginning.
    let segments = [0x1f, 0x101f, 0x181f, 0x1c1f, 0, 0x1000, 0x1c00];
    for mode in ["up", "down", "bfly", "idx"] {
        for c in segments {
            for b in [0, 1, 2, 3, 4, 7, 8, 16, 21, 31] {
                let known = format!("shfl.sync.{mode}.b32 %out|%p0, %in, {b}, {c}, -1;\n");
                // A lane of its own for each thread, known only when it runs.
                let varying = format!(
                    "add.u32 %r0, %id, {b};\nshr.u32 %r1, %r0, 1;\nand.b32 %r0, %r1, 31;\n\
                     shfl.sync.{mode}.b32 %out|%p0, %in, %r0, {c}, -1;\n"
                );
                let inside = "selp.u32 %more, 1, 0, %p0;\n";
                for (text, lane_of) in [
                    (known, Box::new(|_| b) as Box<dyn Fn(u32) -> u32>),
                    (varying, Box::new(move |id| (id + b) / 2 % 32)),
                ] {
                    let found = results(&(text.clone() + inside));
                    let expected: Vec<(u32, u32)> = (0..THREADS)
                        .map(|id| shuffled(mode, id, lane_of(id), c))
                        .collect();
                    assert_eq!(found, expected, "{text}");
                }
            }
        }
    }
}

#[test]
fn lanes_that_read_one_value_outside_of_their_segment_are_told_so() {
    for (mode, b) in [("down", 2), ("up", 3), ("down", 17)] {
        let c = if mode == "up" { 0 } else { 31 };
        let body = format!(
            "mov.u32 %r0, %ntid.x;\nshfl.sync.{mode}.b32 %out|%p0, %r0, {b}, {c}, -1;\n\
             mov.u32 %more, 9;\n@!%p0 bra BEHIND;\nmov.u32 %more, 4;\nBEHIND:\n"
        );
        let expected: Vec<(u32, u32)> = (0..THREADS)
            .map(|id| {
                (
                    THREADS,
                    if shuffled(mode, id, b, c).1 == 1 {
                        4
                    } else {
                        9
                    },
                )
            })
            .collect();
        assert_eq!(results(&body), expected, "{mode} {b}");
    }
}

#[test]
fn votes_of_whole_warps_ask_every_lane() {
    // Thresholds that no lane, some and all lanes of a warp reach.
    for limit in [0, 1, 20, 32, 40, 64, 70, 100] {
        let body = format!(
            "setp.lt.u32 %p0, %id, {limit};\n\
             vote.sync.ballot.b32 %out, %p0, -1;\n\
             vote.sync.any.pred %p1, %p0, -1;\nvote.sync.all.pred %p2, %p0, -1;\n\
             vote.sync.uni.pred %p3, %p0, -1;\n\
             selp.u32 %r0, 1, 0, %p1;\nselp.u32 %r1, 2, 0, %p2;\nselp.u32 %r2, 4, 0, %p3;\n\
             or.b32 %more, %r0, %r1;\nor.b32 %more, %more, %r2;\n"
        );
        let expected: Vec<(u32, u32)> = (0..THREADS)
            .map(|id| {
                let warp = (id / 32 * 32..THREADS).take(32);
                let ballot: u32 = warp
                    .clone()
                    .filter(|id| *id < limit)
                    .fold(0, |mask, id| mask | 1 << (id % 32));
                let (trues, all) = (ballot.count_ones(), warp.count() as u32);
                let uniform = trues == 0 || trues == all;
                let votes = [trues > 0, trues == all, uniform];
                let more = votes
                    .iter()
                    .rev()
                    .fold(0, |bits, vote| bits * 2 + u32::from(*vote));
                (ballot, more)
            })
            .collect();
        assert_eq!(results(&body), expected, "{limit}");
    }
}

#[test]
fn a_loop_that_a_vote_decides_ends_for_a_whole_warp_at_once() {
    let body = "\
        and.b32 %r0, %in, 15;\n\
        AGAIN:\n\
        add.u32 %more, %more, 1;\n\
        setp.gt.u32 %p0, %r0, 0;\n@%p0 sub.u32 %r0, %r0, 1;\n\
        vote.sync.any.pred %p1, %p0, -1;\n@%p1 bra AGAIN;\n\
        mov.u32 %out, %r0;\n";
    let rounds = |id: u32| {
        let warp = (id / 32 * 32..THREADS).take(32);
        1 + warp.map(|id| input(id) & 15).max().unwrap()
    };
    let expected: Vec<(u32, u32)> = (0..THREADS).map(|id| (0, rounds(id))).collect();
    assert_eq!(results(body), expected);
}

#[test]
fn threads_that_came_apart_before_a_shuffle_meet_there() {
    // Each thread counts a while before: the group has diverged, and its threads come one by one.
    let body = "\
        and.b32 %r0, %in, 7;\n\
        AGAIN:\n\
        add.u32 %more, %more, %r0;\nsetp.gt.u32 %p0, %r0, 0;\n@%p0 sub.u32 %r0, %r0, 1;\n@%p0 bra AGAIN;\n\
        shfl.sync.bfly.b32 %out, %more, 1, 31, -1;\n";
    let count = |id: u32| {
        let n = input(id) & 7;
        n * (n + 1) / 2
    };
    let expected: Vec<(u32, u32)> = (0..THREADS).map(|id| (count(id ^ 1), count(id))).collect();
    assert_eq!(results(body), expected);
}

#[test]
fn steps_of_some_lanes_change_nothing_in_the_others() {
    // Conditions of which each makes some lanes of a group take the steps.
    for (condition, holds) in [
        (
            "and.b32 %r0, %id, 31;\nsetp.eq.u32 %p0, %r0, 0;\n",
            (|id| id % 32 == 0) as fn(u32) -> bool,
        ),
        ("setp.lt.u32 %p0, %id, 5;\n", |id| id < 5),
        ("setp.lt.u32 %p0, %id, 40;\n", |id| id < 40),
        ("setp.lt.s32 %p0, %in, 0;\n", |id| (input(id) as i32) < 0),
    ] {
        for skip_when in [true, false] {
            let guard = if skip_when { "" } else { "!" };
            let body = format!(
                "shl.b32 %r1, %id, 2;\nmov.u32 %r2, held;\nadd.u32 %r1, %r1, %r2;\n\
                 st.shared.u32 [%r1], %id;\nmov.u32 %out, 7;\nmov.u64 %d2, 9;\n{condition}\
                 @{guard}%p0 bra BEHIND;\n\
                 ld.shared.u32 %r3, [%r1];\nadd.u32 %out, %r3, 1000;\nadd.u64 %d2, %d2, 1;\n\
                 st.shared.u32 [%r1], %out;\natom.shared.add.u32 %out, [%r1], 5;\n\
                 setp.eq.u32 %p0, %id, 999;\n\
                 BEHIND:\n\
                 ld.shared.u32 %more, [%r1];\ncvt.u32.u64 %r4, %d2;\nmad.lo.u32 %more, %r4, 100000, %more;\n"
            );
            let expected: Vec<(u32, u32)> = (0..THREADS)
                .map(|id| match holds(id) == skip_when {
                    true => (7, 900_000 + id),
                    false => (id + 1000, 1_000_000 + id + 1005),
                })
                .collect();
            assert_eq!(results(&body), expected, "{condition}{guard}");
        }
    }
}

#[test]
fn loads_of_some_lanes_leave_the_others_what_they_had() {
    // Each loads its neighbour's word, and those at the edges of their rows have none.
    for row in [16, 32, 24, 64] {
        let body = format!(
            "mov.u32 %out, 5;\nmov.u32 %more, 6;\nmov.u32 %r3, 8;\n\
             rem.u32 %r0, %id, {row};\nsetp.eq.u32 %p0, %r0, 0;\n@%p0 bra BEHIND;\n\
             ld.global.u32 %out, [%d1+1020];\n\
             add.u32 %more, %out, 1;\n\
             shl.b32 %r1, %id, 3;\ncvt.u64.u32 %d3, %r1;\nadd.s64 %d3, %d3, %d0;\n\
             ld.global.v2.u32 {{%r3, %r4}}, [%d3+2048];\nadd.u32 %r3, %r3, %r4;\n\
             BEHIND:\nadd.u32 %more, %more, %r3;\n"
        );
        let expected: Vec<(u32, u32)> = (0..THREADS)
            .map(|id| match id % row {
                0 => (5, 14),
                _ => (input(id - 1), input(id - 1).wrapping_add(1)),
            })
            .collect();
        assert_eq!(results(&body), expected, "rows of {row}");
    }
    // Behind the first ten lanes, the memory ends.
    let body = "mov.u32 %out, 5;\nsetp.ge.u32 %p0, %id, 10;\n@%p0 bra BEHIND;\n\
        ld.global.u32 %out, [%d1+4056];\nBEHIND:\n";
    let expected: Vec<(u32, u32)> = (0..THREADS)
        .map(|id| (if id < 10 { 0 } else { 5 }, 0))
        .collect();
    assert_eq!(results(body), expected);
}

#[test]
fn a_number_that_wraps_around_in_a_lane_that_takes_no_part_is_right_in_the_others() {
    // The first lane's index is the largest number there is, or the smallest, and in 64 bits the others'
    // do not follow on it.
    for (subtract, extend) in [("sub.u32", "mul.wide.u32"), ("sub.s32", "mul.wide.s32")] {
        let most = if subtract == "sub.u32" {
            0
        } else {
            0x8000_0000u32
        };
        let body = format!(
            "add.u32 %r0, %id, {most};\n{subtract} %r0, %r0, 1;\n\
             setp.eq.u32 %p0, %id, 0;\n@%p0 bra BEHIND;\n\
             {extend} %d2, %r0, 4;\nadd.s64 %d2, %d2, %d0;\n\
             cvt.u32.u64 %out, %d2;\nshr.u64 %d2, %d2, 32;\ncvt.u32.u64 %more, %d2;\n\
             BEHIND:\n"
        );
        let expected: Vec<(u32, u32)> = (0..THREADS)
            .map(|id| {
                let index = id.wrapping_add(most).wrapping_sub(1);
                let wide = match most {
                    0 => u64::from(index) * 4,
                    _ => (i64::from(index as i32) * 4) as u64,
                };
                let address = wide.wrapping_add(GLOBAL_BASE);
                if id == 0 {
                    (0, 0)
                } else {
                    (address as u32, (address >> 32) as u32)
                }
            })
            .collect();
        assert_eq!(results(&body), expected, "{subtract}");
    }
}

#[test]
fn a_number_that_wraps_around_in_one_lane_is_right_behind_a_barrier() {
    let body = "sub.u32 %r0, %id, 1;\nmul.wide.u32 %d2, %r0, 4;\nbar.sync 0;\n\
        cvt.u32.u64 %out, %d2;\nshr.u64 %d3, %d2, 32;\ncvt.u32.u64 %more, %d3;\n";
    let expected: Vec<(u32, u32)> = (0..THREADS)
        .map(|id| {
            let wide = u64::from(id.wrapping_sub(1)) * 4;
            (wide as u32, (wide >> 32) as u32)
        })
        .collect();
    assert_eq!(results(body), expected);
}

#[test]
fn a_load_of_some_lanes_from_one_address_is_checked() {
    for (space, address) in [("global", "0xfffffff00000"), ("shared", "0xfffff0")] {
        let body = format!(
            "and.b32 %r0, %id, 3;\nsetp.ne.u32 %p0, %r0, 2;\n@%p0 bra BEHIND;\n\
             mov.u64 %d2, {address};\nld.{space}.u32 %r3, [%d2];\nst.global.u32 [%d1], %r3;\n\
             BEHIND:\n"
        );
        let memory = Flat::new(1 << 12);
        let arguments = Arguments::new().pointer(0);
        let shape = (line(1), line(THREADS), 0);
        let module = module(&kernel(&body));
        let launched = launch_as(&module, "k", shape, arguments, &memory, &WAYS);
        let fault = launched.unwrap_err().to_string();
        assert!(fault.contains("thread (2, 0, 0)"), "{fault}");
    }
}

#[test]
fn butterfly_reductions_give_each_lane_the_result_of_all_that_it_reduced() {
    let step = |op: &str, bit: u32| {
        format!("shfl.sync.bfly.b32 %r2, %r1, {bit}, 31, -1;\n{op}\n")
            .replace("$bit", &bit.to_string())
    };
    let integers = |name: &'static str| format!("{name} %r1, %r1, %r2;");
    let floats = |name: &'static str| {
        format!("mov.b32 %f1, %r1;\nmov.b32 %f2, %r2;\n{name} %f1, %f1, %f2;\nmov.b32 %r1, %f1;")
    };
    let small = "and.b32 %r1, %in, 1023;\n";
    let number = "and.b32 %r0, %in, 1023;\ncvt.rn.f32.u32 %f1, %r0;\nmov.b32 %r1, %f1;\n";
    let some_nans =
        "rem.u32 %r0, %id, 5;\nsetp.eq.u32 %p0, %r0, 0;\n@%p0 mov.b32 %r1, 0xffc00123;\n";
    let ops = [
        (small, integers("add.s32")),
        (small, integers("min.s32")),
        ("mov.u32 %r1, %in;\n", integers("max.u32")),
        ("mov.u32 %r1, %in;\n", integers("xor.b32")),
        (number, floats("add.f32")),
        (number, floats("max.f32")),
        (number, floats("min.f32")),
        // Not the same in both orders.
        (small, integers("sub.s32")),
        // What is combined is no longer what was shuffled.
        (
            small,
            "add.s32 %r1, %r1, %id;\nadd.s32 %r1, %r1, %r2;".to_owned(),
        ),
        (
            small,
            "add.s32 %r2, %r2, %id;\nadd.s32 %r1, %r1, %r2;".to_owned(),
        ),
    ];
    for bits in [
        &[16, 8, 4, 2, 1][..],
        &[1, 2, 4, 8, 16],
        &[4, 2, 1],
        &[16, 8],
        &[1, 16, 16],
    ] {
        for (begin, op) in &ops {
            for nans in ["", some_nans] {
                let steps: String = bits.iter().map(|bit| step(op, *bit)).collect();
                let body = format!(
                    "{begin}{nans}{steps}mov.u32 %out, %r1;\nmad.lo.u32 %more, %r1, 3, %id;\n\
                     setp.gt.s32 %p1, %r1, 500;\n@%p1 add.u32 %more, %more, 7;\n"
                );
                // As the interpreter has them, and the same in all lanes that were reduced together.
                let found = results(&body);
                let is_symmetric = !op.starts_with("sub") && !op.contains("%id");
                for (id, (out, _)) in found.iter().enumerate().take(64) {
                    let other = bits.iter().fold(id, |id, bit| id ^ *bit as usize);
                    if is_symmetric && bits.len() > 3 {
                        assert_eq!(*out, found[other].0, "{body}");
                    }
                }
            }
        }
    }
    // After a step for each bit, there is one value for all lanes.
    let all: String = [16, 8, 4, 2, 1]
        .iter()
        .map(|bit| step(&floats("max.f32"), *bit))
        .collect();
    let text = kernel(&format!("{number}{all}mov.b32 %out, %f1;\n"));
    let ir = print_ir(&module(&text), "k", Vectorize::Always, Pass::Uniformity).unwrap();
    let is_uniform_select = |line: &str| line.contains("= select") && line.ends_with("; uniform");
    assert!(ir.lines.iter().any(|line| is_uniform_select(&line.text)));
}

#[test]
fn shuffled_numbers_have_nvidia_s_nan_wherever_their_bits_are_seen() {
    // Every third lane has a NaN that the processor makes.
    let numbers = "mov.b32 %f0, 0x7f800000;\ncvt.rn.f32.u32 %f1, %id;\n\
         rem.u32 %r0, %id, 3;\nsetp.eq.u32 %p0, %r0, 0;\n@%p0 sub.f32 %f1, %f0, %f0;\n\
         mov.b32 %r1, %f1;\nshfl.sync.bfly.b32 %r2|%p1, %r1, 1, 31, -1;\n";
    let ways = [
        // Computed with, once and again.
        "mov.b32 %f2, %r2;\nadd.f32 %f2, %f1, %f2;\nmov.b32 %r3, %f2;\n\
         shfl.sync.down.b32 %r4, %r3, 2, 31, -1;\nmov.b32 %f3, %r4;\nmax.f32 %f3, %f3, %f2;\n\
         mov.b32 %out, %f3;\nadd.f32 %f4, %f2, %f3;\nmov.b32 %more, %f4;\n",
        // Seen as they are, and moved before.
        "mov.u32 %r3, %r2;\nselp.b32 %out, %r3, %r1, %p1;\nmov.b32 %f2, %r2;\n\
         abs.f32 %f2, %f2;\nmov.b32 %more, %f2;\n",
        // Computed with as integers.
        "xor.b32 %out, %r2, 1;\nmov.b32 %f2, %r2;\nneg.f32 %f2, %f2;\nmov.b32 %more, %f2;\n",
        // A loop that shuffles what it shuffled before.
        "mov.u32 %r5, 0;\nAGAIN:\nshfl.sync.idx.b32 %r2, %r2, %r5, 31, -1;\nmov.b32 %f2, %r2;\n\
         add.f32 %f2, %f2, %f1;\nmov.b32 %r2, %f2;\nadd.u32 %r5, %r5, 5;\n\
         setp.lt.u32 %p2, %r5, 30;\n@%p2 bra AGAIN;\nmov.b32 %out, %f2;\nmov.u32 %more, %r2;\n",
        // NaNs that were not computed keep their bits.
        "or.b32 %r3, %id, 0x7fa00000;\nmov.b32 %f2, %r3;\nmov.b32 %r4, %f2;\n\
         shfl.sync.bfly.b32 %out, %r4, 3, 31, -1;\nselp.b32 %r5, %r4, %r1, %p0;\n\
         shfl.sync.bfly.b32 %more, %r5, 2, 31, -1;\n",
    ];
    for way in ways {
        let found = results(&format!("{numbers}{way}"));
        assert!(
            found.iter().any(|(out, _)| f32::from_bits(*out).is_nan()),
            "{way}"
        );
    }
}

#[test]
fn a_fault_in_steps_of_some_lanes_is_that_of_the_first_lane_that_takes_them() {
    let body = "\
        and.b32 %r0, %id, 3;\nsetp.ne.u32 %p0, %r0, 2;\n@%p0 bra BEHIND;\n\
        mov.u64 %d2, 0xfffffff00000;\nst.global.u32 [%d2], %id;\n\
        BEHIND:\n";
    let memory = Flat::new(1 << 12);
    let arguments = Arguments::new().pointer(0);
    let shape = (line(1), line(THREADS), 0);
    let launched = launch_as(
        &module(&kernel(body)),
        "k",
        shape,
        arguments,
        &memory,
        &WAYS,
    );
    let fault = launched.unwrap_err().to_string();
    assert!(fault.contains("thread (2, 0, 0)"), "{fault}");
}

#[test]
fn a_kernel_that_is_too_large_for_vectors_has_them_in_its_loops() {
    // Long before and behind a loop, and after an early end of some threads.
    let long: String = (0..2500)
        .map(|step| format!("mad.lo.u32 %r0, %r0, %in, {step};\n"))
        .collect();
    let body = format!(
        "setp.ge.u32 %p1, %id, 70;\n@%p1 bra BEHIND;\n\
         mov.u32 %r0, %id;\n{long}mov.u32 %r1, 0;\n\
         AGAIN:\nadd.u32 %out, %out, %r0;\nxor.b32 %out, %out, %in;\n\
         add.u32 %r1, %r1, 1;\nsetp.lt.u32 %p0, %r1, 10;\n@%p0 bra AGAIN;\n\
         bar.sync 0;\n{long}mov.u32 %more, %r0;\nBEHIND:\n"
    );
    let text = kernel(&body);
    let compiled = compile_as(&module(&text), "k", Vectorize::Auto).unwrap();
    assert_eq!(compiled.scalar_reason(), None);
    let ir = print_ir(&module(&text), "k", Vectorize::Auto, Pass::BoundsGuards).unwrap();
    let without = |line: &str| line.contains("no vector code");
    assert_eq!(
        ir.lines.iter().filter(|line| without(&line.text)).count(),
        2
    );
    let more = |id: u32, begin: u32| {
        (0..2500).fold(begin, |sum, step| {
            sum.wrapping_mul(input(id)).wrapping_add(step)
        })
    };
    let expected: Vec<(u32, u32)> = (0..THREADS)
        .map(|id| {
            if id >= 70 {
                return (0, 0);
            }
            let first = more(id, id);
            let out = (0..10).fold(0u32, |out, _| out.wrapping_add(first) ^ input(id));
            (out, more(id, first))
        })
        .collect();
    let memory = Flat::new(1 << 12);
    let inputs: Vec<u32> = (0..THREADS).map(input).collect();
    memory.put(1024, &inputs);
    let arguments = Arguments::new().pointer(0);
    let shape = (line(1), line(THREADS), 0);
    launch_as(
        &module(&text),
        "k",
        shape,
        arguments,
        &memory,
        &[Vectorize::Auto],
    )
    .unwrap();
    let out: Vec<u32> = memory.get(0, THREADS as usize);
    let more: Vec<u32> = memory.get(512, THREADS as usize);
    let found: Vec<(u32, u32)> = out.into_iter().zip(more).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_lane_group_is_a_warp_where_it_computes_collectives_by_itself() {
    let lanes = |body: &str| {
        let module = module(&kernel(body));
        compile_as(&module, "k", Vectorize::Always).unwrap().lanes()
    };
    assert_eq!(lanes("shfl.sync.bfly.b32 %out, %in, 1, 31, -1;\n"), 32);
    // A mask in a register that holds one constant is known, too.
    let known = "mov.u32 %r0, -1;\nshfl.sync.bfly.b32 %out, %in, 1, 31, %r0;\n";
    assert_eq!(lanes(known), 32);
    assert_eq!(lanes("add.u32 %out, %in, 1;\n"), 16);
    let some_members = "shfl.sync.bfly.b32 %out, %in, 1, 31, 0xffff;\n";
    assert_eq!(lanes(some_members), 16);
    assert_eq!(
        lanes("activemask.b32 %r0;\nvote.sync.ballot.b32 %out, 1, %r0;\n"),
        16
    );
    let text = print_ir(
        &module(&kernel(known)),
        "k",
        Vectorize::Always,
        Pass::WholeWarps,
    )
    .unwrap();
    let text: Vec<&str> = text.lines.iter().map(|line| line.text.trim()).collect();
    assert!(
        text.iter().any(|line| line.contains("= warp shfl.bfly")),
        "{text:#?}"
    );
}

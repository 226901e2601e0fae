//! Mistakes that a checked launch finds, each beside a kernel that does the same without it.

use crate::common::checked::launch_checked;
use crate::common::{Arguments, Flat, line, module};
use tensor_wasm_ptx::Extent;
use tensor_wasm_ptx::interpret::checks::{
    Finding, MemorySpace, Mistake, Name, Straggler, Verb, Waiting,
};

/// Where the buffers lie that `x` and `y` point to, and how large they are.
const X: usize = 0;
const Y: usize = 512;
const BYTES: usize = 256;

/// The line of the first instruction of a body.
const FIRST: u32 = 13;

/// A kernel with pointers `x`, which is written, and `y`, which is not; and 4 bytes of shared memory
/// for each of 64 threads. `%d1` is `x`, `%d2` is `y`, `%r1` the thread, `%d3` four times that and
/// `%r2` where it has its word of shared memory.
fn run(threads: u32, body: &str) -> Result<(), Box<Finding>> {
    let text = format!(
        ".version 8.0\n.target sm_80\n.address_size 64\n.visible .entry k(.param .u64 x, .param .u64 y) {{\n\
         .reg .pred %p<8>; .reg .b32 %r<16>; .reg .b64 %d<16>; .shared .align 16 .b8 s[256]; .local .align 8 .b8 l[16];\n\
         ld.param.u64 %d1, [x];\nld.param.u64 %d2, [y];\nmov.u32 %r1, %tid.x;\nmul.wide.u32 %d3, %r1, 4;\n\
         shl.b32 %r2, %r1, 2;\nmov.u32 %r3, s;\nadd.u32 %r2, %r2, %r3;\n{body}\nret;\n}}\n"
    );
    let memory = Flat::new(Y + BYTES);
    let arguments = Arguments::new().pointer(X as u64).pointer(Y as u64);
    let buffers = [(X, BYTES, true), (Y, BYTES, false)];
    launch_checked(
        &module(&text),
        "k",
        (line(1), line(threads), 0),
        arguments,
        &memory,
        &buffers,
    )
}

#[track_caller]
fn found(threads: u32, body: &str) -> Finding {
    *run(threads, body).expect_err(body)
}

#[track_caller]
fn clean(threads: u32, body: &str) {
    if let Err(finding) = run(threads, body) {
        panic!("{body}\n{finding}");
    }
}

const fn thread(x: u32) -> Extent {
    Extent { x, y: 0, z: 0 }
}

#[track_caller]
fn race(threads: u32, body: &str) -> ((u32, u32, Verb), (u32, u32, Verb)) {
    let finding = found(threads, body);
    let Mistake::Race { access, other } = &finding.mistake else {
        panic!("{finding}")
    };
    (
        (finding.thread.x, finding.line, access.verb),
        (other.thread.x, other.line, other.verb),
    )
}

#[track_caller]
fn divergent(threads: u32, body: &str) -> ((u32, u32, Waiting), Straggler) {
    let finding = found(threads, body);
    let Mistake::DivergentBarrier { waits, other } = &finding.mistake else {
        panic!("{finding}")
    };
    ((finding.thread.x, finding.line, *waits), *other)
}

#[test]
fn an_address_that_leaves_its_buffer_is_found_where_it_lands_in_another() {
    // 512 bytes behind `x` begins `y`.
    let finding = found(
        4,
        "setp.eq.u32 %p1, %r1, 3;\nadd.u64 %d4, %d1, %d3;\n@%p1 add.u64 %d4, %d4, 512;\nst.global.u32 [%d4], %r1;",
    );
    assert_eq!(finding.kernel, "k");
    assert_eq!(finding.thread, thread(3));
    assert_eq!(finding.line, FIRST + 3);
    let Mistake::Outside {
        access,
        origin,
        there,
    } = &finding.mistake
    else {
        panic!("{finding}")
    };
    assert_eq!((access.verb, access.bytes), (Verb::Writes, 4));
    let name = |named: &Option<tensor_wasm_ptx::interpret::checks::Named>| {
        named.as_ref().and_then(|named| named.name.clone())
    };
    assert_eq!(name(origin), Some(Name::Parameter("x".to_owned())));
    assert_eq!(name(there), Some(Name::Parameter("y".to_owned())));
    assert_eq!(
        finding.to_string(),
        "kernel k, block (0, 0, 0), thread (3, 0, 0), line 16: access outside of the buffer: writes 4 \
         bytes at address 0x1000000020c, but the address comes from the buffer of parameter `x` (256 \
         bytes at 0x10000000000) and leads into the buffer of parameter `y` (256 bytes at \
         0x10000000200)"
    );
    clean(64, "add.u64 %d4, %d1, %d3;\nst.global.u32 [%d4], %r1;");
}

#[test]
fn addresses_are_followed_through_registers_memory_and_calls() {
    // Each makes `%d5` of `%d1`, which then goes 512 bytes too far.
    for path in [
        "mov.u64 %d5, %d1;",
        "cvta.to.global.u64 %d5, %d1;",
        "mad.wide.u32 %d5, %r1, 4, %d1;",
        "mov.u64 %d4, 1; mad.lo.u64 %d5, %d3, %d4, %d1;",
        "setp.eq.u32 %p1, %r1, 0; selp.b64 %d5, %d1, %d2, %p1;",
        "mov.b64 {%r4, %r5}, %d1; add.cc.u32 %r4, %r4, %r2; addc.u32 %r5, %r5, 0; mov.b64 %d5, {%r4, %r5};",
        "or.b64 %d5, %d1, 8;",
        "add.u64 %d5, %d1, 12; and.b64 %d5, %d5, -16;",
        "sub.u64 %d4, %d2, %d2; add.u64 %d5, %d1, %d4;",
        "st.local.u64 [l], %d1; ld.local.u64 %d5, [l];",
        "st.shared.u64 [s], %d1; ld.shared.u64 %d5, [s];",
        "mov.u64 %d4, x; cvta.param.u64 %d4, %d4; ld.u64 %d5, [%d4];",
        "st.global.u64 [%d2], %d1; ld.global.u64 %d5, [%d2];",
    ] {
        let body = format!("{path}\nld.global.u32 %r4, [%d5+512];");
        let finding = found(1, &body);
        assert!(
            matches!(
                &finding.mistake,
                Mistake::Outside {
                    origin: Some(_),
                    there: Some(_),
                    ..
                }
            ),
            "{path}: {finding}"
        );
        assert_eq!(finding.line, FIRST + 1, "{path}");
        clean(1, &format!("{path}\nst.global.u32 [%d5], %r1;"));
    }
}

#[test]
fn an_address_made_of_two_is_not_held_against_either() {
    // `y - x` added to `x` is `y`, and the other way round.
    clean(
        64,
        "sub.u64 %d4, %d2, %d1;\nadd.u64 %d5, %d1, %d3;\nadd.u64 %d5, %d5, %d4;\nst.global.u32 [%d5], %r1;",
    );
    // A pointer to the end, and back.
    clean(
        1,
        "add.u64 %d4, %d1, 256;\nst.global.u64 [%d2], %d4;\nld.global.u64 %d5, [%d2];\nld.global.u32 %r4, [%d5+-4];",
    );
}

#[test]
fn an_address_of_nobody_is_found_with_what_lies_before_it() {
    let finding = found(1, "mov.u64 %d4, 0x10000000104;\nld.global.u32 %r4, [%d4];");
    let Mistake::Outside {
        origin: None,
        there: Some(before),
        ..
    } = &finding.mistake
    else {
        panic!("{finding}")
    };
    assert_eq!(before.name, Some(Name::Parameter("x".to_owned())));
    // Half of it is there.
    let finding = found(
        1,
        "ld.global.u64 %d4, [%d1+248];\nld.global.v2.u64 {%d4, %d5}, [%d1+256];",
    );
    assert_eq!(finding.line, FIRST + 1);
}

#[test]
fn reads_of_device_memory_that_nobody_wrote_are_found() {
    let finding = found(
        64,
        "add.u64 %d4, %d2, %d3;\nsetp.ne.u32 %p1, %r1, 5;\n@%p1 st.global.u32 [%d4], %r1;\nld.global.u32 %r4, [%d4];",
    );
    assert_eq!((finding.thread, finding.line), (thread(5), FIRST + 3));
    let Mistake::Uninitialised {
        access,
        first,
        buffer,
    } = &finding.mistake
    else {
        panic!("{finding}")
    };
    assert_eq!(
        (access.space, *first),
        (MemorySpace::Device, access.address)
    );
    let name = buffer.as_ref().and_then(|buffer| buffer.name.clone());
    assert_eq!(name, Some(Name::Parameter("y".to_owned())));
    clean(
        64,
        "add.u64 %d4, %d2, %d3;\nst.global.u32 [%d4], %r1;\nld.global.u32 %r4, [%d4];",
    );
    // Half of a word, and an atomic.
    let finding = found(1, "st.global.u16 [%d2], 1;\nld.global.u32 %r4, [%d2];");
    assert!(
        finding
            .to_string()
            .contains("of which nothing has written 0x10000000202"),
        "{finding}"
    );
    let finding = found(1, "atom.global.add.u32 %r4, [%d2], 1;");
    assert!(matches!(finding.mistake, Mistake::Uninitialised { .. }));
    clean(1, "atom.global.add.u32 %r4, [%d1], 1;");
}

#[test]
fn reads_of_shared_memory_that_nobody_wrote_are_found() {
    let finding = found(
        64,
        "setp.lt.u32 %p1, %r1, 63;\n@%p1 st.shared.u32 [%r2], %r1;\nbar.sync 0;\nld.shared.u32 %r4, [%r2];",
    );
    assert_eq!((finding.thread, finding.line), (thread(63), FIRST + 3));
    assert_eq!(
        finding.mistake.to_string(),
        "uninitialised read: reads 4 bytes at address 0xfc of shared memory, which nothing has written"
    );
    clean(
        64,
        "st.shared.u32 [%r2], %r1;\nbar.sync 0;\nld.shared.u32 %r4, [%r2];",
    );
    // Also by a generic address.
    let finding = found(
        1,
        "mov.u64 %d4, s;\ncvta.shared.u64 %d4, %d4;\nld.u32 %r4, [%d4+8];",
    );
    assert_eq!(finding.line, FIRST + 2);
}

#[test]
fn a_read_behind_another_threads_write_is_a_race_without_a_barrier() {
    // Each thread reads what the one before it wrote.
    let body = "st.shared.u32 [%r2], %r1;\n{sync}\nsetp.eq.u32 %p1, %r1, 0;\n@!%p1 ld.shared.u32 %r4, [%r2+-4];";
    assert_eq!(
        race(64, &body.replace("{sync}", "")),
        ((1, FIRST + 3, Verb::Reads), (0, FIRST, Verb::Writes))
    );
    clean(64, &body.replace("{sync}", "bar.sync 0;"));
    clean(64, &body.replace("{sync}", "barrier.sync.aligned 0;"));
    clean(64, &body.replace("{sync}", "bar.sync 3, 64;"));
    clean(32, &body.replace("{sync}", "bar.warp.sync -1;"));
    // The first thread of the second warp reads what the last of the first wrote.
    assert_eq!(
        race(64, &body.replace("{sync}", "bar.warp.sync -1;")),
        ((32, FIRST + 3, Verb::Reads), (31, FIRST, Verb::Writes))
    );
    // A warp that moves values is together, but its memory need not be in order.
    let moved = body.replace("{sync}", "shfl.sync.down.b32 %r5, %r1, 1, 31, -1;");
    assert_eq!(race(32, &moved).0, (1, FIRST + 3, Verb::Reads));
    let message = found(64, &body.replace("{sync}", "")).to_string();
    assert_eq!(
        message,
        "kernel k, block (0, 0, 0), thread (1, 0, 0), line 16: race on shared memory: reads 4 bytes at \
         address 0x0 of shared memory, which thread (0, 0, 0), line 13, writes too, with no barrier \
         between the two"
    );
}

#[test]
fn a_read_before_another_threads_first_write_is_a_race_and_no_uninitialised_read() {
    // The first thread reads what the second has yet to write.
    let body = "st.shared.u32 [%r2], %r1;\n{sync}\nxor.b32 %r4, %r2, 4;\nld.shared.u32 %r5, [%r4];";
    assert_eq!(
        race(64, &body.replace("{sync}", "")),
        ((1, FIRST, Verb::Writes), (0, FIRST + 3, Verb::Reads))
    );
    clean(64, &body.replace("{sync}", "bar.sync 0;"));
    // Where all wait between the two, nobody had written it.
    let finding = found(
        64,
        "ld.shared.u32 %r4, [%r2];\nbar.sync 0;\nst.shared.u32 [%r2], %r1;",
    );
    assert!(matches!(finding.mistake, Mistake::Uninitialised { .. }));
    assert_eq!((finding.thread, finding.line), (thread(0), FIRST));
}

#[test]
fn a_write_behind_another_threads_read_is_a_race_without_a_barrier() {
    // What is read is written anew by the next thread, as where a loop lacks its second barrier.
    let body = "st.shared.u32 [%r2], %r1;\nbar.sync 0;\nld.shared.u32 %r4, [%r2];\n{sync}\nadd.u32 %r5, %r1, 1;\nand.b32 %r5, %r5, 63;\nshl.b32 %r5, %r5, 2;\nadd.u32 %r5, %r5, %r3;\nst.shared.u32 [%r5], %r1;";
    let ((later, at, verb), (_, other_at, other_verb)) = race(64, &body.replace("{sync}", ""));
    assert!(
        (at, verb, other_at, other_verb) == (FIRST + 8, Verb::Writes, FIRST + 2, Verb::Reads)
            || (at, verb, other_at, other_verb)
                == (FIRST + 2, Verb::Reads, FIRST + 8, Verb::Writes),
        "{later}"
    );
    clean(64, &body.replace("{sync}", "bar.sync 0;"));
}

#[test]
fn two_writes_of_different_values_race_and_of_the_same_do_not() {
    assert_eq!(
        race(64, "st.shared.u32 [s], %r1;"),
        ((1, FIRST, Verb::Writes), (0, FIRST, Verb::Writes))
    );
    clean(64, "st.shared.u32 [s], 7;");
    // Neighbouring bytes are nobody else's.
    clean(64, "add.u32 %r4, %r3, %r1;\nst.shared.u8 [%r4], %r1;");
}

#[test]
fn atomics_race_with_plain_accesses_alone() {
    let zero = "setp.eq.u32 %p1, %r1, 0;\n@%p1 st.shared.u32 [s], 0;\nbar.sync 0;\n";
    let add = "atom.shared.add.u32 %r4, [s], 1;\n";
    clean(
        64,
        &format!("{zero}{add}bar.sync 0;\nld.shared.u32 %r4, [s];"),
    );
    assert_eq!(
        race(64, &format!("{zero}{add}ld.shared.u32 %r5, [s];")),
        ((1, FIRST + 3, Verb::Updates), (0, FIRST + 4, Verb::Reads))
    );
}

#[test]
fn what_an_atomic_hands_over_is_in_order() {
    let lock = "setp.eq.u32 %p1, %r1, 0;\n@%p1 st.shared.v2.u32 [s], {0, 0};\nbar.sync 0;\n\
                spin: atom.shared.cas.b32 %r4, [s], 0, 1;\nsetp.ne.u32 %p2, %r4, 0;\n@%p2 bra spin;\nmembar.cta;\n\
                ld.shared.u32 %r5, [s+4];\nadd.u32 %r5, %r5, %r1;\nst.shared.u32 [s+4], %r5;\nmembar.cta;\n\
                atom.shared.exch.b32 %r4, [s], 0;";
    clean(64, lock);
    clean(
        64,
        &lock.replace(
            "atom.shared.exch.b32 %r4, [s], 0;",
            "st.release.cta.shared.u32 [s], 0;",
        ),
    );
    // Without the lock the same is a race.
    let free = lock.replace(
        "spin: atom.shared.cas.b32 %r4, [s], 0, 1;",
        "mov.u32 %r4, 0;",
    );
    let ((_, at, _), (_, other, _)) = race(64, &free.replace("@%p2 bra spin;", ""));
    assert_eq!((at, other), (FIRST + 7, FIRST + 9));
}

#[test]
fn warps_that_pass_values_by_named_barriers_are_in_order() {
    // The first warp writes and goes on; the second waits for it, and reads.
    let body = "setp.lt.u32 %p1, %r1, 32;\n@!%p1 bra read;\nst.shared.u32 [%r2], %r1;\n{arrive}\nbra end;\nread: {wait}\nld.shared.u32 %r4, [%r2+-128];\nend:";
    let with = |arrive: &str, wait: &str| body.replace("{arrive}", arrive).replace("{wait}", wait);
    clean(64, &with("bar.arrive 1, 64;", "bar.sync 1, 64;"));
    assert_eq!(
        race(64, &with("", "")),
        ((32, FIRST + 6, Verb::Reads), (0, FIRST + 2, Verb::Writes))
    );
}

#[test]
fn an_address_that_is_not_aligned_is_found_with_its_buffer() {
    let finding = found(64, "add.u64 %d4, %d1, %d3;\nst.global.u64 [%d4], %d3;");
    assert_eq!((finding.thread, finding.line), (thread(1), FIRST + 1));
    assert_eq!(
        finding.mistake.to_string(),
        "misaligned access: writes 8 bytes at address 0x10000000004, which is not aligned to 8 bytes; \
         the address comes from the buffer of parameter `x` (256 bytes at 0x10000000000)"
    );
    clean(
        32,
        "add.u64 %d4, %d1, %d3;\nadd.u64 %d4, %d4, %d3;\nst.global.u64 [%d4], %d3;",
    );
    let finding = found(1, "ld.global.v2.u32 {%r4, %r5}, [%d1+4];");
    assert!(matches!(finding.mistake, Mistake::Misaligned { .. }));
    let finding = found(1, "st.shared.u32 [s+2], %r1;");
    assert!(matches!(finding.mistake, Mistake::Misaligned { .. }));
}

#[test]
fn a_barrier_that_a_part_of_the_block_comes_to_is_divergent() {
    let body = "setp.ge.u32 %p1, %r1, 16;\n@%p1 bra end;\nbar.sync 0;\nend:";
    let (waits, other) = divergent(64, body);
    assert_eq!(waits, (0, FIRST + 2, Waiting::Barrier(0)));
    let ended = Straggler {
        thread: thread(16),
        line: FIRST + 4,
        waits: None,
    };
    assert_eq!(other, ended);
    assert_eq!(
        found(64, body).mistake.to_string(),
        "divergent barrier: waits at barrier 0, but thread (16, 0, 0) has ended, at line 17"
    );
    clean(
        64,
        "setp.ge.u32 %p1, %r1, 16;\n@%p1 bra end;\nend: bar.sync 0;",
    );
    // Without `.aligned` threads come by themselves, and those that ended are not waited for.
    clean(64, &body.replace("bar.sync", "barrier.sync"));
}

#[test]
fn a_barrier_in_both_arms_of_a_branch_is_divergent() {
    let body =
        "setp.ge.u32 %p1, %r1, {half};\n@%p1 bra high;\n{low};\nbra end;\nhigh: {high};\nend:";
    let with = |half: &str, low: &str, high: &str| {
        body.replace("{half}", half)
            .replace("{low}", low)
            .replace("{high}", high)
    };
    for half in ["16", "32"] {
        let (waits, other) = divergent(64, &with(half, "bar.sync 0", "bar.sync 0"));
        assert_eq!(waits, (0, FIRST + 2, Waiting::Barrier(0)));
        assert_eq!(other.line, FIRST + 4);
        assert_eq!(other.waits, Some(Waiting::Barrier(0)));
    }
    // Warps of their own may use barriers of their own.
    clean(64, &with("32", "bar.sync 1, 32", "bar.sync 2, 32"));
    clean(64, &with("32", "bar.sync 1, 64", "bar.sync 1, 64"));
    let (waits, other) = divergent(64, &with("16", "bar.sync 1, 64", "bar.sync 1, 64"));
    assert_eq!((waits.0, other.thread), (0, thread(16)));
}

#[test]
fn threads_that_wait_for_each_other_for_ever_are_told_with_both_lines() {
    let (waits, other) = divergent(
        64,
        "setp.ge.u32 %p1, %r1, 16;\n@%p1 bra high;\nbar.sync 1;\nbra end;\nhigh: bar.sync 2;\nend:",
    );
    assert_eq!(waits, (0, FIRST + 2, Waiting::Barrier(1)));
    assert_eq!(
        other,
        Straggler {
            thread: thread(16),
            line: FIRST + 4,
            waits: Some(Waiting::Barrier(2)),
        }
    );
    let (waits, other) = divergent(
        32,
        "setp.ge.u32 %p1, %r1, 16;\n@%p1 bra high;\nbar.warp.sync -1;\nhigh: bar.sync 0;",
    );
    assert_eq!(waits, (0, FIRST + 2, Waiting::Warp));
    assert_eq!((other.thread, other.line), (thread(16), FIRST + 3));
}

#[test]
fn a_block_in_slices_finds_the_same() {
    // More steps than one turn: the threads are looked at one after the other, and again.
    let finding = found(
        64,
        "mov.u32 %r5, 0;\nagain: add.u32 %r5, %r5, 1;\nsetp.lt.u32 %p1, %r5, 20000;\n@%p1 bra again;\nst.shared.u32 [s], %r1;",
    );
    assert_eq!(finding.line, FIRST + 4);
    assert_eq!(finding.other().map(|(_, line)| line), Some(FIRST + 4));
}

/// A copy of 16 bytes for each of 16 threads from `x` to the thread's own place in shared memory.
const COPY: &str = "shl.b32 %r4, %r1, 4;\nadd.u32 %r4, %r4, %r3;\nmul.wide.u32 %d4, %r1, 16;\nadd.s64 %d4, %d4, %d1;\n\
    cp.async.cg.shared.global [%r4], [%d4], 16;\ncp.async.commit_group;\n";

/// The finding of an access to what a copy may still write: thread and line of both.
#[track_caller]
fn unfinished(body: &str) -> ((u32, u32, Verb), (u32, u32)) {
    let finding = found(16, &format!("{COPY}{body}"));
    let Mistake::UnfinishedCopy { access, copy } = &finding.mistake else {
        panic!("{body}\n{finding}");
    };
    assert_eq!(finding.other(), Some((copy.thread, copy.line)));
    (
        (finding.thread.x, finding.line, access.verb),
        (copy.thread.x, copy.line),
    )
}

#[test]
fn what_an_asynchronous_copy_writes_is_not_there_before_its_thread_has_waited() {
    let (copied_at, next) = (FIRST + 4, FIRST + 6);
    // Its own thread, without and with a wait that leaves the group out.
    for wait in ["", "cp.async.wait_group 1;\n"] {
        let lines = wait.lines().count() as u32;
        let load = "ld.shared.u32 %r5, [%r4+12];";
        assert_eq!(
            unfinished(&format!("{wait}{load}")),
            ((0, next + lines, Verb::Reads), (0, copied_at))
        );
        let store = "st.shared.u32 [%r4], %r1;";
        assert_eq!(
            unfinished(&format!("{wait}{store}")),
            ((0, next + lines, Verb::Writes), (0, copied_at))
        );
    }
    // A barrier makes no copy complete, nor does another thread's wait.
    let other = "xor.b32 %r5, %r4, 16;\nld.shared.u32 %r6, [%r5];";
    assert_eq!(
        unfinished(&format!(
            "setp.eq.u32 %p1, %r1, 1;\n@%p1 cp.async.wait_all;\nbar.sync 0;\n{other}"
        )),
        ((1, next + 4, Verb::Reads), (0, copied_at))
    );
    for wait in ["cp.async.wait_group 0;", "cp.async.wait_all;"] {
        clean(16, &format!("{COPY}{wait}\nld.shared.u32 %r5, [%r4+12];"));
        clean(16, &format!("{COPY}{wait}\nbar.sync 0;\n{other}"));
    }
    // What nobody touches need not be waited for.
    clean(16, COPY);
    let message = found(16, &format!("{COPY}ld.shared.u32 %r5, [%r4+12];")).to_string();
    assert_eq!(
        message,
        "kernel k, block (0, 0, 0), thread (0, 0, 0), line 19: unfinished asynchronous copy: reads 4 \
         bytes at address 0xc of shared memory, which thread (0, 0, 0), line 17, copies to and has not \
         waited for"
    );
}

#[test]
fn other_threads_need_a_barrier_behind_the_wait_for_a_copy() {
    let other = "xor.b32 %r5, %r4, 16;\nld.shared.u32 %r6, [%r5];";
    let body = format!("{COPY}bar.sync 0;\ncp.async.wait_group 0;\n{other}");
    // The first thread reads before the second has waited, or the second after the first has.
    let finding = found(16, &body);
    let Mistake::UnfinishedCopy { copy, .. } = finding.mistake else {
        panic!("{finding}");
    };
    assert_eq!(
        (finding.thread.x, copy.thread.x, copy.line),
        (0, 1, FIRST + 4)
    );
    // Of two threads, the one that has waited comes first.
    let body = format!(
        "setp.ne.u32 %p1, %r1, 0;\n@%p1 bra reader;\n{COPY}cp.async.wait_group 0;\nbra done;\n\
         reader: ld.shared.u32 %r6, [s];\ndone:"
    );
    let finding = found(2, &body);
    let Mistake::Race { other, .. } = finding.mistake else {
        panic!("{finding}");
    };
    assert_eq!((other.thread.x, other.line), (0, FIRST + 6));
}

#[test]
fn groups_are_complete_in_the_order_in_which_they_were_committed() {
    let second = "cp.async.ca.shared.global [%r4+8], [%d4], 8, 3;\ncp.async.commit_group;\n";
    let first = "shl.b32 %r4, %r1, 4;\nadd.u32 %r4, %r4, %r3;\nmul.wide.u32 %d4, %r1, 16;\nadd.s64 %d4, %d4, %d1;\n\
        cp.async.ca.shared.global [%r4], [%d4], 8;\ncp.async.commit_group;\n";
    let one = format!("{first}{second}cp.async.wait_group 1;\n");
    clean(16, &format!("{one}ld.shared.v2.u32 {{%r5, %r6}}, [%r4];"));
    let finding = found(16, &format!("{one}ld.shared.u8 %r5, [%r4+15];"));
    let Mistake::UnfinishedCopy { copy, .. } = finding.mistake else {
        panic!("{finding}");
    };
    assert_eq!(copy.line, FIRST + 6);
    clean(
        16,
        &format!(
            "{first}{second}cp.async.wait_group 0;\nld.shared.v4.u32 {{%r5, %r6, %r7, %r8}}, [%r4];"
        ),
    );
    // Two copies to the same place are in no order, even in one group.
    let twice =
        first.replace("cp.async.commit_group;\n", "") + &first[first.find("cp.async").unwrap()..];
    let finding = found(16, &twice);
    let Mistake::UnfinishedCopy { access, copy } = finding.mistake else {
        panic!("{finding}");
    };
    assert_eq!(
        (access.verb, finding.line, copy.line),
        (Verb::Writes, FIRST + 5, FIRST + 4)
    );
}

#[test]
fn a_barrier_in_memory_is_initialised_before_it_is_used_and_orders_threads() {
    for used in [
        "mbarrier.arrive.shared.b64 %d5, [s];",
        "mbarrier.expect_tx.shared.b64 [s], 16;",
        "mbarrier.test_wait.parity.shared.b64 %p1, [s], 0;",
        "cp.async.mbarrier.arrive.noinc.shared.b64 [s];",
    ] {
        let finding = found(1, used);
        assert!(
            matches!(finding.mistake, Mistake::Uninitialised { .. }),
            "{used}: {finding}"
        );
        clean(1, &format!("mbarrier.init.shared.b64 [s], 2;\n{used}"));
    }
    // The second thread reads what the first has copied, once the phase is complete.
    let body = "setp.ne.u32 %p1, %r1, 0;\n@!%p1 mbarrier.init.shared.b64 [s], 1;\nbar.sync 0;\n@%p1 bra wait;\n\
        cp.async.ca.shared.global [s+16], [%d1], 8;\n{arrive}\n\
        wait: mbarrier.try_wait.parity.shared.b64 %p2, [s], 0;\n@!%p2 bra wait;\nld.shared.u32 %r4, [s+16];";
    clean(
        2,
        &body.replace("{arrive}", "cp.async.mbarrier.arrive.noinc.shared.b64 [s];"),
    );
    let finding = found(
        2,
        &body.replace("{arrive}", "mbarrier.arrive.shared.b64 _, [s];"),
    );
    assert!(
        matches!(finding.mistake, Mistake::UnfinishedCopy { .. }),
        "{finding}"
    );
}

#[test]
fn a_bulk_copy_is_there_once_the_phase_is_complete_that_waits_for_its_bytes() {
    let body = "setp.ne.u32 %p1, %r1, 0;\n@!%p1 mbarrier.init.shared.b64 [s], 1;\nbar.sync 0;\n@%p1 bra wait;\n\
        mbarrier.arrive.expect_tx.shared.b64 _, [s], 32;\n\
        cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [s+16], [%d1], 32, [s];\n\
        wait:\n{wait}\nld.shared.u32 %r4, [s+44];";
    let wait = "again: mbarrier.try_wait.parity.shared.b64 %p2, [s], 0;\n@!%p2 bra again;";
    clean(2, &body.replace("{wait}", wait));
    let finding = found(2, &body.replace("{wait}", ""));
    let Mistake::Race { other, .. } = finding.mistake else {
        panic!("{finding}");
    };
    assert_eq!((other.thread.x, other.line), (0, FIRST + 5));
    // Beyond its buffer, as any access.
    let finding = found(
        2,
        &body
            .replace("{wait}", wait)
            .replace("[%d1], 32", "[%d1+240], 32"),
    );
    let Mistake::Outside { origin, .. } = &finding.mistake else {
        panic!("{finding}");
    };
    assert_eq!(
        origin.as_ref().and_then(|origin| origin.name.clone()),
        Some(Name::Parameter("x".to_owned()))
    );
}

#[test]
fn a_fragment_stays_within_the_buffer_that_its_address_comes_from() {
    // 32 doubles fill the buffer, 256 halves do not fit.
    clean(
        32,
        "wmma.load.a.sync.aligned.col.m8n8k4.global.f64 {%d5}, [%d1], 8;",
    );
    let load = "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 {%r4, %r5, %r6, %r7, %r8, %r9, %r10, %r11}, [%d1];";
    let finding = found(32, load);
    let Mistake::Outside { access, origin, .. } = &finding.mistake else {
        panic!("{finding}");
    };
    assert_eq!((access.verb, access.bytes), (Verb::Reads, 4));
    assert_eq!(
        origin.as_ref().and_then(|origin| origin.name.clone()),
        Some(Name::Parameter("x".to_owned()))
    );
}

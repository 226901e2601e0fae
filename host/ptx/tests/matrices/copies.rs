//! Asynchronous copies: `cp.async`.

use crate::common::Flat;
use crate::matrices::{kernel, run, stored};

/// A kernel of one thread that fills 64 bytes of shared memory with ones, copies into them from the
/// memory's beginning, and stores them behind it.
fn copying(copy: &str) -> String {
    let mut body = "mov.u32 %r0, tile;\nmov.u32 %r1, -1;\n".to_owned();
    for i in 0..16 {
        body.push_str(&format!("st.shared.u32 [tile+{}], %r1;\n", 4 * i));
    }
    body.push_str(copy);
    body.push_str("\ncp.async.commit_group;\ncp.async.wait_group 0;\n");
    for i in 0..16 {
        body.push_str(&format!(
            "ld.shared.u32 %r2, [tile+{}];\nst.global.u32 [%base+{}], %r2;\n",
            4 * i,
            64 + 4 * i
        ));
    }
    kernel(".shared .align 16 .b8 tile[64];", &body)
}

#[test]
fn copies_move_as_many_bytes_as_they_say_and_clear_the_rest() {
    let sources: Vec<u8> = (1..=64).collect();
    let copied = |copy: &str| {
        let memory = Flat::new(128);
        memory.put(0, &sources);
        run(&copying(copy), 1, &memory).unwrap();
        memory.get::<u8>(64, 64)
    };
    let expected = |to: usize, from: usize, size: usize, bytes: usize| {
        let mut all = vec![0xff; 64];
        all[to..to + size].fill(0);
        all[to..to + bytes].copy_from_slice(&sources[from..from + bytes]);
        all
    };
    for size in [4, 8, 16] {
        let copy = format!("cp.async.ca.shared.global [%r0+16], [%base+32], {size};");
        assert_eq!(copied(&copy), expected(16, 32, size, size));
        for bytes in 0..=size {
            let copy = format!(
                "mov.u32 %r5, {bytes};\ncp.async.ca.shared::cta.global.L2::128B [tile+32], [%base+16], {size}, %r5;"
            );
            assert_eq!(
                copied(&copy),
                expected(32, 16, size, bytes),
                "{bytes} of {size}"
            );
        }
    }
    let guarded = |words: &str| {
        format!(
            "setp.eq.u32 %p1, %lane, 0;\nsetp.ne.u32 %p2, %lane, 0;\nmov.u64 %rd3, 0;\nmov.u32 %r5, 16;\n{words}"
        )
    };
    for (copy, bytes) in [
        ("cp.async.cg.shared.global [%r0], [%base], 16, %p1;", 0),
        ("cp.async.cg.shared.global [%r0], [%base], 16, !%p1;", 16),
        ("cp.async.cg.shared.global [%r0], [%base], 16, %p2;", 16),
        (
            "cp.async.cg.shared.global.L2::cache_hint [%r0], [%base], 16, %rd3;",
            16,
        ),
        (
            "cp.async.cg.shared.global.L2::cache_hint [%r0], [%base], 16, 3, %rd3;",
            3,
        ),
        ("@%p1 cp.async.cg.shared.global [%r0], [%base], 16, 3;", 3),
        (
            "@!%p1 cp.async.cg.shared.global [%r0], [%base], 16, 3;\ncp.async.cg.shared.global [%r0], [%base], 16, %r5;",
            16,
        ),
    ] {
        assert_eq!(copied(&guarded(copy)), expected(0, 0, 16, bytes), "{copy}");
    }
    // A skipped one does nothing.
    assert_eq!(
        copied(&guarded(
            "@%p2 cp.async.cg.shared.global [%r0], [%base], 16, 3;"
        )),
        vec![0xff; 64]
    );
}

#[test]
fn copies_outside_of_their_buffer_or_misaligned_are_faults() {
    for (copy, expected) in [
        (
            "cp.async.cg.shared.global [%r0], [%base+128], 16;",
            "0x10000000080",
        ),
        (
            "cp.async.cg.shared.global [%r0+64], [%base], 16;",
            "of shared memory, which has 64 bytes",
        ),
        (
            "cp.async.cg.shared.global [%r0+8], [%base], 16;",
            "address 0x8 is not aligned to 16 bytes",
        ),
        (
            "cp.async.ca.shared.global [%r0], [%base+2], 4;",
            "is not aligned to 4 bytes",
        ),
        (
            "mov.u32 %r5, 4;\ncp.async.ca.shared.global [%r0], [%base+126], 8, %r5;",
            "0x10000000080",
        ),
        (
            "mov.u64 %rd3, 0;\ncp.async.ca.shared.global [%r0], [%rd3], 4;",
            "where there is no memory",
        ),
    ] {
        let said = run(&copying(copy), 1, &Flat::new(128)).unwrap_err();
        assert!(said.contains(expected), "{copy}: {said}");
    }
}

#[test]
fn waiting_for_groups_that_nobody_committed_returns() {
    let body = "cp.async.wait_group 0;\ncp.async.wait_group 7;\ncp.async.wait_all;\ncp.async.commit_group;\n\
                cp.async.wait_group 0;\nsetmaxnreg.inc.sync.aligned.u32 64;\nmov.u32 %d0, 5;\n";
    let memory = Flat::new(512);
    run(&kernel("", &format!("{body}{}", stored(1))), 32, &memory).unwrap();
    assert_eq!(memory.get::<u32>(16, 1), [5]);
}

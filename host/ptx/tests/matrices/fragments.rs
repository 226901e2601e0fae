//! Fragments between shared memory and registers: `ldmatrix`, `stmatrix` and `movmatrix`; and which
//! fragments are refused.

use crate::common::{Flat, refusal};
use crate::matrices::{kernel, run, stored};

/// Bytes of shared memory, a stride of rows, and where the results go.
fn with_tile(body: &str) -> String {
    // 32 threads fill 1 KiB with 0, 1, 2, … as halves.
    let mut fill = String::new();
    for i in 0..16 {
        fill.push_str(&format!(
            "add.u32 %r1, %lane, {};\ncvt.u16.u32 %h1, %r1;\nshl.b32 %r2, %r1, 1;\nadd.u32 %r2, %r2, %r0;\nst.shared.u16 [%r2], %h1;\n",
            32 * i
        ));
    }
    kernel(
        ".shared .align 128 .b8 tile[1024];",
        &format!("mov.u32 %r0, tile;\n{fill}bar.sync 0;\n{body}"),
    )
}

#[test]
fn rows_of_matrices_are_loaded_as_the_lanes_of_mma_hold_them() {
    for (count, transposed) in [
        (1, false),
        (2, false),
        (4, false),
        (1, true),
        (2, true),
        (4, true),
    ] {
        let trans = if transposed { ".trans" } else { "" };
        let names: Vec<String> = (0..count).map(|i| format!("%d{i}")).collect();
        // Lane l gives the row at 16 * ((5 * l) % 64): an order of its own. Shared and generic
        // addresses.
        for (space, address) in [(".shared", "%r3"), ("", "%rd1")] {
            let body = format!(
                "mul.lo.u32 %r3, %lane, 5;\nand.b32 %r3, %r3, 63;\nshl.b32 %r3, %r3, 4;\nadd.u32 %r3, %r3, %r0;\n\
                 cvt.u64.u32 %rd1, %r3;\ncvta.shared.u64 %rd1, %rd1;\n\
                 ldmatrix.sync.aligned.m8n8.x{count}{trans}{space}.b16 {{{}}}, [{address}];\n{}",
                names.join(", "),
                stored(count)
            );
            let memory = Flat::new(512);
            run(&with_tile(&body), 32, &memory).unwrap();
            let found = memory.get::<u32>(0, 128);
            for lane in 0..32 {
                for matrix in 0..count {
                    let half = |second: usize| {
                        let (row, column) = if transposed {
                            ((lane % 4) * 2 + second, lane / 4)
                        } else {
                            (lane / 4, (lane % 4) * 2 + second)
                        };
                        let giver = 8 * matrix + row;
                        ((5 * giver % 64) * 8 + column) as u32
                    };
                    let expected = half(0) | half(1) << 16;
                    assert_eq!(
                        found[lane * 4 + matrix],
                        expected,
                        "x{count}{trans}{space}: lane {lane}, matrix {matrix}"
                    );
                }
            }
        }
    }
}

#[test]
fn rows_of_matrices_are_stored_as_they_are_loaded() {
    for (count, trans) in [
        (1, ""),
        (2, ""),
        (4, ""),
        (1, ".trans"),
        (2, ".trans"),
        (4, ".trans"),
    ] {
        let list = |name: &str| {
            let names: Vec<String> = (0..count).map(|i| format!("%{name}{i}")).collect();
            names.join(", ")
        };
        // What is loaded from the first half of the tile is stored to the second.
        let body = format!(
            "shl.b32 %r3, %lane, 4;\nadd.u32 %r3, %r3, %r0;\n\
             ldmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 {{{}}}, [%r3];\n\
             stmatrix.sync.aligned.m8n8.x{count}{trans}.shared.b16 [%r3+512], {{{}}};\n\
             bar.sync 0;\nld.shared.v4.u32 {{%d0, %d1, %d2, %d3}}, [%r3+512];\n{}",
            list("c"),
            list("c"),
            stored(4)
        );
        let memory = Flat::new(512);
        run(&with_tile(&body), 32, &memory).unwrap();
        let found = memory.get::<u32>(0, 128);
        for (index, found) in (0u32..).zip(found) {
            let untouched = index as usize >= 32 * count;
            let first = 2 * index + if untouched { 256 } else { 0 };
            assert_eq!(found, first | (first + 1) << 16, "x{count}{trans}: {index}");
        }
    }
}

#[test]
fn a_matrix_is_transposed_in_its_registers() {
    let body = format!(
        "shl.b32 %r3, %lane, 1;\nadd.u32 %r4, %r3, 1;\nshl.b32 %r4, %r4, 16;\nor.b32 %r3, %r3, %r4;\n\
         movmatrix.sync.aligned.m8n8.trans.b16 %d0, %r3;\n{}",
        stored(1)
    );
    let memory = Flat::new(512);
    run(&kernel("", &body), 32, &memory).unwrap();
    for lane in 0..32u32 {
        let half = |second| ((lane % 4) * 2 + second) * 8 + lane / 4;
        let found = memory.get::<u32>(lane as usize * 16, 1)[0];
        assert_eq!(found, half(0) | half(1) << 16, "lane {lane}");
    }
}

#[test]
fn a_row_of_a_matrix_that_is_misaligned_or_outside_is_a_fault_that_says_so() {
    for (address, expected) in [
        (
            "[%r0+8]",
            "a row of a matrix at address 0x8, which is not a multiple of 16",
        ),
        (
            "[%r0+1024]",
            "an access of 4 bytes at address 0x400 of shared memory, which has 1024 bytes",
        ),
    ] {
        let body = format!(
            "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%d0}}, {address};\n{}",
            stored(1)
        );
        let said = run(&with_tile(&body), 32, &Flat::new(512)).unwrap_err();
        assert!(said.contains(expected), "{said}");
    }
    let body = format!(
        "ldmatrix.sync.aligned.m8n8.x1.b16 {{%d0}}, [%base];\n{}",
        stored(1)
    );
    let said = run(&with_tile(&body), 32, &Flat::new(512)).unwrap_err();
    assert!(said.contains("which is not in shared memory"), "{said}");
    // Lanes that give no row may give anything.
    let body = format!(
        "mov.u32 %r3, %r0;\nsetp.ge.u32 %p1, %lane, 8;\n@%p1 mov.u32 %r3, 12345;\n\
         ldmatrix.sync.aligned.m8n8.x1.shared.b16 {{%d0}}, [%r3];\n{}",
        stored(1)
    );
    run(&with_tile(&body), 32, &Flat::new(512)).unwrap();
}

#[test]
fn fragments_of_other_shapes_are_refused_with_what_there_should_be() {
    for (line, expected) in [
        (
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%d0, %d1, %d2, %d3}, {%a0, %a1}, {%b0, %b1}, {%c0, %c1, %c2, %c3};",
            "operand 2 of mma: 2 elements where there are 4 in each lane",
        ),
        (
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%d0, %d1, %d2, %d3}, {%a0, %a1, %a2, %a3}, {%b0, %b1}, %c0;",
            "operand 4 of mma: expected registers in braces, 4 of them",
        ),
        (
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%gd0, %d1, %d2, %d3}, {%a0, %a1, %a2, %a3}, {%b0, %b1}, {%c0, %c1, %c2, %c3};",
            "operand 1 of mma: a register of type `.f64` where the type is `.f32`",
        ),
        (
            "mma.sync.aligned.m16n8k16.row.row.f32.f16.f16.f32 {%d0, %d1, %d2, %d3}, {%a0, %a1, %a2, %a3}, {%b0, %b1}, {%c0, %c1, %c2, %c3};",
            "matrix instructions are not",
        ),
        (
            "mma.sync.aligned.m16n8k16.row.col.f32.f16.bf16.f32 {%d0, %d1, %d2, %d3}, {%a0, %a1, %a2, %a3}, {%b0, %b1}, {%c0, %c1, %c2, %c3};",
            "matrix instructions are not",
        ),
        (
            "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%gd0, %gd1}, %ga0, {%gb0}, {%gc0, %gc1};",
            "operand 2 of mma: expected registers in braces, 1 of them",
        ),
        (
            "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%d0, %d1}, [%r0];",
            "operand 1 of ldmatrix: 2 elements where there are 4 in each lane",
        ),
        (
            "ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%h0}, [%r0];",
            "operand 1 of ldmatrix: a register of type `.b16` where the type is `.b32`",
        ),
        (
            "cp.async.cg.shared.global [%r0], [%rd0], 8;",
            "operand 3 of cp.async.cg is the number 16",
        ),
        (
            "cp.async.ca.shared.global [%r0], [%rd0], 12;",
            "operand 3 of cp.async.ca is 4, 8 or 16",
        ),
        (
            "cp.async.ca.shared.global [%r0], [%r1], 4;",
            "operand 2 of cp: an address is a 64-bit integer, not `.b32`",
        ),
    ] {
        let said = refusal(&kernel("", line));
        assert!(said.contains(expected), "expected `{expected}` in:\n{said}");
    }
}

//! What lies around instructions: guards, memories, jumps, structures, variables, special registers.

use crate::common::eval::{Bits, lines};
use crate::common::{Arguments, Flat, launch, launch_one, line, module};
use tensor_wasm_ptx::{Limits, parse};

const M32: u64 = 0xffff_ffff;
const MIN32: u64 = 0x8000_0000;

#[test]
fn a_comparison_gives_both_outcomes() {
    let body = "setp.lt.u64 %p1|%p2, %d1, %d2; selp.u64 %d3, 1, 0, %p1; selp.u64 %d4, 2, 0, %p2; add.u64 %d0, %d3, %d4;";
    assert_eq!(lines(body, &[1, 2]), 1);
    assert_eq!(lines(body, &[2, 1]), 2);
    let combined = "setp.eq.u64 %p3, %d1, %d1; setp.lt.and.u64 %p1|%p2, %d1, %d2, !%p3; selp.u64 %d3, 1, 0, %p1; selp.u64 %d4, 2, 0, %p2; add.u64 %d0, %d3, %d4;";
    assert_eq!(lines(combined, &[1, 2]), 0);
    assert_eq!(
        lines(
            "setp.lt.u64 _|%p2, %d1, %d2; selp.u64 %d0, 2, 0, %p2;",
            &[2, 1]
        ),
        2
    );
}

#[test]
fn debugging_information_of_old_compilers_is_passed_over() {
    let text = ".version 3.0\n.target sm_30\n.address_size 64\n\
        @@DWARF .section .debug_abbrev\n@@DWARF .byte 0x01, 0x11\n\
        .visible .entry k(.param .u64 data)\n{\n.reg .b64 %d<2>; .reg .b32 %r0;\n\
        @@dwarf .4byte 0x6e69616d\n\
        ld.param.u64 %d0, [data];\nmov.u32 %r0, 7;\n  @@DWARF .8byte LABEL\n\
        st.global.u32 [%d0], %r0;\nret;\n}\n@@DWARF .section .debug_line";
    let memory = Flat::new(64);
    launch_one(&module(text), &memory).unwrap();
    assert_eq!(memory.get::<u32>(0, 1), [7]);
    // No other directive is one for debuggers.
    for other in ["@@DWARFS .byte 1", "@@ .byte 1", "@@other"] {
        let text = text.replace("@@DWARF .byte 0x01, 0x11", other);
        assert!(
            parse(text.as_bytes(), &Limits::default()).is_err(),
            "{other}"
        );
    }
}

#[test]
fn guards_decide_and_their_negation_too() {
    let body =
        "setp.lt.u64 %p1, %d1, %d2; mov.u64 %d0, 0; @%p1 mov.u64 %d0, 1; @!%p1 mov.u64 %d0, 2;";
    assert_eq!(lines(body, &[1, 2]), 1);
    assert_eq!(lines(body, &[2, 1]), 2);
}

#[test]
fn narrow_loads_fill_wide_registers() {
    assert_eq!(
        lines("ld.global.s8 %r1, [%base]; cvt.u64.u32 %d0, %r1;", &[0x80]),
        0xffff_ff80
    );
    assert_eq!(
        lines("ld.global.u8 %r1, [%base]; cvt.u64.u32 %d0, %r1;", &[0x180]),
        0x80
    );
    assert_eq!(
        lines("ld.global.s32 %d0, [%base];", &[MIN32]),
        0xffff_ffff_8000_0000
    );
    assert_eq!(
        lines(
            "ld.global.v4.u8 {%h1, %h2, %h3, %h4}, [%base]; mov.b64 %d0, {%h1, %h2, %h3, %h4};",
            &[0x0403_0201]
        ),
        0x0004_0003_0002_0001
    );
    assert_eq!(
        lines(
            "st.global.u8 [%base+64], %d1; ld.global.u64 %d0, [%base+64];",
            &[0x1ff]
        ),
        0xff
    );
}

#[test]
fn atomics_return_what_was_there() {
    let old_and_new = |instruction: &str, start: u64, b: u64| {
        let body = format!(
            "{instruction} %d5, [%base+8], %d3; ld.global.u64 %d6, [%base+8]; shl.b64 %d5, %d5, 32; or.b64 %d0, %d5, %d6;"
        );
        lines(&body, &[0, start, b])
    };
    for (instruction, start, b, new) in [
        ("atom.global.add.u64", 5, 7, 12),
        ("atom.add.u64", 5, 7, 12),
        ("atom.global.exch.b64", 5, 7, 7),
        ("atom.global.min.s64", 5, 7, 5),
        ("atom.relaxed.gpu.global.max.u64", 5, 7, 7),
        ("atom.global.and.b64", 6, 3, 2),
        ("atom.global.or.b64", 6, 3, 7),
        ("atom.global.xor.b64", 6, 3, 5),
    ] {
        assert_eq!(
            old_and_new(instruction, start, b),
            start << 32 | new,
            "{instruction}"
        );
    }
    let word = |instruction: &str, start: u64, b: u64| {
        let body = format!(
            "cvt.u32.u64 %r3, %d3; {instruction} %r5, [%base+8], %r3; ld.global.u32 %r6, [%base+8]; mov.b64 %d0, {{%r6, %r5}};"
        );
        lines(&body, &[0, start, b])
    };
    for (instruction, start, b, new) in [
        ("atom.global.inc.u32", 5, 7, 6),
        ("atom.global.inc.u32", 7, 7, 0),
        ("atom.global.dec.u32", 0, 7, 7),
        ("atom.global.dec.u32", 9, 7, 7),
        ("atom.global.dec.u32", 5, 7, 4),
        ("atom.global.add.s32", M32, 2, 1),
        ("atom.global.min.s32", 3, M32, M32),
    ] {
        assert_eq!(
            word(instruction, start, b),
            start << 32 | new,
            "{instruction}"
        );
    }
    let float = "atom.global.add.f32 %f1, [%base+8], 0f40000000; ld.global.u32 %r1, [%base+8]; cvt.u64.u32 %d0, %r1;";
    assert_eq!(lines(float, &[0, 1.5f32.b()]), 3.5f32.b());
    let swap = "atom.global.cas.b64 %d5, [%base+8], %d3, %d4; ld.global.u64 %d6, [%base+8]; shl.b64 %d5, %d5, 32; or.b64 %d0, %d5, %d6;";
    assert_eq!(lines(swap, &[0, 5, 5, 9]), 5 << 32 | 9);
    assert_eq!(lines(swap, &[0, 5, 6, 9]), 5 << 32 | 5);
    let reduce = "red.global.add.u64 [%base+8], %d3; ld.global.u64 %d0, [%base+8];";
    assert_eq!(lines(reduce, &[0, 5, 6]), 11);
    let half = "mov.b32 %r1, 0x3C004000; atom.global.add.noftz.f16x2 %r2, [%base+8], %r1; ld.global.u32 %r3, [%base+8]; cvt.u64.u32 %d0, %r3;";
    assert_eq!(lines(half, &[0, 0x3c00_4000]), 0x4000_4400);
}

#[test]
fn generic_addresses_tell_the_memories_apart() {
    let body = ".shared .align 8 .b8 s[16]; .local .align 8 .b8 l[16];\n\
                mov.u64 %d1, s; cvta.shared.u64 %d2, %d1; st.u64 [%d2+8], 11; ld.shared.u64 %d3, [s+8];\n\
                mov.u64 %d4, l; cvta.local.u64 %d5, %d4; st.u64 [%d5], 31; ld.local.u64 %d6, [l];\n\
                isspacep.shared %p1, %d2; isspacep.local %p2, %d5; isspacep.global %p3, %base; isspacep.shared %p4, %base;\n\
                selp.u64 %d0, 1000, 0, %p1; @%p2 add.u64 %d0, %d0, 2000; @%p3 add.u64 %d0, %d0, 4000; @%p4 add.u64 %d0, %d0, 8000;\n\
                add.u64 %d0, %d0, %d3; add.u64 %d0, %d0, %d6;";
    assert_eq!(lines(body, &[]), 7042);
    let back = ".shared .align 8 .b8 s[16]; mov.u64 %d1, s; cvta.shared.u64 %d2, %d1; cvta.to.shared.u64 %d3, %d2; sub.u64 %d0, %d3, %d1;";
    assert_eq!(lines(back, &[]), 0);
}

#[test]
fn a_list_of_labels_is_jumped_through() {
    let body = "cvt.u32.u64 %r1, %d1;\nts: .branchtargets A, B, C;\nbrx.idx %r1, ts;\n\
                A: mov.u64 %d0, 10; bra END;\nB: mov.u64 %d0, 20; bra END;\nC: mov.u64 %d0, 30;\nEND:";
    for (index, expected) in [(0, 10), (1, 20), (2, 30)] {
        assert_eq!(lines(body, &[index]), expected);
    }
}

#[test]
fn structures_arrive_as_they_were_packed() {
    let text = ".version 7.0\n.target sm_70\n.address_size 64\n\
        .visible .entry k(.param .u64 out, .param .align 8 .b8 s[24], .param .u8 c) {\n\
        .reg .b64 %d<6>; .reg .b32 %r<4>; .reg .b16 %h<2>;\n\
        ld.param.u64 %d1, [out]; ld.param.u64 %d2, [s+16]; ld.param.v2.u32 {%r1, %r2}, [s+8]; ld.param.s8 %r3, [c];\n\
        mov.b64 %d3, s; cvta.param.u64 %d3, %d3; ld.u64 %d4, [%d3];\n\
        st.global.u64 [%d1], %d2; st.global.v2.u32 [%d1+8], {%r2, %r1}; st.global.u32 [%d1+16], %r3; st.global.u64 [%d1+24], %d4; ret; }";
    let module = module(text);
    let entry = module.entry("k").unwrap();
    assert_eq!(entry.param_bytes(), 33);
    assert_eq!(entry.params()[1].offset, 8);
    let memory = Flat::new(64);
    let arguments = Arguments::new()
        .pointer(0)
        .with(77u64)
        .with(1u32)
        .with(2u32)
        .with(99u64)
        .with(-3i8);
    launch(&module, "k", line(1), line(1), 0, arguments, &memory).unwrap();
    assert_eq!(memory.get::<u64>(0, 4), [99, 1 << 32 | 2, 0xffff_fffd, 77]);
}

#[test]
fn addresses_may_lie_among_the_bytes_of_a_variable() {
    let address =
        |name: &str, byte: u32| format!("{:#x}(generic({name})+4)", 0xffu64 << (8 * byte));
    let bytes: Vec<String> = (0..8).map(|byte| address("x", byte)).collect();
    let text = format!(
        ".version 8.0\n.target sm_70\n.address_size 64\n.global .align 4 .attribute(.managed) .b32 x[2] = {{7, 9}};\n\
         .global .align 1 .b8 t[13] = {{1, 2, 3, {}, 5, 6}};\n\
         .entry k(.param .u64 out) {{ .reg .b64 %d<20>; .reg .b32 %r<4>; ld.param.u64 %d1, [out];\n\
         mov.b64 %d2, 0; mov.b64 %d4, 0; mov.u64 %d3, t;\n\
         more: add.u64 %d5, %d3, %d4; ld.global.u8 %d6, [%d5+3]; shl.b64 %d7, %d4, 3; cvt.u32.u64 %r1, %d7; shl.b64 %d6, %d6, %r1;\n\
         or.b64 %d2, %d2, %d6; add.u64 %d4, %d4, 1; .reg .pred %p; setp.lt.u64 %p, %d4, 8; @%p bra more;\n\
         ld.global.u32 %r2, [%d2]; st.global.u32 [%d1], %r2; ld.global.u8 %r3, [t+12]; st.global.u32 [%d1+4], %r3; ret; }}",
        bytes.join(", ")
    );
    let module = module(&text);
    let again = crate::common::module(&module.to_string());
    assert!(again == module);
    for module in [module, again] {
        let memory = Flat::new(64);
        let arguments = Arguments::new().pointer(0);
        launch(&module, "k", line(1), line(1), 0, arguments, &memory).unwrap();
        assert_eq!(memory.get::<u32>(0, 2), [9, 6]);
    }
}

#[test]
fn special_registers_of_what_is_not_there_hold_constants() {
    for (register, expected) in [
        ("%cluster_ctaid.x", 0),
        ("%cluster_nctaid.y", 1),
        ("%cluster_ctarank", 0),
        ("%cluster_nctarank", 1),
        ("%clusterid.x", 0),
        ("%nclusterid.x", 1),
        ("%envreg31", 0),
        ("%pm7", 0),
        ("%tid.w", 0),
        ("%ntid.w", 1),
        ("%smid", 0),
        ("%nsmid", 1),
        ("%nwarpid", 1),
        ("%laneid", 0),
        ("%lanemask_le", 1),
        ("%lanemask_gt", 0xffff_fffe),
        ("%dynamic_smem_size", 0),
        ("%aggr_smem_size", 0),
        ("WARP_SZ", 32),
    ] {
        let body = format!("mov.u32 %r1, {register}; cvt.u64.u32 %d0, %r1;");
        assert_eq!(lines(&body, &[]), expected, "{register}");
    }
}

#[test]
fn shared_variables_have_places_wherever_they_are_named() {
    let text = ".version 7.0\n.target sm_70\n.address_size 64\n.shared .align 8 .b8 a[16];\n.shared .align 8 .b8 b[24];\n\
        .func (.reg .b64 r) same(.reg .b64 v) { mov.b64 r, v; ret; }\n\
        .entry k(.param .u64 out) { .reg .b64 %d<4>; ld.param.u64 %d1, [out];\n\
        st.global.v2.u64 [%d1], {a, b}; call (%d2), same, (b); st.global.u64 [%d1+16], %d2; ret; }";
    let module = module(text);
    assert_eq!(module.entry("k").unwrap().shared_bytes(), 40);
    let memory = Flat::new(64);
    launch_one(&module, &memory).unwrap();
    assert_eq!(memory.get::<u64>(0, 3), [0, 16, 16]);
}

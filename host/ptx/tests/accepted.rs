//! Forms that real files have, beside the instructions: what NVIDIA's assembler accepts is accepted, and
//! means what the manual says.

use std::fmt::Write;

use crate::common::{
    Arguments, Flat, launch, launch_one, line, module, module_printed_again, refusal,
    value_of_each_thread,
};

/// A module of one entry `k` with a few registers, for a version and a target.
fn text(version: &str, target: &str, params: &str, body: &str) -> String {
    format!(
        ".version {version}\n.target {target}\n.address_size 64\n.visible .entry k({params})\n{{\n\
         .reg .pred %p<9>; .reg .b16 %h<9>; .reg .b32 %r<9>; .reg .b64 %d<9>; .reg .f32 %f<9>; .reg .f64 %g<9>;\n\
         {body}\nret;\n}}\n"
    )
}

const OWN_WORD: &str = "ld.param.u64 %d1, [a]; mov.u32 %r1, %tid.x; mul.wide.u32 %d2, %r1, 4; add.s64 %d1, %d1, %d2;\n";

#[test]
fn launches_that_may_overlap_do_not() {
    let body = "griddepcontrol.wait; ld.param.u64 %d1, [a]; st.global.u32 [%d1], 7;\n\
        griddepcontrol.launch_dependents;";
    let module = module_printed_again(&text("8.8", "sm_90", ".param .u64 a", body));
    let memory = Flat::new(8);
    launch_one(&module, &memory).unwrap();
    assert_eq!(memory.get::<u32>(0, 1), [7]);
}

#[test]
fn shuffles_and_votes_without_a_mask_are_for_the_threads_that_are_active() {
    let body = format!(
        "{OWN_WORD}shfl.down.b32 %r2|%p3, %r1, 16, 31; setp.gt.u32 %p1, %r2, 3;\n\
         vote.any.pred %p2, %p1; vote.ballot.b32 %r3, %p1; vote.all.pred %p4, %p1;\n\
         selp.b32 %r4, %r2, %r3, %p4; selp.b32 %r4, %r4, %r3, %p2; selp.b32 %r5, 100, 0, %p3;\n\
         add.u32 %r4, %r4, %r5; st.global.u32 [%d1], %r4;"
    );
    let module = module_printed_again(&text("6.0", "sm_60", ".param .u64 a", &body));
    let expected: Vec<u32> = (0..32)
        .map(|lane| if lane < 16 { lane + 116 } else { lane })
        .collect();
    assert_eq!(value_of_each_thread::<u32>(&module, 32).unwrap(), expected);
    // Half of a second warp, and those with odd numbers alone: the others are not counted.
    let body = format!(
        "{OWN_WORD}and.b32 %r2, %r1, 1; setp.eq.u32 %p1, %r2, 1; setp.lt.u32 %p2, %r1, 40; mov.u32 %r4, 0;\n\
         @!%p1 bra even; vote.ballot.b32 %r4, %p2; even: st.global.u32 [%d1], %r4;"
    );
    let module = module_printed_again(&text("6.0", "sm_35", ".param .u64 a", &body));
    let expected: Vec<u32> = (0..48)
        .map(|thread| match (thread % 2, thread / 32) {
            (0, _) => 0,
            (_, 0) => 0xaaaa_aaaa,
            _ => 0xaa,
        })
        .collect();
    assert_eq!(value_of_each_thread::<u32>(&module, 48).unwrap(), expected);
    // A guard leaves out those whose predicate is false.
    let body = format!(
        "{OWN_WORD}setp.lt.u32 %p1, %r1, 5; setp.lt.u32 %p2, %r1, 40; mov.u32 %r4, 9;\n\
         @%p1 vote.ballot.b32 %r4, %p2; st.global.u32 [%d1], %r4;"
    );
    let module = module_printed_again(&text("3.1", "sm_30", ".param .u64 a", &body));
    let expected: Vec<u32> = (0..32)
        .map(|lane| if lane < 5 { 0x1f } else { 9 })
        .collect();
    assert_eq!(value_of_each_thread::<u32>(&module, 32).unwrap(), expected);
}

#[test]
fn registers_that_are_declared_and_not_used_cost_nothing() {
    let body = ".reg .b32 %x<70000>; .reg .b64 %y<4000000000>; ld.param.u64 %y3999999999, [a];\n\
        mov.b32 %x69999, 7; st.global.u32 [%y3999999999], %x69999;";
    let module = module_printed_again(&text("9.1", "sm_75", ".param .u64 a", body));
    let memory = Flat::new(8);
    launch_one(&module, &memory).unwrap();
    assert_eq!(memory.get::<u32>(0, 1), [7]);
    let mut body = ".reg .b32 %x<70000>;\n".to_owned();
    for number in 0..66_000 {
        writeln!(body, "mov.b32 %x{number}, {number};").unwrap();
    }
    let shown = refusal(&text("9.1", "sm_75", "", &body));
    assert!(shown.contains("uses more than 65536 registers"), "{shown}");
    assert_eq!(
        shown
            .lines()
            .filter(|line| line.contains("registers"))
            .count(),
        1
    );
}

#[test]
fn parameters_may_take_as_many_bytes_as_the_target_has() {
    let params = ".param .align 4 .b8 p[8000], .param .u64 a";
    let body = "ld.param.u64 %d1, [a]; ld.param.u32 %r1, [p+7996]; st.global.u32 [%d1], %r1;";
    let module = module_printed_again(&text("8.1", "sm_70", params, body));
    let mut arguments = Arguments::new();
    for number in 0..2000u32 {
        arguments = arguments.with(number);
    }
    let memory = Flat::new(8);
    let (one, arguments) = (line(1), arguments.pointer(0));
    launch(&module, "k", one, one, 0, arguments, &memory).unwrap();
    assert_eq!(memory.get::<u32>(0, 1), [1999]);
    for (version, target) in [("8.0", "sm_70"), ("8.1", "sm_60")] {
        let shown = refusal(&text(version, target, params, body));
        assert!(shown.contains("more than 4096 bytes"), "{shown}");
    }
    let largest = text("8.1", "sm_70", ".param .align 4 .b8 p[32764]", "");
    crate::common::module(&largest);
    let shown = refusal(&largest.replace("32764", "32768"));
    assert!(shown.contains("more than 32764 bytes"), "{shown}");
}

#[test]
fn loads_and_stores_take_registers_that_are_wider() {
    // What is loaded or stored, and the 64 bits that lie in memory then.
    let of = |body: &str| {
        let body = format!("ld.param.u64 %d1, [a];\n{body}");
        let module = module_printed_again(&text("8.0", "sm_80", ".param .u64 a", &body));
        let memory = Flat::new(32);
        memory.put(0, &[0x8182_8384_8586_8788_u64, 0x4142_4344_4546_4748]);
        launch_one(&module, &memory).unwrap();
        memory.get::<u64>(16, 1)[0]
    };
    for (load, kept) in [
        ("ld.global.b8 %f1, [%d1];", 0x88),
        ("ld.global.b16 %f1, [%d1];", 0x8788),
        ("ld.global.b32 %f1, [%d1];", 0x8586_8788),
    ] {
        let store = "mov.b32 %r1, %f1; st.global.b32 [%d1+16], %r1;";
        assert_eq!(of(&format!("{load} {store}")), kept, "{load}");
    }
    for (load, kept) in [
        ("ld.global.b8 %g1, [%d1];", 0x88),
        ("ld.global.b32 %g1, [%d1];", 0x8586_8788),
    ] {
        let store = "mov.b64 %d2, %g1; st.global.b64 [%d1+16], %d2;";
        assert_eq!(of(&format!("{load} {store}")), kept, "{load}");
    }
    for (load, kept) in [
        ("ld.global.f32 %d2, [%d1];", 0x8586_8788),
        ("ld.global.s8 %d2, [%d1];", 0xffff_ffff_ffff_ff88),
        ("ld.global.u8 %d2, [%d1];", 0x88),
        ("ld.global.b16 %d2, [%d1];", 0x8788),
        ("ld.global.s32 %d2, [%d1];", 0xffff_ffff_8586_8788),
        ("ld.global.v2.f32 {%d3, %d2}, [%d1];", 0x8182_8384),
        ("ld.global.v2.b32 {%g1, %d2}, [%d1];", 0x8182_8384),
    ] {
        let store = "st.global.b64 [%d1+16], %d2;";
        assert_eq!(of(&format!("{load} {store}")), kept, "{load}");
    }
    for (store, kept) in [
        ("mov.b32 %f1, 0x11223344; st.global.b8 [%d1+16], %f1;", 0x44),
        (
            "mov.b32 %f1, 0x11223344; st.global.b16 [%d1+16], %f1;",
            0x3344,
        ),
        (
            "ld.global.f64 %g1, [%d1+8]; st.global.b32 [%d1+16], %g1;",
            0x4546_4748,
        ),
        (
            "ld.global.b64 %d2, [%d1+8]; st.global.f32 [%d1+16], %d2;",
            0x4546_4748,
        ),
    ] {
        assert_eq!(of(store), kept, "{store}");
    }
    for line in [
        "ld.global.f32 %g1, [%d1];",
        "ld.global.s16 %f1, [%d1];",
        "ld.global.u32 %f1, [%d1];",
        "ld.global.b64 %f1, [%d1];",
        "st.global.f64 [%d1], %f1;",
        "st.global.u16 [%d1], %f1;",
    ] {
        let shown = refusal(&text("8.0", "sm_80", ".param .u64 a", line));
        assert!(shown.contains("a register of type"), "{line}: {shown}");
    }
}

#[test]
fn vector_registers_are_as_many_registers() {
    let body = ".reg .v4 .b32 %v; .reg .v2 .f32 %w, %u;\n\
        ld.param.u64 %d1, [a]; ld.global.v4.b32 %v, [%d1]; add.s32 %v.x, %v.y, %v.w; add.s32 %v.b, %v.g, 1;\n\
        mov.b32 %w.x, %v.x; mov.b32 %w.y, %v.z; st.global.v4.b32 [%d1+16], %v; st.global.v2.f32 [%d1], %w;";
    let module = module_printed_again(&text("8.0", "sm_80", ".param .u64 a", body));
    let memory = Flat::new(32);
    memory.put(0, &[1u32, 20, 300, 4000]);
    launch_one(&module, &memory).unwrap();
    assert_eq!(
        memory.get::<u32>(0, 8),
        [4020, 21, 300, 4000, 4020, 20, 21, 4000]
    );
    let shown = refusal(&text(
        "8.0",
        "sm_80",
        "",
        ".reg .v2 .b32 %v; mov.b32 %r1, %v.z;",
    ));
    assert!(
        shown.contains("expected an element of the vector"),
        "{shown}"
    );
}

#[test]
fn a_block_is_a_cluster_of_its_own() {
    let head = ".visible .entry k(.param .u64 a) .explicitcluster .reqnctapercluster 1, 1, 1 .maxclusterrank 8";
    let body = "ld.param.u64 %d1, [a]; mov.u32 %r1, %cluster_nctarank; mov.u32 %r2, %cluster_ctaid.y;\n\
        mov.u32 %r3, %nclusterid.x; mov.pred %p1, %is_explicit_cluster; selp.u32 %r4, 50, 5, %p1;\n\
        add.u32 %r1, %r1, %r2; mad.lo.u32 %r1, %r3, 10, %r1; mad.lo.u32 %r1, %r4, 100, %r1;\n\
        st.global.u32 [%d1], %r1;";
    let text = text("8.0", "sm_90", ".param .u64 a", body);
    let text = text.replace(".visible .entry k(.param .u64 a)", head);
    let memory = Flat::new(8);
    launch_one(&module_printed_again(&text), &memory).unwrap();
    assert_eq!(memory.get::<u32>(0, 1), [511]);
}

#[test]
fn a_long_text_is_read_like_a_short_one() {
    let comment =
        "// what somebody had to say about this kernel, line by line\n".repeat(9 << 20 >> 6);
    let body = format!("{comment}ld.param.u64 %d1, [a]; st.global.u32 [%d1], 7;");
    let text = text("8.0", "sm_80", ".param .u64 a", &body);
    assert!(text.len() > 8 << 20);
    let memory = Flat::new(8);
    launch_one(&module(&text), &memory).unwrap();
    assert_eq!(memory.get::<u32>(0, 1), [7]);
}

#[test]
fn texts_of_the_first_versions_mean_what_they_meant() {
    // As CUDA 5 wrote it for the first devices with 64-bit addresses.
    let text = ".version 3.1\n.target sm_20\n.address_size 64\n\n\t.file\t1 \"add.cu\", 1365000000, 120\n\
        .visible .entry k(\n\t.param .u64 .ptr .global .align 4 a,\n\t.param .u32 n\n)\n\
        .maxntid 256, 1, 1\n.minnctapersm 2\n{\n\
        .reg .pred %p<2>;\n.reg .s32 %r<9>;\n.reg .s64 %rl<5>;\n.reg .f32 %f<4>;\n\
        .loc 1 3 1\n\
        ld.param.u64 %rl1, [a];\nld.param.u32 %r2, [n];\ncvta.to.global.u64 %rl2, %rl1;\n\
        mov.u32 %r3, %ctaid.x;\nmov.u32 %r4, %ntid.x;\ncvt.u32.u16 %r8, %tid.x;\n\
        mad.lo.s32 %r1, %r3, %r4, %r8;\nsetp.ge.u32 %p1, %r1, %r2;\n@%p1 bra BB0_2;\n\
        mul.wide.u32 %rl3, %r1, 4;\nadd.s64 %rl4, %rl2, %rl3;\nld.global.f32 %f1, [%rl4];\n\
        add.ftz.f32 %f2, %f1, 0f3F800000;\nst.global.f32 [%rl4], %f2;\n\
        BB0_2:\n.loc 1 7 2\nret;\n}\n";
    let module = module_printed_again(text);
    let memory = Flat::new(64);
    memory.put(0, &[1.0f32; 16]);
    let arguments = Arguments::new().pointer(0).with(12u32);
    launch(&module, "k", line(2), line(8), 0, arguments, &memory).unwrap();
    let mut expected = [2.0f32; 16];
    expected[12..].fill(1.0);
    assert_eq!(memory.get::<f32>(0, 16), expected);
}

/// What kernels for clusters do, in a cluster of one block.
#[test]
fn instructions_for_clusters_mean_the_block_itself() {
    let body = "ld.param.u64 %d1, [a]; mov.u32 %r1, %tid.x; mul.wide.u32 %d2, %r1, 4; add.s64 %d1, %d1, %d2;
\
        mov.u32 %r2, s; shl.b32 %r3, %r1, 2; add.u32 %r2, %r2, %r3; mapa.shared::cluster.u32 %r3, %r2, 0;
\
        st.shared::cluster.u32 [%r3], %r1; atom.shared::cluster.add.u32 %r4, [%r3], 100;
\
        barrier.cluster.arrive.release; setp.lt.u32 %p1, %r1, 32; @%p1 bra low;
\
        barrier.cluster.wait.acquire.aligned; bra.uni both;
\
        low: barrier.cluster.wait;
\
        both: xor.b32 %r2, %r2, 128; ld.relaxed.cluster.shared::cluster.u32 %r5, [%r2];
\
        getctarank.shared::cluster.u32 %r4, %r3; cvt.u64.u32 %d3, %r3; cvta.shared.u64 %d3, %d3; mapa.u64 %d4, %d3, 0;
\
        setp.ne.u64 %p2, %d3, %d4; selp.u32 %r3, 1000, 0, %p2; add.u32 %r5, %r5, %r4; add.u32 %r5, %r5, %r3;
\
        barrier.cluster.arrive.relaxed.aligned; barrier.cluster.wait.acquire;
\
        st.global.u32 [%d1], %r5; ret;";
    let text = format!(
        ".version 8.0
.target sm_90
.address_size 64
.visible .entry k(.param .u64 a)
{{
\
         .reg .pred %p<4>; .reg .b32 %r<8>; .reg .b64 %d<8>; .shared .align 4 .b8 s[256];
{body}
}}
"
    );
    let module = module_printed_again(&text);
    let expected: Vec<u32> = (0..64).map(|thread| (thread ^ 32) + 100).collect();
    assert_eq!(value_of_each_thread::<u32>(&module, 64).unwrap(), expected);
    // No kernel can name that barrier.
    let text = text.replace(
        "barrier.cluster.wait.acquire;",
        "mov.u32 %r6, 16; bar.sync %r6;",
    );
    let said = value_of_each_thread::<u32>(&module_printed_again(&text), 64).unwrap_err();
    assert!(
        said.to_string().contains("there is no barrier 16"),
        "{said}"
    );
}

//! Texts that must be refused: with a diagnostic that says what and where, in bounded time, and
//! without harm. What can go wrong before a kernel runs is here; what a running kernel can do wrong
//! is in `faults.rs`.

use crate::common::{module, refusal};
use proptest::prelude::*;
use tensor_wasm_ptx::{Limits, parse};

const HEAD: &str = ".version 8.0\n.target sm_80\n.address_size 64\n";

/// An entry with a few registers around these lines.
fn entry(body: &str) -> String {
    format!(
        "{HEAD}.visible .entry k(.param .u64 p)\n{{\n.reg .pred %p<4>;\n.reg .b16 %h<4>;\n\
         .reg .b32 %r<8>;\n.reg .b64 %d<8>;\n.reg .f32 %f<8>;\n{body}\nret;\n}}\n"
    )
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    let shown = refusal(text);
    assert!(
        shown.contains(expected),
        "expected `{expected}` in:\n{shown}"
    );
}

#[test]
fn instructions_that_are_not_known_are_refused_by_name_with_line_and_column() {
    let text = entry(
        "  mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%f1}, {%r1}, {%r2}, {%f1}, %r1, 0;",
    );
    refused(
        &text,
        "11:3: instruction mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 is not supported by this device",
    );
    refused(
        &entry("tex.2d.v4.f32.f32 {%f1,%f2,%f3,%f4}, [%d1, {%f1,%f2}];"),
        "instruction tex.2d.v4.f32.f32 is not supported",
    );
    refused(
        &entry("cp.async.bulk.shared.global [%r1], [%d1], 16;"),
        "instruction cp.async.bulk.shared.global is not supported",
    );
    refused(
        &entry("add.rn.s32 %r1, %r2, %r3;"),
        "instruction add.rn.s32 is not supported",
    );
    refused(
        &entry("frobnicate %r1;"),
        "instruction frobnicate is not supported",
    );
    refused(
        &entry("shfl.bfly.b32 %r1, %r2, 1, 31;"),
        "shfl without `.sync` is for targets below sm_70: write `shfl.sync` and a member mask",
    );
}

#[test]
fn instructions_that_ptx_has_and_this_device_does_not_say_so() {
    for (line, family) in [
        (
            "mma.sync.aligned.m16n8k32.row.col.kind::f8f6f4.f32.e3m2.e2m1.f32 {%f1}, {%r1}, {%r1}, {%f1};",
            "matrix instructions are not",
        ),
        (
            "ldmatrix.sync.aligned.m16n16.x1.trans.shared.b8 {%r1,%r2}, [%r1];",
            "matrix instructions are not",
        ),
        (
            "wgmma.mma_async.sp.sync.aligned.m64n8k32.f32.f16.f16 {%f1}, %d1, %d2, %r1, 0, 1, 1, 1, 0, 0;",
            "matrix instructions are not",
        ),
        ("tcgen05.wait::ld.sync.aligned;", "tensor memory is not"),
        (
            "movmatrix.sync.aligned.m8n8.trans.b8 %r1, %r2;",
            "matrix instructions are not",
        ),
        (
            "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%r1], [%d1, {%r1, %r2}], [%r3];",
            "tensor maps are not",
        ),
        (
            "cp.reduce.async.bulk.global.shared::cta.bulk_group.add.u32 [%d1], [%r1], 16;",
            "asynchronous copies of this form are not",
        ),
        (
            "red.async.relaxed.cluster.global.add.u32 [%r1], %r1, [%r2];",
            "asynchronous copies",
        ),
        (
            "tensormap.replace.tile.rank.global.b1024.b32 [%d1], 1;",
            "tensor maps are not",
        ),
        (
            "fence.proxy.tensormap::generic.release.gpu;",
            "tensor maps are not",
        ),
        ("prefetch.tensormap [%d1];", "tensor maps are not"),
        (
            "suld.b.1d.b32.trap {%r1}, [%d1, {%r2}];",
            "textures and surfaces are not",
        ),
        (
            "multimem.ld_reduce.relaxed.gpu.global.add.f32 %f1, [%d1];",
            "clusters of blocks",
        ),
        (
            "alloca.u64 %d1, %d2;",
            "variables whose size a kernel computes",
        ),
        (
            "atom.global.cas.b128 %d1, [%d1], %d2, %d3;",
            "values of 128 bits",
        ),
    ] {
        let shown = refusal(&entry(line));
        let name = line.split([' ', ';']).next().unwrap();
        let expected =
            format!("11:1: instruction {name} is not supported by this device yet: {family}");
        assert!(
            shown.contains(&expected),
            "expected `{expected}` in:\n{shown}"
        );
    }
}

#[test]
fn one_mistake_does_not_hide_the_next() {
    let shown = refusal(&entry(
        "foo %r1;\nadd.s32 %r1, %r2;\nbar %r2;\nmov.u32 %r1, %nope;",
    ));
    for part in [
        "11:1: instruction foo",
        "12:1: add.s32 takes 3 operands, not 2",
        "13:1: instruction bar is not",
        "14:14: register `%nope` is not declared",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let many = entry(&"foo;\n".repeat(1000));
    let diagnostics = parse(many.as_bytes(), &Limits::default()).unwrap_err();
    assert_eq!(diagnostics.len(), 20);
}

#[test]
fn one_cause_has_one_message() {
    let only = |text: &str, expected: &str| {
        let diagnostics = parse(text.as_bytes(), &Limits::default()).unwrap_err();
        let shown: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
        assert_eq!(shown.len(), 1, "{shown:#?}");
        assert!(shown[0].contains(expected), "{expected} in {}", shown[0]);
    };
    let uses =
        "mov.b32 %x1, %x2; add.s32 %x3, %x1, %x2; @%x4 bra done; ld.global.u32 %r1, [%x5]; done:";
    only(
        &entry(&format!(".reg .b128 %x<9>; {uses}")),
        "registers of type `.b128`",
    );
    only(
        &entry("mov.u32 %r1, %nope; add.u32 %r2, %nope, %nope; ld.global.u32 %r1, [%nope];"),
        "register `%nope` is not declared",
    );
    only(
        &entry("bra nowhere; bra nowhere; @%p1 bra nowhere;"),
        "there is no label `nowhere`",
    );
    only(
        &entry("call nobody; call nobody; call nobody;"),
        "function `nobody` is not declared",
    );
    let table = ".global .b64 table[2] = {f, f};\n";
    let loads = "ld.global.u64 %d1, [table]; ld.global.u64 %d1, [table+8]; mov.u64 %d2, table;";
    only(
        &entry(loads).replace(".visible", &format!("{table}.visible")),
        "`f` is not a",
    );
    only(
        &entry(loads).replace(".visible", ".global .b128 table[2];\n.visible"),
        "variables with `.b128`",
    );
    only(
        &entry("call f; call f;").replace(".visible", ".func f;\n.visible"),
        "function `f` is only declared",
    );
    only(
        &entry("call f; call f;").replace(".visible", ".func f .nothing { ret; }\n.visible"),
        "`.nothing` is not supported",
    );
}

#[test]
fn operands_must_have_the_type_that_the_instruction_has() {
    for (body, expected) in [
        (
            "add.s32 %r1, %f1, %r2;",
            "operand 2 of add: a register of type `.f32` where the type is `.s32`",
        ),
        (
            "add.f32 %f1, %f2, 1;",
            "an integer where the type is `.f32`",
        ),
        (
            "add.s64 %d1, %r1, %d2;",
            "operand 2 of add: a register of type `.b32`",
        ),
        ("mov.u32 %r1, %p1;", "a register of type `.pred`"),
        ("add.s32 5, %r1, %r2;", "expected a register to write to"),
        (
            "ld.global.u32 %r1, [%r2];",
            "an address is a 64-bit integer",
        ),
        (
            "ld.global.v2.u32 %r1, [%d1];",
            "expected 2 registers in braces",
        ),
        (
            "ld.global.v2.u32 {%r1,%r2,%r3}, [%d1];",
            "3 elements where 2 are moved",
        ),
        (
            "ld.global.v4.u64 {%d1,%d2,%d3,%d4}, [%d1];",
            "at most 128 bits",
        ),
        (
            "mov.b64 %d1, {%r1, %r2, %r3};",
            "64 bits do not spread over 3 registers",
        ),
        ("@%r1 mov.u32 %r1, 0;", "a guard is a predicate"),
        ("cvt.s32.f32 %r1, %f1;", "needs a rounding to an integer"),
        ("cvt.f32.s32 %f1, %r1;", "needs a rounding"),
        (
            "st.const.u32 [%d1], %r1;",
            "instruction st.const.u32 is not supported",
        ),
        ("st.param.u32 [p], %r1;", "parameters cannot be written"),
        ("ld.shared.u32 %r1, [p];", "lies in another memory"),
        ("bra nowhere;", "there is no label `nowhere`"),
        (
            "x: bra x; mov.u32 %r1, x;",
            "label `x` cannot be an operand",
        ),
        ("x: brx.idx %r1, x;", "needs a list of labels"),
        ("call nobody;", "function `nobody` is not declared"),
        (
            "call %d1, ();",
            "a call through a register ends with the name of a `.callprototype`",
        ),
        ("call %d1, p;", "`p` is no `.callprototype`"),
        (
            "mov.u64 %d1, k;",
            "the address of entry `k` is not supported",
        ),
    ] {
        refused(&entry(body), expected);
    }
}

#[test]
fn a_label_in_a_block_cannot_be_reached_from_outside() {
    refused(
        &entry("{ inner: mov.u32 %r1, 0; }\nbra inner;"),
        "there is no label `inner`",
    );
    module(&entry("outer: { bra outer; inner: bra inner; }"));
    module(&entry(
        "{ .reg .b32 %r1; mov.u32 %r1, 1; }\n{ .reg .f32 %r1; mov.f32 %r1, 0f00000000; }",
    ));
}

#[test]
fn heads_must_name_a_version_and_a_target_that_this_device_knows() {
    refused("", "the module has no `.version`");
    refused(
        ".target sm_70\n",
        "1:1: expected `.version` at the beginning",
    );
    refused(".version 8.0\n", "the module has no `.target`");
    refused(".version 12.0\n.target sm_80\n", "PTX 12.0 is not known");
    refused(
        ".version 8.7\n.target sm_100\n",
        "target sm_100 is newer than this device: compile for sm_90 or older",
    );
    refused(".version 8.0\n.target gfx900\n", "`gfx900` is not a target");
    refused(
        ".version 8.0\n.target sm_80\n.address_size 32\n",
        "addresses must have 64 bits",
    );
    module(".version 6.0\n.target sm_50, debug\n.address_size 64\n.entry k() { ret; }");
    module(".version 7.8\n.target sm_90a\n.address_size 64\n");
}

#[test]
fn absurd_sizes_are_refused_before_memory_is_taken() {
    for (body, expected) in [
        (
            ".reg .v4 .b64 %x;",
            "a vector of 4 registers of type `.b64` has more than 128 bits",
        ),
        (
            ".reg .v2 .b32 %x<4>;",
            "vector registers are declared one by one",
        ),
        (
            ".local .b8 x[18446744073709551615][18446744073709551615];",
            "larger than the 524288 bytes of local memory",
        ),
        (".local .b8 x[600000];", "larger than"),
        (
            ".shared .b8 x[50000];",
            "larger than the 49152 bytes of shared memory",
        ),
        (
            ".shared .b8 x[40000]; .shared .b8 y[40000];",
            "static shared memory",
        ),
        (".local .align 3 .b8 x[4];", "power of two"),
        (".local .b8 x[];", "has no size"),
        (".local .b8 x[1/0];", "divided by zero"),
    ] {
        refused(&entry(body), expected);
    }
    for (text, expected) in [
        (".global .b8 x[99999999999];", "more than 268435456 bytes"),
        (".global .b64 x[99999999999999999999];", "not a number"),
        (
            ".global .b8 x[2] = {1, 2, 3};",
            "more initial values than elements",
        ),
        (".global .b8 x[2] = {{{{1}}}};", "more braces"),
        (".global .f32 x = 5;", "floating-point variable"),
        (
            ".global .b8 y[4]; .global .b8 x[2] = {0xFF(y), 0xFF00(y)};",
            "must all follow one another",
        ),
        (
            ".global .b8 y[4]; .global .b8 x[8] = {0xFF(y), 0xFF00(y), 1};",
            "must all follow one another",
        ),
        (
            ".global .b8 y[4]; .global .b8 x[8] = {0xFF00(y)};",
            "picks one byte",
        ),
        (
            ".global .b8 y[4]; .global .b8 x[8] = {0, 0xFF0(y)};",
            "picks one byte",
        ),
        (
            ".global .b8 y[4]; .global .b32 x[8] = {0xFF(y)};",
            "picks one byte",
        ),
        (".global .attribute(.unified(1,2)) .b8 x;", "`.managed`"),
        (".reg .bf16x2 x;", "`.reg` is not supported"),
        (".extern .global .b8 x[4];", "not defined in this module"),
        (".global .b32 x = y;", "`y` is not a"),
        (
            ".entry k(.param .b8 x[5000]) { ret; }",
            "more than 4096 bytes",
        ),
        (
            ".entry k(.param .v2 .f32 x) { ret; }",
            "a parameter cannot be a vector",
        ),
        (
            ".func f(.param .v4 .b32 x) { ret; }",
            "a parameter cannot be a vector",
        ),
        (
            ".entry k() { .param .v2 .f32 x; ret; }",
            "a parameter cannot be a vector",
        ),
        (
            ".global .u32 x[];",
            "array `x` has neither a size nor an initial value",
        ),
        (
            ".const .align 8 .b8 x[];",
            "array `x` has neither a size nor an initial value",
        ),
        (
            ".entry k() .noreturn { ret; }",
            "`.noreturn` is for device functions",
        ),
        (
            ".func (.param .b32 r) f() .noreturn { ret; }",
            "a function with results returns",
        ),
        (
            ".entry k() .reqnctapercluster 2, 1, 1 { ret; }",
            "clusters of 2 blocks are not supported",
        ),
        (
            ".entry k(.param .b8 x[18446744073709551615]) { ret; }",
            "more than 4096 bytes",
        ),
        (".tex .u64 t;", "`.tex` is not supported"),
        (".alias a, b;", "`.alias` is not supported"),
        (".entry k() { ret; } .entry k() { ret; }", "declared twice"),
        (".entry k();", "an entry needs a body"),
        (".func f() { ret; } .func f() { ret; }", "defined twice"),
        (".entry k() { ret;", "does not end"),
        ("/* open", "does not end"),
        (".section .debug { ", "does not end"),
    ] {
        refused(&format!("{HEAD}{text}\n"), expected);
    }
}

#[test]
fn functions_that_are_missing_or_called_with_too_little_are_refused() {
    let text = format!("{HEAD}.func f;\n.entry k() {{ call f; ret; }}\n");
    refused(&text, "function `f` is only declared");
    let text = format!(
        "{HEAD}.func (.reg .b32 %o) f(.reg .b32 %a) {{ mov.b32 %o, %a; ret; }}\n.entry k() {{ .reg .b32 %r<2>; call (%r1), f; ret; }}\n"
    );
    refused(&text, "function `f` has 1 arguments, 0 are given");
}

#[test]
fn long_and_deep_texts_are_refused_quickly() {
    let limits = Limits::default();
    let long = "\n".repeat(40 << 20);
    let shown = parse(long.as_bytes(), &limits).unwrap_err()[0].to_string();
    assert!(
        shown.contains("41943040 bytes, the limit is 33554432"),
        "{shown}"
    );
    refused(&entry(&"{".repeat(1 << 20)), "nested more than 64 deep");
    refused(
        &entry(&format!(
            "mov.u32 %r1, {}1{};",
            "(".repeat(100_000),
            ")".repeat(100_000)
        )),
        "nested more than 32 deep",
    );
    refused(
        &entry(&format!("mov.u32 %r1, {}1;", "-".repeat(100_000))),
        "nested more than 32 deep",
    );
    refused(
        &entry(&"ret;\n".repeat(1_100_000)),
        "more than 1048576 instructions",
    );
    refused(
        &entry(&(0..300_000).map(|i| format!("l{i}:\n")).collect::<String>()),
        "more than 262144 names",
    );
    let deep = (0..40_000).map(|i| {
        format!(
            ".func f{i} {{ {} ret; }}\n",
            if i > 0 {
                format!("call f{};", i - 1)
            } else {
                String::new()
            }
        )
    });
    module(&format!("{HEAD}{}", deep.collect::<String>()));
    let wide: String = format!(
        "{HEAD}{}{}",
        (0..3000)
            .map(|i| format!(
                ".func f{i} {{ {} ret; }}\n",
                if i > 0 {
                    format!("call f{};", i - 1)
                } else {
                    String::new()
                }
            ))
            .collect::<String>(),
        (0..3000)
            .map(|i| format!(".entry e{i}() {{ call f2999; ret; }}\n"))
            .collect::<String>()
    );
    refused(&wide, "reach too many functions");
    // Many blocks that each declare the same name.
    let scopes =
        "{ .param .b32 x; .reg .b32 %a; mov.b32 %a, 0; st.param.b32 [x], %a; }\n".repeat(15_000);
    module(&entry(&scopes));
}

#[test]
fn every_truncation_of_a_real_module_is_handled() {
    let text = include_str!("../../../components/saxpy/kernels/saxpy.ptx");
    for end in 0..text.len() {
        let _ = parse(&text.as_bytes()[..end], &Limits::default());
    }
    let text = include_str!("data/kernels.ptx");
    for end in (0..text.len()).step_by(211) {
        let _ = parse(&text.as_bytes()[..end], &Limits::default());
    }
}

#[test]
fn what_compilers_add_around_kernels_is_stepped_over() {
    module(&format!(
        "{HEAD}.file 1 \"a.cu\", 12, 34\n.pragma \"nounroll\";\n.global .align 8 .u64 table[2] = {{generic(x), x+4}};\n"
    ).replace(".global", ".global .align 4 .b8 x[8];\n.global"));
    let text = format!(
        "{HEAD}\n.file 1 \"/src\" \"a.cu\"\n.visible .entry k(.param .u64 .ptr .global .align 4 p)\n.maxntid 128, 1, 1\n.minnctapersm 2\n.maxnreg 32\n\
         {{\n.reg .b32 %r<3>;\n.loc 1 3 5\n.pragma \"nounroll\";\nmov.u32 %r1, %tid.x;\n\
         .loc 1 4 7, function_name $L__info_string0, inlined_at 1 3 5\nadd.s32 %r2, %r1, 1;\n$L_end:\nret;\n}}\n\
         .section .debug_str\n{{\n$L__info_string0:\n.b8 95, 90\n.b8 0\n}}\n"
    );
    assert_eq!(module(&text).entry("k").unwrap().max_threads(), Some(128));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes, &Limits::default());
        let mut text = format!("{HEAD}.entry k() {{ ").into_bytes();
        text.extend(bytes);
        let _ = parse(&text, &Limits::default());
    }

    #[test]
    fn words_of_the_language_in_any_order_never_panic(
        words in proptest::collection::vec(prop::sample::select(WORDS.to_vec()), 0..60)
    ) {
        let text = format!("{HEAD}.entry k(.param .u64 p) {{ .reg .b32 %r<4>; .reg .b64 %d<4>; .reg .pred %p<3>; {}", words.join(" "));
        let _ = parse(text.as_bytes(), &Limits::default());
    }

    #[test]
    fn a_real_module_with_bytes_changed_never_panics(
        changes in proptest::collection::vec((0usize..2000, any::<u8>()), 1..6),
        swap in (0usize..2000, 0usize..2000),
    ) {
        let mut text = include_bytes!("../../../components/saxpy/kernels/saxpy.ptx").to_vec();
        for (place, byte) in changes {
            let place = place % text.len();
            text[place] = byte;
        }
        let (a, b) = (swap.0 % text.len(), swap.1 % text.len());
        text.swap(a, b);
        if let Ok(module) = parse(&text, &Limits::default()) {
            let printed = module.to_string();
            let again = parse(printed.as_bytes(), &Limits::default());
            prop_assert!(again.is_ok_and(|again| again == module), "{printed}");
        }
    }
}

const WORDS: [&str; 64] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    ":",
    "@",
    "!",
    "|",
    "+",
    "-",
    "=",
    "<",
    ">",
    "_",
    ".reg",
    ".b32",
    ".b64",
    ".pred",
    ".shared",
    ".local",
    ".param",
    ".global",
    ".align",
    ".branchtargets",
    ".loc",
    ".func",
    ".entry",
    ".section",
    "%r1",
    "%r2",
    "%d1",
    "%d2",
    "%p1",
    "%p2",
    "%tid.x",
    "p",
    "x",
    "x:",
    "y",
    "0",
    "4",
    "-1",
    "99999999999",
    "0f3F800000",
    "1.5",
    "add.s32",
    "ld.global.u32",
    "st.global.u32",
    "mov.b64",
    "bra",
    "call",
    "ret",
    "setp.lt.s32",
    "bar.sync",
    "shfl.sync.idx.b32",
    "atom.global.add.u32",
    "cvt.u32.u64",
    "brx.idx",
    "mov.u32",
    "ld.param.u64",
];

#[test]
fn time_and_memory_grow_with_the_text_and_not_with_its_square() {
    use std::sync::Arc;
    use tensor_wasm_ptx::simt::Launch;
    let one = crate::common::line(1);
    let launch = |text: String| {
        let module = Arc::new(parse(text.as_bytes(), &Limits::default()).unwrap());
        Launch::new(module, "k", one, one, 0, vec![0; 8], vec![]).unwrap();
    };
    // Many calls of one long function, from one with many variables.
    launch(format!(
        "{HEAD}.func f {{ {} ret; }}\n.entry k(.param .u64 p) {{ {} {} ret; }}\n",
        "ret;".repeat(100_000),
        (0..20_000)
            .map(|index| format!(".param .b32 x{index};"))
            .collect::<String>(),
        "call f;".repeat(100_000)
    ));
    // Many jumps by one long table.
    launch(format!(
        "{HEAD}.entry k(.param .u64 p) {{ .reg .b32 %r; l: t: .branchtargets {}; {} }}\n",
        vec!["l"; 50_000].join(","),
        "brx.idx %r, t;".repeat(100_000)
    ));
    // Many entries that reach a function which names many shared variables.
    let many = format!(
        "{HEAD}{}.func f {{ .reg .b64 %d; {} ret; }}\n{}",
        (0..20_000)
            .map(|index| format!(".shared .b8 s{index};"))
            .collect::<String>(),
        (0..20_000)
            .map(|index| format!("mov.b64 %d, s{index};"))
            .collect::<String>(),
        (0..20_000)
            .map(|index| format!(".entry k{index}() {{ call f; ret; }}\n"))
            .collect::<String>()
    );
    refused(&many, "reach too many functions and shared variables");
}

#[test]
fn an_address_with_ever_more_ways_behind_it_is_compiled_like_any_other() {
    // Each register has two definitions of two operands: looking at each way takes forever.
    let steps: String = (1..200)
        .map(|i| {
            let (to, from, other) = (i % 20, (i + 7) % 20, (i + 13) % 20);
            format!("add.s64 %a{to}, %a{from}, %a{other};\nst.global.u32 [%a{to}], 1;\n")
        })
        .collect();
    let text = format!(
        ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n\
         .reg .b64 %a<20>;\n{steps}ret;\n}}\n"
    );
    let module = module(&text);
    assert!(tensor_wasm_ptx::compile::compile(&module, "k").is_ok());
}

#[test]
fn a_kernel_that_holds_too_much_at_once_is_left_to_the_interpreter() {
    // An engine's time to find registers grows with the square of what is held.
    let text = |count: usize| {
        let loads: String = (0..count)
            .map(|i| format!("ld.global.f32 %f{i}, [%d+{}];\n", i * 4))
            .collect();
        let stores: String = (0..count)
            .rev()
            .map(|i| format!("st.global.f32 [%d+{}], %f{i};\n", i * 4))
            .collect();
        format!(
            ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n\
             .reg .b64 %d;\n.reg .f32 %f<{count}>;\nld.param.u64 %d, [p];\n{loads}{stores}ret;\n}}\n"
        )
    };
    let lower = |count| tensor_wasm_ptx::compile::compile(&module(&text(count)), "k");
    assert!(lower(200).is_ok());
    let refused = lower(1240).unwrap_err().to_string();
    assert_eq!(refused, "not compiled: too many registers at once");
}

#[test]
fn a_kernel_of_ever_more_accesses_is_left_to_the_interpreter() {
    let text = |count: usize, access: &str| {
        format!(
            ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n\
             .reg .b64 %d<3>;\nld.param.u64 %d0, [p];\n{}ret;\n}}\n",
            access.repeat(count)
        )
    };
    let lower =
        |count, access| tensor_wasm_ptx::compile::compile(&module(&text(count, access)), "k");
    let same = "st.global.u64 [%d0], %d1;\n";
    assert!(lower(2000, same).is_ok());
    let refused = lower(2600, same).unwrap_err().to_string();
    assert_eq!(refused, "not compiled: too many accesses of memory");
    // Each address is what the one before it loaded: too many places for groups to part.
    let chase = "ld.global.u64 %d0, [%d0];\n";
    let alone = lower(2000, chase).unwrap();
    assert_eq!(alone.lanes(), 1);
}

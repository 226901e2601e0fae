//! Loads and sums in every order, and what threads have in common across places where they part and
//! meet: compiled, for one thread and for groups, they give what the interpreter gives.

use crate::common::{Arguments, Flat, launch_as, line, module};
use tensor_wasm_ptx::compile::Vectorize;

fn agrees(steps: &str) {
    let text = format!(
        ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n\
         .reg .b64 %d<8>; .reg .b32 %r<8>; .reg .f32 %f<8>; .reg .f64 %g<8>; .reg .pred %p<3>;\n\
         .shared .align 16 .b8 held[1024];\n\
         ld.param.u64 %d0, [p]; mov.u32 %r0, %tid.x; mul.wide.u32 %d1, %r0, 4;\n\
         mul.wide.u32 %d2, %r0, 8; mul.wide.u32 %d3, %r0, 128;\n\
         add.s64 %d1, %d0, %d1; add.s64 %d2, %d0, %d2; add.s64 %d3, %d0, %d3;\n\
         mov.u32 %r1, 0; mov.u32 %r2, held; shl.b32 %r3, %r0, 2; add.s32 %r3, %r2, %r3;\n\
         cvt.rn.f32.u32 %f0, %r0; st.shared.f32 [%r3], %f0; bar.sync 0;\n{steps}\nret;\n}}\n"
    );
    let (module, memory) = (module(&text), Flat::new(8192));
    let numbers: Vec<f32> = (0..1024).map(|number| 1.5 - number as f32 / 7.0).collect();
    memory.put(0, &numbers);
    let arguments = Arguments::new().pointer(0);
    let widths = [Vectorize::Never, Vectorize::Always];
    launch_as(
        &module,
        "k",
        (line(2), line(32), 0),
        arguments,
        &memory,
        &widths,
    )
    .unwrap();
}

/// A step on numbers of 32 or 64 bits: a load of one's own element or of all threads' one, a sum, a
/// copy, or a move of the address that all load from.
fn step(random: &mut fastrand::Rng, wide: bool) -> String {
    let (letter, ty, bytes, own, eighth) = match wide {
        true => ('g', "f64", 8, "%d2", "%d5"),
        false => ('f', "f32", 4, "%d1", "%d4"),
    };
    // What was loaded and what was summed have registers of their own: a NaN that is made is not one
    // that was loaded, so where they share one, each sum is looked at before the next step.
    let mut any = |from: u32, to: u32| format!("%{letter}{}", random.u32(from..to));
    let (loaded, sum) = (any(0, 4), any(4, 8));
    let (other, earlier, a, b) = (any(0, 4), any(4, 8), any(0, 8), any(0, 8));
    let offset = bytes * random.u32(..16);
    match random.u32(..12) {
        0..2 => format!("ld.global.{ty} {loaded}, [{own}+{offset}];"),
        // Every eight threads load the same again.
        2 | 3 => format!("ld.global.{ty} {loaded}, [{eighth}+{offset}];"),
        4 => format!("ld.global.{ty} {loaded}, [%d0+{offset}];"),
        5 if !wide => format!("ld.shared.f32 {loaded}, [%r3+{offset}];"),
        6 if !wide => format!("ld.shared.f32 {loaded}, [%r2+{offset}];"),
        7 => format!("mov.{ty} {loaded}, {other};"),
        8 => format!("mov.{ty} {sum}, {earlier};"),
        9 if !wide => "add.s32 %r2, %r2, 4;".to_owned(),
        _ => format!("fma.rn.{ty} {sum}, {a}, {b}, {earlier};"),
    }
}

#[test]
fn loads_and_sums_in_any_order() {
    let mut random = fastrand::Rng::with_seed(7);
    for round in 0..150 {
        let wide = round % 3 == 0;
        let zeros: String = (0..8)
            .map(|reg| {
                format!("mov.f32 %f{reg}, 0f3f800000; mov.f64 %g{reg}, 0d3ff0000000000000;\n")
            })
            .collect();
        let count = random.usize(4..40);
        let steps: Vec<String> = (0..count).map(|_| step(&mut random, wide)).collect();
        let stores: String = (0..8)
            .map(|reg| match wide {
                true => format!("st.global.f64 [%d3+{}], %g{reg};\n", 4096 + 8 * reg),
                false => format!("st.global.f32 [%d3+{}], %f{reg};\n", 4096 + 4 * reg),
            })
            .collect();
        let eighths = "and.b32 %r5, %r0, 7; mul.wide.u32 %d4, %r5, 4; mul.wide.u32 %d5, %r5, 8;\n\
                       add.s64 %d4, %d0, %d4; add.s64 %d5, %d0, %d5;\n";
        agrees(&format!("{zeros}{eighths}{}\n{stores}", steps.join("\n")));
    }
}

#[test]
fn what_threads_have_in_common_changes_between_parting_and_meeting() {
    for (least, rounds) in [(0, 3), (5, 4), (16, 3), (31, 5), (40, 2)] {
        agrees(&format!(
            "mov.u64 %d4, 3; mov.u32 %r4, 1; mov.f32 %f1, 0f00000000; mov.f64 %g1, 0d3ff8000000000000;\n\
             L: ld.global.f32 %f3, [%d1]; add.f32 %f1, %f1, %f3;\n\
             add.s64 %d4, %d4, 5; mul.lo.s32 %r4, %r4, 3; add.f64 %g1, %g1, %g1;\n\
             setp.lt.u32 %p0, %r0, {least}; @%p0 bra M;\n\
             ld.shared.f32 %f2, [%r3]; fma.rn.f32 %f1, %f2, %f2, %f1;\n\
             and.b32 %r5, %r0, 1; setp.eq.u32 %p2, %r5, 0; @%p2 bra M;\n\
             add.f32 %f1, %f1, 0f3f000000;\n\
             M: bar.sync 0; add.s32 %r4, %r4, 7; add.s64 %d4, %d4, %d4;\n\
             bar.sync 0; add.s32 %r1, %r1, 1; setp.lt.u32 %p1, %r1, {rounds}; @%p1 bra L;\n\
             st.global.u64 [%d3+4096], %d4; st.global.u32 [%d3+4104], %r4;\n\
             st.global.f32 [%d3+4108], %f1; st.global.f64 [%d3+4112], %g1;"
        ));
    }
}

#[test]
fn what_loops_do_not_write_is_there_behind_each_of_their_barriers() {
    // What all have in common, what is apart by a pattern, and what each has of its own: read in both
    // loops and behind them, with threads that part before the loops, in them, and in no one of them.
    let parts = |label: &str, least: u32| {
        format!(
            "setp.lt.u32 %p0, %r0, {least}; @%p0 bra {label};\n\
             add.f32 %f0, %f0, %f1; {label}:\n"
        )
    };
    for least in [0, 1, 15, 16, 20, 40] {
        for place in 0..4 {
            let part = |number: u32| match place == number {
                true => parts(&format!("M{number}"), least),
                false => String::new(),
            };
            let (before, outer, inner) = (part(0), part(1), part(2));
            agrees(&format!(
                "ld.global.u32 %r4, [%d0+4]; ld.global.f32 %f1, [%d1]; mul.wide.u32 %d4, %r0, 24;\n\
                 mov.u64 %d5, 11; {before}\
                 L: {outer} mov.u32 %r5, 0; add.s64 %d5, %d5, 1;\n\
                 N: st.shared.f32 [%r3], %f0; bar.sync 0; {inner}\
                 ld.shared.f32 %f2, [%r2+40]; fma.rn.f32 %f0, %f2, %f1, %f0; bar.sync 0;\n\
                 add.s64 %d5, %d5, %d4; add.s32 %r5, %r5, 1;\n\
                 setp.lt.u32 %p1, %r5, 2; @%p1 bra N;\n\
                 xor.b32 %r6, %r4, %r5; add.s32 %r1, %r1, 1;\n\
                 setp.lt.u32 %p1, %r1, 3; @%p1 bra L;\n\
                 st.global.u64 [%d3+4096], %d5; st.global.u32 [%d3+4104], %r6;\n\
                 st.global.f32 [%d3+4108], %f0; st.global.f32 [%d3+4112], %f1;\n\
                 st.global.u64 [%d3+4120], %d4; st.global.u32 [%d3+4128], %r4;"
            ));
        }
    }
}

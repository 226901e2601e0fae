//! Addresses and conditions at the ends of their numbers: compiled, they do what the interpreter
//! does, and nothing on the way overflows; nor does it where they are checked.

use crate::common::checked::try_checked;
use crate::common::{Arguments, Flat, launch_as, launch_of, line, module};
use tensor_wasm_ptx::compile::Vectorize;
use tensor_wasm_ptx::interpret::InterpretedLaunch;

/// The ends of 64 and of 32 bits, and what lies next to them.
const ENDS: [i64; 14] = [
    0,
    4,
    -4,
    i64::MIN,
    i64::MIN + 4,
    i64::MAX - 3,
    i64::MAX - 15,
    1 << 62,
    -(1 << 62),
    i32::MIN as i64,
    i32::MAX as i64 - 3,
    u32::MAX as i64 - 3,
    1 << 20,
    -(1 << 30),
];

fn agrees(steps: &str) {
    let text = format!(
        ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n\
         .reg .b64 %d<8>; .reg .b32 %r<8>; .reg .f32 %f<5>; .reg .pred %p;\n\
         .shared .align 16 .b8 held[512];\n\
         ld.param.u64 %d0, [p]; mov.u32 %r0, %tid.x; cvt.u64.u32 %d1, %r0;\n\
         mul.wide.u32 %d2, %r0, 16; add.s64 %d3, %d0, %d2; shl.b32 %r1, %r0, 4;\n\
         {steps}\nst.global.u32 [%d3], %r7;\nret;\n}}\n"
    );
    let (module, memory) = (module(&text), Flat::new(4096));
    let widths = [Vectorize::Never, Vectorize::Always];
    let shape = (line(2), line(32), 0);
    let arguments = || Arguments::new().pointer(1024);
    // A fault is as good as none, if it is the same; and a finding, if there is an end to it.
    let _ = launch_as(&module, "k", shape, arguments(), &memory, &widths);
    let buffers = [(0, 1024, true), (1024, 512, false), (2048, 2048, true)];
    let launch = InterpretedLaunch::checked(launch_of(&module, "k", shape, arguments(), &[]));
    let _ = try_checked(&launch, &memory, &buffers);
}

#[test]
fn offsets_at_the_ends_of_their_range() {
    for end in ENDS {
        agrees(&format!("ld.global.u32 %r7, [%d3+{end}];"));
        agrees(&format!("ld.global.u32 %r7, [%d0+{end}];"));
        agrees(&format!("st.global.u32 [%d3+{end}], %r0;"));
        agrees(&format!(
            "ld.global.v4.f32 {{%f0, %f1, %f2, %f3}}, [%d3+{end}];\nld.global.f32 %f4, [%d3];"
        ));
        agrees(&format!("ld.shared.u32 %r7, [%r1+{}];", end as i32));
        agrees(&format!("st.shared.u32 [held+{}], %r0;", end as i32));
        agrees(&format!("ld.u32 %r7, [%d3+{end}];"));
        // By what only shows when the kernel runs.
        agrees(&format!(
            "ld.global.u32 %r2, [%d3+4]; cvt.u64.u32 %d4, %r2; add.s64 %d4, %d4, %d3;\n\
             ld.global.u32 %r7, [%d4+{end}];"
        ));
    }
}

#[test]
fn strides_and_sums_at_the_ends_of_their_range() {
    for end in ENDS {
        let access = "ld.global.u32 %r7, [%d5];";
        agrees(&format!(
            "mul.lo.s64 %d4, %d1, {end}; add.s64 %d5, %d3, %d4;\n{access}"
        ));
        agrees(&format!("add.s64 %d5, %d3, {end};\n{access}"));
        agrees(&format!(
            "add.s64 %d4, %d3, {end}; add.s64 %d5, %d4, {end};\nld.global.u32 %r7, [%d5+{end}];"
        ));
        agrees(&format!("sub.s64 %d5, {end}, %d3;\n{access}"));
        let short = end as i32;
        for (wide, signed) in [("mul.wide.s32", "s32"), ("mul.wide.u32", "u32")] {
            agrees(&format!(
                "mul.lo.{signed} %r2, %r0, {short}; {wide} %d4, %r2, 4; add.s64 %d5, %d0, %d4;\n{access}"
            ));
            agrees(&format!(
                "add.{signed} %r2, %r0, {short}; {wide} %d4, %r2, 4; add.s64 %d5, %d0, %d4;\n{access}"
            ));
        }
        for step in ["and", "or", "xor"] {
            agrees(&format!(
                "{step}.b64 %d4, %d2, {end}; add.s64 %d5, %d0, %d4;\n{access}"
            ));
            agrees(&format!(
                "{step}.b32 %r2, %r1, {short}; mul.wide.s32 %d4, %r2, 4; add.s64 %d5, %d0, %d4;\n{access}"
            ));
        }
        for by in [0, 1, 30, 31] {
            agrees(&format!(
                "mul.lo.s32 %r2, %r0, {short}; shl.b32 %r2, %r2, {by}; mul.wide.s32 %d4, %r2, 4;\n\
                 add.s64 %d5, %d0, %d4;\n{access}"
            ));
            agrees(&format!(
                "add.s32 %r2, %r0, {short}; shr.s32 %r2, %r2, {by}; mul.wide.s32 %d4, %r2, 4;\n\
                 add.s64 %d5, %d0, %d4;\n{access}"
            ));
        }
    }
}

#[test]
fn conditions_at_the_ends_of_their_range() {
    for end in ENDS {
        for how in ["lt", "le", "gt", "ge", "eq", "ne"] {
            for (ty, short) in [("s64", false), ("u64", false), ("s32", true), ("u32", true)] {
                let equality = matches!(how, "eq" | "ne");
                let ty = if equality {
                    ty.replace('u', "s")
                } else {
                    ty.to_owned()
                };
                let (grown, with) = if short {
                    (format!("add.s32 %r2, %r0, {};", end as i32), "%r2")
                } else {
                    (format!("add.s64 %d4, %d1, {end};"), "%d4")
                };
                let other = if short {
                    (end as i32).wrapping_add(7).to_string()
                } else {
                    end.wrapping_add(7).to_string()
                };
                agrees(&format!(
                    "{grown} setp.{how}.{ty} %p, {with}, {other};\n@%p bra L;\nmov.u32 %r7, 5;\nL:"
                ));
                agrees(&format!(
                    "mul.lo.s64 %d4, %d1, {end}; mul.lo.s32 %r2, %r0, {};\n\
                     setp.{how}.{ty} %p, {other}, {with};\n@%p bra L;\nmov.u32 %r7, 5;\nL:",
                    end as i32
                ));
            }
        }
    }
}

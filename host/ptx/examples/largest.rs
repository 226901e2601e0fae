//! What an engine takes for the largest kernels that the compiler lets through, of several shapes:
//! the measure of the compiler's bounds.
//!
//! ```text
//! cargo run --release -p tensor-wasm-ptx --example largest [SHAPE]
//! ```
//!
//! With a shape, only that one is compiled, and the most memory that the process held is said too.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::fmt::Write;
use std::sync::Arc;
use std::time::Instant;

use tensor_wasm_ptx::compile::{CompiledKernel, Vectorize, compile_as};
use tensor_wasm_ptx::{Limits, parse};
use wasmtime::{Config, Engine, Module};

/// A kernel's lines, for a size.
type Shape = (&'static str, fn(usize) -> String);

const SHAPES: [Shape; 13] = [
    ("multiply-adds", |size| {
        lines(size, |i| {
            format!(
                "fma.rn.f32 %f{}, %f{}, %f{}, %f{};",
                i % 40,
                (i + 7) % 40,
                (i + 3) % 40,
                i % 40
            )
        })
    }),
    ("runs of sums", |size| {
        lines(size, |i| {
            format!(
                "ld.global.f32 %f{0}, [%own+{1}];\nld.global.f32 %f{2}, [%in+{1}];\nfma.rn.f32 %f{3}, %f{0}, %f{2}, %f{3};",
                i % 8,
                i * 4,
                8 + i % 8,
                16 + i % 24,
            )
        })
    }),
    ("fresh registers", |size| {
        lines(size, |i| {
            format!("fma.rn.f32 %f{}, %f{}, %f{}, %f0;", i + 8, i + 7, i + 1)
        })
    }),
    ("loads and stores", |size| {
        lines(size, |i| {
            format!(
                "ld.global.f32 %f{0}, [%own+{1}];\nst.global.f32 [%own+{1}], %f{0};",
                i % 40,
                i * 4
            )
        })
    }),
    ("by two pointers", |size| {
        lines(size, |i| {
            format!(
                "ld.global.f32 %f{0}, [%in+{1}];\nst.global.f32 [%own+{1}], %f{0};",
                i % 40,
                i * 4
            )
        })
    }),
    ("all loaded, then all stored", |size| {
        lines(size, |i| format!("ld.global.f32 %f{i}, [%own+{}];", i * 4))
            + &lines(size, |i| {
                format!("st.global.f32 [%own+{}], %f{};", i * 4, size - 1 - i)
            })
    }),
    ("gathers", |size| {
        lines(size, |i| {
            let (to, from) = (i % 40, (i + 1) % 40);
            format!(
                "and.b32 %r{from}, %r{from}, 1020;\ncvt.u64.u32 %d1, %r{from};\nadd.s64 %d1, %d1, %in;\nld.global.u32 %r{to}, [%d1];"
            )
        })
    }),
    ("divisions", |size| {
        lines(size, |i| {
            format!(
                "div.s64 %d{}, %d{}, %d{};\nsqrt.rn.f64 %g{0}, %g{0};",
                i % 20 + 2,
                i % 20 + 3,
                i % 20 + 4
            )
        })
    }),
    ("branches apart", |size| {
        lines(size, |i| {
            format!(
                "setp.gt.u32 %p1, %r{}, {i};\n@%p1 bra L{i};\nadd.u32 %r{0}, %r{0}, %t;\nmul.lo.u32 %r3, %r3, %t;\nL{i}:",
                i % 40
            )
        })
    }),
    ("loops", |size| {
        lines(size, |i| {
            format!("L{i}:\nadd.u32 %r1, %r1, 1;\nsetp.lt.u32 %p1, %r1, %t;\n@%p1 bra L{i};")
        })
    }),
    ("barriers", |size| {
        lines(40, |i| format!("ld.global.f32 %f{i}, [%own+{}];", i * 4))
            + &lines(size, |i| {
                format!(
                    "bar.sync 0;\nadd.f32 %f{0}, %f{0}, %f{1};",
                    i % 40,
                    (i + 1) % 40
                )
            })
            + &lines(40, |i| format!("st.global.f32 [%own+{}], %f{i};", i * 4))
    }),
    ("registers across barriers", |size| {
        lines(size, |i| format!("ld.global.f32 %f{i}, [%own+{}];", i * 4))
            + &"bar.sync 0;\n".repeat(8)
            + &lines(size, |i| {
                format!("st.global.f32 [%own+{}], %f{};", i * 4, size - 1 - i)
            })
    }),
    ("what all have in common, across barriers", |size| {
        lines(size, |i| format!("ld.global.f32 %f{i}, [%in+{}];", i * 4))
            + &"bar.sync 0;\n".repeat(8)
            + &lines(size, |i| {
                format!("st.global.f32 [%in+{}], %f{};", i * 4, size - 1 - i)
            })
    }),
];

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for i in 0..count {
        writeln!(text, "{}", line(i)).unwrap();
    }
    text
}

fn lowered(body: &str, size: usize, width: Vectorize) -> Option<CompiledKernel> {
    let text = format!(
        ".version 8.6\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 in)\n{{\n\
         .reg .pred %p<4>; .reg .b32 %r<48>, %t; .reg .b64 %d<48>, %in, %own; .reg .f64 %g<48>;\n\
         .reg .f32 %f<{}>;\nld.param.u64 %in, [in];\nmov.u32 %t, %tid.x;\n\
         mul.wide.u32 %own, %t, 4;\nadd.s64 %own, %own, %in;\n\
         {body}\nst.global.f32 [%own], %f7;\nst.global.u32 [%own], %r3;\nst.global.u32 [%own], %r1;\n\
         st.global.u64 [%in], %d2;\nst.global.f64 [%in], %g2;\nret;\n}}\n",
        size + 48
    );
    let module = parse(text.as_bytes(), &Limits::default()).ok()?;
    compile_as(&Arc::new(module), "k", width).ok()
}

/// The processor time that this process has had, in milliseconds: other programs do not add to it.
fn busy() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks
        .map(|ticks| ticks.parse::<u64>().unwrap())
        .sum::<u64>()
        * 10
}

fn main() {
    let only = std::env::args().nth(1);
    let mut config = Config::new();
    config.relaxed_simd_deterministic(true).wasm_threads(true);
    let engine = Engine::new(&config).unwrap();
    println!(
        "| shape | threads together | size | steps | code, KiB | lowering, CPU ms | engine, CPU ms | engine, ms |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    for (name, body) in SHAPES {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        for width in [Vectorize::Never, Vectorize::Always, Vectorize::Auto] {
            // The largest that is let through.
            let (mut least, mut most) = (0usize, 1usize << 15);
            while most - least > 1 + least / 64 {
                let middle = least.midpoint(most);
                match lowered(&body(middle), middle, width) {
                    Some(_) => least = middle,
                    None => most = middle,
                }
            }
            let text = body(least);
            let began = busy();
            let lowered = lowered(&text, least, width).unwrap();
            let lowering = busy() - began;
            let (began, busy_before) = (Instant::now(), busy());
            Module::new(&engine, lowered.wasm()).unwrap();
            println!(
                "| {name}, {width:?} | {} | {least} | {} | {} | {} | {} | {} |",
                lowered.lanes(),
                lowered.steps(),
                lowered.wasm().len() >> 10,
                lowering,
                busy() - busy_before,
                began.elapsed().as_millis()
            );
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!("{}", peak.unwrap_or_default());
}

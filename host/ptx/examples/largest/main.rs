//! What an engine takes for the largest kernels that the compiler lets through, of several shapes:
//! the measure of the compiler's bounds.
//!
//! ```text
//! cargo run --release -p tensor-wasm-ptx --example largest [SHAPE]
//! ```
//!
//! With a shape, only that one is compiled, and the most memory that the process held is said too.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod shapes;

use std::sync::Arc;
use std::time::Duration;

use shapes::{SHAPES, module};
use tensor_wasm_ptx::compile::{CompiledKernel, Vectorize, compile_as};
use tensor_wasm_ptx::{Limits, parse};
use wasmtime::{Config, Engine, Module};

fn lowered(body: &str, size: usize, width: Vectorize) -> Option<CompiledKernel> {
    let text = module(body, size);
    let module = parse(text.as_bytes(), &Limits::default()).ok()?;
    compile_as(&Arc::new(module), "k", width).ok()
}

/// The processor time that this process has had: other programs do not add to it.
fn busy() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn main() {
    let only = std::env::args().nth(1);
    let mut config = Config::new();
    config
        .relaxed_simd_deterministic(true)
        .wasm_threads(true)
        // As the device compiles kernels: on the thread that asks.
        .parallel_compilation(false);
    let engine = Engine::new(&config).unwrap();
    println!(
        "| shape | threads together | size | steps | effort | code, KiB | lowering, CPU ms | engine, CPU ms | engine, µs per effort |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|");
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
            let Some(lowered) = lowered(&text, least, width) else {
                continue;
            };
            let lowering = busy() - began;
            let began = busy();
            Module::new(&engine, lowered.wasm()).unwrap();
            let took = busy() - began;
            println!(
                "| {name}, {width:?} | {} | {least} | {} | {} | {} | {} | {} | {:.1} |",
                lowered.lanes(),
                lowered.steps(),
                lowered.effort(),
                lowered.wasm().len() >> 10,
                lowering.as_millis(),
                took.as_millis(),
                took.as_secs_f64() * 1e6 / lowered.effort() as f64,
            );
        }
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find(|line| line.starts_with("VmHWM"));
    println!("{}", peak.unwrap_or_default());
}

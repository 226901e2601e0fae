//! Kernels of the host's corpus (`host/ptx/corpus`, CUDA C compiled by NVIDIA's compiler), written
//! again in Rust: on the same values, both compute the same, in the host's interpreter and under
//! its checks.
#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::too_many_arguments)]
// Kernels loop over indices, and write formulas as CUDA's sources have them.
#![allow(clippy::manual_clamp, clippy::needless_range_loop, clippy::precedence)]

mod grids;
mod halves;
mod integers;
mod language;
mod linear;
mod numbers;
mod rows;
mod signals;
mod warps;

use tensor_wasm_guest::LaunchConfig;
use tensor_wasm_guest::testing::Device;

/// The PTX of NVIDIA's compiler.
macro_rules! nvrtc {
    ($name:literal) => {
        include_str!(concat!("../../../host/ptx/corpus/", $name, "/nvrtc.ptx"))
    };
}
pub(crate) use nvrtc;

/// A device with a text, for either kernel.
fn device(ptx: &str) -> Device {
    if let Some(folder) = std::env::var_os("TENSOR_WASM_TEST_PTX") {
        write_text(&folder, ptx);
    }
    Device::load(ptx).unwrap_or_else(|failure| panic!("{failure}\n{ptx}"))
}

/// Leaves the text of each kernel in Rust in a folder, for measurements.
fn write_text(folder: &std::ffi::OsStr, ptx: &str) {
    if ptx.contains("NVVM") {
        return;
    }
    for entry in ptx.split(".entry ").skip(1) {
        let name = entry.split('(').next().unwrap_or_default();
        let file = std::path::Path::new(folder).join(format!("{name}.rust.ptx"));
        std::fs::write(file, ptx).unwrap();
    }
}

fn line(blocks: u32, threads: u32) -> LaunchConfig {
    LaunchConfig::new(blocks, threads)
}

fn plane(grid: (u32, u32), block: (u32, u32)) -> LaunchConfig {
    LaunchConfig::new(grid, block)
}

/// Words that look random and are always the same.
fn words(seed: u32, count: usize) -> Vec<u32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9) | 1;
    (0..count)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state
        })
        .collect()
}

/// Numbers from -8 to 8.
fn floats(seed: u32, count: usize) -> Vec<f32> {
    let part = |word: u32| (word >> 8) as f32 / (1 << 20) as f32 - 8.0;
    words(seed, count).into_iter().map(part).collect()
}

fn doubles(seed: u32, count: usize) -> Vec<f64> {
    let wide = |value: f32| f64::from(value) * 1.000_000_1;
    floats(seed, count).into_iter().map(wide).collect()
}

/// Whether two results agree: NVIDIA's compiler fuses operations that Rust rounds apart.
#[track_caller]
fn near<T: Copy + Into<f64>>(found: &[T], expected: &[T], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let (found, expected): (f64, f64) = ((*found).into(), (*expected).into());
        let allowed = tolerance * (1.0 + expected.abs());
        assert!(
            (found - expected).abs() <= allowed,
            "{index}: {found} is not {expected}"
        );
    }
}

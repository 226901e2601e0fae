//! What the targets share: a small device, and kernels to begin with.

use std::sync::{Arc, Mutex};

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::interpret::{Launch, Memory, MemoryError, run_grid};
use tensor_wasm_ptx::{Extent, Limits, Module};

/// Four KiB of device memory.
pub struct Page(pub Mutex<[u8; 4096]>);

impl Page {
    fn range(&self, address: u64, bytes: u32) -> Result<std::ops::Range<usize>, MemoryError> {
        let start = address.wrapping_sub(GLOBAL_BASE);
        match usize::try_from(start) {
            Ok(start) if start <= 4096 - bytes as usize => Ok(start..start + bytes as usize),
            _ => Err(MemoryError::Unmapped { address }),
        }
    }
}

impl Memory for Page {
    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
        let range = self.range(address, bytes)?;
        let mut word = [0; 8];
        word[..bytes as usize].copy_from_slice(&self.0.lock().unwrap()[range]);
        Ok(u64::from_le_bytes(word))
    }

    fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError> {
        let range = self.range(address, bytes)?;
        self.0.lock().unwrap()[range].copy_from_slice(&value.to_le_bytes()[..bytes as usize]);
        Ok(())
    }

    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        let old = self.load(address, bytes)?;
        self.store(address, bytes, f(old))?;
        Ok(old)
    }
}

/// Limits under which a block stays small.
pub fn limits() -> Limits {
    Limits {
        local_bytes: 4096,
        recursion_depth: 8,
        ..Limits::default()
    }
}

/// Runs every entry of a module on two small blocks, for so many steps.
pub fn run(module: Module, steps: u64) {
    let module = Arc::new(module);
    let symbols = vec![GLOBAL_BASE + 1024; module.globals().len()];
    for entry in module.entries() {
        let mut arguments = GLOBAL_BASE
            .to_le_bytes()
            .repeat(entry.param_bytes() as usize / 8 + 1);
        arguments.truncate(entry.param_bytes() as usize);
        let grid = Extent { x: 2, y: 1, z: 1 };
        let block = Extent { x: 40, y: 1, z: 1 };
        let launch = Launch::new(
            module.clone(),
            entry.name(),
            grid,
            block,
            64,
            arguments,
            symbols.clone(),
        );
        if let Ok(launch) = launch {
            let _ = run_grid(&launch, &Page(Mutex::new([0; 4096])), steps);
        }
    }
}

macro_rules! kernels {
    ($($name:literal),* $(,)?) => {
        &[$(
            include_str!(concat!("../../corpus/", $name, "/nvrtc.ptx")),
            include_str!(concat!("../../corpus/", $name, "/clang.ptx")),
        )*]
    };
}

/// Kernels that mutations begin with: those of the corpus that are short.
pub const KERNELS: &[&str] = kernels!(
    "argmax",
    "big_integers",
    "bits",
    "bitonic_sort",
    "compact",
    "convolution",
    "edit_distance",
    "half",
    "hash",
    "histogram",
    "mandelbrot",
    "matmul_tiled",
    "monte_carlo",
    "philox",
    "print_and_assert",
    "quantized",
    "quicksort",
    "saxpy",
    "scan",
    "softmax",
    "structures",
    "switch",
    "warp_aggregate",
    "warp_reduce",
);

/// One instruction in each form that the crate knows.
pub const FORMS: &str = include_str!("../../tests/data/forms.ptx");

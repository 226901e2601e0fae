//! How long the interpreter takes for one instruction of one thread, without checks and with them.
//!
//! ```text
//! cargo run --release -p tensor-wasm-ptx --example speed
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Instant;

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::interpret::InterpretedLaunch;
use tensor_wasm_ptx::simt::{Allocation, Launch, Memory, MemoryError, Shadow};
use tensor_wasm_ptx::{Extent, Limits, parse};

/// Device memory in words, which is enough for kernels on `float` and `int`.
struct Words(Vec<AtomicU32>);

impl Words {
    fn word(&self, address: u64) -> Result<&AtomicU32, MemoryError> {
        let index = usize::try_from(address.wrapping_sub(GLOBAL_BASE) / 4);
        let word = index.ok().and_then(|index| self.0.get(index));
        word.ok_or(MemoryError::Unmapped { address })
    }
}

/// One buffer, which is written everywhere.
impl Shadow for Words {
    fn allocation(&self, _: u64) -> Option<Allocation> {
        Some(Allocation {
            base: GLOBAL_BASE,
            bytes: self.0.len() as u64 * 4,
        })
    }

    fn unwritten(&self, _: u64, _: u64) -> Option<u64> {
        None
    }

    fn write(&self, _: u64, _: u64) {}
}

impl Memory for Words {
    fn shadow(&self) -> Option<&dyn Shadow> {
        Some(self)
    }

    fn load(&self, address: u64, _: u32) -> Result<u64, MemoryError> {
        Ok(u64::from(self.word(address)?.load(Relaxed)))
    }

    fn store(&self, address: u64, _: u32, value: u64) -> Result<(), MemoryError> {
        self.word(address)?.store(value as u32, Relaxed);
        Ok(())
    }

    fn update(
        &self,
        address: u64,
        _: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        let word = self.word(address)?;
        let old = word.fetch_update(Relaxed, Relaxed, |old| Some(f(u64::from(old)) as u32));
        Ok(u64::from(old.unwrap_or(0)))
    }
}

fn main() {
    let text = include_bytes!("../tests/data/kernels.ptx");
    let start = Instant::now();
    let module = Arc::new(parse(text, &Limits::default()).unwrap());
    println!("parsing {} KiB: {:?}", text.len() >> 10, start.elapsed());
    let memory = Words((0..3 << 20).map(|_| AtomicU32::new(1)).collect());
    let runs: [(&str, Extent, Extent, u64, i32); 3] = [
        (
            "vector_add",
            Extent {
                x: 4096,
                y: 1,
                z: 1,
            },
            Extent { x: 256, y: 1, z: 1 },
            3,
            1 << 20,
        ),
        (
            "matmul",
            Extent { x: 16, y: 16, z: 1 },
            Extent { x: 16, y: 16, z: 1 },
            3,
            256,
        ),
        (
            "block_sums",
            Extent {
                x: 4096,
                y: 1,
                z: 1,
            },
            Extent { x: 256, y: 1, z: 1 },
            2,
            1 << 20,
        ),
    ];
    for (entry, grid, block, pointers, n) in runs {
        let mut arguments = Vec::new();
        for pointer in 0..pointers {
            arguments.extend((GLOBAL_BASE + (pointer << 22)).to_le_bytes());
        }
        arguments.extend(n.to_le_bytes());
        let symbols = vec![GLOBAL_BASE; module.globals().len()];
        let shared = if entry == "block_sums" { 1024 } else { 0 };
        let launch = Launch::new(
            module.clone(),
            entry,
            grid,
            block,
            shared,
            arguments,
            symbols,
        )
        .unwrap();
        let launch = Arc::new(launch);
        let each = time(&InterpretedLaunch::new(launch.clone()), &memory);
        let checked = time(&InterpretedLaunch::checked(launch), &memory);
        println!("{entry}: {each:.2} ns for one step, {checked:.2} ns with checks");
    }
}

/// Nanoseconds for one step.
fn time(launch: &InterpretedLaunch, memory: &Words) -> f64 {
    let start = Instant::now();
    let steps = launch.run_grid(memory, u64::MAX).unwrap();
    start.elapsed().as_secs_f64() * 1e9 / steps as f64
}

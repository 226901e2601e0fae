//! Tests that the kernels and the scalar code give the same results, bit for bit. The kernels
//! run in the reference interpreter.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::{Arc, Mutex};

use tensor_wasm_ptx::interpret::run_grid;
use tensor_wasm_ptx::simt::{Launch, Memory, MemoryError};
use tensor_wasm_ptx::{Extent, Limits, Module, address::GLOBAL_BASE, parse};

use crate::filter::Filter;
use crate::picture::{Picture, Rgba};
use crate::scalar;

#[test]
fn kernels_and_scalar_code_agree_on_every_bit() {
    let module =
        Arc::new(parse(include_bytes!("../kernels/filters.ptx"), &Limits::default()).unwrap());
    let filters = [
        Filter::Gaussian { passes: 1 },
        Filter::Gaussian { passes: 3 },
        Filter::Sobel,
        Filter::Grayscale,
    ];
    // Smaller than a block, exactly one block, and several with partial blocks at both edges.
    for (width, height) in [(1, 1), (3, 40), (16, 16), (37, 21)] {
        let picture = noise(width, height);
        for filter in filters {
            assert_eq!(
                run(&module, filter, &picture),
                scalar::apply(filter, &picture).pixels,
                "{filter:?} of {width} x {height}"
            );
        }
    }
}

/// Applies a filter with the kernels.
fn run(module: &Arc<Module>, filter: Filter, picture: &Picture) -> Vec<Rgba> {
    let size = picture.pixels.as_flattened().len();
    let mut from = picture.pixels.as_flattened().to_vec();
    for _ in 0..filter.passes() {
        let memory = TestMemory(Mutex::new([vec![0; size], from].concat()));
        let mut arguments = Vec::new();
        arguments.extend(GLOBAL_BASE.to_le_bytes());
        arguments.extend((GLOBAL_BASE + size as u64).to_le_bytes());
        arguments.extend(picture.width.to_le_bytes());
        arguments.extend(picture.height.to_le_bytes());
        let grid = Extent {
            x: picture.width.div_ceil(16),
            y: picture.height.div_ceil(16),
            z: 1,
        };
        let block = Extent { x: 16, y: 16, z: 1 };
        let launch = Launch::new(
            Arc::clone(module),
            filter.kernel(),
            grid,
            block,
            0,
            arguments,
            Vec::new(),
        );
        run_grid(&launch.unwrap(), &memory, u64::MAX).unwrap();
        from = memory.0.into_inner().unwrap();
        from.truncate(size);
    }
    from.as_chunks().0.to_vec()
}

fn noise(width: u32, height: u32) -> Picture {
    let mut state = width * 1000 + height;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    Picture {
        width,
        height,
        pixels: (0..width * height)
            .map(|_| [next(), next(), next(), next()])
            .collect(),
        gray: false,
        alpha: true,
    }
}

/// Device memory that begins at the first device address.
struct TestMemory(Mutex<Vec<u8>>);

impl TestMemory {
    fn with_bytes<R>(
        &self,
        address: u64,
        bytes: u32,
        access: impl FnOnce(&mut [u8]) -> R,
    ) -> Result<R, MemoryError> {
        if !address.is_multiple_of(bytes.into()) {
            return Err(MemoryError::Misaligned { address, bytes });
        }
        let start = address.wrapping_sub(GLOBAL_BASE) as usize;
        let end = start.saturating_add(bytes as usize);
        match self.0.lock().unwrap().get_mut(start..end) {
            Some(bytes) => Ok(access(bytes)),
            None => Err(MemoryError::Unmapped { address }),
        }
    }
}

impl Memory for TestMemory {
    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
        self.with_bytes(address, bytes, |source| {
            let mut value = [0; 8];
            value[..source.len()].copy_from_slice(source);
            u64::from_le_bytes(value)
        })
    }

    fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError> {
        self.with_bytes(address, bytes, |target| {
            target.copy_from_slice(&value.to_le_bytes()[..target.len()]);
        })
    }

    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        // These kernels use no atomics, so this need not be atomic.
        let old = self.load(address, bytes)?;
        self.store(address, bytes, f(old))?;
        Ok(old)
    }
}

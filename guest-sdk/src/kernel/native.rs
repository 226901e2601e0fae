//! Runs kernels on the processor, as ordinary Rust: what `native` functions of kernels are made of.
//! Blocks run one after another. Threads of a block do so too, unless they wait for one another:
//! then each is a thread of the system, of which one runs at a time.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::Pod;

use super::memory::GlobalMut;
use super::threads::{self, Team, Thread};
use crate::launch::{Extent, LaunchConfig};

/// The most threads of a block, as on a device.
const MAX_BLOCK: u64 = 1024;

/// The buffers of a kernel that runs on the processor.
#[derive(Debug, Default)]
pub struct Memory {
    buffers: Vec<threads::Memory>,
}

impl Memory {
    /// Adds a buffer with these values.
    pub fn add<T: Pod>(&mut self, values: &[T]) -> GlobalMut<T> {
        let bytes = bytemuck::cast_slice(values).to_vec();
        self.buffers.push(threads::Memory::new(bytes));
        GlobalMut {
            number: self.buffers.len() - 1,
            element: PhantomData,
        }
    }

    /// Copies the values of a buffer.
    pub fn read<T: Pod>(&self, buffer: GlobalMut<T>, values: &mut [T]) {
        if let Some(memory) = self.buffers.get(buffer.number) {
            memory.copy_to(bytemuck::cast_slice_mut(values));
        }
    }

    /// Runs a kernel in all threads of a grid. `waits` says whether its threads wait for one
    /// another.
    ///
    /// # Panics
    /// Where a thread does, and where a block has no threads or more than 1,024.
    pub fn run(&self, config: LaunchConfig, waits: bool, kernel: impl Fn() + Sync) {
        let count =
            |extent: Extent| u64::from(extent.x) * u64::from(extent.y) * u64::from(extent.z);
        let threads = count(config.block);
        assert!(
            (1..=MAX_BLOCK).contains(&threads),
            "a block has 1 to {MAX_BLOCK} threads, and this one would have {threads}"
        );
        let buffers = Arc::new(self.buffers.clone());
        for block in indices(config.grid) {
            let team = Arc::new(Team::new(if waits { threads as usize } else { 0 }));
            let all = indices(config.block)
                .enumerate()
                .map(|(linear, index)| Thread {
                    index,
                    block,
                    block_size: config.block,
                    grid_size: config.grid,
                    linear,
                    buffers: Arc::clone(&buffers),
                    team: Arc::clone(&team),
                });
            if waits {
                together(all, &team, &kernel);
            } else {
                for thread in all {
                    threads::enter(Some(thread));
                    let result = catch_unwind(AssertUnwindSafe(&kernel));
                    threads::enter(None);
                    if let Err(panic) = result {
                        resume_unwind(panic);
                    }
                }
            }
        }
    }
}

/// Runs threads that wait for one another.
fn together(all: impl Iterator<Item = Thread>, team: &Arc<Team>, kernel: &(impl Fn() + Sync)) {
    // The first panic is the kernel's; those of the others follow from it.
    let first = Mutex::new(None);
    std::thread::scope(|scope| {
        for thread in all {
            let first = &first;
            scope.spawn(move || {
                let number = thread.linear;
                let team = Arc::clone(team);
                threads::enter(Some(thread));
                let result = catch_unwind(AssertUnwindSafe(|| {
                    team.begin(number);
                    kernel();
                }));
                threads::enter(None);
                let has_panicked = result.is_err();
                if let Err(panic) = result {
                    let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(panic);
                }
                team.end(number, has_panicked);
            });
        }
    });
    if let Some(panic) = first.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(panic);
    }
}

/// All indices in an extent, x first.
fn indices(extent: Extent) -> impl Iterator<Item = Extent> {
    let Extent { x, y, z } = extent;
    (0..z).flat_map(move |z| (0..y).flat_map(move |y| (0..x).map(move |x| Extent::new(x, y, z))))
}

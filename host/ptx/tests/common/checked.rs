//! Device memory of several buffers for launches that are checked.

use std::sync::{Arc, Mutex};

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::interpret::checks::Finding;
use tensor_wasm_ptx::interpret::{InterpretedBlock, InterpretedLaunch};
use tensor_wasm_ptx::simt::{Allocation, Fault, Memory, MemoryError, Progress, Shadow};
use tensor_wasm_ptx::{Extent, Module};

use super::{Arguments, Flat, STEPS, launch_of, place_globals};

/// Flat memory, of which some ranges are buffers.
pub struct Watched<'m> {
    flat: &'m Flat,
    buffers: Vec<Allocation>,
    /// For each byte, whether anybody wrote it.
    written: Mutex<Vec<bool>>,
}

impl<'m> Watched<'m> {
    /// Buffers at offsets of a memory, each with whether the host has written it.
    pub fn new(flat: &'m Flat, buffers: &[(usize, usize, bool)]) -> Watched<'m> {
        let mut written = vec![false; flat.0.lock().unwrap().len()];
        let mut allocations = Vec::new();
        for (place, bytes, is_written) in buffers {
            written[*place..place + bytes].fill(*is_written);
            allocations.push(Allocation {
                base: GLOBAL_BASE + *place as u64,
                bytes: *bytes as u64,
            });
        }
        Watched {
            flat,
            buffers: allocations,
            written: Mutex::new(written),
        }
    }
}

impl Shadow for Watched<'_> {
    fn allocation(&self, address: u64) -> Option<Allocation> {
        let before = self.buffers.iter().filter(|buffer| buffer.base <= address);
        before.max_by_key(|buffer| buffer.base).copied()
    }

    fn unwritten(&self, address: u64, bytes: u64) -> Option<u64> {
        let written = self.written.lock().unwrap();
        (address..address + bytes).find(|at| !written[(at - GLOBAL_BASE) as usize])
    }

    fn write(&self, address: u64, bytes: u64) {
        let begin = (address - GLOBAL_BASE) as usize;
        self.written.lock().unwrap()[begin..begin + bytes as usize].fill(true);
    }
}

impl Memory for Watched<'_> {
    fn shadow(&self) -> Option<&dyn Shadow> {
        Some(self)
    }

    fn load(&self, address: u64, bytes: u32) -> Result<u64, MemoryError> {
        self.flat.load(address, bytes)
    }

    fn store(&self, address: u64, bytes: u32, value: u64) -> Result<(), MemoryError> {
        self.flat.store(address, bytes, value)
    }

    fn update(
        &self,
        address: u64,
        bytes: u32,
        f: &mut dyn FnMut(u64) -> u64,
    ) -> Result<u64, MemoryError> {
        self.flat.update(address, bytes, f)
    }
}

/// Runs an entry over a grid with all checks, and says what they find.
#[track_caller]
pub fn launch_checked(
    module: &Arc<Module>,
    entry: &str,
    shape: (Extent, Extent, u32),
    arguments: Arguments,
    memory: &Flat,
    buffers: &[(usize, usize, bool)],
) -> Result<(), Box<Finding>> {
    let symbols = place_globals(module, memory);
    let mut buffers = buffers.to_vec();
    for (variable, symbol) in module.globals().iter().zip(&symbols) {
        let place = (symbol - GLOBAL_BASE) as usize;
        buffers.push((place, variable.bytes() as usize, true));
    }
    let launch = launch_of(module, entry, shape, arguments, &symbols);
    run_checked(&InterpretedLaunch::checked(launch), memory, &buffers)
}

/// Runs a launch that is checked; a fault that no check found is none that it may have.
#[track_caller]
pub fn run_checked(
    launch: &InterpretedLaunch,
    memory: &Flat,
    buffers: &[(usize, usize, bool)],
) -> Result<(), Box<Finding>> {
    try_checked(launch, memory, buffers).map_err(|(fault, finding)| match finding {
        Some(finding) => finding,
        None => panic!("{fault}"),
    })
}

/// Runs a launch that is checked, to the first fault and what the checks say of it.
pub fn try_checked(
    launch: &InterpretedLaunch,
    memory: &Flat,
    buffers: &[(usize, usize, bool)],
) -> Result<(), (Fault, Option<Box<Finding>>)> {
    let memory = Watched::new(memory, buffers);
    for linear in 0..launch.launch().blocks() {
        let mut block = InterpretedBlock::new(launch, launch.launch().block_index(linear));
        match block.run(launch, &memory, STEPS) {
            Ok(progress) => assert_eq!(progress, Progress::Done),
            Err(fault) => {
                let finding = block.finding().cloned().map(Box::new);
                if let Some(finding) = &finding {
                    assert_eq!(finding.to_string(), fault.to_string());
                }
                return Err((fault, finding));
            }
        }
    }
    Ok(())
}

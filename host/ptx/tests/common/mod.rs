//! A device for tests: one flat memory, and a launch in one call.
//!
//! Each launch runs three times, interpreted without checks, with them, and compiled, and must come
//! to the same.
#![allow(dead_code, unsafe_code, clippy::unwrap_used, clippy::expect_used)]

pub mod checked;
pub mod compiled;
pub mod eval;
mod memory;

use std::sync::Arc;

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::compile::{Vectorize, compile_as};
use tensor_wasm_ptx::interpret::{InterpretedBlock, InterpretedLaunch, run_grid};
use tensor_wasm_ptx::simt::{Fault, Launch, Memory, RunError};
use tensor_wasm_ptx::{Extent, Limits, Module, parse};

pub use memory::{Flat, Number};

/// Steps that no test's kernel takes unless it hangs.
pub const STEPS: u64 = 200_000_000;

/// Arguments as they are packed: each at a multiple of its size.
#[derive(Default)]
pub struct Arguments(pub Vec<u8>);

impl Arguments {
    pub fn new() -> Arguments {
        Arguments::default()
    }

    pub fn with<T: Number>(mut self, value: T) -> Arguments {
        while !self.0.len().is_multiple_of(T::BYTES) {
            self.0.push(0);
        }
        self.0.extend(&value.bits().to_le_bytes()[..T::BYTES]);
        self
    }

    /// The device address of an offset of [`Flat`].
    pub fn pointer(self, offset: u64) -> Arguments {
        self.with(GLOBAL_BASE + offset)
    }
}

pub const fn line(x: u32) -> Extent {
    Extent { x, y: 1, z: 1 }
}

pub const fn plane(x: u32, y: u32) -> Extent {
    Extent { x, y, z: 1 }
}

/// Parses a text that must be right.
#[track_caller]
pub fn module(text: &str) -> Arc<Module> {
    match parse(text.as_bytes(), &Limits::default()) {
        Ok(module) => Arc::new(module),
        Err(diagnostics) => {
            let shown: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            panic!("{}", shown.join("\n"))
        }
    }
}

/// The same, printed and parsed again, which must give the same.
#[track_caller]
pub fn module_printed_again(text: &str) -> Arc<Module> {
    let parsed = module(text);
    let printed = parsed.to_string();
    let reparsed = parse(printed.as_bytes(), &Limits::default());
    assert!(
        reparsed.as_ref().is_ok_and(|other| *other == *parsed),
        "{reparsed:?} of\n{printed}"
    );
    parsed
}

/// Launches the entry `k` with a pointer to one value for each thread of a block, and returns what the
/// threads have stored there.
#[track_caller]
pub fn value_of_each_thread<T: Number>(
    module: &Arc<Module>,
    threads: u32,
) -> Result<Vec<T>, RunError> {
    let memory = Flat::new(T::BYTES * threads as usize);
    let arguments = Arguments::new().pointer(0);
    let widths = [Vectorize::Never, Vectorize::Always];
    let shape = (line(1), line(threads), 0);
    launch_as(module, "k", shape, arguments, &memory, &widths)?;
    Ok(memory.get(0, threads as usize))
}

/// What is wrong with a text that must be refused.
#[track_caller]
pub fn refusal(text: &str) -> String {
    match parse(text.as_bytes(), &Limits::default()) {
        Ok(_) => panic!("accepted:\n{text}"),
        Err(diagnostics) => {
            assert!(!diagnostics.is_empty() && diagnostics.len() <= 20);
            let shown: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            shown.join("\n")
        }
    }
}

/// Puts the module's variables behind everything else, and says where they are.
pub fn place_globals(module: &Module, memory: &Flat) -> Vec<u64> {
    let mut bytes = memory.0.lock().unwrap();
    let mut symbols = Vec::new();
    for variable in module.globals() {
        let start = bytes.len().next_multiple_of(256);
        symbols.push(GLOBAL_BASE + start as u64);
        bytes.resize(start + usize::try_from(variable.bytes()).unwrap(), 0);
    }
    for (variable, symbol) in module.globals().iter().zip(&symbols) {
        let start = usize::try_from(symbol - GLOBAL_BASE).unwrap();
        let initial = variable.initial(&symbols);
        bytes[start..start + initial.len()].copy_from_slice(&initial);
    }
    symbols
}

/// What is left to the interpreter.
const INTERPRETED: [&str; 1] = ["functions that call themselves"];

/// The lines of what was printed, in an order of their own: threads print in no particular order.
fn lines(printed: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = printed.split(|byte| *byte == b'\n').collect();
    lines.sort_unstable();
    lines
}

/// Runs an entry over a grid.
#[track_caller]
pub fn launch(
    module: &Arc<Module>,
    entry: &str,
    grid: Extent,
    block: Extent,
    shared: u32,
    arguments: Arguments,
    memory: &Flat,
) -> Result<u64, RunError> {
    let widths = [Vectorize::Auto];
    launch_as(
        module,
        entry,
        (grid, block, shared),
        arguments,
        memory,
        &widths,
    )
}

/// Runs the entry `k` in one thread, for the memory's beginning.
#[track_caller]
pub fn launch_one(module: &Arc<Module>, memory: &Flat) -> Result<u64, RunError> {
    let arguments = Arguments::new().pointer(0);
    launch(module, "k", line(1), line(1), 0, arguments, memory)
}

/// A launch of an entry, whose module's variables lie at `symbols`.
#[track_caller]
pub fn launch_of(
    module: &Arc<Module>,
    entry: &str,
    (grid, block, shared): (Extent, Extent, u32),
    arguments: Arguments,
    symbols: &[u64],
) -> Launch {
    let (module, symbols) = (module.clone(), symbols.to_vec());
    Launch::new(module, entry, grid, block, shared, arguments.0, symbols).unwrap()
}

/// Holds the fault of a compiled kernel against that of the interpreter. Of several threads that do
/// something wrong, either names the one that does it first. That is the same one, unless the compiled
/// kernel runs many threads at once, or was preempted: then it may be another thread of the block, which
/// must do the same thing wrong where it takes turns with the others as the interpreter has it.
#[track_caller]
fn assert_same_fault(
    launch: &Arc<Launch>,
    before: &[u8],
    (interpreted, compiled): (&Fault, &Fault),
    may_reorder: bool,
) {
    if compiled == interpreted {
        return;
    }
    assert!(
        may_reorder,
        "compiled {compiled:?}, interpreted {interpreted:?}"
    );
    assert_eq!(
        compiled.block, interpreted.block,
        "{compiled:?}, {interpreted:?}"
    );
    let memory = Flat::new(0);
    *memory.0.lock().unwrap() = before.to_vec();
    let interpreter = InterpretedLaunch::new(launch.clone());
    for linear in 0..launch.blocks() {
        let index = launch.block_index(linear);
        let mut block = InterpretedBlock::new(&interpreter, index);
        if Some(index) == compiled.block {
            let faults = block.faults(&interpreter, &memory, STEPS);
            assert!(
                faults.contains(compiled),
                "{compiled:?} is none of {faults:?}"
            );
            return;
        }
        block.run(&interpreter, &memory, STEPS).unwrap();
    }
    panic!("no block {:?}", compiled.block);
}

/// Runs an entry over a grid, compiled in each of these ways.
#[track_caller]
pub fn launch_as(
    module: &Arc<Module>,
    entry: &str,
    (grid, block, shared): (Extent, Extent, u32),
    arguments: Arguments,
    memory: &Flat,
    widths: &[Vectorize],
) -> Result<u64, RunError> {
    let symbols = place_globals(module, memory);
    let launch = launch_of(module, entry, (grid, block, shared), arguments, &symbols);
    let launch = Arc::new(launch);
    let before = memory.0.lock().unwrap().clone();
    let interpreted = run_grid(&launch, memory, STEPS);
    let printed = memory.printed_bytes();
    let expected = std::mem::replace(&mut *memory.0.lock().unwrap(), before.clone());
    if interpreted.is_ok() {
        // Tests of single instructions make mistakes as they please: what checks say is not looked
        // at, but where they say nothing, they change nothing.
        let buffers = [(0, before.len(), true)];
        let checked = InterpretedLaunch::checked(launch.clone());
        if checked::run_checked(&checked, memory, &buffers).is_ok() {
            assert!(*memory.0.lock().unwrap() == expected, "{entry} with checks");
        }
        *memory.0.lock().unwrap() = before.clone();
    }
    for width in widths {
        let lowered = match compile_as(module, entry, *width) {
            Ok(lowered) => Arc::new(lowered),
            Err(reason) => {
                assert!(
                    INTERPRETED.iter().any(|known| reason.what.contains(known)),
                    "{entry}: {reason}"
                );
                *memory.0.lock().unwrap() = expected;
                memory.printed_bytes();
                memory.print(&printed);
                return interpreted;
            }
        };
        *memory.0.lock().unwrap() = before.clone();
        memory.printed_bytes();
        let regions = compiled::whole(memory);
        let slice = std::time::Duration::from_millis(1);
        let (compiled, was_preempted) =
            compiled::run_grid(&lowered, &launch, regions, memory, slice);
        let may_reorder = was_preempted || lowered.lanes() > 1;
        match (&interpreted, &compiled) {
            (Ok(_), Ok(())) => {
                let found = memory.printed_bytes();
                assert_eq!(lines(&found), lines(&printed), "{entry}, {width:?}");
                let found = memory.0.lock().unwrap();
                let differs = found.iter().zip(&expected).position(|(a, b)| a != b);
                if let Some(at) = differs {
                    let around = at & !7..(at & !7) + 8;
                    panic!(
                        "{entry}, {width:?}: byte {at:#x} differs: compiled {:x?}, interpreted {:x?}",
                        &found[around.clone()],
                        &expected[around]
                    );
                }
            }
            (Err(RunError::Fault(interpreted)), Err(RunError::Fault(compiled))) => {
                assert_same_fault(&launch, &before, (interpreted, compiled), may_reorder);
            }
            (Err(interpreted), Err(compiled)) => assert_eq!(compiled, interpreted),
            _ => panic!("{entry}, {width:?}: compiled {compiled:?}, interpreted {interpreted:?}"),
        }
    }
    memory.printed_bytes();
    memory.print(&printed);
    interpreted
}

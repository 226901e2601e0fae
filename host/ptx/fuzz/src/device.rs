//! A small device, and whatever is parsed run on it.

use std::sync::Arc;

use tensor_wasm_ptx::address::GLOBAL_BASE;
use tensor_wasm_ptx::interpret::run_grid;
use tensor_wasm_ptx::simt::Launch;
use tensor_wasm_ptx::{Extent, Limits, Module};

// That of the tests.
// The tests of the crate take these files in too, where the memory stands among them already.
#[allow(clippy::duplicate_mod)]
#[path = "../../tests/common/memory.rs"]
mod memory;

use memory::Flat;

/// How large device memory is.
const BYTES: usize = 16 << 10;

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
    // Variables lie behind one another as far as there is room; kernels read their texts from them.
    let mut end = 4096;
    let mut places = Vec::new();
    for variable in module.globals() {
        let place = usize::try_from(variable.bytes()).ok().map(|bytes| {
            let place = usize::next_multiple_of(end, variable.align() as usize);
            (place, place.saturating_add(bytes))
        });
        let (place, next) = place.filter(|(_, next)| *next <= BYTES).unwrap_or((0, end));
        places.push(place);
        end = next;
    }
    let symbols: Vec<u64> = places
        .iter()
        .map(|place| GLOBAL_BASE + *place as u64)
        .collect();
    let mut page = vec![0; BYTES];
    for (variable, place) in module.globals().iter().zip(&places) {
        if variable.bytes() < BYTES as u64 {
            let initial = variable.initial(&symbols);
            if let Some(target) = page.get_mut(*place..*place + initial.len()) {
                target.copy_from_slice(&initial);
            }
        }
    }
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
            let memory = Flat::new(BYTES);
            memory.put(0, &page);
            let _ = run_grid(&launch, &memory, steps);
        }
    }
}

//! Whatever is parsed can be run: it ends, faults or runs out of steps, and never panics.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tensor_wasm_ptx::parse;
use tensor_wasm_ptx_fuzz::{limits, run};

fuzz_target!(|text: &[u8]| {
    if let Ok(module) = parse(text, &limits()) {
        run(module, 20_000);
    }
});

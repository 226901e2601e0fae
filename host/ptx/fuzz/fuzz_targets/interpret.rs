//! Any bytes, run by the interpreter.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tensor_wasm_ptx_fuzz::interpretation(data));

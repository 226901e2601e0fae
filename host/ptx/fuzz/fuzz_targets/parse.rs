//! Any bytes.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tensor_wasm_ptx_fuzz::parsing(data));

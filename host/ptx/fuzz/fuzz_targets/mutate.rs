//! Kernels of the corpus, mutated, run by the interpreter.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tensor_wasm_ptx_fuzz::mutation(data));

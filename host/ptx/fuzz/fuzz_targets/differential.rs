//! Kernels made at random, compiled and interpreted: both come to the same.
#![no_main]

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/random/mod.rs"]
mod random;

libfuzzer_sys::fuzz_target!(|data: &[u8]| random::agree(data));

//! A driver without a device: the part of CUDA's driver interface that cudarc uses, on top of the
//! interpreter of `tensor-wasm-ptx`, in a library that loads as `libcuda.so.1`.
//!
//! With it, everything between a guest and the driver can be tested on machines that have no GPU.
//! It is **no GPU and no emulator of one**: it computes slowly, what takes long here and there has
//! nothing in common, and no number measured with it says anything about a device. It is not
//! shipped; only tests and benchmarks load it.
//!
//! It keeps to what the real one promises where a host could stumble: memory is not zero when it is
//! allocated, calls return before their work is done, an error in a kernel shows up at some later
//! call and then stays for good, an endless kernel never ends. `libcuda.switches`, a file in the
//! library's own folder, makes it fail in further ways: see [`switches`].
//!
//! `api` holds the exported functions, one file a subject, all declared through the macro of
//! `call`, which counts them, lets the switches have their way, and keeps panics in. What they do
//! lies beside it: contexts, streams, memory, modules, launches. Pointers that come from the caller
//! are wrapped in the types of `ffi`, the only place but `memory` that has unsafe code.

#![cfg(target_os = "linux")] // Whose dynamic linker it relies on.
#![allow(unsafe_code)] // It implements a C interface.
#![allow(non_snake_case)] // The interface chose the names.
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod api;
mod call;
mod code;
mod context;
mod device;
mod event;
mod exit;
mod ffi;
mod grid;
mod handle;
mod jit;
mod memory;
mod module;
mod stream;
pub mod switches;
mod sync;
mod turns;

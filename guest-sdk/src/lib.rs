//! Launch GPU kernels from a WebAssembly component.
//!
//! A component that uses this crate imports `tensor:gpu/kernels`: it asks its
//! host for the GPU as a capability. The host grants it or not; it checks each
//! module and each argument, and a component never sees an address. Kernels are
//! PTX, as CUDA's compilers write it. The same component runs where the host has
//! an NVIDIA device, and where it has none.
//!
//! It reads like the host side of a CUDA program:
//!
//! ```no_run
//! use tensor_wasm_guest::{Device, LaunchConfig};
//!
//! const SAXPY: &[u8] = include_bytes!("../../components/saxpy/kernels/saxpy.ptx");
//!
//! # fn main() -> tensor_wasm_guest::Result<()> {
//! let device = Device::open()?;
//! let saxpy = device.load(SAXPY)?.kernel("saxpy")?;
//!
//! let queue = device.queue()?;
//! let x = queue.upload(&[1.0f32, 2.0, 3.0])?;
//! let y = queue.upload(&[10.0f32, 20.0, 30.0])?;
//! queue
//!     .launch(&saxpy, LaunchConfig::for_len(y.len()))
//!     .arg(&y)
//!     .arg(&x)
//!     .arg(2.0f32)
//!     .arg(y.len() as u32)
//!     .submit()?;
//! assert_eq!(queue.download(&y)?, [12.0, 24.0, 36.0]);
//! # Ok(())
//! # }
//! ```
//!
//! # A complete service
//!
//! With the feature `http`, this is all of a component that `tensor-wasm serve`
//! can host (`guest-sdk/examples/service.rs`). Its crate is a `cdylib`, built by
//! `cargo build --release --target wasm32-wasip2`.
//!
//! ```
#![doc = include_str!("../examples/service.rs")]
//! # fn main() {}
//! ```
//!
//! # What lives how long
//!
//! An instance of a component serves one request, or a few: everything that it
//! holds goes with it. Modules are compiled once per host, whoever loads them.
//! What must stay, such as weights, is [kept under a name](Device::keep), and
//! belongs to the function.
//!
//! # Waiting
//!
//! Launches and writes are queued and return at once; [`Queue::read`],
//! [`Queue::synchronize`] and [`Event::wait`] wait, and suspend this instance
//! alone. What a kernel did wrong comes back from there, as a value.

mod bindings;
mod buffer;
mod device;
mod error;
mod event;
#[cfg(feature = "http")]
pub mod http;
mod launch;
mod module;
mod queue;
mod residency;
#[cfg(all(feature = "testing", not(target_family = "wasm")))]
pub mod testing;

pub use buffer::{Buffer, FromIndex};
pub use bytemuck;
pub use device::{Backend, Device, DeviceInfo};
pub use error::{Diagnostic, Error, Fault, Result};
pub use event::Event;
pub use launch::{Argument, BFloat16, Extent, Half, Launch, LaunchConfig, Struct};
pub use module::{Kernel, Module, Parameter};
pub use queue::Queue;

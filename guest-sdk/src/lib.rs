//! Launch GPU kernels from a WebAssembly component.
//!
//! This crate is a typed API for the WIT interfaces `tensor:gpu/kernels` and
//! `tensor:gpu/residency`. A component that uses it imports the GPU as a capability,
//! which its host may grant or deny. The host checks each module and each argument, and
//! a component never gets an address of device memory. Kernels are PTX text, as CUDA's
//! compilers write it. The same component runs on hosts with an NVIDIA device and on
//! hosts without one.
//!
//! The calls correspond to those of the host side of a CUDA program:
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
//! With the feature `http`, this is the whole source of a component that
//! `tensor-wasm serve` can serve (`guest-sdk/examples/service.rs`). Its crate has the type
//! `cdylib`, and is built with `cargo build --release --target wasm32-wasip2`.
//!
//! ```
#![doc = include_str!("../examples/service.rs")]
//! # fn main() {}
//! ```
//!
//! # Lifetimes
//!
//! An instance of a component serves one request, or a few if the operator allows it. When
//! the instance ends, its buffers, modules, queues and events end too. The host caches
//! compiled modules by their text, so that loading one again is cheap. Data that must
//! outlive the instance, such as weights, can be [kept under a name](Device::keep) on the
//! device; it belongs to the function. What takes long to set up can be done [once](init), before the
//! first request, in place of by each instance.
//!
//! # Waiting
//!
//! Launches, writes, copies, fills and events are queued, and these calls return at once.
//! [`Queue::read`], [`Queue::synchronize`] and [`Event::wait`] wait for the device. They
//! suspend only this instance, and return the errors of queued commands.
//!
//! # What the host computes
//!
//! Products of matrices, softmax, normalisations, reductions and attention need no kernels: they are
//! methods of [`Queue`] that take a [`Matrix`] or [`Tensor`]s, views of buffers with a shape. Ready
//! kernels for what else there is are in [`kernels`].
//!
//! # Modules of this crate
//!
//! The modules `buffer`, `device`, `error`, `event`, `launch`, `module` and `queue` import
//! one another in a circle. They are one API, whose types return one another: a device
//! creates queues, a queue launches kernels, and errors contain extents. Each module has one
//! type of the API with its helpers, so that it can be read on its own; an order among
//! them would only split types from the methods that return them.

// What the macros of kernels write names the crate so.
extern crate self as tensor_wasm_guest;

mod bindings;
mod buffer;
mod device;
mod error;
mod event;
#[cfg(feature = "http")]
pub mod http;
#[doc(hidden)]
pub mod initialization;
pub mod kernel;
pub mod kernels;
mod launch;
mod linear_algebra;
mod module;
mod operations;
mod queue;
mod residency;

#[cfg(all(feature = "testing", not(target_family = "wasm")))]
pub mod testing;
mod view;

#[doc(inline)]
pub use crate::__init as init;
pub use buffer::{Buffer, FromIndex};
pub use bytemuck;
pub use device::{Backend, Device, DeviceInfo};
pub use error::{Diagnostic, Error, Fault, Result};
pub use event::Event;
pub use launch::{Argument, BFloat16, Extent, Half, Launch, LaunchConfig, Struct};
pub use linear_algebra::{Element, Gemm, Matrix, Vector};
pub use module::{Kernel, Module, Parameter};
pub use operations::{Attention, Float, Norm, Softmax};
pub use queue::Queue;
pub use view::{MOST_DIMENSIONS, Tensor};

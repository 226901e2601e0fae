//! A tenant's use of a device: memory, queues, kernels and limits.
//!
//! Lifetimes nest. A [`Device`] lives as long as the host; a [`Session`] is one
//! tenant's use of it, with that tenant's [`Limits`]; a [`Lease`] is one
//! component instance's hold on the session; buffers, modules and queues are
//! made from a lease. Whatever is dropped gives back what it held, and dropping
//! a lease ends the work of its instance.
//!
//! Work is done by the device's own threads or processes. The asynchronous calls here
//! only queue it and wait, on any executor.
//!
//! ```
//! use tensor_wasm_device::{Argument, CpuConfig, Device, Extent, LaunchConfig, Limits};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), tensor_wasm_device::Error> {
//! let double = r"
//!     .version 7.0
//!     .target sm_70
//!     .address_size 64
//!     .visible .entry double(.param .u64 values)
//!     {
//!         .reg .b32 %r<3>;
//!         .reg .b64 %rd<4>;
//!         ld.param.u64 %rd1, [values];
//!         mov.u32 %r1, %tid.x;
//!         mul.wide.u32 %rd2, %r1, 4;
//!         add.s64 %rd3, %rd1, %rd2;
//!         ld.global.u32 %r2, [%rd3];
//!         shl.b32 %r2, %r2, 1;
//!         st.global.u32 [%rd3], %r2;
//!         ret;
//!     }";
//!
//! let device = Device::cpu(CpuConfig::default())?;
//! let session = device.session(Limits::default());
//! let lease = session.lease();
//!
//! let kernel = lease.load(double.into()).await?.kernel("double")?;
//! let values = lease.allocate(16).await?;
//! let queue = lease.create_queue().await?;
//! let input: Vec<u8> = [1_u32, 2, 3, 4].iter().flat_map(|n| n.to_le_bytes()).collect();
//! queue.write(&values, 0, input).await?;
//! let config = LaunchConfig {
//!     grid: Extent { x: 1, y: 1, z: 1 },
//!     block: Extent { x: 4, y: 1, z: 1 },
//!     shared_bytes: 0,
//! };
//! let pointer = Argument::Pointer { buffer: values.clone(), offset: 0 };
//! queue.launch(&kernel, config, vec![pointer]).await?;
//! assert_eq!(queue.read(&values, 12, 4).await?, 8_u32.to_le_bytes());
//! # Ok(())
//! # }
//! ```
//!
//! The crate knows nothing of WebAssembly: `tensor-wasm-runtime` shows it to
//! components as the interfaces of `tensor:gpu`.

mod account;
mod backend;
mod buffer;
mod cache;
mod capture;
mod channel;
mod command;
mod cpu;
mod description;
mod device;
mod devices;
mod effects;
mod error;
mod essential_thread;
mod event;
mod failure_state;
mod fair_queue;
mod identity;
mod large_pages;
mod launch;
mod launch_config;
mod lease;
mod limits;
mod linear;
mod memory;
mod memory_meter;
mod meter;
mod module;
mod nvidia;
mod open_nvidia;
mod output;
mod queue;
mod rate;
mod reclaimer;
mod remote;
mod residency;
mod session;
mod spin_wait;
mod staging;
mod submission;
mod sync;
mod tenant;
#[cfg(test)]
mod testing;
mod timer;
mod trial;
pub mod worker;

pub use buffer::Buffer;
pub use capture::{Capture, Captured};
pub use cpu::CpuConfig;
#[doc(hidden)]
pub use cpu::compiled::{compile_for_single_threads, interpret_all_kernels};
pub use description::{Backend, Description, Info};
pub use device::Device;
pub use devices::Devices;
pub use error::{Error, UnknownKernel};
pub use essential_thread::{on_essential_thread_loss, spawn_essential};
pub use event::Event;
pub use fair_queue::{FairQueue, Flow};
pub use launch::Argument;
pub use launch_config::LaunchConfig;
pub use lease::Lease;
pub use limits::{Limits, Usage};
pub use linear::{
    Activation, AddedMask, Attention, Element, Gemm, Gemv, HeadRows, Matrix, Norm, NormKind,
    Reduce, Reduction, Rows, Softmax, TopK, Vector,
};
pub use memory_meter::MemoryMeter;
pub use meter::{LaunchTimes, Meter};
pub use module::{Kernel, Module};
pub use nvidia::{NoDeviceName, NvidiaDevice, NvidiaUuid};
pub use output::Output;
pub use queue::Queue;
pub use remote::{NoNvidia, WorkerConfig};
pub use residency::Residency;
pub use session::Session;
pub use tensor_wasm_ptx::simt::Fault;
pub use tensor_wasm_ptx::{Diagnostic, Extent, Param, ParamType};

//! Kernels in Rust, in the crate of the component: [`macro@kernel`] compiles a function to PTX while
//! the crate is built. It needs no GPU, no CUDA and no other target of the compiler.
//!
//! ```no_run
//! use tensor_wasm_guest::kernel::prelude::*;
//! use tensor_wasm_guest::{Device, LaunchConfig, Result};
//!
//! /// Adds a multiple of one vector to another.
//! #[kernel]
//! fn saxpy(a: f32, x: &[f32], y: GlobalMut<f32>) {
//!     let i = thread::global_x() as usize;
//!     if i < y.len() {
//!         y.set(i, a * x[i] + y.get(i));
//!     }
//! }
//!
//! fn main() -> Result<()> {
//!     let queue = Device::open()?.queue()?;
//!     let x = queue.upload(&[1.0, 2.0, 3.0])?;
//!     let mut y = queue.upload(&[10.0, 20.0, 30.0])?;
//!     saxpy(&queue, LaunchConfig::for_len(y.len()), 2.0, &x, &mut y)?;
//!     assert_eq!(queue.download(&y)?, [12.0, 24.0, 36.0]);
//!     Ok(())
//! }
//! ```
//!
//! The macro makes a function of the kernel's name, which launches it: first the queue and the
//! number of threads, then the kernel's parameters, with a buffer for each slice. Types that do not
//! fit are errors of the compiler. A module of the same name has the rest: `saxpy::PTX` is the
//! text, `saxpy::NAME` the kernel's name in it, `saxpy::model` the kernel as ordinary Rust, and
//! `saxpy::native` runs all threads of it on the processor, over slices, for tests:
//!
//! ```
//! # use tensor_wasm_guest::kernel::prelude::*;
//! # use tensor_wasm_guest::LaunchConfig;
//! # #[kernel]
//! # fn saxpy(a: f32, x: &[f32], y: GlobalMut<f32>) {
//! #     let i = thread::global_x() as usize;
//! #     if i < y.len() {
//! #         y.set(i, a * x[i] + y.get(i));
//! #     }
//! # }
//! let mut y = [10.0, 20.0, 30.0];
//! saxpy::native(LaunchConfig::for_len(3), 2.0, &[1.0, 2.0, 3.0], &mut y);
//! assert_eq!(y, [12.0, 24.0, 36.0]);
//! ```
//!
//! Several kernels, and what they share, go into a module with [`macro@device`]: its functions, constants
//! and `#[repr(C)]` structures are known to its kernels, and all kernels are one PTX text.
//!
//! [`kernels!`] makes the same functions for the kernels of a PTX file from another compiler.
//!
//! `docs/kernels-in-rust.md` says which Rust a kernel may contain, and what it means.

mod half;
mod launch;
mod memory;
pub mod native;
mod number;
pub mod parameter;
mod threads;

pub use half::{bf16, f16};
pub use launch::{Arguments, LaunchArgument, Launcher, Source};
pub use memory::{GlobalMut, Shared};
pub use tensor_wasm_kernel_macro::{device, kernel, kernels};
pub use threads::{barrier, block, fast, grid, thread, warp};

/// What code of kernels uses: `use tensor_wasm_guest::kernel::prelude::*;`.
pub mod prelude {
    pub use super::{
        GlobalMut, Shared, barrier, bf16, block, device, f16, fast, grid, kernel, kernels, thread,
        warp,
    };
    pub use crate::shared;
    pub use std::sync::atomic::Ordering;
}

/// Compiles and runs the examples of these pages.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/kernels-in-rust.md")]
    struct KernelsInRust;
    #[doc = include_str!("../../../docs/guide/cookbook.md")]
    struct Cookbook;
    #[doc = include_str!("../../../docs/guide/from-cuda.md")]
    struct FromCuda;
}

/// Shared memory of a block: `shared!([f32; 256])` has room for 256 numbers. Its contents are not
/// defined until they are written.
#[macro_export]
macro_rules! shared {
    ([$element:ty; $len:expr]) => {
        $crate::kernel::Shared::<$element, { $len }>::at(concat!(
            file!(),
            ":",
            line!(),
            ":",
            column!()
        ))
    };
}

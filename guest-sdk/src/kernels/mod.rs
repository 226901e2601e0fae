//! Ready kernels, for what stands between kernels of one's own: each in a module of its subject, in Rust, with
//! its PTX beside it (`kernels::elementwise::add::PTX`). They are launched as any kernel in Rust is:
//!
//! ```no_run
//! use tensor_wasm_guest::kernels::elementwise;
//! use tensor_wasm_guest::{Device, LaunchConfig, Result};
//!
//! fn main() -> Result<()> {
//!     let queue = Device::open()?.queue()?;
//!     let mut y = queue.upload(&[-1.0f32, 0.0, 2.0])?;
//!     elementwise::relu(&queue, LaunchConfig::for_len(y.len()), &mut y)?;
//!     assert_eq!(queue.download(&y)?, [0.0, 0.0, 2.0]);
//!     Ok(())
//! }
//! ```
//!
//! All compute in `f32`, of rows without gaps. What has other types, strides or masks the host computes: see
//! [`Queue::softmax`](crate::Queue::softmax) and the methods beside it. These are here to be copied and
//! changed, and to be fused with what comes before or behind.

#![allow(
    clippy::needless_range_loop,
    reason = "kernels have no iterators over arrays"
)]

mod attention_kernels;
mod elementwise_kernels;
mod random_kernels;
mod rows_kernels;

pub use attention_kernels::attention;
pub use elementwise_kernels::elementwise;
pub use random_kernels::random;
pub use rows_kernels::rows;

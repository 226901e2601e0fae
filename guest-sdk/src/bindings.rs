//! Generated bindings of the WIT worlds `tensor:gpu/capability` and `tensor:lifecycle/initialized`. They
//! are private, so that the WIT interfaces can grow without breaking the crate's users; the other
//! modules wrap them in a safe and typed API.
//!
//! They are written out, by `cargo xtask wit`, and not made by a macro: whoever builds a component
//! for the first time would compile the generator before.

#![allow(missing_docs, unsafe_code, unused_qualifications)]
#![allow(clippy::all, clippy::unwrap_used, clippy::expect_used)]

#[rustfmt::skip]
mod capability;
#[rustfmt::skip]
pub mod initialized;

pub use capability::tensor::gpu::{kernels, linear_algebra, residency};

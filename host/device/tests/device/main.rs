//! The device as its embedder sees it: each test states a promise, and keeps to
//! the public interface.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod checks;
mod common;
mod fairness;
mod faults;
mod handles;
mod kept_kernels;
mod launches;
mod limits;
mod memory;
mod modules;
mod properties;
mod queues;
mod residency;
mod workers;

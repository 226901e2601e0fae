//! The device as its embedder sees it: each test states a promise, and keeps to
//! the public interface.

mod capture;
mod checks;
pub mod common;
mod drivers;
mod fairness;
mod faults;
mod handles;
mod instances;
mod kept_kernels;
mod launches;
mod limits;
mod memory;
mod metering;
mod modules;
mod operations;
mod products;
mod properties;
mod queues;
mod residency;
mod workers;

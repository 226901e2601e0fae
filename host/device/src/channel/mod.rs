//! The channel between the host and a worker process, in memory that both have
//! mapped: two single-producer, single-consumer ring buffers for messages, and an
//! area for bulk data.
//!
//! The worker runs a tenant's kernels, so the host trusts nothing that it finds
//! here: positions and lengths are checked, messages are decoded from a copy, and
//! the worker is ended for whatever is not as it should be.

mod memory;
mod ring;
mod staging;
pub(crate) mod wire;
mod wire_error;

pub(crate) use memory::{Layout, SharedMemory};
#[cfg(test)]
pub(crate) use ring::Wait;
pub(crate) use ring::{Broken, Consumer, Listener, Producer, pause, spin_time};
pub(crate) use staging::{AreaSlice, StagingArea};

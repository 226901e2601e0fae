//! How the host and a device worker talk: two rings of messages and an area for
//! bulk data, in memory that both have mapped.
//!
//! The worker runs a tenant's kernels, so the host trusts nothing that it finds
//! here: positions and lengths are checked, messages are decoded from a copy, and
//! whatever does not fit ends the worker.

mod memory;
mod ring;
mod staging;
pub(crate) mod wire;

pub(crate) use memory::{Layout, SharedMemory};
pub(crate) use ring::{Broken, Consumer, Producer, wake_host};
pub(crate) use staging::{Area, Staging};

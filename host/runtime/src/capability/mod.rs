//! Capabilities: what a host can give a component beside computing. Each has a module of
//! one shape ([`shape`]): the interfaces that a component imports, a function that links
//! them, the state of one instance, and what an operator sets.
//!
//! [`registry`] lists them. From its one table of interfaces come the error that names
//! every missing import and the lines that `serve` prints; `tests/linking.rs` holds the
//! table and the linker together.

pub(crate) mod account;
pub(crate) mod config;
pub(crate) mod environment;
pub(crate) mod filesystem;
pub(crate) mod gpu;
pub(crate) mod http;
mod interface;
pub(crate) mod next;
pub(crate) mod output;
mod output_rate;
pub mod policy;
pub(crate) mod recorded;
pub(crate) mod registry;
pub(crate) mod shape;
pub(crate) mod sockets;
pub(crate) mod tenant_memory;
pub(crate) mod wasi;

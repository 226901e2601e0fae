//! A host of many tenants: the components that it serves, who may call them, how often,
//! how much of the device each tenant gets, and the record of it all.
//!
//! [`host`] assembles the parts. Each of the others is usable by itself.

mod api;
pub mod audit;
mod clock;
pub mod deprecation;
mod error;
mod functions;
pub mod grants;
pub mod host;
mod invocations;
mod jobs;
pub mod limiter;
mod lock;
pub mod metrics;
pub mod node;
pub mod recordings;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod simulation;
mod storage;
mod to_its_end;
pub mod tokens;
pub mod traces;

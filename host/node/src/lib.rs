//! A host of many tenants: the components that it serves, who may call them, how often,
//! how much of the device each tenant gets, and the record of it all.
//!
//! [`host`] assembles the parts. Each of the others is usable by itself.

mod api;
pub mod audit;
pub mod deprecation;
mod error;
mod functions;
pub mod grants;
pub mod host;
mod jobs;
pub mod limiter;
mod lock;
pub mod metrics;
pub mod node;
mod storage;
pub mod tokens;
pub mod traces;

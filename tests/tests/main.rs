//! The end-to-end tests: the real binary, real HTTP, real components.
//!
//! One program for all of them: each one more would link the engine once more.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod architecture;
mod audit;
mod book;
mod callers;
mod checks;
mod components;
mod compose;
mod config;
mod contract;
mod dev;
mod digits;
mod docs;
mod embeddings;
mod fairness;
mod first_use;
mod forwarded_head;
mod gpu;
mod grants;
mod import_circles;
mod instantiation;
mod isolation;
mod metering;
mod node;
mod policy;
mod policy_p3;
mod policy_p3_answers;
mod policy_p3_chain;
mod policy_reuse;
mod projects;
mod reference;
mod replay;
mod serve;
mod services;
mod tenants;
mod tls;
mod traces;
mod workers;

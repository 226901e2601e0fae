//! The tests of the crate by its public interface.
//!
//! One program for all of them: each one more would link the engine once more.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod components;
mod compose;
mod contract;
mod handing_over;
mod inspect;
mod layers;
mod linking;
mod server;
mod tls;
mod tools;

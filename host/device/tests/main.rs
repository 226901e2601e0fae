//! The tests of the crate by its public interface.
//!
//! One program for all of them: each one more would link the engine once more.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod corpus;
mod device;
#[allow(dead_code)] // The end-to-end tests use all of it.
#[path = "../../../tests/src/driver.rs"]
mod driver;
mod layers;

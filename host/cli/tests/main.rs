//! The tests of the commands that serve nothing: each runs the real binary.
//!
//! One program for all of them: each one more would link the engine once more.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod audit;
mod client;
mod commands;
mod config;
mod projects;
mod run;
mod token;

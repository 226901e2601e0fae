//! The harness of the end-to-end tests: it finds the binary and the components,
//! starts `tensor-wasm serve` on a free port, reads what it prints, talks to it
//! over real HTTP, and ends it.
//!
//! Waits here are bounded only so that a broken server fails a test instead of
//! hanging it; no test passes or fails by how long something took.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod artifacts;
mod authority;
mod command;
#[cfg(target_os = "linux")]
mod driver;
mod frames;
mod raw;
mod reply;
mod secure;
mod server;
mod shared;
mod wait;

pub use artifacts::{DeviceKind, component, guest, older_tensor_wasm, tensor_wasm};
pub use authority::{Authority, Issued};
pub use command::{Output, run};
#[cfg(target_os = "linux")]
pub use driver::Driver;
pub use frames::{StreamEnd, http2_request};
pub use raw::Raw;
pub use reply::Reply;
pub use secure::{Secure, SecureConnection};
pub use server::{Running, Serve, Server};
pub use shared::SharedServer;
pub use tensor_wasm_test_process::{Signal, Start};
pub use wait::{PATIENCE, eventually};

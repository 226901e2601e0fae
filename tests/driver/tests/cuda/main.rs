//! The driver without a device, driven through cudarc, as the host does it. What these tests find
//! out about cudarc itself (where it panics, above all) is what the host has to live with.

#![cfg(target_os = "linux")]
#![allow(unsafe_code)] // Much of cudarc's interface is unsafe.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[allow(dead_code)] // The end-to-end tests use all of it.
#[path = "../../../src/driver.rs"]
mod driver;

mod child;
mod compute;
mod cudarc_habits;
mod errors;
mod kernels;
mod modules;
mod order;
mod plain;
mod switches;

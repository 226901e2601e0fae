//! The driver without a device, driven through cudarc, as the host does it. What these tests find
//! out about cudarc itself (where it panics, above all) is what the host has to live with.

#![allow(unsafe_code)] // Much of cudarc's interface is unsafe.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../../src/driver.rs"]
mod driver;

mod child;
mod compute;
mod kernels;

//! Generated bindings of the WIT world `tensor:gpu/capability`. They are private, so
//! that the WIT interfaces can grow without breaking the crate's users; the other
//! modules wrap them in a safe and typed API.

#![allow(missing_docs, unsafe_code, unused_qualifications, clippy::all)]

wit_bindgen::generate!({
    path: "wit/tensor.wit",
    world: "tensor:gpu/capability",
});

pub use tensor::gpu::{kernels, residency};

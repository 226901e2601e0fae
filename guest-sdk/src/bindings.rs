//! What `wit-bindgen` makes of `tensor:gpu/capability`. Private, so that the
//! contract may grow without breaking the crate's users; the other modules put
//! a safe and typed face on it.

#![allow(missing_docs, unsafe_code, unused_qualifications, clippy::all)]

wit_bindgen::generate!({
    path: "../wit/gpu.wit",
    world: "tensor:gpu/capability",
});

pub use tensor::gpu::{kernels, residency};

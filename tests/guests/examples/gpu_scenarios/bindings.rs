//! The contract itself, bound without the SDK: what the SDK's types rule out is
//! what these scenarios have to try.

// The generated code is what crosses the component's boundary.
#![allow(unsafe_code, missing_docs)]

wit_bindgen::generate!({
    path: "../../wit/gpu.wit",
    world: "tensor:gpu/capability",
    generate_all,
});

pub use tensor::gpu::{kernels, residency};

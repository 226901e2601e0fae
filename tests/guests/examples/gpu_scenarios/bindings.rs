//! Generated bindings of the WIT interfaces. The scenarios do not use the SDK, since they also
//! test uses that the SDK's types prevent.

// The generated code crosses the component's boundary, which needs `unsafe`.
#![allow(unsafe_code, missing_docs)]

wit_bindgen::generate!({
    path: "../../guest-sdk/wit/tensor.wit",
    world: "tensor:gpu/capability",
    generate_all,
});

pub use tensor::gpu::{kernels, linear_algebra, residency};

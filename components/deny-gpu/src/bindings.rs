//! Generated bindings of the interfaces of `tensor:gpu`, as exports.

// The generated code crosses the component's boundary, which needs `unsafe`.
#![allow(missing_docs, unsafe_code, unused_qualifications, clippy::all)]

wit_bindgen::generate!({
    path: "../../guest-sdk/wit/tensor.wit",
    inline: "
        package tensor:deny-gpu;

        world provider {
            export tensor:gpu/kernels@0.1.0;
            export tensor:gpu/residency@0.1.0;
            export tensor:gpu/linear-algebra@0.1.0;
        }
    ",
});

pub use exports::tensor::gpu::{kernels, linear_algebra, residency};

// On other targets than WebAssembly, linkers refuse the names of these exports.
#[cfg(target_arch = "wasm32")]
export!(Denied);
#[cfg(target_arch = "wasm32")]
use super::Denied;

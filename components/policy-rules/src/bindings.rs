//! Generated bindings of the host's functions for policies and of the operator's settings, which
//! are the same for policies of each version of WASI.

// The generated code crosses the component's boundary, which needs `unsafe`.
#![allow(missing_docs, unsafe_code, unused_qualifications, clippy::all)]

wit_bindgen::generate!({
    path: "../../guest-sdk/wit/tensor.wit",
    inline: "
        package tensor:policy-rules@0.1.0;

        world rules {
            include tensor:policy/capability@0.1.0;
            import wasi:config/store@0.2.0-rc.1;
        }
    ",
    world: "tensor:policy-rules/rules",
    generate_all,
});

pub use tensor::policy::{credentials, decision, limiter};
pub use wasi::config::store;

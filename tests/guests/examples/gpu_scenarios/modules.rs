//! Modules: what the host makes of the PTX that a guest brings.

use crate::PTX;
use crate::bindings::kernels::{Device, Parameter};
use crate::report::Outcome;
use serde_json::{Value, json};

pub fn scenario(name: &str, body: impl FnOnce() -> Vec<u8>) -> Option<Outcome> {
    let outcome = match name {
        "load" => load(&body()),
        "own-module" => load(PTX),
        "unknown-kernel" => unknown_kernel("no_such_kernel"),
        "kernel-with-nul" => unknown_kernel("increment\0"),
        "parameters" => parameters(),
        _ => return None,
    };
    Some(outcome)
}

/// Loads a module and tells its kernels.
fn load(ptx: &[u8]) -> Outcome {
    Ok(json!(Device::open()?.load(ptx)?.kernel_names()))
}

fn unknown_kernel(name: &str) -> Outcome {
    Device::open()?.load(PTX)?.kernel(name)?;
    Ok(Value::Null)
}

fn parameters() -> Outcome {
    let kernel = Device::open()?.load(PTX)?.kernel("all_types")?;
    let parameters: Vec<String> = kernel
        .parameters()
        .into_iter()
        .map(|parameter| match parameter {
            Parameter::Bytes((bytes, align)) => format!("bytes({bytes}, {align})"),
            other => format!("{other:?}"),
        })
        .collect();
    Ok(json!({ "parameters": parameters, "threads": kernel.max_threads_per_block() }))
}

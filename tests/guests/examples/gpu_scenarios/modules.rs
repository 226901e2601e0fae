//! Modules: loading PTX, and looking up kernels.

use crate::PTX;
use crate::bindings::kernels::{Argument, Device, Parameter};
use crate::report::Outcome;
use crate::{launch_config, numbers};
use serde_json::{Value, json};

pub fn scenario(name: &str, body: impl FnOnce() -> Vec<u8>) -> Option<Outcome> {
    let outcome = match name {
        "load" => load(&body()),
        "launch" => launch(&body()),
        "own-module" => load(PTX),
        "unknown-kernel" => unknown_kernel("no_such_kernel"),
        "kernel-with-nul" => unknown_kernel("increment\0"),
        "parameters" => parameters(),
        _ => return None,
    };
    Some(outcome)
}

/// Loads a module and returns the names of its kernels.
fn load(ptx: &[u8]) -> Outcome {
    Ok(json!(Device::open()?.load(ptx)?.kernel_names()))
}

/// Launches the kernel `k` of a module with 64 threads and two buffers of 64 numbers: one that is
/// initialised, and one that is not. Returns the second one.
fn launch(ptx: &[u8]) -> Outcome {
    let device = Device::open()?;
    let kernel = device.load(ptx)?.kernel("k")?;
    let queue = device.create_queue()?;
    let (written, fresh) = (device.allocate(256)?, device.allocate(256)?);
    queue.fill(&written, 0, 256, 1)?;
    let pointers = [
        Argument::Pointer((&written, 0)),
        Argument::Pointer((&fresh, 0)),
    ];
    queue.launch(&kernel, launch_config(1, 64), &pointers)?;
    Ok(json!(numbers(&queue.read(&fresh, 0, 256)?)))
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

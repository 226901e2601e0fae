//! Objects that outlive a request: buffers that are kept under a name, and handles and running
//! kernels that the host has to clean up.

use crate::bindings::kernels::{Argument, Device};
use crate::bindings::residency;
use crate::report::Outcome;
use crate::{kernel, launch_config, numbers};
use serde_json::{Value, json};

const MIB: u64 = 1024 * 1024;

pub fn scenario(name: &str) -> Option<Outcome> {
    let outcome = match name {
        "residency-keep" => keep(),
        "residency-lookup" => lookup(),
        "residency-count" => count(),
        "residency-release" => residency::release("weights").map(|()| Value::Null),
        "residency-first-stays" => first_stays(),
        "residency-long-name" => long_name(),
        "residency-many" => many(),
        "residency-fill" => fill(),
        "residency-empty" => empty(),
        "leak" => leak(),
        "leave-endless-kernel" => leave_endless_kernel(false),
        "trap-beside-endless-kernel" => leave_endless_kernel(true),
        "wait-for-endless-kernel" => wait_for_endless_kernel(),
        _ => return None,
    };
    Some(outcome)
}

/// Keeps four numbers for a later request.
fn keep() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let buffer = device.allocate(16)?;
    queue.fill(&buffer, 0, 16, 1)?;
    queue.synchronize()?;
    let kept = residency::keep("weights", buffer)?;
    Ok(json!(numbers(&queue.read(&kept, 0, 16)?)))
}

fn lookup() -> Outcome {
    let device = Device::open()?;
    match residency::lookup(&device, "weights")? {
        None => Ok(Value::Null),
        Some(buffer) => {
            let bytes = device.create_queue()?.read(&buffer, 0, buffer.size())?;
            Ok(json!(numbers(&bytes)))
        }
    }
}

/// Counts requests in device memory that outlives each of them.
fn count() -> Outcome {
    let device = Device::open()?;
    let counter = match residency::lookup(&device, "counter")? {
        Some(counter) => counter,
        None => residency::keep("counter", device.allocate(4)?)?,
    };
    let queue = device.create_queue()?;
    let count_threads = kernel(&device, "count_threads")?;
    queue.launch(
        &count_threads,
        launch_config(1, 1),
        &[Argument::Pointer((&counter, 0))],
    )?;
    Ok(json!(numbers(&queue.read(&counter, 0, 4)?)))
}

/// If a name is taken, the first buffer stays, and `keep` returns it.
fn first_stays() -> Outcome {
    let device = Device::open()?;
    let first = residency::keep("twice", device.allocate(4)?)?;
    let second = residency::keep("twice", device.allocate(8)?)?;
    let sizes = [first.size(), second.size()];
    residency::release("twice")?;
    let forgotten = residency::lookup(&device, "twice")?.is_none();
    Ok(json!({ "sizes": sizes, "forgotten": forgotten, "still": first.size() }))
}

fn long_name() -> Outcome {
    let name = "n".repeat(100_000);
    residency::keep(&name, Device::open()?.allocate(4)?)?;
    Ok(Value::Null)
}

/// Keeps names until the host refuses one.
fn many() -> Outcome {
    let device = Device::open()?;
    let mut kept = 0u32;
    let refused = loop {
        let buffer = device.allocate(1)?;
        match residency::keep(&format!("many-{kept}"), buffer) {
            Ok(_) => kept += 1,
            Err(error) => break crate::report::describe(error),
        }
    };
    for index in 0..kept {
        residency::release(&format!("many-{index}"))?;
    }
    Ok(json!({ "kept": kept, "refused": refused }))
}

/// The most buffers that [`fill`] keeps.
const MOST_FILLING: u32 = 128;

/// Keeps memory until there is not another mebibyte, in pieces as large as can be had.
fn fill() -> Outcome {
    let device = Device::open()?;
    let (mut kept, mut count, mut bytes) = (0u64, 0, 1u64 << 40);
    let refused = loop {
        match device.allocate(bytes) {
            Ok(buffer) if count < MOST_FILLING => {
                residency::keep(&format!("fill-{count}"), buffer)?;
                kept += bytes;
                count += 1;
            }
            Ok(_) => break Value::Null,
            Err(_) if bytes > MIB => bytes /= 2,
            Err(error) => break crate::report::describe(error),
        }
    };
    Ok(json!({ "kept": kept, "refused": refused }))
}

/// Gives back what [`fill`] kept.
fn empty() -> Outcome {
    let mut released = 0;
    for count in 0..MOST_FILLING {
        if residency::release(&format!("fill-{count}")).is_ok() {
            released += 1;
        }
    }
    Ok(json!(released))
}

/// Leaks 8 MiB of buffers, whose handles it never drops.
fn leak() -> Outcome {
    let device = Device::open()?;
    for _ in 0..8 {
        std::mem::forget(device.allocate(MIB)?);
    }
    Ok(json!(device.info().memory_used))
}

/// Ends while an endless kernel runs.
fn leave_endless_kernel(trap: bool) -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let buffer = device.allocate(MIB)?;
    queue.launch(&kernel(&device, "endless")?, launch_config(64, 64), &[])?;
    queue.fill(&buffer, 0, MIB, 1)?;
    std::mem::forget((queue, buffer));
    if trap {
        std::process::abort();
    }
    Ok(Value::Null)
}

/// Waits for an endless kernel, until the request exceeds its time limit.
fn wait_for_endless_kernel() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    queue.launch(&kernel(&device, "endless")?, launch_config(1, 1), &[])?;
    // Signals to the test that the kernel is queued.
    eprintln!("waiting");
    queue.synchronize()?;
    Ok(Value::Null)
}

//! Memory and queues: ranges, limits, zeroed memory, order, events.

use crate::bindings::kernels::{Buffer, Device, Error};
use crate::report::Outcome;
use crate::{increment, numbers};
use serde_json::{Value, json};

const MIB: u64 = 1024 * 1024;

pub fn scenario(name: &str) -> Option<Outcome> {
    let outcome = match name {
        "info" => info(),
        "out-of-range-read" => range(|queue, buffer| queue.read(buffer, 8, 9).map(drop)),
        "out-of-range-write" => range(|queue, buffer| queue.write(buffer, 8, &[0; 9])),
        "out-of-range-fill" => range(|queue, buffer| queue.fill(buffer, 17, 0, 0)),
        "out-of-range-copy" => range(|queue, buffer| queue.copy(buffer, 0, buffer, 12, 5)),
        "out-of-range-overflow" => {
            range(|queue, buffer| queue.read(buffer, u64::MAX, u64::MAX).map(drop))
        }
        "empty-range-at-the-end" => range(|queue, buffer| queue.read(buffer, 16, 0).map(drop)),
        "allocate-nothing" => allocate_nothing(),
        "allocate-too-much" => allocate(u64::MAX),
        "allocate-many" => allocate_many(),
        "many-queues" => many_queues(),
        "zeroed" => zeroed(),
        "copy-fill" => copy_fill(),
        "order" => order(),
        "events" => events(),
        "event-of-nothing" => event_of_nothing(),
        "drop-while-queued" => drop_while_queued(),
        "drop-then-use" => drop_then_use(),
        "made-up-handle" => made_up_handle(),
        _ => return None,
    };
    Some(outcome)
}

fn info() -> Outcome {
    let info = Device::open()?.info();
    Ok(json!({
        "name": info.name,
        "backend": format!("{:?}", info.backend),
        "target": info.target,
        "multiprocessors": info.multiprocessors,
        "warp_size": info.warp_size,
        "max_threads_per_block": info.max_threads_per_block,
        "max_shared_memory": info.max_shared_memory,
        "memory_limit": info.memory_limit,
        "memory_used": info.memory_used,
    }))
}

/// Calls `act` with a buffer of 16 bytes.
fn range(
    act: impl FnOnce(&crate::bindings::kernels::Queue, &Buffer) -> Result<(), Error>,
) -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let buffer = device.allocate(16)?;
    act(&queue, &buffer)?;
    queue.synchronize()?;
    Ok(Value::Null)
}

fn allocate_nothing() -> Outcome {
    Ok(json!(Device::open()?.allocate(0)?.size()))
}

fn allocate(bytes: u64) -> Outcome {
    Ok(json!(Device::open()?.allocate(bytes)?.size()))
}

/// Allocates up to the limit, frees one buffer, and allocates again.
fn allocate_many() -> Outcome {
    let device = Device::open()?;
    let mut held = Vec::new();
    let refused = loop {
        match device.allocate(MIB) {
            Ok(buffer) => held.push(buffer),
            Err(error) => break crate::report::describe(error),
        }
    };
    let count = held.len();
    held.pop();
    let again = device.allocate(MIB).is_ok();
    Ok(json!({ "count": count, "refused": refused, "again": again }))
}

fn many_queues() -> Outcome {
    let device = Device::open()?;
    let mut held = Vec::new();
    loop {
        held.push(device.create_queue()?);
    }
}

/// Counts the bytes of new memory that are not zero, and then fills the memory with another
/// value, which the next request would find if memory were not cleared.
fn zeroed() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let buffer = device.allocate(4 * MIB)?;
    let dirty = queue
        .read(&buffer, 0, 4 * MIB)?
        .iter()
        .filter(|byte| **byte != 0)
        .count();
    queue.fill(&buffer, 0, 4 * MIB, 0xa5)?;
    queue.synchronize()?;
    Ok(json!({ "dirty": dirty }))
}

fn copy_fill() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let from = device.allocate(13)?;
    let to = device.allocate(13)?;
    queue.fill(&from, 0, 13, 1)?;
    queue.fill(&from, 3, 7, 2)?;
    queue.copy(&from, 1, &to, 2, 11)?;
    Ok(json!(queue.read(&to, 0, 13)?))
}

/// Commands are executed in order, and a write uses the data at the time of the call.
fn order() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let buffer = device.allocate(4)?;
    for value in 0..1000u32 {
        queue.write(&buffer, 0, &value.to_le_bytes())?;
    }
    Ok(json!(numbers(&queue.read(&buffer, 0, 4)?)))
}

fn events() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let buffer = device.allocate(MIB)?;
    let before = queue.record_event()?;
    queue.fill(&buffer, 0, MIB, 1)?;
    let after = queue.record_event()?;
    after.wait()?;
    Ok(json!({
        "done": [before.is_done(), after.is_done()],
        "elapsed": after.elapsed_since(&before)?,
    }))
}

/// An event in an empty queue is reached at once.
fn event_of_nothing() -> Outcome {
    let event = Device::open()?.create_queue()?.record_event()?;
    event.wait()?;
    Ok(json!(event.is_done()))
}

/// A dropped buffer stays allocated until the queued commands that use it are done.
fn drop_while_queued() -> Outcome {
    let device = Device::open()?;
    let queue = device.create_queue()?;
    let target = device.allocate(4)?;
    let source = device.allocate(4)?;
    queue.fill(&source, 0, 4, 9)?;
    queue.copy(&source, 0, &target, 0, 4)?;
    drop(source);
    Ok(json!({
        "copied": queue.read(&target, 0, 4)?,
        "healthy": increment(&device, 2)?,
    }))
}

/// Uses a handle after its drop. Generated bindings prevent this; the host must trap.
#[allow(unsafe_code)]
fn drop_then_use() -> Outcome {
    let buffer = Device::open()?.allocate(4)?;
    let handle = buffer.handle();
    drop(buffer);
    // SAFETY: not safe on purpose. A component can do this, and the host has to trap it.
    let stale = unsafe { Buffer::from_handle(handle) };
    Ok(json!(stale.size()))
}

/// Uses a handle that the host never returned.
#[allow(unsafe_code)]
fn made_up_handle() -> Outcome {
    // SAFETY: not safe on purpose. A component can do this, and the host has to trap it.
    let forged = unsafe { Buffer::from_handle(12_345) };
    Ok(json!(forged.size()))
}

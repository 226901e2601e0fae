//! What calls of `tensor:gpu` take and answer, in a journal.

use crate::capability::gpu::bindings::tensor::gpu::kernels as wit;
use crate::journal::{Handle, JournalState};
use serde_json::{Value, json};

fn extent(extent: wit::Extent) -> Value {
    json!([extent.x, extent.y, extent.z])
}

/// How a call failed. What is said of a fault is not compared: checks say more.
pub(super) fn error(error: &wit::Error) -> Value {
    let (kind, with) = match error {
        wit::Error::Denied(why) => ("denied", json!(why)),
        wit::Error::DeviceLost(why) => ("device-lost", json!(why)),
        wit::Error::QuotaExceeded(quota) => (
            "quota-exceeded",
            json!([quota.resource_name, quota.limit, quota.requested]),
        ),
        wit::Error::OutOfMemory(bytes) => ("out-of-memory", json!(bytes)),
        wit::Error::InvalidModule(found) => {
            let lines = found.iter();
            let lines = lines.map(|one| json!([one.line, one.column, one.message]));
            ("invalid-module", lines.collect())
        }
        wit::Error::UnknownKernel(why) => ("unknown-kernel", json!(why)),
        wit::Error::InvalidLaunch(why) => ("invalid-launch", json!({ "said": why })),
        wit::Error::OutOfRange(why) => ("out-of-range", json!({ "said": why })),
        wit::Error::Fault(fault) => {
            let said = json!({
                "block": fault.block.map(extent),
                "thread": fault.thread.map(extent),
                "line": fault.line,
                "message": fault.message,
            });
            ("fault", json!({ "kernel": fault.kernel, "said": said }))
        }
        wit::Error::DeadlineExceeded(why) => ("deadline-exceeded", json!(why)),
    };
    json!({ "error": { kind: with } })
}

/// A failure that came from outside of the component: a limit, or the device. It is answered as it was
/// recorded, since a replay has other limits and another device.
pub(super) fn outer_error(answered: &Value) -> Option<wit::Error> {
    let (kind, with) = answered.get("error")?.as_object()?.iter().next()?;
    let text = || with.as_str().map(str::to_owned);
    match kind.as_str() {
        "denied" => Some(wit::Error::Denied(text()?)),
        "device-lost" => Some(wit::Error::DeviceLost(text()?)),
        "deadline-exceeded" => Some(wit::Error::DeadlineExceeded(text()?)),
        "out-of-memory" => Some(wit::Error::OutOfMemory(with.as_u64()?)),
        "quota-exceeded" => Some(wit::Error::QuotaExceeded(wit::Quota {
            resource_name: with.get(0)?.as_str()?.to_owned(),
            limit: with.get(1)?.as_u64()?,
            requested: with.get(2)?.as_u64()?,
        })),
        _ => None,
    }
}

/// What a device is.
pub(super) fn info(info: &wit::DeviceInfo) -> Value {
    json!({
        "name": info.name,
        "backend": match info.backend {
            wit::Backend::Cpu => "cpu",
            wit::Backend::Cuda => "cuda",
        },
        "target": info.target,
        "multiprocessors": info.multiprocessors,
        "warp-size": info.warp_size,
        "max-threads-per-block": info.max_threads_per_block,
        "max-shared-memory": info.max_shared_memory,
        "memory-limit": info.memory_limit,
        "memory-used": info.memory_used,
    })
}

/// What a device was.
pub(super) fn info_of(value: &Value) -> Option<wit::DeviceInfo> {
    let number = |key: &str| value.get(key)?.as_u64();
    let small = |key: &str| u32::try_from(number(key)?).ok();
    Some(wit::DeviceInfo {
        name: value.get("name")?.as_str()?.to_owned(),
        backend: match value.get("backend")?.as_str()? {
            "cpu" => wit::Backend::Cpu,
            "cuda" => wit::Backend::Cuda,
            _ => return None,
        },
        target: small("target")?,
        multiprocessors: small("multiprocessors")?,
        warp_size: small("warp-size")?,
        max_threads_per_block: small("max-threads-per-block")?,
        max_shared_memory: small("max-shared-memory")?,
        memory_limit: number("memory-limit")?,
        memory_used: number("memory-used")?,
    })
}

/// The size of a launch.
pub(super) fn config(config: &wit::LaunchConfig) -> Value {
    json!({
        "grid": extent(config.grid),
        "block": extent(config.block),
        "shared-memory": config.shared_memory,
    })
}

/// An argument of a launch. Floating-point numbers stand with their bits, which say more.
pub(super) fn argument(argument: &wit::Argument, state: &mut JournalState) -> Value {
    match argument {
        wit::Argument::Pointer((buffer, offset)) => {
            json!({ "pointer": [state.handle(Handle::Buffer, buffer.rep()), offset] })
        }
        wit::Argument::U8(value) => json!({ "u8": value }),
        wit::Argument::U16(value) => json!({ "u16": value }),
        wit::Argument::U32(value) => json!({ "u32": value }),
        wit::Argument::U64(value) => json!({ "u64": value }),
        wit::Argument::S8(value) => json!({ "s8": value }),
        wit::Argument::S16(value) => json!({ "s16": value }),
        wit::Argument::S32(value) => json!({ "s32": value }),
        wit::Argument::S64(value) => json!({ "s64": value }),
        wit::Argument::F16(bits) => json!({ "f16": format!("{bits:#06x}") }),
        wit::Argument::Bf16(bits) => json!({ "bf16": format!("{bits:#06x}") }),
        wit::Argument::F32(value) => {
            json!({ "f32": format!("{value:?} ({:#010x})", value.to_bits()) })
        }
        wit::Argument::F64(value) => {
            json!({ "f64": format!("{value:?} ({:#018x})", value.to_bits()) })
        }
        wit::Argument::Bytes(bytes) => json!({ "bytes": state.encoder.compared(bytes) }),
    }
}

//! Conversions between the types of the contract and those of the device.

use super::bindings::tensor::gpu::kernels as wit;
use device::{Extent, ParamType};
use tensor_wasm_device as device;

pub(super) fn extent(extent: wit::Extent) -> Extent {
    Extent {
        x: extent.x,
        y: extent.y,
        z: extent.z,
    }
}

fn extent_out(extent: Extent) -> wit::Extent {
    wit::Extent {
        x: extent.x,
        y: extent.y,
        z: extent.z,
    }
}

pub(super) fn parameter(ty: ParamType) -> wit::Parameter {
    match ty {
        ParamType::U8 => wit::Parameter::U8,
        ParamType::U16 => wit::Parameter::U16,
        ParamType::U32 => wit::Parameter::U32,
        ParamType::U64 => wit::Parameter::U64,
        ParamType::S8 => wit::Parameter::S8,
        ParamType::S16 => wit::Parameter::S16,
        ParamType::S32 => wit::Parameter::S32,
        ParamType::S64 => wit::Parameter::S64,
        ParamType::F16 => wit::Parameter::F16,
        ParamType::BF16 => wit::Parameter::Bf16,
        ParamType::F32 => wit::Parameter::F32,
        ParamType::F64 => wit::Parameter::F64,
        ParamType::Bytes { bytes, align } => wit::Parameter::Bytes((bytes, align)),
    }
}

pub(super) fn info(info: device::Info) -> wit::DeviceInfo {
    let description = info.description;
    wit::DeviceInfo {
        name: description.name,
        backend: match description.backend {
            device::Backend::Cpu => wit::Backend::Cpu,
            device::Backend::Cuda => wit::Backend::Cuda,
        },
        target: description.target,
        multiprocessors: description.multiprocessors,
        warp_size: description.warp_size,
        max_threads_per_block: description.max_threads_per_block,
        max_shared_memory: description.max_shared_bytes,
        memory_limit: info.memory_limit,
        memory_used: info.memory_used,
    }
}

pub(super) fn error(error: device::Error) -> wit::Error {
    match error {
        device::Error::Denied(why) => wit::Error::Denied(why),
        device::Error::DeviceLost(why) => wit::Error::DeviceLost(why),
        device::Error::QuotaExceeded {
            resource,
            limit,
            requested,
        } => wit::Error::QuotaExceeded(wit::Quota {
            resource_name: resource.to_string(),
            limit,
            requested,
        }),
        device::Error::OutOfMemory { bytes } => wit::Error::OutOfMemory(bytes),
        device::Error::InvalidModule(diagnostics) => wit::Error::InvalidModule(
            diagnostics
                .into_iter()
                .map(|diagnostic| wit::Diagnostic {
                    line: diagnostic.line,
                    column: diagnostic.column,
                    message: diagnostic.message,
                })
                .collect(),
        ),
        device::Error::UnknownKernel(unknown) => wit::Error::UnknownKernel(unknown.to_string()),
        device::Error::InvalidLaunch(why) => wit::Error::InvalidLaunch(why),
        device::Error::OutOfRange(why) => wit::Error::OutOfRange(why),
        device::Error::Fault(fault) => wit::Error::Fault(wit::Fault {
            kernel: fault.kernel,
            block: fault.block.map(extent_out),
            thread: fault.thread.map(extent_out),
            line: fault.line,
            message: fault.message,
        }),
        device::Error::DeadlineExceeded(why) => wit::Error::DeadlineExceeded(why),
    }
}

//! What `bindgen!` makes of the world `tensor:gpu/capability`: the traits that
//! [`super::host`] implements, with the resources mapped to the device's own types.

#![allow(missing_docs)]

wasmtime::component::bindgen!({
    path: "wit/tensor.wit",
    world: "tensor:gpu/capability",
    imports: {
        default: trappable,
        "tensor:gpu/kernels.[static]device.open": async | trappable,
        "tensor:gpu/kernels.[method]device.allocate": async | trappable,
        "tensor:gpu/kernels.[method]device.load": async | trappable,
        "tensor:gpu/kernels.[method]device.create-queue": async | trappable,
        "tensor:gpu/kernels.[method]queue.write": async | trappable,
        "tensor:gpu/kernels.[method]queue.read": async | trappable,
        "tensor:gpu/kernels.[method]queue.copy": async | trappable,
        "tensor:gpu/kernels.[method]queue.fill": async | trappable,
        "tensor:gpu/kernels.[method]queue.launch": async | trappable,
        "tensor:gpu/kernels.[method]queue.record-event": async | trappable,
        "tensor:gpu/kernels.[method]queue.synchronize": async | trappable,
        "tensor:gpu/kernels.[method]event.wait": async | trappable,
        "tensor:gpu/linear-algebra.gemm": async | trappable,
        "tensor:gpu/linear-algebra.gemv": async | trappable,
        "tensor:gpu/linear-algebra.softmax": async | trappable,
        "tensor:gpu/linear-algebra.layer-norm": async | trappable,
        "tensor:gpu/linear-algebra.rms-norm": async | trappable,
        "tensor:gpu/linear-algebra.reduce": async | trappable,
        "tensor:gpu/linear-algebra.top-k": async | trappable,
        "tensor:gpu/linear-algebra.attention": async | trappable,
    },
    require_store_data_send: true,
    with: {
        "tensor:gpu/kernels.device": crate::capability::gpu::bindings::DeviceHandle,
        "tensor:gpu/kernels.buffer": tensor_wasm_device::Buffer,
        "tensor:gpu/kernels.module": tensor_wasm_device::Module,
        "tensor:gpu/kernels.kernel": tensor_wasm_device::Kernel,
        "tensor:gpu/kernels.queue": tensor_wasm_device::Queue,
        "tensor:gpu/kernels.event": tensor_wasm_device::Event,
    },
});

/// What `device` resources stand for. Only [`super::context`] makes one, once the instance
/// has a lease.
pub struct DeviceHandle(());

impl DeviceHandle {
    pub(super) fn new() -> DeviceHandle {
        DeviceHandle(())
    }
}

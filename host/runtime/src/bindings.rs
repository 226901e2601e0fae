//! What `bindgen!` makes of `wit/`: the traits that `gpu` and `policy`
//! implement, with the resources mapped to the device's own types.

#![allow(missing_docs)]

/// Bindings of world `tensor:gpu/capability`.
pub(crate) mod gpu {
    wasmtime::component::bindgen!({
        path: "../../wit/gpu.wit",
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
        },
        require_store_data_send: true,
        with: {
            "tensor:gpu/kernels.device": crate::gpu::DeviceHandle,
            "tensor:gpu/kernels.buffer": tensor_wasm_device::Buffer,
            "tensor:gpu/kernels.module": tensor_wasm_device::Module,
            "tensor:gpu/kernels.kernel": tensor_wasm_device::Kernel,
            "tensor:gpu/kernels.queue": tensor_wasm_device::Queue,
            "tensor:gpu/kernels.event": tensor_wasm_device::Event,
        },
    });
}

/// Bindings of world `tensor:policy/capability`.
pub(crate) mod policy {
    wasmtime::component::bindgen!({
        path: "../../wit/policy.wit",
        world: "tensor:policy/capability",
        imports: { default: trappable },
        require_store_data_send: true,
    });
}

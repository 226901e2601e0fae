//! `queue.write`, linked by hand: the generated function would copy the guest's bytes
//! before the device copies them again. Here the device reads them in the guest's memory.

use super::bindings::tensor::gpu::kernels as wit;
use super::context::GpuView;
use super::convert;
use tensor_wasm_device::{Buffer, Queue};
use wasmtime::component::{Linker, Resource, WasmList};
use wasmtime::{AsContext, Result, StoreContextMut};

/// The interface and the function, as the contract names them.
const INTERFACE: &str = "tensor:gpu/kernels@0.1.0";
const FUNCTION: &str = "[method]queue.write";

type Arguments = (Resource<Queue>, Resource<Buffer>, u64, WasmList<u8>);
type Answer = (Result<(), wit::Error>,);

/// Replaces the generated function.
pub(super) fn replace<T: GpuView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    linker.allow_shadowing(true);
    let replaced = linker
        .instance(INTERFACE)?
        .func_wrap_async(FUNCTION, |store, arguments| {
            Box::new(write(store, arguments))
        });
    linker.allow_shadowing(false);
    replaced
}

async fn write<T: GpuView + 'static>(
    mut store: StoreContextMut<'_, T>,
    (queue, target, offset, data): Arguments,
) -> Result<Answer> {
    let table = store.data_mut().gpu().table;
    let (queue, target) = (table.get(&queue)?.clone(), table.get(&target)?.clone());
    // The guest does not run until this returns, so its memory does not change.
    let bytes = data.as_le_slice(store.as_context());
    let written = queue.write_from(&target, offset, bytes).await;
    Ok((written.map_err(convert::error),))
}

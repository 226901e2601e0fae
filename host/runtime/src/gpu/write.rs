//! `queue.write`, apart from the other calls: the generated one would copy the guest's
//! bytes before the device copies them again. Here the device takes them from where
//! they are.

use tensor_wasm_device::{Buffer, Queue};
use wasmtime::component::{Linker, Resource, WasmList};
use wasmtime::{AsContext, Result, StoreContextMut};

use super::convert;
use crate::bindings::gpu::tensor::gpu::kernels as wit;
use crate::state::InstanceState;

/// The interface and the call, as the contract names them.
const INTERFACE: &str = "tensor:gpu/kernels@0.1.0";
const CALL: &str = "[method]queue.write";

type Arguments = (Resource<Queue>, Resource<Buffer>, u64, WasmList<u8>);
type Answer = (Result<(), wit::Error>,);

/// Puts it in the place of the generated one.
pub(super) fn replace(linker: &mut Linker<InstanceState>) -> Result<()> {
    linker.allow_shadowing(true);
    let replaced = linker
        .instance(INTERFACE)?
        .func_wrap_async(CALL, |store, arguments| Box::new(write(store, arguments)));
    linker.allow_shadowing(false);
    replaced
}

async fn write(
    store: StoreContextMut<'_, InstanceState>,
    (queue, target, offset, data): Arguments,
) -> Result<Answer> {
    let table = &store.data().table;
    let (queue, target) = (table.get(&queue)?.clone(), table.get(&target)?.clone());
    // The guest stands still until this returns, and its memory with it.
    let bytes = data.as_le_slice(store.as_context());
    let written = queue.write_from(&target, offset, bytes).await;
    Ok((written.map_err(convert::error),))
}

//! The state of an instance: what its linear memories and globals have, as the exports tell that were
//! added to its component.

use super::super::state::InstanceState;
use crate::init_export::ACCESS;
use std::collections::HashMap;
use wasmtime::component::{ComponentExportIndex, Instance, Lift, WasmList, types::ComponentItem};
use wasmtime::{AsContext, Store};
use wasmtime_wizer::ComponentInstanceState;

/// A copy of the state of an instance, by the names of what tells it.
#[derive(Default)]
pub(crate) struct State {
    memories: HashMap<String, Vec<u8>>,
    i32: HashMap<String, i32>,
    i64: HashMap<String, i64>,
    f32: HashMap<String, u32>,
    f64: HashMap<String, u64>,
}

/// Copies the state of an instance, of a component with exports that tell it. Its memories grow by a
/// page each; the copies are without that.
pub(super) async fn copy(
    store: &mut Store<InstanceState>,
    instance: &Instance,
) -> wasmtime::Result<State> {
    let mut state = State::default();
    let Some((ComponentItem::ComponentInstance(access), within)) =
        instance.get_export(&mut *store, None, ACCESS)
    else {
        wasmtime::bail!("the component tells nothing of its state");
    };
    let engine = store.engine().clone();
    let names: Vec<String> = access
        .exports(&engine)
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in names {
        let Some((ComponentItem::ComponentFunc(ty), index)) =
            instance.get_export(&mut *store, Some(&within), &name)
        else {
            continue;
        };
        use wasmtime::component::Type;
        match ty.results().next() {
            Some(Type::S32) => {
                let value = call::<i32>(store, instance, &index).await?;
                state.i32.insert(name, value);
            }
            Some(Type::S64) => {
                let value = call::<i64>(store, instance, &index).await?;
                state.i64.insert(name, value);
            }
            Some(Type::Float32) => {
                let value = call::<f32>(store, instance, &index).await?;
                state.f32.insert(name, value.to_bits());
            }
            Some(Type::Float64) => {
                let value = call::<f64>(store, instance, &index).await?;
                state.f64.insert(name, value.to_bits());
            }
            Some(Type::List(_)) => {
                let list = call::<WasmList<u8>>(store, instance, &index).await?;
                let bytes = list.as_le_slice(store.as_context()).to_vec();
                state.memories.insert(name, bytes);
            }
            _ => wasmtime::bail!("`{name}` tells what no image has"),
        }
    }
    Ok(state)
}

async fn call<R: Lift + Send + Sync + 'static>(
    store: &mut Store<InstanceState>,
    instance: &Instance,
    function: &ComponentExportIndex,
) -> wasmtime::Result<R> {
    // What a list is read of is no copy yet.
    store.set_hostcall_fuel(usize::MAX);
    let function = instance.get_typed_func::<(), (R,)>(&mut *store, function)?;
    let (result,) = function.call_async(&mut *store, ()).await?;
    Ok(result)
}

/// What is not there is asked for by no image that is made of the same component.
impl ComponentInstanceState for State {
    async fn call_func_ret_list_u8(
        &mut self,
        _: &str,
        name: &str,
        contents: impl FnOnce(&[u8]) + Send,
    ) {
        contents(self.memories.get(name).map_or(&[], Vec::as_slice));
    }

    async fn call_func_ret_s32(&mut self, _: &str, name: &str) -> i32 {
        self.i32.get(name).copied().unwrap_or_default()
    }

    async fn call_func_ret_s64(&mut self, _: &str, name: &str) -> i64 {
        self.i64.get(name).copied().unwrap_or_default()
    }

    async fn call_func_ret_f32(&mut self, _: &str, name: &str) -> u32 {
        self.f32.get(name).copied().unwrap_or_default()
    }

    async fn call_func_ret_f64(&mut self, _: &str, name: &str) -> u64 {
        self.f64.get(name).copied().unwrap_or_default()
    }
}

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

/// Bytes of zero that are left out of an image where there are more of them behind one another.
const GAP: usize = 4;

/// What a range of bytes in an image costs beside them, in bytes: where it begins, and how long it is. Who
/// makes the image has a few times as much of it in memory.
const RANGE_BYTES: u64 = 16;

impl State {
    /// About how large an image of it is, in bytes; looked at before it is made, since the
    /// memory that this takes grows with it.
    pub(crate) fn image_bytes(&self) -> u64 {
        self.memories
            .values()
            .map(|memory| image_bytes(memory))
            .sum()
    }
}

fn image_bytes(memory: &[u8]) -> u64 {
    let mut bytes = 0;
    let mut zeros = usize::MAX;
    for part in memory.chunks(4096) {
        // Most memory is empty, which is found out in large steps.
        if part.iter().all(|byte| *byte == 0) {
            zeros = zeros.saturating_add(part.len());
            continue;
        }
        for byte in part {
            if *byte == 0 {
                zeros = zeros.saturating_add(1);
                continue;
            }
            bytes += match zeros > GAP {
                true => RANGE_BYTES,
                false => zeros as u64,
            };
            bytes += 1;
            zeros = 0;
        }
    }
    bytes
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_an_image_is_known_before_it_is_made() {
        assert_eq!(image_bytes(&[0; 1 << 20]), 0);
        assert_eq!(image_bytes(&[1; 10_000]), RANGE_BYTES + 10_000);
        // Few zeros are part of what is around them; of more each range costs its place.
        let memory = [1, 0, 0, 0, 0].repeat(1000);
        assert_eq!(image_bytes(&memory), RANGE_BYTES + 5000 - 4);
        let memory = [1, 0, 0, 0, 0, 0].repeat(1000);
        assert_eq!(image_bytes(&memory), 1000 * (RANGE_BYTES + 1));
    }
}

//! What is ready, of WASI 0.2. Where a request is replayed, what was ready is in the recording, and
//! nothing is waited for.

use super::wasi;
use crate::journal::{JournalView, input_async};
use serde_json::{Value, json};
use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::io::poll::{Host as _, HostPollable as _};

pub(super) fn replace<T: WasiView + JournalView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    let mut poll = linker.instance(wasi!("io/poll"))?;
    poll.func_wrap_async(
        "poll",
        |mut store: StoreContextMut<'_, T>, (list,): (Vec<Resource<DynPollable>>,)| {
            Box::new(async move {
                let state = store.data_mut();
                let journal = state.journal().cloned();
                let arguments = json!({ "pollables": list.len() });
                let polled = state.ctx().table.poll(list);
                let ready: Vec<u32> =
                    input_async(journal, "wasi:io/poll#poll", arguments, polled).await?;
                Ok((ready,))
            })
        },
    )?;
    poll.func_wrap_async(
        "[method]pollable.ready",
        |mut store: StoreContextMut<'_, T>, (pollable,): (Resource<DynPollable>,)| {
            Box::new(async move {
                let state = store.data_mut();
                let journal = state.journal().cloned();
                let ready = state.ctx().table.ready(pollable);
                let name = "wasi:io/poll#pollable.ready";
                let is_ready: bool = input_async(journal, name, Value::Null, ready).await?;
                Ok((is_ready,))
            })
        },
    )?;
    poll.func_wrap_async(
        "[method]pollable.block",
        |mut store: StoreContextMut<'_, T>, (pollable,): (Resource<DynPollable>,)| {
            Box::new(async move {
                let state = store.data_mut();
                match state.journal() {
                    Some(journal) if journal.is_replay() => Ok(()),
                    _ => state.ctx().table.block(pollable).await,
                }
            })
        },
    )
}

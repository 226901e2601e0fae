//! The clocks of WASI 0.2. Where a request is replayed, nothing waits for a time: what was ready when
//! is in the recording.

use super::wasi;
use crate::journal::{JournalView, input};
use serde_json::Value;
use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::clocks::WasiClocksView as _;
use wasmtime_wasi::p2::DynPollable;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::{self, Datetime};

type Time = (Datetime,);

pub(super) fn replace<T: WasiView + JournalView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    let mut wall = linker.instance(wasi!("clocks/wall-clock"))?;
    wall.func_wrap("now", |mut store: StoreContextMut<'_, T>, (): ()| {
        let name = "wasi:clocks/wall-clock#now";
        time(store.data_mut(), name, |state| {
            wall_clock::Host::now(&mut state.clocks())
        })
    })?;
    wall.func_wrap("resolution", |mut store: StoreContextMut<'_, T>, (): ()| {
        let name = "wasi:clocks/wall-clock#resolution";
        time(store.data_mut(), name, |state| {
            wall_clock::Host::resolution(&mut state.clocks())
        })
    })?;
    let mut monotonic = linker.instance(wasi!("clocks/monotonic-clock"))?;
    monotonic.func_wrap("now", |mut store: StoreContextMut<'_, T>, (): ()| {
        let name = "wasi:clocks/monotonic-clock#now";
        let now = input(store.data_mut(), name, Value::Null, |state| {
            monotonic_clock::Host::now(&mut state.clocks())
        });
        Ok((now?,))
    })?;
    monotonic.func_wrap("resolution", |mut store: StoreContextMut<'_, T>, (): ()| {
        let name = "wasi:clocks/monotonic-clock#resolution";
        let resolution = input(store.data_mut(), name, Value::Null, |state| {
            monotonic_clock::Host::resolution(&mut state.clocks())
        });
        Ok((resolution?,))
    })?;
    monotonic.func_wrap(
        "subscribe-instant",
        |mut store: StoreContextMut<'_, T>, (when,): (u64,)| -> Result<(Resource<DynPollable>,)> {
            let clocks = store.data_mut();
            Ok((match is_replay(clocks) {
                true => monotonic_clock::Host::subscribe_duration(&mut clocks.clocks(), 0)?,
                false => monotonic_clock::Host::subscribe_instant(&mut clocks.clocks(), when)?,
            },))
        },
    )?;
    monotonic.func_wrap(
        "subscribe-duration",
        |mut store: StoreContextMut<'_, T>,
         (duration,): (u64,)|
         -> Result<(Resource<DynPollable>,)> {
            let state = store.data_mut();
            let duration = match is_replay(state) {
                true => 0,
                false => duration,
            };
            Ok((monotonic_clock::Host::subscribe_duration(
                &mut state.clocks(),
                duration,
            )?,))
        },
    )
}

fn is_replay(state: &impl JournalView) -> bool {
    state.journal().is_some_and(|journal| journal.is_replay())
}

fn time<T: JournalView>(
    state: &mut T,
    name: &'static str,
    call: impl FnOnce(&mut T) -> Result<Datetime>,
) -> Result<Time> {
    let (seconds, nanoseconds) = input(state, name, Value::Null, |state| {
        let time = call(state)?;
        Ok((time.seconds, time.nanoseconds))
    })?;
    Ok((Datetime {
        seconds,
        nanoseconds,
    },))
}

//! The random numbers of WASI 0.2. Those of a request that is recorded or replayed follow from a seed,
//! by BLAKE3 as a keyed stream, so that no number has to be recorded.

use super::wasi;
use crate::journal::{JournalView, Random};
use wasmtime::component::Linker;
use wasmtime::{Result, StoreContextMut, bail};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::bindings::random::{insecure, insecure_seed, random};
use wasmtime_wasi::random::WasiRandomView as _;

/// The most bytes that one call gives, as many as the engine's own function does.
const MOST_BYTES: u64 = 64 << 20;

pub(super) fn replace<T: WasiView + JournalView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    let mut secure = linker.instance(wasi!("random/random"))?;
    secure.func_wrap(
        "get-random-bytes",
        |mut store: StoreContextMut<'_, T>, (count,): (u64,)| -> Result<(Vec<u8>,)> {
            let state = store.data_mut();
            Ok((match bytes(state, Random::Secure, count)? {
                Some(bytes) => bytes,
                None => random::Host::get_random_bytes(state.random(), count)?,
            },))
        },
    )?;
    secure.func_wrap(
        "get-random-u64",
        |mut store: StoreContextMut<'_, T>, (): ()| -> Result<(u64,)> {
            let state = store.data_mut();
            Ok((match number(state, Random::Secure) {
                Some(number) => number,
                None => random::Host::get_random_u64(state.random())?,
            },))
        },
    )?;
    let mut other = linker.instance(wasi!("random/insecure"))?;
    other.func_wrap(
        "get-insecure-random-bytes",
        |mut store: StoreContextMut<'_, T>, (count,): (u64,)| -> Result<(Vec<u8>,)> {
            let state = store.data_mut();
            Ok((match bytes(state, Random::Insecure, count)? {
                Some(bytes) => bytes,
                None => insecure::Host::get_insecure_random_bytes(state.random(), count)?,
            },))
        },
    )?;
    other.func_wrap(
        "get-insecure-random-u64",
        |mut store: StoreContextMut<'_, T>, (): ()| -> Result<(u64,)> {
            let state = store.data_mut();
            Ok((match number(state, Random::Insecure) {
                Some(number) => number,
                None => insecure::Host::get_insecure_random_u64(state.random())?,
            },))
        },
    )?;
    linker.instance(wasi!("random/insecure-seed"))?.func_wrap(
        "insecure-seed",
        |mut store: StoreContextMut<'_, T>, (): ()| -> Result<((u64, u64),)> {
            let state = store.data_mut();
            let pair = number(state, Random::Insecure).zip(number(state, Random::Insecure));
            Ok((match pair {
                Some(pair) => pair,
                None => insecure_seed::Host::insecure_seed(state.random())?,
            },))
        },
    )
}

/// So many bytes of the recording's numbers; nothing where the request has no journal.
fn bytes(state: &impl JournalView, which: Random, count: u64) -> Result<Option<Vec<u8>>> {
    let Some(journal) = state.journal() else {
        return Ok(None);
    };
    if count > MOST_BYTES {
        bail!("{count} random bytes were asked for, and a call gives {MOST_BYTES} at most");
    }
    let mut bytes = vec![0; usize::try_from(count)?];
    journal.random(which, &mut bytes);
    Ok(Some(bytes))
}

fn number(state: &impl JournalView, which: Random) -> Option<u64> {
    let mut bytes = [0; 8];
    state.journal()?.random(which, &mut bytes);
    Some(u64::from_le_bytes(bytes))
}

//! What goes from one stream of WASI 0.2 into another, without the guest seeing it.

use super::files;
use super::stream_error::{Answer, Failed};
use super::streams::{Input, Output, read_now, write_slowly};
use super::wasi;
use crate::journal::JournalView;
use bytes::Bytes;
use serde_json::{Value, json};
use wasmtime::component::Linker;
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::StreamResult;
use wasmtime_wasi::p2::bindings::io::streams::HostOutputStream as _;

pub(super) fn replace<T: WasiView + JournalView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    let mut streams = linker.instance(wasi!("io/streams"))?;
    for (function, name, waits) in [
        (
            "[method]output-stream.splice",
            "wasi:io/streams#output-stream.splice",
            false,
        ),
        (
            "[method]output-stream.blocking-splice",
            "wasi:io/streams#output-stream.blocking-splice",
            true,
        ),
    ] {
        streams.func_wrap_async(
            function,
            move |mut store: StoreContextMut<'_, T>, (to, from, most): (Output, Input, u64)| {
                Box::new(async move {
                    let spliced = splice(store.data_mut(), (to, from), most, name, waits);
                    Ok((spliced.await?,))
                })
            },
        )?;
    }
    Ok(())
}

async fn splice<T: WasiView + JournalView>(
    state: &mut T,
    (to, from): (Output, Input),
    most: u64,
    name: &'static str,
    waits: bool,
) -> Result<Answer<u64>> {
    let journal = state.journal().cloned();
    let table = state.ctx().table;
    let Some(journal) = journal else {
        let spliced = match waits {
            true => table.blocking_splice(to, from, most).await,
            false => table.splice(to, from, most),
        };
        return match Failed::of(spliced)? {
            Ok(count) => Ok(Ok(count)),
            Err((failed, error)) => Ok(Err(failed.given(error, table)?)),
        };
    };
    let is_file = journal.is_of_file(from.rep());
    let begun = journal.begin(name, |_| json!({ "most": most }))?;
    if let Some(answered) = begun.answered() {
        if let Some(failed) = Failed::read(answered) {
            return Ok(Err(failed.given(None, table)?));
        }
        let recorded = answered.get("ok").unwrap_or(&Value::Null);
        let bytes = match is_file {
            true => {
                let from = table.get_mut(&from)?;
                let bytes = files::read_again(&journal, from, recorded, most).await?;
                journal.end(
                    &begun,
                    |state| json!({ "ok": state.encoder.digest(&bytes) }),
                )?;
                bytes
            }
            false => journal
                .bytes(recorded)
                .ok_or_else(|| journal.unreadable())?,
        };
        let count = bytes.len() as u64;
        write_slowly(table.get_mut(&to)?, bytes).await?;
        return Ok(Ok(count));
    }
    let spliced = splice_now(table, (&to, &from), most, waits).await;
    let spliced = Failed::of(spliced)?;
    journal.end(&begun, |state| match &spliced {
        Ok(bytes) if is_file => json!({ "ok": state.encoder.digest(bytes) }),
        Ok(bytes) => json!({ "ok": state.encoder.input(bytes) }),
        Err((failed, _)) => failed.value(|text| state.encoder.text(text)),
    })?;
    match spliced {
        Ok(bytes) => Ok(Ok(bytes.len() as u64)),
        Err((failed, error)) => Ok(Err(failed.given(error, table)?)),
    }
}

/// As the engine's own function does, which does not show the bytes.
async fn splice_now(
    table: &mut wasmtime::component::ResourceTable,
    (to, from): (&Output, &Input),
    most: u64,
    waits: bool,
) -> StreamResult<Bytes> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let output = table.get_mut(to)?;
    let room = match waits {
        true => output.write_ready().await?,
        false => output.check_write()?,
    };
    let most = most.min(room);
    if most == 0 {
        return Ok(Bytes::new());
    }
    let bytes = read_now(table.get_mut(from)?, most, waits).await?;
    if !bytes.is_empty() {
        let output = table.get_mut(to)?;
        match waits {
            true => output.blocking_write_and_flush(bytes.clone()).await?,
            false => output.write(bytes.clone())?,
        }
    }
    Ok(bytes)
}

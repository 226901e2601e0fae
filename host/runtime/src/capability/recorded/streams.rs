//! The streams of WASI 0.2. What a guest reads is recorded, but for what it reads of [`files`], of which
//! the digest is; what it writes is compared. Where a request is replayed, what the guest writes goes
//! where it would, at its pace, so that bodies are as long as they should be. What goes from one into
//! another: [`splice`](super::splice).
//!
//! [`files`]: super::files

use super::files;
use super::stream_error::{Answer, Failed, number};
use super::wasi;
use crate::journal::JournalView;
use bytes::Bytes;
use serde_json::{Value, json};
use wasmtime::component::{Linker, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::p2::bindings::io::streams::{self as io, HostOutputStream as _};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, StreamResult};

pub(super) type Input = Resource<DynInputStream>;
pub(super) type Output = Resource<DynOutputStream>;

/// A call that reads.
#[derive(Clone, Copy)]
struct Reading {
    name: &'static str,
    waits: bool,
    /// Whether the guest gets the bytes, or how many there were.
    skips: bool,
}

const READ: Reading = Reading {
    name: "wasi:io/streams#input-stream.read",
    waits: false,
    skips: false,
};
const BLOCKING_READ: Reading = Reading {
    name: "wasi:io/streams#input-stream.blocking-read",
    waits: true,
    skips: false,
};
const SKIP: Reading = Reading {
    name: "wasi:io/streams#input-stream.skip",
    waits: false,
    skips: true,
};
const BLOCKING_SKIP: Reading = Reading {
    name: "wasi:io/streams#input-stream.blocking-skip",
    waits: true,
    skips: true,
};

pub(super) fn replace<T: WasiView + JournalView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    inputs(linker)?;
    outputs(linker)
}

fn inputs<T: WasiView + JournalView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    let mut streams = linker.instance(wasi!("io/streams"))?;
    for (function, reading) in [
        ("[method]input-stream.read", READ),
        ("[method]input-stream.blocking-read", BLOCKING_READ),
    ] {
        streams.func_wrap_async(
            function,
            move |mut store: StoreContextMut<'_, T>, (stream, most): (Input, u64)| {
                Box::new(async move {
                    let read = read(store.data_mut(), stream, most, reading).await?;
                    Ok((read.map(Vec::from),))
                })
            },
        )?;
    }
    for (function, reading) in [
        ("[method]input-stream.skip", SKIP),
        ("[method]input-stream.blocking-skip", BLOCKING_SKIP),
    ] {
        streams.func_wrap_async(
            function,
            move |mut store: StoreContextMut<'_, T>, (stream, most): (Input, u64)| {
                Box::new(async move {
                    let read = read(store.data_mut(), stream, most, reading).await?;
                    Ok((read.map(|bytes| bytes.len() as u64),))
                })
            },
        )?;
    }
    streams.resource_async(
        "input-stream",
        ResourceType::host::<DynInputStream>(),
        |mut store, rep| {
            Box::new(async move {
                let state: &mut T = store.data_mut();
                if let Some(journal) = state.journal() {
                    journal.file_closed(rep);
                }
                io::HostInputStream::drop(state.ctx().table, Input::new_own(rep)).await
            })
        },
    )
}

async fn read<T: WasiView + JournalView>(
    state: &mut T,
    stream: Input,
    most: u64,
    reading: Reading,
) -> Result<Answer<Bytes>> {
    let journal = state.journal().cloned();
    let table = state.ctx().table;
    let most_bytes = usize::try_from(most).unwrap_or(usize::MAX);
    let Some(journal) = journal else {
        let read = read_now(table.get_mut(&stream)?, most_bytes, reading.waits).await;
        return match Failed::of(read)? {
            Ok(bytes) => Ok(Ok(bytes)),
            Err((failed, error)) => Ok(Err(failed.given(error, table)?)),
        };
    };
    let is_file = journal.is_of_file(stream.rep());
    let begun = journal.begin(reading.name, |_| json!({ "most": most }))?;
    if is_file && let Some(recorded) = begun.answered().and_then(|answered| answered.get("ok")) {
        let bytes = files::read_again(&journal, table.get_mut(&stream)?, recorded, most).await?;
        journal.end(
            &begun,
            |state| json!({ "ok": state.encoder.digest(&bytes) }),
        )?;
        return Ok(Ok(bytes));
    }
    if let Some(answered) = begun.answered().filter(|_| !is_file) {
        if let Some(failed) = Failed::read(answered) {
            return Ok(Err(failed.given(None, table)?));
        }
        let value = answered.get("ok").unwrap_or(&Value::Null);
        let bytes = match (reading.skips, value.as_u64()) {
            // Of bytes that are skipped the number alone matters.
            (true, Some(count)) => {
                let count = usize::try_from(count).ok();
                let most_bytes = most_bytes.min(MOST_SKIPPED_BYTES);
                count.filter(|count| *count <= most_bytes).map(skipped)
            }
            _ => journal
                .bytes(value)
                .filter(|bytes| bytes.len() <= most_bytes),
        };
        return bytes.map(Ok).ok_or_else(|| journal.unreadable());
    }
    // Where reading a file failed, or it was at its end, it is waited for that.
    let waits = reading.waits || begun.answered().is_some();
    let read = read_now(table.get_mut(&stream)?, most_bytes, waits).await;
    let read = Failed::of(read)?;
    journal.end(&begun, |state| match &read {
        Ok(bytes) if is_file => json!({ "ok": state.encoder.digest(bytes) }),
        Ok(bytes) if reading.skips => json!({ "ok": bytes.len() }),
        Ok(bytes) => json!({ "ok": state.encoder.input(bytes) }),
        Err((failed, _)) => failed.value(|text| state.encoder.text(text)),
    })?;
    match read {
        Ok(bytes) => Ok(Ok(bytes)),
        Err((failed, error)) => Ok(Err(failed.given(error, table)?)),
    }
}

/// The most bytes that a recording may say were skipped at once: streams give fewer.
const MOST_SKIPPED_BYTES: usize = 64 << 20;

/// Bytes of which nothing but their number is used.
fn skipped(count: usize) -> Bytes {
    Bytes::from(vec![0; count])
}

pub(super) async fn read_now(
    stream: &mut DynInputStream,
    most: usize,
    waits: bool,
) -> StreamResult<Bytes> {
    match waits {
        true => stream.blocking_read(most).await,
        false => stream.read(most),
    }
}

/// How a guest writes.
#[derive(Clone, Copy)]
enum Writing {
    Write,
    BlockingWriteAndFlush,
    WriteZeroes,
    BlockingWriteZeroesAndFlush,
    Flush,
    BlockingFlush,
}

impl Writing {
    fn name(self) -> &'static str {
        match self {
            Writing::Write => "wasi:io/streams#output-stream.write",
            Writing::BlockingWriteAndFlush => {
                "wasi:io/streams#output-stream.blocking-write-and-flush"
            }
            Writing::WriteZeroes => "wasi:io/streams#output-stream.write-zeroes",
            Writing::BlockingWriteZeroesAndFlush => {
                "wasi:io/streams#output-stream.blocking-write-zeroes-and-flush"
            }
            Writing::Flush => "wasi:io/streams#output-stream.flush",
            Writing::BlockingFlush => "wasi:io/streams#output-stream.blocking-flush",
        }
    }
}

fn outputs<T: WasiView + JournalView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    let mut streams = linker.instance(wasi!("io/streams"))?;
    streams.func_wrap(
        "[method]output-stream.check-write",
        |mut store: StoreContextMut<'_, T>, (stream,): (Output,)| -> Result<(Answer<u64>,)> {
            let state = store.data_mut();
            let journal = state.journal().cloned();
            let table = state.ctx().table;
            let name = "wasi:io/streams#output-stream.check-write";
            let begun = match &journal {
                Some(journal) => Some((journal, journal.begin(name, |_| Value::Null)?)),
                None => None,
            };
            if let Some((journal, begun)) = &begun
                && let Some(answered) = begun.answered()
            {
                return Ok((number(journal, answered, table)?,));
            }
            let room = Failed::of(table.check_write(stream))?;
            if let Some((journal, begun)) = &begun {
                journal.end(begun, |state| match &room {
                    Ok(room) => json!({ "ok": room }),
                    Err((failed, _)) => failed.value(|text| state.encoder.text(text)),
                })?;
            }
            Ok((match room {
                Ok(room) => Ok(room),
                Err((failed, error)) => Err(failed.given(error, table)?),
            },))
        },
    )?;
    for (function, writing) in [
        ("[method]output-stream.write", Writing::Write),
        (
            "[method]output-stream.blocking-write-and-flush",
            Writing::BlockingWriteAndFlush,
        ),
    ] {
        streams.func_wrap_async(
            function,
            move |mut store: StoreContextMut<'_, T>, (stream, bytes): (Output, Vec<u8>)| {
                Box::new(async move {
                    Ok((write(store.data_mut(), stream, Bytes::from(bytes), writing).await?,))
                })
            },
        )?;
    }
    for (function, writing) in [
        ("[method]output-stream.write-zeroes", Writing::WriteZeroes),
        (
            "[method]output-stream.blocking-write-zeroes-and-flush",
            Writing::BlockingWriteZeroesAndFlush,
        ),
    ] {
        streams.func_wrap_async(
            function,
            move |mut store: StoreContextMut<'_, T>, (stream, count): (Output, u64)| {
                Box::new(async move {
                    let zeroes = zeroes(count)?;
                    Ok((write(store.data_mut(), stream, zeroes, writing).await?,))
                })
            },
        )?;
    }
    for (function, writing) in [
        ("[method]output-stream.flush", Writing::Flush),
        (
            "[method]output-stream.blocking-flush",
            Writing::BlockingFlush,
        ),
    ] {
        streams.func_wrap_async(
            function,
            move |mut store: StoreContextMut<'_, T>, (stream,): (Output,)| {
                Box::new(async move {
                    Ok((write(store.data_mut(), stream, Bytes::new(), writing).await?,))
                })
            },
        )?;
    }
    Ok(())
}

/// Zeros that a guest writes. No stream takes more at once.
fn zeroes(count: u64) -> Result<Bytes> {
    const MOST: u64 = 4 << 20;
    if count > MOST {
        wasmtime::bail!("{count} zeros were to be written, and a stream takes {MOST} at most");
    }
    Ok(Bytes::from(vec![0; usize::try_from(count)?]))
}

async fn write<T: WasiView + JournalView>(
    state: &mut T,
    stream: Output,
    bytes: Bytes,
    writing: Writing,
) -> Result<Answer<()>> {
    let journal = state.journal().cloned();
    let table = state.ctx().table;
    let Some(journal) = journal else {
        return match Failed::of(write_now(table, stream, bytes, writing).await)? {
            Ok(()) => Ok(Ok(())),
            Err((failed, error)) => Ok(Err(failed.given(error, table)?)),
        };
    };
    let begun = journal.begin(writing.name(), |state| match writing {
        Writing::Flush | Writing::BlockingFlush => Value::Null,
        _ => state.encoder.compared(&bytes),
    })?;
    if let Some(answered) = begun.answered() {
        if let Some(failed) = Failed::read(answered) {
            return Ok(Err(failed.given(None, table)?));
        }
        write_slowly(table.get_mut(&stream)?, bytes).await?;
        return Ok(Ok(()));
    }
    let written = Failed::of(write_now(table, stream, bytes, writing).await)?;
    journal.end(&begun, |state| match &written {
        Ok(()) => json!({ "ok": null }),
        Err((failed, _)) => failed.value(|text| state.encoder.text(text)),
    })?;
    match written {
        Ok(()) => Ok(Ok(())),
        Err((failed, error)) => Ok(Err(failed.given(error, table)?)),
    }
}

async fn write_now(
    table: &mut wasmtime::component::ResourceTable,
    stream: Output,
    bytes: Bytes,
    writing: Writing,
) -> StreamResult<()> {
    match writing {
        Writing::Write => table.write(stream, bytes.into()),
        Writing::BlockingWriteAndFlush => {
            table.blocking_write_and_flush(stream, bytes.into()).await
        }
        Writing::WriteZeroes => table.write_zeroes(stream, bytes.len() as u64),
        Writing::BlockingWriteZeroesAndFlush => {
            let count = bytes.len() as u64;
            table.blocking_write_zeroes_and_flush(stream, count).await
        }
        Writing::Flush => table.flush(stream),
        Writing::BlockingFlush => table.blocking_flush(stream).await,
    }
}

/// Writes what a guest has written when it was recorded, as there is room now. Whoever should take it
/// may be gone.
pub(super) async fn write_slowly(stream: &mut DynOutputStream, mut bytes: Bytes) -> Result<()> {
    while !bytes.is_empty() {
        let room = match Failed::of(stream.write_ready().await)? {
            Ok(room) => room,
            Err(_) => return Ok(()),
        };
        let part = bytes.split_to(room.min(bytes.len()));
        if Failed::of(stream.write(part))?.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

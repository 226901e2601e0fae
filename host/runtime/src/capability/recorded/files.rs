//! The files of WASI 0.2. What a guest reads of them is not recorded: it is compared by its digest, and
//! read again where the request is replayed.

use super::stream_error::Failed;
use super::wasi;
use crate::journal::{Journal, JournalView};
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView as _};
use wasmtime_wasi::p2::DynInputStream;
use wasmtime_wasi::p2::bindings::filesystem::types::{ErrorCode, HostDescriptor as _};

/// What a file gives: bytes, and whether it ends there.
type Read = std::result::Result<(Vec<u8>, bool), ErrorCode>;

pub(super) fn replace<T: WasiView + JournalView + 'static>(linker: &mut Linker<T>) -> Result<()> {
    let mut types = linker.instance(wasi!("filesystem/types"))?;
    // Which streams are of files.
    types.func_wrap(
        "[method]descriptor.read-via-stream",
        |mut store: StoreContextMut<'_, T>,
         (file, offset): (Resource<Descriptor>, u64)|
         -> Result<(std::result::Result<Resource<DynInputStream>, ErrorCode>,)> {
            let state = store.data_mut();
            let stream = match state.filesystem().read_via_stream(file, offset) {
                Ok(stream) => stream,
                Err(error) => return Ok((Err(error.downcast()?),)),
            };
            if let Some(journal) = state.journal() {
                journal.file_opened(stream.rep());
            }
            Ok((Ok(stream),))
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.read",
        |mut store: StoreContextMut<'_, T>,
         (file, length, offset): (Resource<Descriptor>, u64, u64)| {
            Box::new(async move { Ok((read(store.data_mut(), file, length, offset).await?,)) })
        },
    )
}

async fn read<T: WasiView + JournalView>(
    state: &mut T,
    file: Resource<Descriptor>,
    length: u64,
    offset: u64,
) -> Result<Read> {
    let journal = state.journal().cloned();
    let begun = match &journal {
        Some(journal) => {
            let name = "wasi:filesystem/types#descriptor.read";
            let arguments = json!({ "length": length, "offset": offset });
            Some((journal, journal.begin(name, |_| arguments)?))
        }
        None => None,
    };
    let read = match state.filesystem().read(file, length, offset).await {
        Ok(read) => Ok(read),
        Err(error) => Err(error.downcast()?),
    };
    if let Some((journal, begun)) = begun {
        journal.end(&begun, |state| match &read {
            Ok((bytes, is_end)) => {
                json!({ "ok": state.encoder.digest(bytes), "end": is_end })
            }
            Err(error) => json!({ "error": error.name() }),
        })?;
    }
    Ok(read)
}

/// The most bytes that a recording may say a call read of a file: streams of files give fewer.
const MOST_BYTES: u64 = 64 << 20;

/// What the stream of a file has now, up to as many bytes as were read when it was recorded: how many
/// come at once depends on when they are asked for.
pub(super) async fn read_again(
    journal: &Journal,
    stream: &mut DynInputStream,
    recorded: &Value,
    most: u64,
) -> Result<Bytes> {
    let count = recorded.get("bytes").and_then(Value::as_u64);
    let count = count.filter(|count| *count <= most.min(MOST_BYTES));
    let count = count.and_then(|count| usize::try_from(count).ok());
    let count = count.ok_or_else(|| journal.unreadable())?;
    let mut all = BytesMut::new();
    while all.len() < count {
        match Failed::of(stream.blocking_read(count - all.len()).await)? {
            Ok(bytes) if !bytes.is_empty() => all.extend_from_slice(&bytes),
            // The file is shorter now: what was read is compared.
            Ok(_) | Err(_) => break,
        }
    }
    Ok(all.freeze())
}

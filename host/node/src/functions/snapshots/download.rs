//! A snapshot as the file that other nodes read: its head and its chunks, one after another, from any
//! byte on.

use std::sync::Arc;

use bytes::Bytes;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tensor_wasm_snapshot::{Decoder, Keys, Manifest};

use super::SnapshotError;
use super::contents::{AT_ONCE, Pins};
use crate::functions::Functions;
use crate::storage::StorageError;

/// A snapshot that is read from the store.
pub(crate) struct SnapshotDownload {
    functions: Arc<Functions>,
    /// The contents that make up the file, with their lengths.
    parts: Vec<(String, u64)>,
    pub(crate) file_bytes: u64,
    /// Holds contents that nothing else refers to, until it is at its end.
    pins: Option<Pins>,
}

impl Functions {
    /// Begins to read a snapshot.
    pub(crate) async fn download_snapshot(
        self: &Arc<Self>,
        tenant: u64,
        id: &str,
    ) -> Result<SnapshotDownload, SnapshotError> {
        let snapshot = self.snapshot(tenant, id).await?;
        let head = self.storage.components.read(&snapshot.head).await?;
        let manifest = manifest_of(&head, &Keys::default())?;
        let mut parts = vec![(snapshot.head, head.len() as u64)];
        let chunks = manifest.chunks.into_iter();
        parts.extend(chunks.map(|chunk| (chunk.digest, u64::from(chunk.stored))));
        Ok(SnapshotDownload::of(self.clone(), parts, None))
    }
}

/// The manifest of a head that is stored.
pub(super) fn manifest_of(head: &[u8], keys: &Keys) -> Result<Manifest, SnapshotError> {
    let mut decoder = Decoder::new(keys);
    decoder.push(head);
    decoder.next_event()?;
    let manifest = decoder.manifest().cloned();
    manifest.ok_or(SnapshotError::damaged("a snapshot"))
}

impl SnapshotDownload {
    pub(super) fn of(
        functions: Arc<Functions>,
        parts: Vec<(String, u64)>,
        pins: Option<Pins>,
    ) -> SnapshotDownload {
        SnapshotDownload {
            functions,
            file_bytes: parts.iter().map(|(_, bytes)| bytes).sum(),
            parts,
            pins,
        }
    }

    /// The bytes of the file from `offset` on.
    pub(crate) fn bytes_from(
        self,
        offset: u64,
    ) -> impl Stream<Item = Result<Bytes, StorageError>> + Send {
        let (functions, pins) = (self.functions, self.pins);
        let mut at = 0;
        let parts = self.parts.into_iter().filter_map(move |(digest, bytes)| {
            let skipped = offset.saturating_sub(at).min(bytes);
            at += bytes;
            (skipped < bytes).then_some((digest, skipped, bytes))
        });
        let read = move |(digest, skipped, bytes): (String, u64, u64)| {
            let functions = functions.clone();
            let _held = &pins;
            async move {
                let found = functions.storage.components.read(&digest).await?;
                match found.len() as u64 == bytes {
                    true => Ok(found.slice(skipped as usize..)),
                    false => Err(StorageError::Damaged {
                        what: "a content of another length",
                    }),
                }
            }
        };
        let parts = stream::iter(parts).map(read).buffered(AT_ONCE);
        parts.inspect_err(|error| tracing::error!("a snapshot was not sent to its end: {error}"))
    }
}

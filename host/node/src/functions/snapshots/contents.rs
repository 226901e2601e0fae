//! The contents of a snapshot in the store, while it is made or used: each is pinned before it is
//! looked for, so that nobody removes it until a row refers to it.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tensor_wasm_snapshot::limits::CHUNK_BYTES;
use tensor_wasm_snapshot::{Chunk, ChunkEntry, Chunker, Content};

use super::SnapshotError;
use crate::functions::Functions;
use crate::lock::ignore_poison;
use crate::storage::StorageError;
use crate::storage::functions::ChangeError;
use crate::storage::snapshots::Contents;

/// Chunks that are compressed, written or read at one time.
pub(super) const AT_ONCE: usize = 4;

/// Contents that stay in the store until this is released or dropped.
pub(super) struct Pins {
    functions: Arc<Functions>,
    pinned: Mutex<Pinned>,
}

#[derive(Default)]
struct Pinned {
    digests: Vec<String>,
    /// With their sizes.
    contents: Contents,
    bytes: u64,
}

impl Pins {
    pub(super) fn new(functions: Arc<Functions>) -> Pins {
        Pins {
            functions,
            pinned: Mutex::default(),
        }
    }

    pub(super) fn functions(&self) -> &Arc<Functions> {
        &self.functions
    }

    /// What was put, with its sizes.
    pub(super) fn contents(&self) -> Contents {
        ignore_poison(self.pinned.lock()).contents.clone()
    }

    pub(super) async fn pin(&self, digest: &str) {
        self.functions.collection.pin(digest).await;
        ignore_poison(self.pinned.lock())
            .digests
            .push(digest.to_owned());
    }

    /// Counts a content of this size that is in the store, and holds it there.
    pub(super) async fn have(&self, digest: &str, bytes: u64) {
        self.pin(digest).await;
        let mut pinned = ignore_poison(self.pinned.lock());
        if pinned.contents.insert(digest.to_owned(), bytes).is_none() {
            pinned.bytes += bytes;
        }
    }

    /// Stores bytes by their content, unless they are there. [`add`](super::save::add) has them on the
    /// disk, all at once.
    pub(super) async fn put(&self, digest: &str, bytes: Bytes) -> Result<(), SnapshotError> {
        self.pin(digest).await;
        let size = bytes.len() as u64;
        let limit = self.functions.limits().stored_bytes;
        {
            let mut pinned = ignore_poison(self.pinned.lock());
            if pinned.contents.insert(digest.to_owned(), size).is_none() {
                pinned.bytes += size;
            }
            // The tenant could not have them, whatever else it has.
            if pinned.bytes > limit {
                return Err(ChangeError::TooMuch { limit }.into());
            }
        }
        self.put_pinned(digest, bytes).await
    }

    /// Stores bytes that are no tenant's.
    pub(super) async fn put_uncharged(
        &self,
        digest: &str,
        bytes: Bytes,
    ) -> Result<(), SnapshotError> {
        self.pin(digest).await;
        self.put_pinned(digest, bytes).await
    }

    async fn put_pinned(&self, digest: &str, bytes: Bytes) -> Result<(), SnapshotError> {
        let components = &self.functions.storage.components;
        if components.size(digest).await? == Some(bytes.len() as u64) {
            return Ok(());
        }
        Ok(components.put_unsynchronised(digest, bytes).await?)
    }

    /// Stores a content in chunks, some of them at one time, and adds it to the table of them.
    pub(super) async fn put_content<R>(
        &self,
        chunker: &mut Chunker,
        bytes: u64,
        read: impl Fn(u64, u64) -> R,
    ) -> Result<Content, SnapshotError>
    where
        R: Future<Output = Result<Bytes, SnapshotError>>,
    {
        let offsets = (0..bytes).step_by(CHUNK_BYTES);
        let pieces = stream::iter(offsets).map(|offset| {
            let piece = read(offset, (bytes - offset).min(CHUNK_BYTES as u64));
            async {
                let piece = piece.await?;
                let (piece, chunk) = apart(move || (Chunk::pack(&piece), piece))
                    .await
                    .map(|(chunk, piece)| (piece, chunk))?;
                let chunk = chunk?;
                self.put(&chunk.entry.digest, chunk.stored.into()).await?;
                Ok::<_, SnapshotError>((piece, chunk.entry))
            }
        });
        let mut pieces = std::pin::pin!(pieces.buffered(AT_ONCE));
        while let Some((piece, entry)) = pieces.try_next().await? {
            chunker.add_packed(&piece, &entry);
        }
        Ok(chunker.finish())
    }

    /// Lets go of the contents. Those that were put stay where a row refers to them, which
    /// `is_kept` says; others stay where something else does.
    pub(super) async fn release(self, is_kept: bool) {
        let pinned = std::mem::take(&mut *ignore_poison(self.pinned.lock()));
        let is_known = |digest: &String| is_kept && pinned.contents.contains_key(digest);
        let (known, unknown): (Vec<_>, Vec<_>) = pinned.digests.into_iter().partition(is_known);
        unpin(&self.functions, &known).await;
        release(&self.functions, unknown).await;
    }
}

impl Drop for Pins {
    /// Whoever was about to refer to them is gone.
    fn drop(&mut self) {
        let digests = std::mem::take(&mut ignore_poison(self.pinned.lock()).digests);
        if digests.is_empty() {
            return;
        }
        // Without a runtime the process ends, and the next start removes them.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let functions = self.functions.clone();
            runtime.spawn(async move { release(&functions, digests).await });
        }
    }
}

async fn release(functions: &Functions, digests: Vec<String>) {
    unpin(functions, &digests).await;
    functions.remove_unused(&digests).await;
}

async fn unpin(functions: &Functions, digests: &[String]) {
    for digest in digests {
        functions.collection.unpin(digest).await;
    }
}

impl Functions {
    /// The bytes of a chunk of a snapshot that is stored.
    pub(super) async fn unpacked(&self, entry: &ChunkEntry) -> Result<Vec<u8>, SnapshotError> {
        let stored = self.storage.components.read(&entry.digest).await?;
        let entry = entry.clone();
        let unpacked = apart(move || Chunk::of(entry, Vec::from(stored))?.unpack()).await?;
        Ok(unpacked?)
    }
}

/// The digest of a content.
pub(super) fn digest_of(bytes: &[u8]) -> String {
    format!("blake3:{}", blake3::hash(bytes).to_hex())
}

/// Has something that takes a processor for long done on another thread.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, SnapshotError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| {
        tracing::error!("work on a snapshot failed: {error}");
        StorageError::Interrupted.into()
    })
}

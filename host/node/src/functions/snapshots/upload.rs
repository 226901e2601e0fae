//! A snapshot that arrives as a file: each chunk is checked and stored as it comes, and the snapshot is
//! there once all of it has come.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tensor_wasm_snapshot::{Decoder, Event, Keys};

use super::contents::{Pins, digest_of};
use super::save::add;
use super::{Saved, SnapshotError};
use crate::functions::Functions;
use crate::functions::places::FunctionPlace;
use crate::storage::functions::ChangeError;
use crate::storage::uploads::StoredUpload;
use crate::storage::{StorageError, random_id};
use crate::to_its_end::to_its_end;

/// What ids of uploads begin with.
const UPLOAD_PREFIX: &str = "up_";

/// A snapshot that is arriving. Dropped, what has arrived is removed.
pub(crate) struct SnapshotUpload {
    tenant: u64,
    decoder: Decoder<Arc<Keys>>,
    pins: Pins,
    /// What is kept of it where the node ends; nothing unless it arrives in parts, and its manifest has
    /// arrived.
    kept: Option<StoredUpload>,
    _place: FunctionPlace,
}

impl Functions {
    /// Begins to take a snapshot. To be called with a place for a deployment of the tenant.
    pub(crate) fn upload_snapshot(
        self: &Arc<Self>,
        tenant: u64,
        place: FunctionPlace,
    ) -> SnapshotUpload {
        SnapshotUpload {
            tenant,
            decoder: Decoder::new(self.host.snapshot_keys.clone()),
            pins: Pins::new(self.clone()),
            kept: None,
            _place: place,
        }
    }

    /// Goes on with a snapshot that arrived before the node ended.
    pub(super) async fn resume_upload(
        self: &Arc<Self>,
        stored: StoredUpload,
        place: FunctionPlace,
    ) -> Result<SnapshotUpload, SnapshotError> {
        let pins = Pins::new(self.clone());
        pins.pin(&stored.head).await;
        let head = self.storage.components.read(&stored.head).await?;
        let keys = self.host.snapshot_keys.clone();
        let decoder = resumed(keys, &head, &stored)?;
        pins.have(&stored.head, head.len() as u64).await;
        let arrived = decoder.manifest().into_iter();
        let arrived = arrived.flat_map(|manifest| &manifest.chunks);
        for chunk in arrived.take(decoder.chunks_read()) {
            let bytes = u64::from(chunk.stored);
            pins.have(&chunk.digest, bytes).await;
            if self.storage.components.size(&chunk.digest).await? != Some(bytes) {
                // As where nothing has arrived: the client begins anew.
                let database = self.storage.snapshots()?;
                database.forget_upload(&stored.id).await?;
                return Err(SnapshotError::Offset { expected: 0 });
            }
        }
        Ok(SnapshotUpload {
            tenant: stored.tenant,
            decoder,
            pins,
            kept: Some(stored),
            _place: place,
        })
    }

    /// How much has arrived of a snapshot that nobody goes on with since the node began.
    pub(super) async fn stored_bytes(&self, stored: &StoredUpload) -> Result<u64, SnapshotError> {
        let head = self.storage.components.read(&stored.head).await?;
        Ok(resumed(self.host.snapshot_keys.clone(), &head, stored)?.arrived())
    }

    /// Forgets what is kept of uploads of which nothing came for so long, in milliseconds.
    pub(in crate::functions) async fn forget_old_uploads(
        &self,
        longer_ms: i64,
    ) -> Result<(), StorageError> {
        // A simulation has none.
        let Ok(database) = self.storage.snapshots() else {
            return Ok(());
        };
        let before = self.clock().now_ms().saturating_sub(longer_ms);
        let digests = database.forget_uploads_before(before).await?;
        // What is still arriving has its contents pinned.
        self.remove_unused(&digests).await;
        Ok(())
    }
}

fn resumed(
    keys: Arc<Keys>,
    head: &[u8],
    stored: &StoredUpload,
) -> Result<Decoder<Arc<Keys>>, SnapshotError> {
    let chunks = usize::try_from(stored.chunks).unwrap_or(usize::MAX);
    Ok(Decoder::resume(keys, head, chunks)?)
}

impl SnapshotUpload {
    /// Takes the next bytes of the file.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.decoder.push(bytes);
        while let Some(event) = self.decoder.next_event()? {
            match event {
                Event::Manifest => self.check()?,
                Event::Chunk(_, chunk) => {
                    let stored = chunk.stored.into();
                    self.pins.put(&chunk.entry.digest, stored).await?;
                }
            }
        }
        Ok(())
    }

    /// What can be said of it once its manifest is there.
    fn check(&self) -> Result<(), SnapshotError> {
        let Some(manifest) = self.decoder.manifest() else {
            return Ok(());
        };
        if manifest.tenant != self.tenant {
            return Err(SnapshotError::OtherTenant {
                tenant: manifest.tenant,
            });
        }
        let limit = self.pins.functions().limits().stored_bytes;
        match manifest.file_bytes(self.decoder.head().len()) > limit {
            true => Err(ChangeError::TooMuch { limit }.into()),
            false => Ok(()),
        }
    }

    /// How much of the file has arrived, in bytes.
    pub(super) fn arrived(&self) -> u64 {
        self.decoder.arrived()
    }

    /// Whether all of it has arrived.
    pub(super) fn is_whole(&self) -> bool {
        self.decoder.is_whole()
    }

    /// Keeps what has arrived, under this name, for the case that the node ends before the next part.
    /// What has come of the next chunk is not kept.
    pub(super) async fn keep(&mut self, name: &str) -> Result<(), SnapshotError> {
        let Some(manifest) = self.decoder.manifest() else {
            return Ok(());
        };
        let chunks = self.decoder.chunks_read();
        let before = self.kept.as_ref().map(|kept| kept.chunks);
        if before == Some(chunks as u64) {
            return Ok(());
        }
        let functions = self.pins.functions();
        let head = self.decoder.head();
        let stored = match &self.kept {
            Some(kept) => StoredUpload {
                chunks: chunks as u64,
                ..kept.clone()
            },
            None => StoredUpload {
                id: random_id(UPLOAD_PREFIX)?,
                tenant: self.tenant,
                name: name.to_owned(),
                head: digest_of(head),
                chunks: chunks as u64,
            },
        };
        let mut contents = Vec::new();
        if self.kept.is_none() {
            let bytes = Bytes::copy_from_slice(head);
            self.pins.put(&stored.head, bytes).await?;
            contents.push(stored.head.clone());
        }
        let new = manifest.chunks.iter().take(chunks);
        let new = new.skip(usize::try_from(before.unwrap_or(0)).unwrap_or(usize::MAX));
        contents.extend(new.map(|chunk| chunk.digest.clone()));
        // Before a row refers to any of it.
        functions.storage.components.synchronise().await?;
        let now_ms = functions.clock().now_ms();
        let database = functions.storage.snapshots()?;
        database.keep_upload(&stored, &contents, now_ms).await?;
        self.kept = Some(stored);
        Ok(())
    }

    /// Forgets what is kept of it, before its contents go or belong to a snapshot.
    async fn forget(&mut self) {
        let Some(kept) = self.kept.take() else {
            return;
        };
        let forgotten = match self.pins.functions().storage.snapshots() {
            Ok(database) => database.forget_upload(&kept.id).await,
            Err(error) => Err(error),
        };
        if let Err(error) = forgotten {
            tracing::warn!("what has arrived of an upload stays for now: {error}");
        }
    }

    /// Removes what has arrived.
    pub(crate) async fn abort(mut self) {
        self.forget().await;
        self.pins.release(false).await;
    }

    /// Makes the snapshot. Goes on where nobody waits for it any more.
    pub(crate) async fn finish(self, created_by: Option<String>) -> Result<Saved, SnapshotError> {
        to_its_end(async move {
            let head = self.decoder.head().to_vec();
            let (tenant, pins) = (self.tenant, self.pins);
            let added = match self.decoder.finish() {
                Ok((manifest, _)) => {
                    let paused = Duration::ZERO;
                    add(&pins, tenant, &manifest, &head, created_by, paused).await
                }
                Err(error) => Err(error.into()),
            };
            // The snapshot refers to its contents, or nothing does.
            if let (Some(kept), Ok(database)) = (self.kept, pins.functions().storage.snapshots())
                && let Err(error) = database.forget_upload(&kept.id).await
            {
                tracing::warn!("what has arrived of an upload stays for now: {error}");
            }
            pins.release(added.is_ok()).await;
            added
        })
        .await
    }
}

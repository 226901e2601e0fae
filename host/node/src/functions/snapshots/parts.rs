//! Snapshots that arrive in several requests, each with the next part of the file, so that one may be
//! longer than a request's body, and goes on where a connection broke off, or where the node ended after
//! a part.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::upload::SnapshotUpload;
use super::{Saved, SnapshotError};
use crate::functions::Functions;
use crate::functions::places::FunctionPlace;
use crate::lock::ignore_poison;
use crate::storage::StorageError;

/// How long the next part may take to begin.
const PATIENCE: Duration = Duration::from_secs(600);

/// The snapshots that arrive in parts, by tenant and by the name that the client gave.
#[derive(Default)]
pub(in crate::functions) struct PartialUploads(Mutex<HashMap<Key, Arc<PartialUpload>>>);

type Key = (u64, String);

/// A snapshot of which more is to come.
struct PartialUpload {
    /// Nothing once it is at its end.
    upload: Arc<AsyncMutex<Option<SnapshotUpload>>>,
    /// Counts the parts.
    parts: Mutex<u64>,
}

/// A part that is arriving. Others of the same snapshot wait for its end.
pub(crate) struct SnapshotPart {
    functions: Arc<Functions>,
    key: Key,
    upload: OwnedMutexGuard<Option<SnapshotUpload>>,
}

/// What there is after a part.
pub(crate) enum Progress {
    /// The next part begins at this byte.
    More(u64),
    /// The snapshot is whole.
    Whole(Box<Saved>),
}

impl Functions {
    /// How much of a snapshot has arrived that arrives in parts.
    pub(crate) async fn arrived(&self, tenant: u64, name: &str) -> Result<u64, SnapshotError> {
        let Some(upload) = self.partial_uploads.get(&(tenant, name.to_owned())) else {
            let stored = self
                .storage
                .snapshots()?
                .stored_upload(tenant, name)
                .await?;
            return self
                .stored_bytes(&stored.ok_or(SnapshotError::NoSnapshot)?)
                .await;
        };
        let upload = upload.upload.lock().await;
        let upload = upload.as_ref().ok_or(SnapshotError::NoSnapshot)?;
        Ok(upload.arrived())
    }

    /// Begins to take a part, which begins at this byte. `place` is asked for where it is the first.
    pub(crate) async fn snapshot_part(
        self: &Arc<Self>,
        tenant: u64,
        name: &str,
        offset: u64,
        place: impl FnOnce() -> Result<FunctionPlace, SnapshotError>,
    ) -> Result<SnapshotPart, SnapshotError> {
        let key = (tenant, name.to_owned());
        let known = self.partial_uploads.get(&key);
        let partial = match known {
            Some(partial) => partial,
            None => {
                let stored = self
                    .storage
                    .snapshots()?
                    .stored_upload(tenant, name)
                    .await?;
                let upload = match stored {
                    Some(stored) => self.resume_upload(stored, place()?).await?,
                    None if offset == 0 => self.upload_snapshot(tenant, place()?),
                    None => return Err(SnapshotError::Offset { expected: 0 }),
                };
                self.partial_uploads.begin(self, key.clone(), upload)
            }
        };
        *ignore_poison(partial.parts.lock()) += 1;
        let upload = partial.upload.clone().lock_owned().await;
        match upload.as_ref().map(SnapshotUpload::arrived) {
            Some(expected) if expected == offset => Ok(SnapshotPart {
                functions: self.clone(),
                key,
                upload,
            }),
            Some(expected) => Err(SnapshotError::Offset { expected }),
            None => Err(SnapshotError::NoSnapshot),
        }
    }
}

impl PartialUploads {
    fn get(&self, key: &Key) -> Option<Arc<PartialUpload>> {
        ignore_poison(self.0.lock()).get(key).cloned()
    }

    /// Another one may have the name by now, which stays.
    fn remove(&self, key: &Key, partial: &Arc<PartialUpload>) {
        let mut uploads = ignore_poison(self.0.lock());
        if uploads
            .get(key)
            .is_some_and(|known| Arc::ptr_eq(known, partial))
        {
            uploads.remove(key);
        }
    }

    fn begin(
        &self,
        functions: &Arc<Functions>,
        key: Key,
        upload: SnapshotUpload,
    ) -> Arc<PartialUpload> {
        let mut uploads = ignore_poison(self.0.lock());
        // Another first part of this name may have come meanwhile.
        if let Some(known) = uploads.get(&key) {
            return known.clone();
        }
        let partial = Arc::new(PartialUpload {
            upload: Arc::new(AsyncMutex::new(Some(upload))),
            parts: Mutex::default(),
        });
        uploads.insert(key.clone(), partial.clone());
        drop(uploads);
        let (functions, watched) = (Arc::downgrade(functions), Arc::downgrade(&partial));
        tokio::spawn(forget_idle(functions, key, watched));
        partial
    }
}

/// Forgets a snapshot of which nothing more comes: what has arrived is removed.
async fn forget_idle(functions: Weak<Functions>, key: Key, partial: Weak<PartialUpload>) {
    let mut before = 0;
    loop {
        tokio::time::sleep(PATIENCE).await;
        let (Some(functions), Some(partial)) = (functions.upgrade(), partial.upgrade()) else {
            return;
        };
        let parts = *ignore_poison(partial.parts.lock());
        // One that is at work is no idle one.
        if parts == before
            && let Ok(mut upload) = partial.upload.clone().try_lock_owned()
        {
            functions.partial_uploads.remove(&key, &partial);
            if let Some(upload) = upload.take() {
                upload.abort().await;
            }
            return;
        }
        before = parts;
    }
}

impl SnapshotPart {
    /// Takes the next bytes, to the end: also where the client goes away meanwhile.
    ///
    /// # Errors
    ///
    /// Where the snapshot can't be used. It is forgotten, and what has arrived of it is removed.
    pub(crate) async fn write(self, bytes: Bytes) -> Result<SnapshotPart, SnapshotError> {
        let mut part = self;
        let writing = tokio::spawn(async move {
            let written = match part.upload.as_mut() {
                Some(upload) => upload.write(&bytes).await,
                None => Err(SnapshotError::NoSnapshot),
            };
            match written {
                Ok(()) => Ok(part),
                Err(error) => {
                    if let Some(upload) = part.end() {
                        upload.abort().await;
                    }
                    Err(error)
                }
            }
        });
        writing.await.unwrap_or_else(|error| {
            tracing::error!("a part of a snapshot was not taken: {error}");
            Err(StorageError::Interrupted.into())
        })
    }

    /// Ends the part, and the snapshot where it is whole.
    pub(crate) async fn finish(
        mut self,
        created_by: Option<String>,
    ) -> Result<Progress, SnapshotError> {
        match self.upload.as_mut() {
            Some(upload) if !upload.is_whole() => {
                upload.keep(&self.key.1).await?;
                Ok(Progress::More(upload.arrived()))
            }
            _ => match self.end() {
                Some(upload) => {
                    let saved = upload.finish(created_by).await?;
                    Ok(Progress::Whole(Box::new(saved)))
                }
                None => Err(SnapshotError::NoSnapshot),
            },
        }
    }

    /// Takes the snapshot from those that arrive.
    fn end(&mut self) -> Option<SnapshotUpload> {
        ignore_poison(self.functions.partial_uploads.0.lock()).remove(&self.key);
        self.upload.take()
    }
}

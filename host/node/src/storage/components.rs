//! The components and assets of all functions, by content: equal ones are kept once.
//!
//! An upload is written beside the others under a name of its own while its digest is
//! computed, and becomes a component in one step.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt, PutPayload};

use super::StorageError;
use super::ids::random_id;
use crate::lock::ignore_poison;

/// What digests begin with.
const BLAKE3: &str = "blake3:";

/// Uploads in progress. None outlives the process.
pub(super) const UPLOADS: &str = "uploads";

/// Components, by the hexadecimal digits of their digest.
pub(super) const COMPLETE: &str = "blake3";

/// A part of an upload, in bytes: what each that runs has in memory. (A bucket asks for 5 MiB.)
const PART_BYTES: usize = 1 << 20;

/// So much is stored before it is begun to write it to the disk, in bytes.
const WRITE_BACK_BYTES: u64 = 32 << 20;

/// The components and assets of all functions.
pub(crate) struct ComponentStore {
    store: Arc<dyn ObjectStore>,
    /// The same, whose files are not synchronised one by one.
    unsynchronised: Arc<dyn ObjectStore>,
    folder: PathBuf,
    write_back: Arc<WriteBack>,
}

impl ComponentStore {
    /// Keeps components in a folder, which has to exist. Removes uploads that did not end.
    pub(crate) fn open(folder: &FilePath) -> Result<ComponentStore, StorageError> {
        let uploads = folder.join(UPLOADS);
        match std::fs::remove_dir_all(&uploads) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(StorageError::Directory {
                    path: uploads,
                    cause,
                });
            }
            _ => {}
        }
        let store = || -> Result<LocalFileSystem, StorageError> {
            Ok(LocalFileSystem::new_with_prefix(folder)?.with_automatic_cleanup(false))
        };
        Ok(ComponentStore {
            unsynchronised: Arc::new(store()?),
            ..ComponentStore::over(Arc::new(store()?.with_fsync(true)), folder)
        })
    }

    /// Keeps components in a store that no other node uses, and that keeps them in this folder.
    pub(crate) fn over(store: Arc<dyn ObjectStore>, folder: &FilePath) -> ComponentStore {
        ComponentStore {
            unsynchronised: store.clone(),
            store,
            folder: folder.to_owned(),
            write_back: Arc::default(),
        }
    }

    /// The file of an asset, whether it is there or not.
    pub(crate) fn file(&self, digest: &str) -> Result<PathBuf, StorageError> {
        let path = complete(digest)?;
        let relative: &str = path.as_ref();
        Ok(self.folder.join(relative))
    }

    /// Begins to write a component.
    pub(crate) async fn upload(&self) -> Result<Upload, StorageError> {
        let path = Path::from_iter([UPLOADS, &random_id("")?]);
        let parts = self.store.put_multipart(&path).await?;
        Ok(Upload {
            store: self.store.clone(),
            path,
            parts,
            part: Vec::new(),
            hasher: blake3::Hasher::new(),
            bytes: 0,
        })
    }

    /// Reads a component.
    pub(crate) async fn read(&self, digest: &str) -> Result<Bytes, StorageError> {
        let found = self.store.get(&complete(digest)?).await?;
        Ok(found.bytes().await?)
    }

    /// Reads a part of a component or asset.
    pub(crate) async fn read_part(
        &self,
        digest: &str,
        part: Range<u64>,
    ) -> Result<Bytes, StorageError> {
        Ok(self.store.get_range(&complete(digest)?, part).await?)
    }

    /// How long a component or asset is, in bytes, if it is there.
    pub(crate) async fn size(&self, digest: &str) -> Result<Option<u64>, StorageError> {
        match self.store.head(&complete(digest)?).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Stores bytes of this digest. They are on the disk once [`synchronise`] returns, which is for
    /// whoever stores many.
    ///
    /// [`synchronise`]: ComponentStore::synchronise
    pub(crate) async fn put_unsynchronised(
        &self,
        digest: &str,
        bytes: Bytes,
    ) -> Result<(), StorageError> {
        let path = Path::from_iter([UPLOADS, &random_id("")?]);
        let size = bytes.len() as u64;
        let payload = PutPayload::from_bytes(bytes);
        self.unsynchronised.put(&path, payload).await?;
        // Over an equal one that is there already.
        let renamed = self.unsynchronised.rename(&path, &complete(digest)?).await;
        if renamed.is_err() {
            // The next start removes it otherwise.
            let _ = self.unsynchronised.delete(&path).await;
        }
        self.write_back.wrote(size, &self.folder);
        Ok(renamed?)
    }

    /// Has everything that was stored on the disk.
    pub(crate) async fn synchronise(&self) -> Result<(), StorageError> {
        let (folder, write_back) = (self.folder.clone(), self.write_back.clone());
        let synchronising = tokio::task::spawn_blocking(move || {
            let synchronised = synchronise(&folder).and_then(|()| write_back.take_error());
            synchronised.map_err(|cause| StorageError::Directory {
                path: folder,
                cause,
            })
        });
        let done = synchronising.await;
        done.map_err(|_| StorageError::Interrupted)?
    }

    /// Removes a component. One that is not there any more is removed already.
    pub(crate) async fn remove(&self, digest: &str) -> Result<(), StorageError> {
        match self.store.delete(&complete(digest)?).await {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Removes what belongs to no function: components whose deployment was not
    /// acknowledged, and uploads that did not end. To be called while there are no deployments.
    pub(super) async fn remove_others(&self, kept: &BTreeSet<String>) -> Result<(), StorageError> {
        let list = |folder| self.store.list(Some(&Path::from(folder))).try_collect();
        let (all, uploads): (Vec<_>, Vec<_>) = (list(COMPLETE).await?, list(UPLOADS).await?);
        for object in all {
            let name = object.location.filename().unwrap_or_default();
            let digest = format!("{BLAKE3}{name}");
            // Whatever else somebody put there is not ours to remove.
            let is_ours = complete(&digest).is_ok_and(|path| path == object.location);
            if is_ours && !kept.contains(&digest) {
                self.store.delete(&object.location).await?;
            }
        }
        for upload in uploads {
            self.store.delete(&upload.location).await?;
        }
        Ok(())
    }
}

/// Writes to the disk what was stored and not synchronised, while more is stored: whoever
/// [synchronises](ComponentStore::synchronise) then waits for the rest alone.
#[derive(Default)]
struct WriteBack {
    /// Bytes that were stored since it began last.
    bytes: AtomicU64,
    is_running: AtomicBool,
    /// Why it failed, which the system tells once. Locked while it runs.
    error: Mutex<Option<std::io::Error>>,
}

impl WriteBack {
    fn wrote(self: &Arc<Self>, size: u64, folder: &FilePath) {
        let bytes = self.bytes.fetch_add(size, Ordering::Relaxed) + size;
        if bytes < WRITE_BACK_BYTES || self.is_running.swap(true, Ordering::Relaxed) {
            return;
        }
        self.bytes.store(0, Ordering::Relaxed);
        let (write_back, folder) = (self.clone(), folder.to_owned());
        tokio::task::spawn_blocking(move || {
            let mut error = ignore_poison(write_back.error.lock());
            if let Err(cause) = synchronise(&folder) {
                *error = Some(cause);
            }
            write_back.is_running.store(false, Ordering::Relaxed);
        });
    }

    fn take_error(&self) -> std::io::Result<()> {
        ignore_poison(self.error.lock()).take().map_or(Ok(()), Err)
    }
}

fn synchronise(folder: &FilePath) -> std::io::Result<()> {
    let opened = std::fs::File::open(folder)?;
    Ok(rustix::fs::syncfs(opened)?)
}

/// Where a component is.
fn complete(digest: &str) -> Result<Path, StorageError> {
    let hex = digest
        .strip_prefix(BLAKE3)
        .ok_or(StorageError::Damaged { what: "a digest" })?;
    Ok(Path::from_iter([COMPLETE, hex]))
}

/// A component that is being written.
pub(crate) struct Upload {
    store: Arc<dyn ObjectStore>,
    path: Path,
    parts: Box<dyn MultipartUpload>,
    /// What has arrived of the next part.
    part: Vec<u8>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Upload {
    /// Writes the next bytes.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), StorageError> {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART_BYTES {
            self.put().await?;
        }
        Ok(())
    }

    async fn put(&mut self) -> Result<(), StorageError> {
        let part = std::mem::take(&mut self.part);
        Ok(self.parts.put_part(PutPayload::from(part)).await?)
    }

    /// How many bytes were written.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The digest of what was written.
    pub(crate) fn digest(&self) -> String {
        format!("{BLAKE3}{}", self.hasher.finalize().to_hex())
    }

    /// Completes the component, and returns its digest.
    pub(crate) async fn complete(mut self) -> Result<String, StorageError> {
        let digest = self.digest();
        let completed = self.complete_as(&digest).await;
        if completed.is_err() && self.store.delete(&self.path).await.is_err() {
            // What is not there yet is there no more.
            self.abort().await;
        }
        completed?;
        Ok(digest)
    }

    async fn complete_as(&mut self, digest: &str) -> Result<(), StorageError> {
        self.put().await?;
        self.parts.complete().await?;
        // Over an equal one that is there already.
        self.store.rename(&self.path, &complete(digest)?).await?;
        Ok(())
    }

    /// Removes what was written.
    pub(crate) async fn abort(mut self) {
        if let Err(error) = self.parts.abort().await {
            // The next start removes it.
            tracing::warn!("an upload that failed was not removed: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    async fn stored(store: &ComponentStore, bytes: &[u8]) -> String {
        let mut upload = store.upload().await.unwrap();
        for piece in bytes.chunks(PART_BYTES / 3 * 2) {
            upload.write(piece).await.unwrap();
        }
        assert_eq!(upload.bytes(), bytes.len() as u64);
        upload.complete().await.unwrap()
    }

    #[tokio::test]
    async fn a_component_is_found_by_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let store = ComponentStore::open(folder.path()).unwrap();
        let large: Vec<u8> = (0..3 * PART_BYTES + 17).map(|i| i as u8).collect();
        for bytes in [&large[..], b"", b"\0asm"] {
            let digest = stored(&store, bytes).await;
            assert_eq!(digest, format!("blake3:{}", blake3::hash(bytes).to_hex()));
            assert_eq!(stored(&store, bytes).await, digest);
            assert_eq!(store.read(&digest).await.unwrap(), bytes);
        }
    }

    #[tokio::test]
    async fn many_contents_are_stored_and_synchronised_together() {
        let folder = tempfile::tempdir().unwrap();
        let store = ComponentStore::open(folder.path()).unwrap();
        let digests = ["one", "other", "one"].map(|text| {
            let hash = blake3::hash(text.as_bytes());
            (text, format!("blake3:{}", hash.to_hex()))
        });
        for (text, digest) in &digests {
            let bytes = Bytes::from_static(text.as_bytes());
            store.put_unsynchronised(digest, bytes).await.unwrap();
        }
        store.synchronise().await.unwrap();
        for (text, digest) in &digests {
            assert_eq!(store.read(digest).await.unwrap(), text.as_bytes());
            let part = store.read_part(digest, 1..3).await.unwrap();
            assert_eq!(part, text.as_bytes()[1..3]);
            let size = store.size(digest).await.unwrap();
            assert_eq!(size, Some(text.len() as u64));
        }
        assert_eq!(walk(folder.path()), 2);
        let none = format!("blake3:{}", "0".repeat(64));
        assert_eq!(store.size(&none).await.unwrap(), None);
    }

    #[tokio::test]
    async fn what_belongs_to_no_function_is_removed_at_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let store = ComponentStore::open(folder.path()).unwrap();
        let kept = stored(&store, b"kept").await;
        let other = stored(&store, b"other").await;
        // The process ends in the middle of an upload.
        let mut upload = store.upload().await.unwrap();
        upload.write(&vec![0; 2 * PART_BYTES]).await.unwrap();
        std::mem::forget(upload);
        let store = ComponentStore::open(folder.path()).unwrap();
        store
            .remove_others(&BTreeSet::from([kept.clone()]))
            .await
            .unwrap();
        assert_eq!(store.read(&kept).await.unwrap(), &b"kept"[..]);
        assert!(store.read(&other).await.is_err());
        let files = walk(folder.path());
        assert_eq!(files, 1);
        store.remove(&kept).await.unwrap();
        store.remove(&kept).await.unwrap();
    }

    fn walk(folder: &FilePath) -> usize {
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| if path.is_dir() { walk(&path) } else { 1 })
            .sum()
    }
}

//! Mounting assets: a tree of files for each version that is loaded, which its instances see read
//! only at [`GUEST_PATH`].
//!
//! The files of a tree are hard links to the contents in the store, so that a tree takes no room, and
//! what is deleted meanwhile stays for whoever has it mounted. The tree goes with the last instance
//! that has it; one that a killed node has left is removed at the next start.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tensor_wasm_runtime::{Directory, DirectoryGuard};

use super::loader::LoadError;
use crate::lock::ignore_poison;
use crate::storage::assets::Assets;
use crate::storage::components::ComponentStore;
use crate::storage::{Storage, StorageError, random_id};

/// Where a function finds its assets.
pub(crate) const GUEST_PATH: &str = "/assets";

/// Who mounts assets: [`Mounts`]. A trait, so that a simulation of a node's storage can do without
/// files.
#[async_trait]
pub(crate) trait MountAssets: Send + Sync {
    /// The folder of these assets.
    async fn mount(&self, storage: &Arc<Storage>, assets: &Assets) -> Result<Directory, LoadError>;
}

/// Makes the trees.
#[derive(Clone)]
pub(crate) struct Mounts(Arc<MountFolder>);

#[async_trait]
impl MountAssets for Mounts {
    async fn mount(&self, storage: &Arc<Storage>, assets: &Assets) -> Result<Directory, LoadError> {
        let (mounts, storage, assets) = (self.clone(), storage.clone(), assets.clone());
        let mounting = move || mounts.mount_now(&storage.components, &assets);
        match tokio::task::spawn_blocking(mounting).await {
            Ok(mounted) => Ok(mounted?),
            Err(error) => {
                tracing::error!("mounting assets failed: {error}");
                Err(LoadError::Internal)
            }
        }
    }
}

struct MountFolder {
    folder: PathBuf,
    /// The contents that were found to be what they should be, since the node's start.
    intact: Mutex<HashSet<String>>,
}

/// A tree, until this is dropped.
struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), "mounted assets stay for now: {error}");
        }
    }
}

impl Mounts {
    /// Makes them in this folder.
    pub(crate) fn new(folder: PathBuf) -> Mounts {
        Mounts(Arc::new(MountFolder {
            folder,
            intact: Mutex::default(),
        }))
    }

    /// Makes a tree of these assets. Reads those that were not read before, which may take long.
    ///
    /// # Errors
    ///
    /// [`StorageError::DamagedAsset`] where one is missing or is not what was stored.
    fn mount_now(
        &self,
        store: &ComponentStore,
        assets: &Assets,
    ) -> Result<Directory, StorageError> {
        let tree = self.0.folder.join(random_name()?);
        let failed = |cause| StorageError::Directory {
            path: tree.clone(),
            cause,
        };
        fs::create_dir(&tree).map_err(failed)?;
        // From here on it is removed, wherever this ends.
        let mount = Mount(tree.clone());
        for (path, asset) in assets {
            let file = store.file(&asset.digest)?;
            let damaged = |problem| StorageError::DamagedAsset {
                path: path.clone(),
                problem,
                file: file.clone(),
            };
            let found = fs::metadata(&file).map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => damaged("missing"),
                _ => failed(error),
            })?;
            if found.len() != asset.size_bytes {
                return Err(damaged("damaged: it has another length"));
            }
            if !self.is_intact(&file, &asset.digest).map_err(failed)? {
                return Err(damaged("damaged: it has another content"));
            }
            let target = tree.join(path);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).map_err(failed)?;
            }
            link(&file, &target).map_err(failed)?;
        }
        Ok(Directory {
            host: tree,
            guest: GUEST_PATH.to_owned(),
            is_read_only: true,
            guard: Some(DirectoryGuard::new(mount)),
        })
    }

    /// Whether a file has this content. It is read once: after that nothing but the operator
    /// changes it.
    fn is_intact(&self, file: &Path, digest: &str) -> io::Result<bool> {
        if ignore_poison(self.0.intact.lock()).contains(digest) {
            return Ok(true);
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(File::open(file)?)?;
        let is_intact = digest.strip_prefix("blake3:") == Some(hasher.finalize().to_hex().as_str());
        if is_intact {
            ignore_poison(self.0.intact.lock()).insert(digest.to_owned());
        }
        Ok(is_intact)
    }
}

/// A second name for a file or, where the file system has none, a copy.
fn link(file: &Path, target: &Path) -> io::Result<()> {
    match fs::hard_link(file, target) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => fs::copy(file, target).map(|_| ()),
    }
}

fn random_name() -> Result<String, StorageError> {
    random_id("")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::storage::assets::Asset;

    #[tokio::test]
    async fn a_tree_stays_for_whoever_has_it_also_where_its_contents_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("components")).unwrap();
        fs::create_dir(at("mounts")).unwrap();
        let store = ComponentStore::open(&at("components")).unwrap();
        let mut upload = store.upload().await.unwrap();
        upload.write(b"weights").await.unwrap();
        let digest = upload.complete().await.unwrap();
        let asset = Asset {
            digest: digest.clone(),
            size_bytes: 7,
        };
        let assets = Assets::from([("a/b".to_owned(), asset)]);
        let mounts = Mounts::new(at("mounts"));
        let one = mounts.mount_now(&store, &assets).unwrap();
        let other = mounts.mount_now(&store, &assets).unwrap();
        assert_ne!(one.host, other.host);
        assert!(one.is_read_only && one.guest == GUEST_PATH);
        store.remove(&digest).await.unwrap();
        let again = one.clone();
        drop((one, other));
        assert_eq!(fs::read(again.host.join("a/b")).unwrap(), b"weights");
        drop(again);
        assert_eq!(fs::read_dir(at("mounts")).unwrap().count(), 0);

        let error = mounts.mount_now(&store, &assets).unwrap_err().to_string();
        assert!(error.contains("a/b is missing"), "{error}");
        assert!(error.contains(&digest["blake3:".len()..]), "{error}");
        assert_eq!(fs::read_dir(at("mounts")).unwrap().count(), 0);
    }
}

//! Assets: read-only files, such as weights, that are uploaded beside a component and mounted for it.
//!
//! They are staged under a function's name, also before it is there, and each deployment takes what
//! is staged then. So a version's assets never change, and a new set of them is a new version, to
//! which requests are directed like to any other.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::asset_path::{AssetPath, InvalidAssetPath};
use super::deploy::DeployError;
use super::places::FunctionPlace;
use super::{FunctionName, Functions, InvalidName};
use crate::storage::StorageError;
use crate::storage::assets::{Asset, AssetOwner, Assets, StageError, StageLimits};
use crate::storage::components::Upload;
use crate::storage::functions::{ChangeError, ID_PREFIX};

/// Files of one function, at most.
const MOST_FILES: u32 = 1000;

/// Folders of the files of one function, at most: each takes room on the disk while they are mounted.
pub(super) const MOST_FOLDERS: usize = 256;

/// Why assets were not changed or shown.
#[derive(Debug)]
pub(crate) enum AssetError {
    /// The path can't be one of an asset.
    Path(InvalidAssetPath),
    /// The name can't be one of a function.
    Name(InvalidName),
    /// The tenant has no function of this id, or of this name and nothing staged for it.
    NoFunction,
    /// The function has no such version.
    NoVersion(u32),
    /// Nothing is staged at the path.
    NoAsset,
    /// A path is a file there and a folder here.
    Conflict {
        /// The path that is staged.
        with: String,
    },
    /// As many files are staged as may be.
    TooMany {
        /// How many may be.
        limit: u32,
    },
    /// The files that are staged are in as many folders as may be.
    TooManyFolders {
        /// How many may be.
        limit: usize,
    },
    /// It was not uploaded.
    Upload(DeployError),
}

impl From<StorageError> for AssetError {
    fn from(error: StorageError) -> AssetError {
        AssetError::Upload(error.into())
    }
}

impl From<InvalidAssetPath> for AssetError {
    fn from(error: InvalidAssetPath) -> AssetError {
        AssetError::Path(error)
    }
}

impl From<InvalidName> for AssetError {
    fn from(error: InvalidName) -> AssetError {
        AssetError::Name(error)
    }
}

impl From<StageError> for AssetError {
    fn from(error: StageError) -> AssetError {
        match error {
            StageError::Conflict { with } => AssetError::Conflict { with },
            StageError::TooMany { limit } => AssetError::TooMany { limit },
            StageError::Change(error) => AssetError::Upload(error.into()),
        }
    }
}

/// An asset that is arriving.
pub(crate) struct AssetUpload {
    functions: Arc<Functions>,
    tenant: u64,
    function_name: String,
    path: AssetPath,
    upload: Upload,
    _place: FunctionPlace,
}

impl Functions {
    /// The assets of a version or, without one, what is staged for the next.
    pub(crate) async fn assets(
        &self,
        tenant: u64,
        key: &str,
        version: Option<u32>,
    ) -> Result<Assets, AssetError> {
        let database = &self.storage.database;
        let entry = self.find(tenant, key).await?;
        let name = match &entry {
            Some(entry) => entry.function.name.clone(),
            None => self.name_of(tenant, key).await?,
        };
        let owner = AssetOwner {
            tenant,
            function_name: &name,
        };
        match (version, entry) {
            (Some(number), Some(entry)) if entry.function.versions.contains_key(&number) => {
                Ok(database.assets_of_version(owner, number).await?)
            }
            (Some(number), Some(_)) => Err(AssetError::NoVersion(number)),
            (Some(_), None) => Err(AssetError::NoFunction),
            (None, entry) => {
                let staged = database.staged_assets(owner).await?;
                match entry.is_none() && staged.is_empty() {
                    true => Err(AssetError::NoFunction),
                    false => Ok(staged),
                }
            }
        }
    }

    /// Begins to stage an asset. To be called with a place for a deployment of the tenant.
    pub(crate) async fn upload_asset(
        self: &Arc<Self>,
        tenant: u64,
        key: &str,
        path: AssetPath,
        place: FunctionPlace,
    ) -> Result<AssetUpload, AssetError> {
        Ok(AssetUpload {
            function_name: self.name_of(tenant, key).await?,
            functions: self.clone(),
            tenant,
            path,
            upload: self.storage.components.upload().await?,
            _place: place,
        })
    }

    /// Takes an asset from what is staged.
    pub(crate) async fn remove_asset(
        &self,
        tenant: u64,
        key: &str,
        path: &AssetPath,
    ) -> Result<(), AssetError> {
        let name = self.name_of(tenant, key).await?;
        let owner = AssetOwner {
            tenant,
            function_name: &name,
        };
        let database = &self.storage.database;
        let _turn = self.turns.turn(tenant).await;
        match database.unstage_asset(owner, path.as_str()).await? {
            Some(digest) => {
                self.remove_unused(&[digest]).await;
                Ok(())
            }
            None => Err(AssetError::NoAsset),
        }
    }

    /// Takes everything from what is staged.
    pub(crate) async fn remove_assets(&self, tenant: u64, key: &str) -> Result<(), AssetError> {
        let name = self.name_of(tenant, key).await?;
        let owner = AssetOwner {
            tenant,
            function_name: &name,
        };
        let digests = {
            let _turn = self.turns.turn(tenant).await;
            self.storage.database.unstage_assets(owner).await?
        };
        if digests.is_empty() && self.find(tenant, key).await?.is_none() {
            return Err(AssetError::NoFunction);
        }
        self.remove_all_unused(digests).await;
        Ok(())
    }

    pub(super) async fn remove_all_unused(&self, digests: BTreeSet<String>) {
        self.remove_unused(&Vec::from_iter(digests)).await;
    }

    /// The name of a function by its id, or a name that a function may get.
    async fn name_of(&self, tenant: u64, key: &str) -> Result<String, AssetError> {
        if key.starts_with(ID_PREFIX) {
            let entry = self.find(tenant, key).await?;
            let entry = entry.ok_or(AssetError::NoFunction)?;
            return Ok(entry.function.name.clone());
        }
        Ok(FunctionName::parse(key)?.as_str().to_owned())
    }
}

impl AssetUpload {
    /// Takes the next bytes of the asset.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), AssetError> {
        // No asset of a tenant is longer than all of them may be.
        let limit = self.functions.limits().stored_bytes;
        if self.upload.bytes() + bytes.len() as u64 > limit {
            let error = ChangeError::TooMuch { limit };
            return Err(AssetError::Upload(error.into()));
        }
        Ok(self.upload.write(bytes).await?)
    }

    /// Removes what has arrived.
    pub(crate) async fn abort(self) {
        self.upload.abort().await;
    }

    /// Stages the asset. Goes on where nobody waits for it any more, so that nothing is left half
    /// done.
    pub(crate) async fn finish(self) -> Result<Asset, AssetError> {
        let finishing = tokio::spawn(async move {
            let functions = self.functions.clone();
            let digest = self.upload.digest();
            functions.collection.pin(&digest).await;
            let staged = self.stage().await;
            functions.collection.unpin(&digest).await;
            let unused = match &staged {
                Ok((_, replaced)) => replaced.clone(),
                Err(_) => Some(digest),
            };
            functions
                .remove_all_unused(unused.into_iter().collect())
                .await;
            staged.map(|(asset, _)| asset)
        });
        finishing.await.unwrap_or_else(|error| {
            tracing::error!("staging an asset failed: {error}");
            Err(AssetError::Upload(DeployError::Internal))
        })
    }

    /// Stages it. Returns it, and the content that was staged at its path before.
    async fn stage(self) -> Result<(Asset, Option<String>), AssetError> {
        let size_bytes = self.upload.bytes();
        let digest = self.upload.complete().await?;
        let asset = Asset { digest, size_bytes };
        let owner = AssetOwner {
            tenant: self.tenant,
            function_name: &self.function_name,
        };
        let limits = StageLimits {
            files: MOST_FILES,
            stored_bytes: self.functions.limits().stored_bytes,
        };
        let database = &self.functions.storage.database;
        let path = self.path.as_str();
        let _turn = self.functions.turns.turn(self.tenant).await;
        let staged = database.staged_assets(owner).await?;
        let all = staged.keys().map(String::as_str).chain([path]);
        if folders(all) > MOST_FOLDERS {
            let limit = MOST_FOLDERS;
            return Err(AssetError::TooManyFolders { limit });
        }
        let replaced = database.stage_asset(owner, path, &asset, limits).await?;
        Ok((asset, replaced))
    }
}

/// How many folders these files are in.
pub(super) fn folders<'a>(paths: impl Iterator<Item = &'a str>) -> usize {
    let of_path = |path: &'a str| path.match_indices('/').map(move |(end, _)| &path[..end]);
    paths.flat_map(of_path).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_counts_once() {
        let count = |paths: &[&str]| folders(paths.iter().copied());
        assert_eq!(count(&["a", "b"]), 0);
        assert_eq!(count(&["a/b/c", "a/b/d", "a/e", "f/b/c"]), 4);
    }
}

//! What a node keeps on its disk: a folder that one node at a time may use
//! ([`data_dir`]), with the database of functions ([`database`], [`functions`]) and the
//! components by content ([`components`]).
//!
//! A deployment is acknowledged once its component and then its row are safe on the disk.
//! What is there without a row was never acknowledged, and is removed at the next start.

pub(crate) mod assets;
mod change_error;
pub(crate) mod components;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
pub(crate) mod conformance;
pub(crate) mod data_dir;
pub(crate) mod database;
pub(crate) mod ended_jobs;
mod error;
pub(crate) mod functions;
mod ids;
pub(crate) mod jobs;
pub(crate) mod node_state;
pub(crate) mod restore;
pub(crate) mod seal;
pub(crate) mod settings;
pub(crate) mod snapshots;
mod stored;
pub(crate) mod uploads;
pub(crate) mod usage;

use std::path::{Path, PathBuf};

use async_trait::async_trait;

pub use error::StorageError;
pub(crate) use ids::random_id;

use assets::AssetStore;
use components::ComponentStore;
use data_dir::DataDir;
use database::Database;
use functions::FunctionStore;
use jobs::JobQueue;
use seal::Seal;
use settings::SettingStore;
use usage::UsageStore;

/// The database of a node: SQLite ([`database`]), or what keeps the same promises.
#[async_trait]
pub(crate) trait Metadata:
    FunctionStore + SettingStore + AssetStore + UsageStore + JobQueue
{
    /// Asks the database for nothing.
    async fn check(&self) -> Result<(), StorageError>;

    /// Ends its use. Nothing is asked of it any more.
    async fn close(&self);
}

/// Everything that a node keeps on its disk.
pub(crate) struct Storage {
    pub(crate) database: Box<dyn Metadata>,
    pub(crate) components: ComponentStore,
    pub(crate) seal: Seal,
    /// The database again, for snapshots. A simulation takes none.
    snapshots: Option<Database>,
    /// Held for as long as the node uses the folder. A simulation has none.
    directory: Option<DataDir>,
}

impl Storage {
    /// Opens a node's folder, or makes a new one. Secrets are sealed by the key in the file
    /// `secrets_key`, else by one in the folder.
    ///
    /// # Errors
    ///
    /// [`StorageError`] where another node uses it, where its files are damaged or of a newer
    /// version, or where it can't be used.
    pub(crate) async fn open(
        path: &Path,
        secrets_key: Option<&Path>,
    ) -> Result<Storage, StorageError> {
        let directory = DataDir::open(path)?;
        let database = match directory.has_components()? {
            true => Database::open_filled(&directory.database()).await?,
            false => Database::open(&directory.database()).await?,
        };
        let seal = match secrets_key {
            Some(key) => Seal::open(key, false)?,
            None => {
                let path = directory.secrets_key();
                let may_create = path.exists() || !database.has_secrets().await?;
                match may_create {
                    true => Seal::open(&path, true)?,
                    false => return Err(StorageError::NoKey { path }),
                }
            }
        };
        let components = ComponentStore::open(&directory.components())?;
        let mut storage = Storage::of(Box::new(database.clone()), components, seal).await?;
        storage.snapshots = Some(database);
        storage.directory = Some(directory);
        Ok(storage)
    }

    /// A storage of these parts. Removes the components that no function has.
    ///
    /// # Errors
    ///
    /// [`StorageError`] where that fails.
    pub(crate) async fn of(
        database: Box<dyn Metadata>,
        components: ComponentStore,
        seal: Seal,
    ) -> Result<Storage, StorageError> {
        let kept = database.digests().await?;
        components.remove_others(&kept).await?;
        Ok(Storage {
            database,
            components,
            seal,
            snapshots: None,
            directory: None,
        })
    }

    /// The tables of snapshots.
    ///
    /// # Errors
    ///
    /// Where there are none: in a simulation.
    pub(crate) fn snapshots(&self) -> Result<&Database, StorageError> {
        self.snapshots.as_ref().ok_or(StorageError::Interrupted)
    }

    /// The folder for what can be made again, such as compiled components.
    pub(crate) fn cache(&self) -> Option<PathBuf> {
        self.directory.as_ref().map(DataDir::cache)
    }

    /// The folder of the trees of assets that are mounted for functions.
    pub(crate) fn mounts(&self) -> PathBuf {
        // Simulations mount nothing.
        self.directory
            .as_ref()
            .map(DataDir::mounts)
            .unwrap_or_default()
    }

    /// Whether the database answers.
    pub(crate) async fn is_ready(&self) -> bool {
        self.database.check().await.is_ok()
    }

    /// Closes the database, so that its log is merged into its file.
    pub(crate) async fn close(&self) {
        self.database.close().await;
    }
}

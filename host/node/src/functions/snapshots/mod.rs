//! Snapshots: what a function is, what it keeps on its device, and its jobs that wait, as they were at
//! one moment ([`save`]), and the function that is made of them again ([`restore`]).
//!
//! What a snapshot is made of lies in the store of components, by content, so that snapshots share
//! what is equal; a row refers to it once all of it is there. The format of what is downloaded and
//! uploaded is that of `tensor_wasm_snapshot`.

mod contents;
mod download;
mod list;
mod node_contents;
mod node_jobs;
mod node_state;
mod parts;
mod restore;
mod save;
mod upload;

use std::collections::BTreeMap;
use std::time::Duration;

use tensor_wasm_snapshot::SecretsKey;

use super::deploy::DeployError;
use crate::storage::StorageError;
use crate::storage::functions::{ChangeError, Function};
use crate::storage::snapshots::Snapshot;

pub(crate) use node_state::NodeFacts;
pub(super) use parts::PartialUploads;
pub(crate) use parts::{Progress, SnapshotPart};
pub(crate) use restore::{RestoreOptions, RestoreTarget};
pub(crate) use upload::SnapshotUpload;

/// Snapshots of one tenant, at most.
const MOST: u32 = 1000;

/// Why a snapshot was not saved, taken or restored. Nothing has changed.
#[derive(Debug)]
pub(crate) enum SnapshotError {
    /// The tenant has no such function.
    NoFunction,
    /// The tenant has no such snapshot.
    NoSnapshot,
    /// The file, or the snapshot that was stored, can't be used.
    File(tensor_wasm_snapshot::Error),
    /// It is another tenant's.
    OtherTenant {
        /// Whose it is.
        tenant: u64,
    },
    /// The function changed each time while it was saved.
    Changing,
    /// What it names can't be here, for example the name of a setting.
    Unfit(String),
    /// The tenant has a function of the name.
    Exists(String),
    /// A part of a file does not begin where the last one ended.
    Offset {
        /// Where that was, in bytes.
        expected: u64,
    },
    /// The device doesn't take or give the buffers.
    Device(tensor_wasm_device::Error),
    /// It has buffers, and the tenant has no device.
    NoDevice,
    /// The tenant has as many snapshots, or jobs, as it may.
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many it may have.
        limit: u32,
    },
    /// As where a component is deployed.
    Deploy(DeployError),
}

impl<E: Into<DeployError>> From<E> for SnapshotError {
    fn from(error: E) -> SnapshotError {
        SnapshotError::Deploy(error.into())
    }
}

impl From<tensor_wasm_snapshot::Error> for SnapshotError {
    fn from(error: tensor_wasm_snapshot::Error) -> SnapshotError {
        SnapshotError::File(error)
    }
}

impl From<tensor_wasm_device::Error> for SnapshotError {
    fn from(error: tensor_wasm_device::Error) -> SnapshotError {
        SnapshotError::Device(error)
    }
}

impl SnapshotError {
    fn of_change(error: ChangeError) -> SnapshotError {
        match error {
            ChangeError::NoFunction | ChangeError::NoVersion(_) => SnapshotError::NoFunction,
            ChangeError::Exists(name) => SnapshotError::Exists(name),
            ChangeError::TooManySnapshots { limit } => SnapshotError::TooMany {
                what: "snapshots",
                limit,
            },
            ChangeError::TooManyJobs { limit } => SnapshotError::TooMany {
                what: "jobs that wait or run",
                limit,
            },
            other => SnapshotError::Deploy(other.into()),
        }
    }

    /// A stored snapshot that can't be read is a fault of the disk.
    fn damaged(what: &'static str) -> SnapshotError {
        StorageError::Damaged { what }.into()
    }
}

/// How a function is saved.
#[derive(Default)]
pub(crate) struct SaveOptions {
    /// What its secrets are sealed by; without it, their names alone are saved.
    pub(crate) secrets_key: Option<SecretsKey>,
    /// The name of the token that saves it.
    pub(crate) created_by: Option<String>,
}

/// A snapshot that was saved or uploaded.
pub(crate) struct Saved {
    pub(crate) snapshot: Snapshot,
    /// How many bytes the tenant stores more.
    pub(crate) new_bytes: u64,
    /// How long the tenant's work on the device was held back.
    pub(crate) paused: Duration,
}

/// A function that was restored.
pub(crate) struct Restored {
    pub(crate) function: Function,
    /// Named buffers that are on the device again, with their bytes.
    pub(crate) buffers: BTreeMap<String, u64>,
    /// The names of secrets that the function had, and has not.
    pub(crate) missing_secrets: Vec<String>,
    /// Jobs that wait again.
    pub(crate) jobs: u32,
}

//! Why a change of what a tenant has stored was not made.

use super::StorageError;

/// Why a change was not made.
#[derive(Debug)]
pub(crate) enum ChangeError {
    /// The tenant has no such function.
    NoFunction,
    /// The function has no such version.
    NoVersion(u32),
    /// The tenant has as many functions as it may.
    TooMany {
        /// How many it may have.
        limit: u32,
    },
    /// The tenant has as many snapshots as it may.
    TooManySnapshots {
        /// How many it may have.
        limit: u32,
    },
    /// The tenant has as many jobs as it may.
    TooManyJobs {
        /// How many it may have.
        limit: u32,
    },
    /// The tenant has a function of this name.
    Exists(String),
    /// The versions of the tenant's functions have as many assets as they may.
    TooManyAssets {
        /// How many they may have.
        limit: u32,
    },
    /// The tenant has stored as much as it may.
    TooMuch {
        /// How much it may store, in bytes.
        limit: u64,
    },
    /// The storage failed.
    Storage(StorageError),
}

impl<E: Into<StorageError>> From<E> for ChangeError {
    fn from(error: E) -> ChangeError {
        ChangeError::Storage(error.into())
    }
}

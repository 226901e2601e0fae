//! Why a node can't keep or find something.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a node can't keep or find something on its disk.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The folder can't be made or used.
    #[error("can't use the data directory {}", path.display())]
    Directory {
        /// The folder, or what is in it.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: io::Error,
    },
    /// Another node has it open.
    #[error(
        "another node uses the data directory {}: stop it, or give this one a directory of its own",
        path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The database was written by a newer version of this program.
    #[error(
        "{} was written by a newer version of tensor-wasm (schema {found}, this version knows \
         {known}): start that version; nothing was changed",
        path.display()
    )]
    NewerVersion {
        /// The database's file.
        path: PathBuf,
        /// The version of its schema.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The database can't be opened, or is damaged.
    #[error("can't open the database {}: restore it from a backup; nothing was changed", path.display())]
    Open {
        /// The database's file.
        path: PathBuf,
        /// Why not.
        #[source]
        cause: sqlx::Error,
    },
    /// There is something where a node keeps its components or mounts, and no database that says whose
    /// it is.
    #[error(
        "the data directory {} has no database node.db, but {} is not empty: if it is a copy of a \
         node's that is not whole, restore node.db, and node.db-wal where there is one, from the backup; \
         if it is no node's, name an empty directory",
        path.display(),
        folder.display()
    )]
    NoDatabase {
        /// The data directory.
        path: PathBuf,
        /// What is in it.
        folder: PathBuf,
    },
    /// There are components, and a database that never had any tables.
    #[error(
        "the database {} is empty, and there are components: restore it, and {}-wal where there is \
         one, from the backup",
        path.display(),
        path.display()
    )]
    EmptyDatabase {
        /// The database's file.
        path: PathBuf,
    },
    /// There are secrets, and no key that opens them.
    #[error(
        "the key {} is missing, by which the secrets in the database are sealed: restore it from the \
         backup, or name it by --secrets-key",
        path.display()
    )]
    NoKey {
        /// The file that the key should be in.
        path: PathBuf,
    },
    /// Another program has the database locked.
    #[error(
        "the database {} is locked by another program, such as one that copies or repairs it: wait \
         for that to end, or end it; nothing was changed",
        path.display()
    )]
    Locked {
        /// The database's file.
        path: PathBuf,
    },
    /// There is no room on the disk.
    #[error("the disk of the data directory is full")]
    Full,
    /// The database failed.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// The store of components failed.
    #[error("the store of components failed")]
    Components(#[source] object_store::Error),
    /// An asset is not what it was when it was stored.
    #[error("the asset {path} is {problem} in {}: restore the file, or upload the asset again", file.display())]
    DamagedAsset {
        /// The path that the function knows it by.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
        /// The file that holds it.
        file: PathBuf,
    },
    /// The file holds no key.
    #[error(
        "{} is no key for secrets: it has to have exactly 32 bytes, as `head --bytes 32 \
         /dev/urandom` writes them",
        path.display()
    )]
    InvalidKey {
        /// The file.
        path: PathBuf,
    },
    /// A secret was sealed by another key, or changed since.
    #[error(
        "the secret {name} can't be opened by the key in {}: start the node with the key that \
         sealed it, or set the secret again",
        path.display()
    )]
    SealedByAnotherKey {
        /// The name of the secret.
        name: String,
        /// The file of the key.
        path: PathBuf,
    },
    /// The system has no random numbers.
    #[error("the system has no random numbers")]
    NoRandomNumbers(#[source] getrandom::Error),
    /// A change was interrupted, and may have been made.
    #[error("a change was interrupted: the log says why")]
    Interrupted,
    /// What the database holds can't be what this program wrote.
    #[error("the database holds {what} that this program did not write")]
    Damaged {
        /// Which value.
        what: &'static str,
    },
}

/// SQLite's primary result code for a disk that is full (`SQLITE_FULL`).
const SQLITE_FULL: &str = "13";
/// The extended code where a write fails, as with `ENOSPC` on some file systems
/// (`SQLITE_IOERR_WRITE`).
const SQLITE_IOERR_WRITE: &str = "778";

/// SQLite's primary result code for a database that another connection has locked (`SQLITE_BUSY`).
const SQLITE_BUSY: i64 = 5;

impl StorageError {
    /// Why a database can't be opened.
    pub(super) fn opening(path: &Path, cause: sqlx::Error) -> StorageError {
        let path = path.to_owned();
        let code = cause.as_database_error().and_then(|error| error.code());
        let code = code.and_then(|code| code.parse::<i64>().ok());
        // Extended codes have the primary one in their lowest byte.
        match code.map(|code| code & 0xff) {
            Some(SQLITE_BUSY) => StorageError::Locked { path },
            _ => StorageError::Open { path, cause },
        }
    }
}

impl From<sqlx::Error> for StorageError {
    fn from(error: sqlx::Error) -> StorageError {
        let code = error.as_database_error().and_then(|error| error.code());
        match code.as_deref() {
            Some(SQLITE_FULL | SQLITE_IOERR_WRITE) => StorageError::Full,
            _ => StorageError::Database(error),
        }
    }
}

impl From<object_store::Error> for StorageError {
    fn from(error: object_store::Error) -> StorageError {
        match is_disk_full(&error) {
            true => StorageError::Full,
            false => StorageError::Components(error),
        }
    }
}

/// Whether the system says so in the chain of causes. `EFBIG` is as good as `ENOSPC`: the
/// process may make no larger file.
fn is_disk_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if let Some(
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge,
        ) = kind
        {
            return true;
        }
        cause = error.source();
    }
    false
}

//! The folder of a node, which one node at a time may use.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::StorageError;

/// The folder of a node, locked against other nodes until it is dropped.
pub(crate) struct DataDir {
    path: PathBuf,
    /// The lock is the open file's: it ends with the process, however that ends.
    _lock: File,
}

impl DataDir {
    /// Makes the folder where it is missing, readable by its owner alone, and locks it.
    pub(crate) fn open(path: &Path) -> Result<DataDir, StorageError> {
        let error = |cause| StorageError::Directory {
            path: path.to_owned(),
            cause,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(error)?;
        let path = path.canonicalize().map_err(error)?;
        // The folder itself, where it is new: the power may fail once what is in it was acknowledged.
        synchronise_entry(&path).map_err(error)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(error)?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(StorageError::InUse { path }),
            Err(cause) => return Err(error(cause.into())),
        }
        let directory = DataDir { path, _lock: lock };
        directory.check_is_ours()?;
        // What a node that ended without a word has left mounted.
        match fs::remove_dir_all(directory.mounts()) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                return Err(StorageError::Directory {
                    path: directory.mounts(),
                    cause,
                });
            }
            _ => {}
        }
        for folder in [
            directory.components(),
            directory.cache(),
            directory.mounts(),
        ] {
            directory.make(&folder)?;
        }
        Ok(directory)
    }

    /// Checks that it is a node's directory, or has nothing that one would remove: without a database all
    /// components count as left over, and so does what is mounted.
    fn check_is_ours(&self) -> Result<(), StorageError> {
        let database = fs::metadata(self.database());
        if database.is_ok_and(|database| database.len() > 0) {
            return Ok(());
        }
        let components = self.components();
        let begun = [super::components::COMPLETE, super::components::UPLOADS];
        let begun = begun.map(|folder| components.join(folder));
        for folder in [&begun[0], &begun[1], &components, &self.mounts()] {
            for entry in entries(folder)? {
                if !begun.contains(&entry) {
                    return Err(StorageError::NoDatabase {
                        path: self.path.clone(),
                        folder: folder.clone(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether there are components.
    pub(crate) fn has_components(&self) -> Result<bool, StorageError> {
        let folder = self.components().join(super::components::COMPLETE);
        Ok(!entries(&folder)?.is_empty())
    }

    fn make(&self, folder: &Path) -> Result<(), StorageError> {
        match fs::create_dir(folder) {
            Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => {
                Err(StorageError::Directory {
                    path: folder.to_owned(),
                    cause,
                })
            }
            _ => synchronise_entry(folder).map_err(|cause| StorageError::Directory {
                path: folder.to_owned(),
                cause,
            }),
        }
    }

    /// The file of the database.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("node.db")
    }

    /// The key that secrets are sealed by.
    pub(crate) fn secrets_key(&self) -> PathBuf {
        self.path.join("secrets.key")
    }

    /// The folder of the components.
    pub(crate) fn components(&self) -> PathBuf {
        self.path.join("components")
    }

    /// The folder of the trees of assets that are mounted for functions.
    pub(crate) fn mounts(&self) -> PathBuf {
        self.path.join("mounts")
    }

    /// The folder for what can be made again.
    pub(crate) fn cache(&self) -> PathBuf {
        self.path.join("cache")
    }
}

/// What is in a folder; nothing where there is none.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, StorageError> {
    let read = || -> io::Result<Vec<PathBuf>> {
        fs::read_dir(folder)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    };
    match read() {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|cause| StorageError::Directory {
            path: folder.to_owned(),
            cause,
        }),
    }
}

/// Has the name of a folder on the disk, which is an entry of the one above it. One that this process may not
/// read, such as a home directory of others, was there before; and not every file system can write a folder to
/// the disk.
fn synchronise_entry(folder: &Path) -> io::Result<()> {
    let Some(above) = folder.parent() else {
        return Ok(());
    };
    let synchronised = File::open(above).and_then(|above| above.sync_all());
    match synchronised {
        Err(cause) if CAN_NOT_SYNCHRONISE.contains(&cause.kind()) => Ok(()),
        synchronised => synchronised,
    }
}

/// Errors of who may not, or can not, synchronise a folder.
const CAN_NOT_SYNCHRONISE: [io::ErrorKind; 4] = [
    io::ErrorKind::PermissionDenied,
    io::ErrorKind::InvalidInput,
    io::ErrorKind::Unsupported,
    io::ErrorKind::ReadOnlyFilesystem,
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn one_node_at_a_time_uses_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/node");
        let first = DataDir::open(&path).unwrap();
        let Err(StorageError::InUse { path: named }) = DataDir::open(&path) else {
            panic!("the folder is locked");
        };
        assert_eq!(named, path.canonicalize().unwrap());
        drop(first);
        DataDir::open(&path).unwrap();
    }

    #[test]
    fn a_path_that_is_no_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "text").unwrap();
        let error = DataDir::open(&path).err().unwrap().to_string();
        assert!(error.contains(path.to_str().unwrap()), "{error}");
    }
}

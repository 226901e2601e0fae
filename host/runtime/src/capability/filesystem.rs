//! The capability of files: `wasi:filesystem`. An instance finds the directories that the
//! embedder named, preopened with everything in them. [`super::wasi`] links it.

use super::interface::{Interface, WASI_02, WASI_03};
use super::shape::CapabilityModule;
use crate::error::Error;
use crate::grant::LoadDecision;
use std::any::Any;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// The directories of one application.
pub(crate) struct Filesystem {
    directories: Vec<Directory>,
}

impl Filesystem {
    /// Grants these directories.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] where one can't be opened: the operator learns of it at the
    /// start, and not a client with the first request.
    pub(crate) fn open(directories: Vec<Directory>) -> Result<Filesystem, Error> {
        let mut wasi = WasiCtxBuilder::new();
        for directory in &directories {
            preopen(&mut wasi, directory).map_err(|cause| Error::Directory {
                path: directory.host.display().to_string(),
                cause,
            })?;
        }
        Ok(Filesystem { directories })
    }
}

impl CapabilityModule for Filesystem {
    const INTERFACES: &'static [Interface] = &[
        Interface::new("wasi:filesystem", &["types", "preopens"], WASI_02),
        Interface::new("wasi:filesystem", &["types", "preopens"], WASI_03),
    ];

    type InstanceState = ();

    fn load_decision(&self) -> LoadDecision {
        LoadDecision::granted_if(!self.directories.is_empty())
    }

    fn instantiate(&self, wasi: &mut WasiCtxBuilder) -> wasmtime::Result<()> {
        for directory in &self.directories {
            preopen(wasi, directory)?;
        }
        Ok(())
    }
}

fn preopen(wasi: &mut WasiCtxBuilder, directory: &Directory) -> wasmtime::Result<()> {
    let permissions = match directory.is_read_only {
        true => FsPerms::ReadOnly,
        false => FsPerms::ReadWrite,
    };
    wasi.preopened_dir(&directory.host, &directory.guest, permissions)?;
    Ok(())
}

/// A directory of the host under a name of the guest.
#[derive(Clone, Debug)]
pub struct Directory {
    /// Where it is on the host.
    pub host: PathBuf,
    /// The guest's name for it.
    pub guest: String,
    /// Whether the guest can change nothing in it.
    pub is_read_only: bool,
    /// What is dropped when no instance has the directory any more, such as what removes it.
    pub guard: Option<DirectoryGuard>,
}

/// What lives for as long as a directory is used.
#[derive(Clone)]
pub struct DirectoryGuard(Arc<dyn Any + Send + Sync>);

impl DirectoryGuard {
    /// Keeps this.
    pub fn new(kept: impl Any + Send + Sync) -> DirectoryGuard {
        DirectoryGuard(Arc::new(kept))
    }
}

impl fmt::Debug for DirectoryGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uses = Arc::strong_count(&self.0);
        f.debug_struct("DirectoryGuard")
            .field("uses", &uses)
            .finish()
    }
}

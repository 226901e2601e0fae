//! The capability of files: `wasi:filesystem`. An instance finds the directories that the
//! operator named, preopened with everything in them. [`super::wasi`] links it.

use super::interface::{Interface, WASI_02, WASI_03};
use super::shape::CapabilityModule;
use crate::error::Error;
use crate::grant::LoadDecision;
use std::path::PathBuf;
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
    wasi.preopened_dir(&directory.host, &directory.guest, FsPerms::ReadWrite)?;
    Ok(())
}

/// A directory of the host under a name of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it is on the host.
    pub host: PathBuf,
    /// The guest's name for it.
    pub guest: String,
}

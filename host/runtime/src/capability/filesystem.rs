//! The capability of files: `wasi:filesystem`. An instance finds the directories that the
//! embedder named, preopened with everything in them. [`super::wasi`] links it.

use super::interface::{Interface, WASI_02, WASI_03};
use super::shape::CapabilityModule;
use crate::error::Error;
use crate::grant::LoadDecision;
use rustix::process::{Resource, getrlimit};
use std::any::Any;
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

/// The least that an instance with directories can hold, in resources.
const LEAST_RESOURCES: usize = 256;

/// The part of the process's file descriptors that files of guests may take.
const DESCRIPTORS: u64 = 2;

/// The directories of one application.
pub(crate) struct Filesystem {
    directories: Vec<Directory>,
    /// What an instance can hold, where there are directories. A file that it has open is a file
    /// descriptor of the process, which its clients need too.
    most_resources: Option<usize>,
}

impl Filesystem {
    /// Grants these directories to the instances of an application, of which, with those of all others,
    /// there can be so many.
    ///
    /// # Errors
    ///
    /// [`Error::Directory`] where one can't be opened: the operator learns of it at the
    /// start, and not a client with the first request.
    pub(crate) fn open(
        directories: Vec<Directory>,
        instances: NonZeroU32,
    ) -> Result<Filesystem, Error> {
        let mut wasi = WasiCtxBuilder::new();
        for directory in &directories {
            preopen(&mut wasi, directory).map_err(|cause| Error::Directory {
                path: directory.host.display().to_string(),
                cause,
            })?;
        }
        let descriptors = getrlimit(Resource::Nofile).current;
        let most = descriptors.map(|descriptors| resources_of_each(descriptors, instances));
        Ok(Filesystem {
            most_resources: most.filter(|_| !directories.is_empty()),
            directories,
        })
    }

    /// How many resources an instance can hold; `None` where no more than usual are at stake.
    pub(crate) fn most_resources(&self) -> Option<usize> {
        self.most_resources
    }
}

/// How many resources each instance can hold, so that all of them together leave the process enough
/// file descriptors, as long as that is enough for what instances do.
fn resources_of_each(descriptors: u64, instances: NonZeroU32) -> usize {
    let each = descriptors / DESCRIPTORS / u64::from(instances.get());
    usize::try_from(each)
        .unwrap_or(usize::MAX)
        .max(LEAST_RESOURCES)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn files_of_all_instances_leave_half_of_the_descriptors_where_there_are_enough() {
        let instances = NonZeroU32::new(328).unwrap();
        let each = resources_of_each(1 << 20, instances);
        assert!(each as u64 * 328 <= 1 << 19 && each > 1000, "{each}");
        assert_eq!(resources_of_each(1024, instances), LEAST_RESOURCES);
    }

    #[test]
    fn an_application_without_directories_holds_what_others_do() {
        let filesystem = Filesystem::open(Vec::new(), NonZeroU32::MIN).unwrap();
        assert_eq!(filesystem.most_resources(), None);
    }
}

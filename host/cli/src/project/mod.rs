//! A project of an author: the folder with the table `[build]` in its `tensor-wasm.toml`, which
//! says how a component is built from it. What `tensor-wasm build`, `test` and `dev` work on.

mod build;
mod manifest;
mod snapshot;
mod test;

use std::path::{Path, PathBuf};

pub use build::{BuildFailure, Built, Output};
pub use snapshot::Snapshot;

/// The file that makes a folder a project.
pub const MANIFEST: &str = "tensor-wasm.toml";

/// A folder, and how a component is built from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// In which the command is run.
    folder: PathBuf,
    /// The program and its arguments; never empty.
    command: Vec<String>,
    /// The program that runs the tests, and its arguments, where there is one.
    test: Option<Vec<String>>,
    /// What the command makes.
    component: PathBuf,
    /// The files and folders that it is made from.
    watch: Vec<PathBuf>,
}

impl Project {
    /// Reads the manifest of a folder.
    ///
    /// # Errors
    ///
    /// [`manifest::ManifestError`]
    pub fn open(folder: &Path) -> Result<Project, manifest::ManifestError> {
        manifest::read(folder)
    }

    /// The file of the component.
    pub fn component(&self) -> &Path {
        &self.component
    }

    /// The files and folders whose changes are worth a new build, the manifest among them.
    pub fn watched(&self) -> impl Iterator<Item = PathBuf> {
        let manifest = self.folder.join(MANIFEST);
        self.watch.iter().cloned().chain([manifest])
    }
}

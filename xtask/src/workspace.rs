//! Where things are: the checkout, its build folder, and which packages are
//! components. Everything comes from `cargo metadata`, so that a new component
//! is found by being there.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use cargo_metadata::{CrateType, Metadata, MetadataCommand, Package};

use crate::steps::Step;

/// The package whose examples are the components of the end-to-end tests.
const TEST_GUESTS: &str = "tensor-wasm-test-guests";

/// The package of the binary.
const BINARY: &str = "tensor-wasm";

/// The workspace this program was built from.
pub struct Workspace {
    metadata: Metadata,
}

/// The driver without a device, as its package's library is called, and a program of its package.
const DRIVER: &str = "libtensor_wasm_test_driver.so";
const PLAIN: &str = "plain";

/// How the binary is built.
#[derive(Clone, Copy, PartialEq)]
pub enum Profile {
    /// For the demo and the tests, which share one build.
    Dev,
    /// For measurements.
    Release,
}

impl Workspace {
    /// Asks cargo for the workspace around this program's own manifest.
    ///
    /// # Errors
    /// Where cargo cannot read the workspace.
    pub fn find() -> Result<Self> {
        let metadata = MetadataCommand::new()
            .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .no_deps()
            .exec()
            .context("cannot read the workspace")?;
        Ok(Self { metadata })
    }

    /// The root of the checkout.
    pub fn root(&self) -> &Path {
        self.metadata.workspace_root.as_std_path()
    }

    /// The build folder: `target`, unless cargo is told otherwise.
    pub fn target(&self) -> &Path {
        self.metadata.target_directory.as_std_path()
    }

    /// Where built components are put.
    pub fn components_folder(&self) -> PathBuf {
        self.target().join("components")
    }

    /// A path as a reader at the root would type it.
    pub fn relative<'a>(&self, path: &'a Path) -> std::path::Display<'a> {
        path.strip_prefix(self.root()).unwrap_or(path).display()
    }

    /// A cargo command at the root.
    pub fn cargo<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut command = Command::new(program);
        command.current_dir(self.root()).args(arguments);
        command
    }

    /// The packages under `components/` that build a component.
    pub fn components(&self) -> impl Iterator<Item = &Package> {
        let folder = self.metadata.workspace_root.join("components");
        self.metadata
            .workspace_packages()
            .into_iter()
            .filter(move |package| {
                package.manifest_path.starts_with(&folder)
                    && package
                        .targets
                        .iter()
                        .any(|target| target.crate_types.contains(&CrateType::CDyLib))
            })
    }

    /// The package of the end-to-end tests' components, where it has any.
    pub fn test_guests(&self) -> Option<&Package> {
        self.metadata
            .workspace_packages()
            .into_iter()
            .find(|package| package.name == TEST_GUESTS)
            .filter(|package| package.targets.iter().any(|target| target.is_example()))
    }

    /// Whether a package of this name has a library, and so examples in its
    /// documentation that can be run.
    pub fn has_library(&self, name: &str) -> bool {
        self.metadata
            .workspace_packages()
            .into_iter()
            .filter(|package| package.name == name)
            .flat_map(|package| &package.targets)
            .any(|target| target.is_lib())
    }

    /// Selects all that is built and tested on the host: everything but the
    /// components of the end-to-end tests, which are nothing but components.
    pub const HOST_MEMBERS: [&str; 5] = [
        "--workspace",
        "--exclude",
        TEST_GUESTS,
        // Its documentation holds a whole service, which needs the one, and a test, which needs
        // the other.
        "--features",
        "tensor-wasm-guest/http,tensor-wasm-guest/testing",
    ];

    /// Builds `tensor-wasm` and says where it is.
    ///
    /// # Errors
    /// Where it does not build.
    pub fn build_binary(
        &self,
        step: &Step,
        profile: Profile,
        commit: Option<&str>,
    ) -> Result<PathBuf> {
        let mut command = self.cargo(["build", "--bin", BINARY]);
        match profile {
            // Cargo unites the features of what one command builds, development
            // dependencies included where it builds a test or an example. Naming a
            // small example gives the binary the same features as all tests together:
            // otherwise the demo and the tests would each compile the engine, for minutes.
            Profile::Dev => command.args(Self::HOST_MEMBERS).args(["--example", PLAIN]),
            Profile::Release => command.args(["--package", BINARY, "--release"]),
        };
        if let Some(commit) = commit {
            command.env("TENSOR_WASM_COMMIT", commit);
        }
        step.run(&mut command)?;
        Ok(self.binary(profile))
    }

    /// Where `tensor-wasm` is once it is built.
    pub fn binary(&self, profile: Profile) -> PathBuf {
        let name = format!("{BINARY}{}", std::env::consts::EXE_SUFFIX);
        self.profile_folder(profile).join(name)
    }

    /// Builds the driver without a device and says where it is: what loads as `libcuda.so.1`.
    ///
    /// # Errors
    /// Where it does not build.
    pub fn build_driver(&self, step: &Step, profile: Profile) -> Result<PathBuf> {
        let mut command = self.cargo(["build", "--example", PLAIN]);
        // The same features as in all else that is built, so that nothing is built twice. The
        // library comes with the program, and cargo leaves it among what programs are made of.
        command.args(Self::HOST_MEMBERS);
        if profile == Profile::Release {
            command.arg("--release");
        }
        step.run(&mut command)?;
        Ok(self.profile_folder(profile).join("deps").join(DRIVER))
    }

    /// Where programs of a profile are put.
    pub fn profile_folder(&self, profile: Profile) -> PathBuf {
        self.target().join(match profile {
            Profile::Dev => "debug",
            Profile::Release => "release",
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::fs;

    /// A crate's integration tests are one program, and a file that it does not name is no part
    /// of it; neither cargo nor the compiler would say so.
    #[test]
    fn no_file_of_integration_tests_is_left_out() {
        let mut programs = 0;
        for package in Workspace::find().unwrap().metadata.workspace_packages() {
            let folder = package.manifest_path.with_file_name("tests");
            let Ok(program) = fs::read_to_string(folder.join("main.rs")) else {
                continue;
            };
            programs += 1;
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let is_module = match path.is_dir() {
                    true => path.join("mod.rs").is_file(),
                    false => path.extension().is_some_and(|end| end == "rs"),
                };
                let name = path.file_stem().unwrap().to_string_lossy();
                assert!(
                    !is_module || name == "main" || program.contains(&format!("mod {name};\n")),
                    "{} is not named in {folder}/main.rs",
                    path.display()
                );
            }
        }
        assert!(programs >= 6, "{programs}");
    }
}

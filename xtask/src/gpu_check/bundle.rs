//! All that the script needs, in one folder: programs, components, kernels, and the driver without a device.
//! It is made in a checkout, and runs where there is neither cargo nor a network.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;
use serde_json::{Value, json};

use crate::{
    components::{self, Which},
    steps::Step,
    workspace::{Profile, Workspace},
};

/// The program itself, as it is called in a bundle.
pub const PROGRAM: &str = "gpu-check";

/// The packages of the server, of the device, and of the driver without a device.
const PACKAGES: [&str; 3] = [
    "tensor-wasm",
    "tensor-wasm-device",
    "tensor-wasm-test-driver",
];

/// The server, and the device's integration tests.
const SERVER: &str = "tensor-wasm";
const TESTS: &str = "device";

/// The driver, as its package's library is called.
const DRIVER: &str = "libtensor_wasm_test_driver.so";

/// The programs of examples: of the device's package, and of the driver's.
const EXAMPLES: [&str; 3] = ["measure", "device_worker", "plain"];

/// Components, from the folder of built ones.
const COMPONENTS: [&str; 3] = [
    "saxpy.wasm",
    "tests/gpu_scenarios.wasm",
    "tests/policy_admits_as.wasm",
];

/// What the bundle was made of.
const ABOUT: &str = "about.json";

/// A folder with everything.
pub struct Bundle {
    root: PathBuf,
}

impl Bundle {
    /// The bundle in this folder.
    ///
    /// # Errors
    /// Where something of it is missing.
    pub fn open(root: &Path) -> Result<Self> {
        let root =
            fs::canonicalize(root).with_context(|| format!("there is no {}", root.display()))?;
        let bundle = Self { root };
        let examples = EXAMPLES.map(|name| bundle.example(name));
        let components = COMPONENTS.map(|name| bundle.component(name));
        let others = [
            bundle.server(),
            bundle.tests(),
            bundle.driver(),
            bundle.corpus(),
        ];
        for path in others.into_iter().chain(examples).chain(components) {
            if !path.exists() {
                bail!(
                    "{} is missing: this is no folder of `cargo xtask gpu-check --pack`",
                    path.display()
                );
            }
        }
        Ok(bundle)
    }

    /// One of which nothing is there.
    #[cfg(test)]
    pub fn empty(root: &Path) -> Self {
        let root = root.to_owned();
        Self { root }
    }

    /// `tensor-wasm`.
    pub fn server(&self) -> PathBuf {
        self.root.join(SERVER)
    }

    /// The device's tests. They look for the program of a worker among the examples beside them.
    pub fn tests(&self) -> PathBuf {
        self.root.join("deps").join(TESTS)
    }

    pub fn example(&self, name: &str) -> PathBuf {
        self.root.join("examples").join(name)
    }

    /// A component by its file.
    pub fn component(&self, name: &str) -> PathBuf {
        let name = name.rsplit('/').next().unwrap_or(name);
        self.root.join("components").join(name)
    }

    /// The kernels of the corpus.
    pub fn corpus(&self) -> PathBuf {
        self.root.join("corpus")
    }

    /// The driver without a device.
    pub fn driver(&self) -> PathBuf {
        self.root.join("libcuda-without-a-device.so.1")
    }

    /// What it was made of: commit, profile, and the day.
    pub fn about(&self) -> Value {
        let text = fs::read_to_string(self.root.join(ABOUT)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Builds everything, and puts it into a folder.
    ///
    /// # Errors
    /// Where something does not build, or cannot be put there.
    pub fn assemble(
        workspace: &Workspace,
        step: &Step,
        profile: Profile,
        root: &Path,
    ) -> Result<Self> {
        step.at("components");
        components::add_target(workspace, step)?;
        components::build(workspace, step, Which::All)?;
        step.at("programs");
        let tests = programs(workspace, step, profile)?;
        let built = workspace.profile_folder(profile);

        let bundle = Self {
            root: root.to_owned(),
        };
        let _ = fs::remove_dir_all(root);
        for folder in ["deps", "examples", "components", "corpus"] {
            fs::create_dir_all(root.join(folder))
                .with_context(|| format!("cannot create {}", root.display()))?;
        }
        put(&built.join(SERVER), &bundle.server())?;
        put(&tests, &bundle.tests())?;
        put(&built.join("deps").join(DRIVER), &bundle.driver())?;
        put(&std::env::current_exe()?, &root.join(PROGRAM))?;
        for name in EXAMPLES {
            put(&built.join("examples").join(name), &bundle.example(name))?;
        }
        for name in COMPONENTS {
            put(
                &workspace.components_folder().join(name),
                &bundle.component(name),
            )?;
        }
        let corpus = workspace.root().join("host/ptx/corpus");
        for (kernel, compiler) in kernels(&corpus)? {
            let file = Path::new(&kernel).join(format!("{compiler}.ptx"));
            fs::create_dir_all(bundle.corpus().join(&kernel))?;
            put(&corpus.join(&file), &bundle.corpus().join(&file))?;
        }
        let about = json!({
            "commit": commit(workspace),
            "profile": match profile { Profile::Dev => "dev", Profile::Release => "release" },
            "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        });
        fs::write(root.join(ABOUT), format!("{about:#}\n"))?;
        Self::open(root)
    }

    /// Takes the symbols out of its programs, and makes an archive of it.
    ///
    /// # Errors
    /// Where `strip` or `tar` are missing or fail.
    pub fn pack(&self, step: &Step, archive: &Path) -> Result<u64> {
        let mut programs = vec![
            self.server(),
            self.tests(),
            self.driver(),
            self.root.join(PROGRAM),
        ];
        programs.extend(EXAMPLES.map(|name| self.example(name)));
        for program in programs {
            // Into a file of its own: what lies there may be the build's.
            let stripped = program.with_extension("stripped");
            step.run(Command::new("strip").arg("-o").arg(&stripped).arg(&program))?;
            fs::rename(&stripped, &program)?;
        }
        let name = self
            .root
            .file_name()
            .context("the bundle's folder has no name")?;
        let parent = self
            .root
            .parent()
            .context("the bundle's folder is the root")?;
        let mut tar = Command::new("tar");
        tar.arg("--create").arg("--gzip").arg("--file").arg(archive);
        step.run(tar.arg("--directory").arg(parent).arg(name))?;
        Ok(fs::metadata(archive)?.len())
    }
}

/// The kernels of a corpus, each with the compiler that it comes from.
///
/// # Errors
/// Where there is no such folder.
pub fn kernels(folder: &Path) -> Result<Vec<(String, String)>> {
    let mut names = Vec::new();
    for kernel in fs::read_dir(folder).with_context(|| format!("no {}", folder.display()))? {
        let kernel = kernel?;
        // The folder has a page, too.
        let Ok(files) = fs::read_dir(kernel.path()) else {
            continue;
        };
        for file in files {
            let path = file?.path();
            if let (Some("ptx"), Some(compiler)) = (
                path.extension().and_then(|end| end.to_str()),
                path.file_stem().and_then(|stem| stem.to_str()),
            ) {
                let name = kernel.file_name().to_string_lossy().into_owned();
                names.push((name, compiler.to_owned()));
            }
        }
    }
    names.sort();
    Ok(names)
}

/// Builds all programs, and says where the tests are.
fn programs(workspace: &Workspace, step: &Step, profile: Profile) -> Result<PathBuf> {
    // What one command builds has the features that all of it needs. So that nothing is built twice,
    // these are always the same packages: for tests all, as with everything that is built for tests.
    let selected = |command: &mut Command| {
        match profile {
            Profile::Dev => command.args(Workspace::HOST_MEMBERS),
            Profile::Release => command.arg("--release").args(
                PACKAGES
                    .map(|package| ["--package", package])
                    .as_flattened(),
            ),
        };
    };
    let mut build = workspace.cargo(["build", "--bin", SERVER]);
    build.args(
        EXAMPLES
            .map(|example| ["--example", example])
            .as_flattened(),
    );
    selected(&mut build);
    step.run(&mut build)?;
    let mut tests = workspace.cargo(["test", "--no-run", "--test", TESTS]);
    selected(tests.arg("--message-format=json-render-diagnostics"));
    let built = step.run(&mut tests)?;
    let lines = built.stdout.join("\n");
    for message in Message::parse_stream(lines.as_bytes()) {
        if let Message::CompilerArtifact(artifact) = message?
            && artifact.target.name == TESTS
            && artifact.target.is_test()
            && let Some(program) = artifact.executable
        {
            return Ok(program.into_std_path_buf());
        }
    }
    bail!("cargo does not say where the device's tests are")
}

/// Puts a file there: without a copy where both are on one file system.
fn put(from: &Path, to: &Path) -> Result<()> {
    let linked = fs::hard_link(from, to).or_else(|_| fs::copy(from, to).map(drop));
    linked.with_context(|| format!("cannot put {} to {}", from.display(), to.display()))
}

/// What is in it.
fn commit(workspace: &Workspace) -> Value {
    let mut git = Command::new("git");
    git.current_dir(workspace.root());
    let output = git.args(["describe", "--always", "--dirty"]).output();
    match output {
        Ok(output) if output.status.success() => {
            Value::String(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_that_lacks_something_is_no_bundle_and_the_error_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = Bundle::open(folder.path()).err().unwrap().to_string();
        assert!(error.contains("tensor-wasm is missing"), "{error}");
        assert!(error.contains("gpu-check --pack"), "{error}");
    }

    #[test]
    fn every_kernel_of_the_corpus_comes_with_its_compiler() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/ptx/corpus");
        let kernels = kernels(&corpus).unwrap();
        assert!(kernels.len() > 80, "{}", kernels.len());
        let has = |compiler: &str| kernels.contains(&("saxpy".to_owned(), compiler.to_owned()));
        assert!(has("nvrtc") && has("clang"));
    }
}

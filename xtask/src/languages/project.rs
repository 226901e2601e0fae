//! A project that `tensor-wasm new` created, and the tools that build it.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::Language;
use crate::{kernels::python_with, steps::Step, workspace::Workspace};

/// As the template's `requirements.txt` has it.
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";

/// The manifest of a project in JavaScript, which says what npm installs.
const MANIFEST: &str = "package.json";

/// What builds the projects of a language.
pub struct Tools {
    /// The path of programs: our binary's folder and the language's tools first.
    pub path: OsString,
    pub binary: PathBuf,
    /// The packages of npm that projects in JavaScript have in common.
    pub packages: Option<PathBuf>,
    /// Whether `cargo component` is installed.
    pub cargo_component: bool,
    /// How long it took to get them.
    pub time: Duration,
}

impl Tools {
    /// Installs them, where they are not installed yet.
    ///
    /// # Errors
    /// Where there is no such language, or its registry does not answer.
    pub fn get(
        workspace: &Workspace,
        step: &Step,
        binary: &Path,
        language: Language,
    ) -> Result<Tools> {
        let began = Instant::now();
        let (mut programs, mut packages) = (None, None);
        match language {
            Language::Rust => drop(crate::components::add_target(workspace, step)?),
            Language::Python => {
                let python = python_with(workspace, step, "languages-venv", COMPONENTIZE_PY)?;
                programs = python.parent().map(Path::to_owned);
            }
            Language::Javascript => packages = Some(installed(workspace, step, binary)?),
        }
        let has = Command::new("cargo")
            .args(["component", "--version"])
            .output();
        Ok(Tools {
            path: path_with(binary, programs.as_deref())?,
            binary: binary.to_owned(),
            packages,
            cargo_component: has.is_ok_and(|output| output.status.success()),
            time: began.elapsed(),
        })
    }
}

/// The packages of a new project, in a folder that is kept: they are hundreds of megabytes.
fn installed(workspace: &Workspace, step: &Step, binary: &Path) -> Result<PathBuf> {
    let folder = workspace.target().join("languages-npm");
    let fresh = tempfile::tempdir()?;
    let mut new = Command::new(binary);
    new.args(["new", "packages", "--lang", "javascript"]);
    step.run(new.current_dir(fresh.path()))?;
    let wanted = fs::read(fresh.path().join("packages").join(MANIFEST))?;
    let modules = folder.join("node_modules");
    if fs::read(folder.join(MANIFEST)).is_ok_and(|there| there == wanted) && modules.exists() {
        return Ok(modules);
    }
    fs::create_dir_all(&folder)?;
    let _ = fs::remove_file(folder.join(MANIFEST));
    let manifest = folder.join("wanted").join(MANIFEST);
    fs::create_dir_all(folder.join("wanted"))?;
    fs::write(&manifest, &wanted)?;
    step.run(
        Command::new("npm")
            .args(["install", "--no-fund", "--no-audit"])
            .current_dir(folder.join("wanted")),
    )
    .context("jco is installed by Node.js's npm")?;
    if modules.exists() {
        fs::remove_dir_all(&modules)?;
    }
    fs::rename(folder.join("wanted/node_modules"), &modules)?;
    // Only now: what is there is whole.
    fs::rename(manifest, folder.join(MANIFEST))?;
    Ok(modules)
}

fn path_with(binary: &Path, tools: Option<&Path>) -> Result<OsString> {
    let own = binary.parent().context("the binary lies in no folder")?;
    let folders = [Some(own), tools].into_iter().flatten().map(Path::to_owned);
    let others = env::var_os("PATH").unwrap_or_default();
    let others: Vec<_> = env::split_paths(&others).collect();
    Ok(env::join_paths(folders.chain(others))?)
}

/// A project.
pub struct Project<'t> {
    pub tools: &'t Tools,
    pub language: Language,
    pub wasi: &'static str,
    pub folder: PathBuf,
}

impl<'t> Project<'t> {
    /// Creates it in a folder.
    ///
    /// # Errors
    /// Where the program does not, or the template wants another tool than this command installs.
    pub fn create(
        tools: &'t Tools,
        folder: &Path,
        language: Language,
        wasi: &'static str,
    ) -> Result<Project<'t>> {
        let name = format!(
            "a-{}-service-wasi{}",
            language.name(),
            wasi.replace('.', "")
        );
        let created = Command::new(&tools.binary)
            .args(["new", &name, "--lang", language.name(), "--wasi", wasi])
            .current_dir(folder)
            .output()?;
        let said = String::from_utf8_lossy(&created.stderr);
        ensure!(created.status.success(), "cannot create {name}: {said}");
        let project = Project {
            tools,
            language,
            wasi,
            folder: folder.join(name),
        };
        if language == Language::Python {
            let wanted = fs::read_to_string(project.folder.join("requirements.txt"))?;
            ensure!(
                wanted.trim() == COMPONENTIZE_PY,
                "the template wants {wanted}, and this command installs {COMPONENTIZE_PY}"
            );
        }
        if language == Language::Rust {
            // The second one finds compiled what both depend on.
            let builds = folder.join("projects");
            fs::create_dir_all(&builds)?;
            std::os::unix::fs::symlink(builds, project.folder.join("target"))?;
        }
        if let Some(packages) = &tools.packages {
            std::os::unix::fs::symlink(packages, project.folder.join("node_modules"))?;
        }
        Ok(project)
    }

    /// What it is called in the titles of steps.
    pub fn title(&self) -> String {
        format!("{}, WASI {}", self.language.name(), self.wasi)
    }

    /// A program, run in the project's folder.
    pub fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("PATH", &self.tools.path)
            .env_remove("CARGO_TARGET_DIR");
        command
    }

    /// The component that [`Project::build`] makes.
    pub fn component(&self) -> PathBuf {
        self.folder.join("component.wasm")
    }

    /// Builds the component, and says how long that took.
    ///
    /// # Errors
    /// Where it does not build.
    pub fn build(&self, step: &Step) -> Result<Duration> {
        let began = Instant::now();
        step.run(&mut self.command("tensor-wasm", &["build", ".", "--out", "component.wasm"]))?;
        Ok(began.elapsed())
    }

    /// Runs the project's tests.
    ///
    /// # Errors
    /// Where one fails.
    pub fn test(&self, step: &Step) -> Result<()> {
        step.run(&mut self.command("tensor-wasm", &["test"]))
            .map(drop)
    }
}

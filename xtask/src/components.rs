//! `cargo xtask components`: builds the components and the end-to-end tests'
//! guests for `wasm32-wasip2`, and puts them under `target/components`, each
//! under the name of its folder or example.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use cargo_metadata::Message;

use crate::{
    steps::{Step, Steps},
    workspace::Workspace,
};

/// The target of every component.
pub const TARGET: &str = "wasm32-wasip2";

/// Build the components, and those of the end-to-end tests.
///
/// Adds the Rust target wasm32-wasip2 where it is missing. Results lie in
/// `target/components` and `target/components/tests`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Leave out the components that only the tests use.
    #[arg(long)]
    no_tests: bool,
}

/// Which components to build.
#[derive(Clone, Copy, PartialEq)]
pub enum Which {
    /// Those under `components/`.
    Examples,
    /// Those, and the end-to-end tests' guests.
    All,
}

/// A built component.
pub struct Built {
    path: PathBuf,
    bytes: u64,
}

/// Runs the command.
///
/// # Errors
/// Where the target cannot be added or a component does not build.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let which = match arguments.no_tests {
        true => Which::Examples,
        false => Which::All,
    };
    let mut steps = Steps::new(2);
    let step = steps.begin("looking for the Rust target");
    let found = add_target(workspace, &step)?;
    step.done(found);
    let step = steps.begin("building components");
    let built = build(workspace, &step, which)?;
    step.done(format_args!("{} components", built.len()));
    let shown: Vec<_> = built
        .iter()
        .map(|built| (workspace.relative(&built.path).to_string(), built.bytes))
        .collect();
    let width = shown.iter().map(|(path, _)| path.len()).max().unwrap_or(0);
    for (path, bytes) in shown {
        println!("{path:width$}  {:8.1} KiB", bytes as f64 / 1024.0);
    }
    Ok(())
}

/// Makes sure that the toolchain can build components, and says how it is.
///
/// # Errors
/// Where the target is missing and cannot be added.
pub fn add_target(workspace: &Workspace, step: &Step) -> Result<String> {
    add(workspace, step, TARGET, "which components are built for")
}

/// Makes sure that the toolchain can build for a target, and says how it is.
///
/// # Errors
/// Where the target is missing and cannot be added: the message says what it is for.
pub fn add(workspace: &Workspace, step: &Step, target: &str, why: &str) -> Result<String> {
    if has(workspace, target) {
        return Ok(format!("{target} is there"));
    }
    step.at(format_args!("rustup target add {target}"));
    let added = step.run(
        Command::new("rustup")
            .args(["target", "add", target])
            .current_dir(workspace.root()),
    );
    if let Err(error) = added {
        bail!(
            "the Rust target {target}, {why}, is missing and could not be added ({error:#}). \
             Where rustup is installed, run `rustup target add {target}` with a network; without \
             rustup, install the standard library for {target} from where your Rust came from"
        );
    }
    Ok(format!("{target} was added"))
}

/// The target is there where its standard library is.
fn has(workspace: &Workspace, target: &str) -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Command::new(rustc)
        .args(["--print", "target-libdir", "--target", target])
        .current_dir(workspace.root())
        .output()
        .ok()
        .filter(|output| output.status.success())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .is_some_and(|folder| Path::new(folder.trim()).is_dir())
}

/// Builds components and puts them in their place. What lies there from before
/// and is not built any more is removed.
///
/// # Errors
/// Where a component does not build or cannot be copied.
pub fn build(workspace: &Workspace, step: &Step, which: Which) -> Result<Vec<Built>> {
    let folder = workspace.components_folder();
    let mut built = build_examples(workspace, step, &folder)?;
    if which == Which::All {
        built.extend(build_test_guests(workspace, step, &folder.join("tests"))?);
    }
    Ok(built)
}

fn build_examples(workspace: &Workspace, step: &Step, to: &Path) -> Result<Vec<Built>> {
    let mut command = component_build(workspace);
    for package in workspace.components() {
        command.args(["--package", &package.name]);
    }
    let wanted = workspace
        .components()
        .filter_map(|package| {
            Some((
                package.id.clone(),
                package.manifest_path.parent()?.file_name()?,
            ))
        })
        .map(|(id, name)| (id, name.to_owned()))
        .collect::<std::collections::BTreeMap<_, _>>();
    let artifacts = artifacts(step, &mut command)?;
    let named = artifacts
        .into_iter()
        .filter_map(|(id, _, path)| Some((wanted.get(&id)?.clone(), path)));
    put(to, named)
}

fn build_test_guests(workspace: &Workspace, step: &Step, to: &Path) -> Result<Vec<Built>> {
    let Some(package) = workspace.test_guests() else {
        return Ok(Vec::new());
    };
    let mut command = component_build(workspace);
    command.args(["--package", &package.name, "--examples"]);
    let artifacts = artifacts(step, &mut command)?;
    let named = artifacts
        .into_iter()
        .filter(|(id, _, _)| *id == package.id)
        .map(|(_, name, path)| (name, path));
    put(to, named)
}

fn component_build(workspace: &Workspace) -> Command {
    workspace.cargo([
        "build",
        "--profile",
        "component",
        "--target",
        TARGET,
        "--message-format",
        "json-render-diagnostics",
    ])
}

type Artifact = (cargo_metadata::PackageId, String, PathBuf);

/// Runs a build and lists the components it left, with package and target.
fn artifacts(step: &Step, command: &mut Command) -> Result<Vec<Artifact>> {
    let mut found = Vec::new();
    for line in step.run(command)?.stdout {
        let Ok(Message::CompilerArtifact(artifact)) = serde_json::from_str(&line) else {
            continue;
        };
        let component = artifact
            .filenames
            .iter()
            .find(|path| path.extension() == Some("wasm"));
        if let Some(path) = component {
            found.push((
                artifact.package_id,
                artifact.target.name,
                path.clone().into_std_path_buf(),
            ));
        }
    }
    Ok(found)
}

fn put(folder: &Path, named: impl Iterator<Item = (String, PathBuf)>) -> Result<Vec<Built>> {
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut built = Vec::new();
    for (name, from) in named {
        let to = folder.join(format!("{name}.wasm"));
        let bytes = fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?;
        // An unchanged file keeps its time, for those who look at times.
        if fs::read(&to).ok().as_ref() != Some(&bytes) {
            fs::write(&to, &bytes).with_context(|| format!("cannot write {}", to.display()))?;
        }
        built.push(Built {
            path: to,
            bytes: bytes.len() as u64,
        });
    }
    built.sort_by(|a, b| a.path.cmp(&b.path));
    remove_others(folder, &built)?;
    Ok(built)
}

fn remove_others(folder: &Path, built: &[Built]) -> Result<()> {
    let kept: BTreeSet<_> = built.iter().map(|built| &built.path).collect();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "wasm")
            && !kept.contains(&path)
        {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_component_that_is_no_longer_built_does_not_stay_behind() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("source");
        fs::write(&source, b"component").unwrap();
        let place = folder.path().join("components");
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| ((*name).to_owned(), source.clone()))
                .collect::<Vec<_>>()
        };
        put(&place, names(&["old", "kept"]).into_iter()).unwrap();
        let built = put(&place, names(&["kept", "new"]).into_iter()).unwrap();
        assert_eq!(built.len(), 2);
        assert!(!place.join("old.wasm").exists());
        assert!(place.join("kept.wasm").exists() && place.join("new.wasm").exists());
    }
}

//! `cargo xtask wit`: makes the contract's one file, with WASI's packages nested in it, from
//! the files in `wit/`, and puts a copy into each crate that needs one.
//!
//! A crate has a copy of its own so that it can be packaged and vendored: cargo takes nothing
//! from outside of a crate's folder.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Metadata, MetadataCommand};
use wit_parser::Resolve;

use crate::{components::TARGET, steps::Steps, workspace::Workspace};

/// The runtime's own printer of contracts, compiled here too: the runtime itself can't be
/// compiled where its copy of the contract is older than its code.
#[path = "../../host/runtime/src/contract.rs"]
#[allow(dead_code)]
mod contract;

/// Where the copies are.
const COPIES: [&str; 2] = ["host/runtime/wit/tensor.wit", "guest-sdk/wit/tensor.wit"];

/// The crates that contain packages of WASI, and the folders of the packages in them.
const PROVIDERS: [(&str, &str); 2] = [
    ("wasip2", "wit/deps"),
    // The host's implementation of `wasi:config`, which contains the package too.
    ("wasmtime-wasi-config", "wit/deps/config"),
];

/// Write the copies of the WIT contract that crates hold, from the files in `wit/`.
///
/// The packages of WASI come from crates that the lock file pins. After a change
/// to a file in `wit/`, run this, then build.
#[derive(clap::Args)]
pub struct Arguments {
    /// Change nothing: fail where a copy differs from what the sources make.
    #[arg(long)]
    check: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the contract is invalid, and with `--check` where a copy would change.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(1);
    let step = steps.begin("making the contract");
    let text = made(workspace)?;
    let mut changed = Vec::new();
    for copy in COPIES {
        let path = workspace.root().join(copy);
        if fs::read_to_string(&path).unwrap_or_default() == text {
            continue;
        }
        if !arguments.check {
            fs::create_dir_all(path.parent().unwrap_or(workspace.root()))?;
            fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        changed.push(copy);
    }
    step.done(format_args!("{} copies differ", changed.len()));
    if arguments.check && !changed.is_empty() {
        bail!(
            "{} differ from what the files in `wit/` make: run `cargo xtask wit`, and commit the result",
            changed.join(" and ")
        );
    }
    Ok(())
}

/// The one file.
fn made(workspace: &Workspace) -> Result<String> {
    let metadata = MetadataCommand::new()
        .manifest_path(workspace.root().join("Cargo.toml"))
        .other_options(vec![
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            TARGET.to_owned(),
        ])
        .exec()
        .context("cannot read the packages of the workspace")?;
    let folder = tempfile::tempdir()?;
    let packages = folder.path().join("deps");
    for (name, path) in PROVIDERS {
        // Keep the folder below `wit/deps`: each folder of files is one package.
        let below = Path::new(path).strip_prefix("wit/deps")?;
        copy_files(
            &provider(&metadata, name)?.join(path),
            &packages.join(below),
        )?;
    }
    let sources = workspace.root().join("wit");
    for file in ["gpu.wit", "policy.wit"] {
        fs::copy(sources.join(file), packages.join(file))?;
    }
    fs::copy(sources.join("worlds.wit"), folder.path().join("worlds.wit"))?;
    let mut resolve = Resolve::default();
    let (main, _) = resolve.push_dir(folder.path())?;
    Ok(contract::Contract::of(resolve, main).one_file()?)
}

/// The folder of a crate that contains packages of WASI.
fn provider(metadata: &Metadata, name: &str) -> Result<PathBuf> {
    // Other crates may use an older version; the newest is the workspace's.
    let packages = metadata.packages.iter();
    let newest = packages
        .filter(|package| package.name.as_str() == name)
        .max_by_key(|package| &package.version)
        .with_context(|| format!("the package graph holds no `{name}`: is it still used?"))?;
    let folder = newest
        .manifest_path
        .parent()
        .unwrap_or(&newest.manifest_path);
    Ok(folder.as_std_path().to_owned())
}

fn copy_files(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

//! `cargo xtask package`: packages each crate that is for a registry, as `cargo publish` would, from a
//! clean clone of what is committed, so that no file of this checkout alone takes part.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::{steps::Steps, workspace::Workspace};

/// What an author's project depends on, in the order in which they depend on one another. These are
/// compiled from their packages.
const SDK: [&str; 4] = [
    "tensor-wasm-ptx",
    "tensor-wasm-kernel-compiler",
    "tensor-wasm-kernel-macro",
    "tensor-wasm-guest",
];

/// Package each crate that is for a registry, from a clean clone of the last commit.
///
/// Compiles those that an author's project depends on from their packages. The packages lie in
/// `target/package-clone/target/package`.
#[derive(clap::Args)]
pub struct Arguments {
    /// Compile nothing.
    #[arg(long)]
    no_verify: bool,
}

/// Runs the command.
///
/// # Errors
/// Where a crate cannot be packaged, lacks what a registry asks for, or does not compile.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(if arguments.no_verify { 2 } else { 3 });
    let clone = workspace.target().join("package-clone");

    let step = steps.begin("cloning the last commit");
    if clone.exists() {
        fs::remove_dir_all(&clone).context("cannot remove the clone of the last run")?;
    }
    let mut git = Command::new("git");
    git.args(["clone", "--quiet", "--shared"]);
    step.run(git.arg(workspace.root()).arg(&clone))
        .context("packages are made of what is committed, which takes git")?;
    step.done(workspace.relative(&clone));

    let step = steps.begin("packaging");
    let metadata = MetadataCommand::new()
        .manifest_path(clone.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cannot read the clone's workspace")?;
    let published = published(&metadata)?;
    let mut command = cargo(workspace, &clone, &["package", "--locked", "--no-verify"]);
    for package in &published {
        command.args(["--package", &package.name]);
    }
    step.run(&mut command)?;
    step.done(format_args!("{} crates", published.len()));
    if arguments.no_verify {
        return Ok(());
    }

    let step = steps.begin("compiling the SDK from its packages");
    let mut command = cargo(
        workspace,
        &clone,
        &["package", "--locked", "--all-features"],
    );
    for name in SDK {
        command.args(["--package", name]);
    }
    step.run(&mut command)?;
    step.done("all features");

    println!("packaged, in {}", steps.elapsed());
    Ok(())
}

/// The crates that are for a registry, each with what a registry asks for.
fn published(metadata: &Metadata) -> Result<Vec<&Package>> {
    let members = metadata.workspace_packages();
    // An empty list is `publish = false`.
    let published = members
        .into_iter()
        .filter(|package| package.publish.as_ref().is_none_or(|list| !list.is_empty()));
    let published: Vec<_> = published.collect();
    for package in &published {
        let name = &package.name;
        ensure!(package.description.is_some(), "{name} has no description");
        ensure!(package.license.is_some(), "{name} has no licence");
        for dependency in &package.dependencies {
            let path_alone = dependency.path.is_some() && dependency.req.comparators.is_empty();
            ensure!(
                !path_alone,
                "{name} depends on {} by its path alone: a registry needs the version too",
                dependency.name
            );
        }
    }
    for name in SDK {
        ensure!(
            published.iter().any(|package| package.name == name),
            "{name}, which authors' projects depend on, is not for a registry"
        );
    }
    Ok(published)
}

fn cargo(workspace: &Workspace, clone: &Path, arguments: &[&str]) -> Command {
    let mut command = workspace.cargo([]);
    command
        .current_dir(clone)
        .args(arguments)
        // Its own folder, so that packages are not mistaken for crates of the checkout.
        .env("CARGO_TARGET_DIR", clone.join("target"));
    command
}

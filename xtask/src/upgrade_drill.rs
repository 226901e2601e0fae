//! `cargo xtask upgrade-drill`: a node of an older release is upgraded to this one, and taken back.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::components::Which;
use crate::product;
use crate::steps::{Step, Steps};
use crate::workspace::{Profile, Workspace};

/// Upgrade a node from an older release to this tree, and take it back.
///
/// Builds the older release once and keeps it in target/upgrade. A node of it is given functions,
/// jobs, snapshots and an audit log; it is drained, replaced, verified and taken back, whole and with a
/// kill in the middle of each step. Tests do the same with one program for both; this is for
/// changes to what a node keeps, and for releases. With --schema the older release is the last one whose
/// database had another schema.
#[derive(clap::Args)]
pub struct Arguments {
    /// The older release, by anything that git takes for a commit; by default the newest tag
    #[arg(long, value_name = "COMMIT", conflicts_with = "binary")]
    from: Option<String>,
    /// Upgrade from the last commit before the newest version of the database's schema
    #[arg(long, conflicts_with_all = ["from", "binary"])]
    schema: bool,
    /// The older release's program, and build none
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where there is no such release, something does not build, and where something is lost.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(product::STEPS + 2);
    let older = match &arguments.binary {
        Some(binary) => {
            let step = steps.begin("taking the older release");
            let found = binary.canonicalize().with_context(|| {
                format!("{} can't be used as the older release", binary.display())
            })?;
            step.done(found.display());
            found
        }
        None => {
            let from = match arguments.schema {
                true => Some(before_schema(workspace)?),
                false => arguments.from.clone(),
            };
            let commit = commit(workspace, from.as_deref())?;
            let (older, newer) = (versions(workspace, &commit)?, versions(workspace, "HEAD")?);
            println!("the schema of the database: version {older} becomes {newer}");
            let step = steps.begin(&format!(
                "building the older release, {commit} (the first time takes minutes)"
            ));
            let older = build(workspace, &step, &commit)?;
            step.done(workspace.relative(&older));
            older
        }
    };
    let binary = product::build(workspace, &mut steps, Which::All, Profile::Dev)?;

    let step = steps.begin("upgrading a node, and taking it back");
    let mut command = workspace.cargo(["test", "--test", "end_to_end"]);
    command
        .args(Workspace::HOST_MEMBERS)
        .args(["--", "node::upgrade"])
        .env("TENSOR_WASM_BIN", &binary)
        .env("TENSOR_WASM_OLDER_BIN", &older)
        .env("TENSOR_WASM_COMPONENTS", workspace.components_folder());
    let kept = step.run_shown(&mut command, &mut |_| {})?;
    ensure!(
        kept,
        "the upgrade or the way back lost something: see above"
    );
    step.done("nothing was lost");
    Ok(())
}

/// Where the versions of the schema are, a file each.
const MIGRATIONS: &str = "host/node/migrations";

/// What git says, where it succeeds.
fn git(workspace: &Workspace, arguments: &[&str]) -> Result<Option<String>> {
    let mut command = Command::new("git");
    command.current_dir(workspace.root()).args(arguments);
    let output = command.output().context("cannot run git")?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(output.status.success().then_some(text))
}

/// The last commit before the one that added the newest version of the schema.
fn before_schema(workspace: &Workspace) -> Result<String> {
    let added = [
        "log",
        "-1",
        "--format=%H",
        "--diff-filter=A",
        "--",
        MIGRATIONS,
    ];
    match git(workspace, &added)? {
        Some(commit) if !commit.is_empty() => Ok(format!("{commit}^")),
        _ => bail!("no commit of this repository has added a file to {MIGRATIONS}"),
    }
}

/// How many versions of the schema a commit has.
fn versions(workspace: &Workspace, commit: &str) -> Result<usize> {
    let listed = ["ls-tree", "--name-only", commit, &format!("{MIGRATIONS}/")];
    let files = git(workspace, &listed)?.unwrap_or_default();
    Ok(files.lines().count())
}

/// The commit of a release, in short.
fn commit(workspace: &Workspace, from: Option<&str>) -> Result<String> {
    let git = |arguments: &[&str]| git(workspace, arguments);
    let from = match from {
        Some(from) => from.to_owned(),
        None => git(&["describe", "--tags", "--abbrev=0", "HEAD^"])?.context(
            "this repository has no tag to upgrade from: name an older commit with --from",
        )?,
    };
    match git(&[
        "rev-parse",
        "--short=12",
        "--verify",
        &format!("{from}^{{commit}}"),
    ])? {
        Some(commit) => Ok(commit),
        None => bail!("{from} is no commit of this repository: name one with --from"),
    }
}

/// The program of an older release, which is built where it was not before.
fn build(workspace: &Workspace, step: &Step, commit: &str) -> Result<PathBuf> {
    let folder = workspace.target().join("upgrade").join(commit);
    let program = folder.join("tensor-wasm");
    if program.is_file() {
        return Ok(program);
    }
    // Of a build that was interrupted.
    remove(&folder)?;
    let (source, target) = (folder.join("source"), folder.join("target"));
    fs::create_dir_all(&source).with_context(|| format!("cannot create {}", source.display()))?;
    let archive = folder.join("source.tar");
    let mut command = Command::new("git");
    command
        .current_dir(workspace.root())
        .args(["archive", "--format=tar", "--output"])
        .args([archive.as_os_str(), commit.as_ref()]);
    step.run(&mut command)?;
    let mut command = Command::new("tar");
    command.arg("-xf").arg(&archive).arg("-C").arg(&source);
    step.run(&mut command)?;
    let mut command = workspace.cargo(["build", "--locked", "--bin", "tensor-wasm"]);
    command
        .current_dir(&source)
        .env("CARGO_TARGET_DIR", &target);
    step.run(&mut command)?;
    let built = target.join("debug").join("tensor-wasm");
    let kept = folder.join("building");
    fs::copy(&built, &kept).with_context(|| format!("cannot copy {}", built.display()))?;
    fs::rename(&kept, &program).with_context(|| format!("cannot rename {}", kept.display()))?;
    // Gigabytes that nobody needs any more.
    remove(&target)?;
    remove(&source)?;
    fs::remove_file(&archive).with_context(|| format!("cannot remove {}", archive.display()))?;
    Ok(program)
}

fn remove(folder: &Path) -> Result<()> {
    match folder.exists() {
        true => fs::remove_dir_all(folder)
            .with_context(|| format!("cannot remove {}", folder.display())),
        false => Ok(()),
    }
}

//! `cargo xtask check`: what must hold before any test runs: formatting, lints
//! without a warning on host and components, documentation without a broken
//! link, and the PTX crate without a system under it.

use anyhow::Result;

use crate::{components, steps::Steps, workspace::Workspace};

/// A target that has no system under it.
const BARE: &str = "wasm32-unknown-unknown";

/// Check formatting, lints and documentation, with warnings as errors.
#[derive(clap::Args)]
pub struct Arguments {
    /// Let rustfmt and clippy mend what they can, then check.
    #[arg(long)]
    fix: bool,
}

/// Runs the command.
///
/// # Errors
/// Where a check fails.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(5);

    let step = steps.begin("checking formatting");
    let mut command = workspace.cargo(["fmt", "--all"]);
    if !arguments.fix {
        command.arg("--check");
    }
    step.run(&mut command)?;
    step.done("clean");

    let mending: &[&str] = match arguments.fix {
        true => &["--fix", "--allow-dirty", "--allow-staged"],
        false => &[],
    };
    let step = steps.begin("linting the host");
    step.run(
        workspace
            .cargo(["clippy", "--all-targets"])
            .args(Workspace::HOST_MEMBERS)
            .args(mending)
            .args(["--", "-D", "warnings"]),
    )?;
    step.done("clean");

    let step = steps.begin("linting the components");
    components::add_target(workspace, &step)?;
    let mut command = workspace.cargo(["clippy", "--target", components::TARGET]);
    for package in workspace.components() {
        command.args(["--package", &package.name]);
    }
    if let Some(guests) = workspace.test_guests() {
        command.args(["--package", &guests.name, "--examples"]);
    }
    step.run(
        command
            .args(["--lib"])
            .args(mending)
            .args(["--", "-D", "warnings"]),
    )?;
    step.done("clean");

    let step = steps.begin("building the documentation");
    step.run(
        workspace
            .cargo(["doc", "--no-deps"])
            .args(Workspace::HOST_MEMBERS)
            .env("RUSTDOCFLAGS", "-D warnings"),
    )?;
    step.done(workspace.relative(&workspace.target().join("doc")));

    // No engine and no system: whoever embeds it brings those. What compiles for this target depends
    // on neither; that it does not ask the standard library for one either is a test of the crate.
    let step = steps.begin("checking that the PTX crate stands alone");
    components::add(workspace, &step, BARE, "which has no system under it")?;
    step.run(&mut workspace.cargo([
        "check",
        "--lib",
        "--package",
        "tensor-wasm-ptx",
        "--target",
        BARE,
    ]))?;
    step.done("clean");

    println!("all checks passed, in {}", steps.elapsed());
    Ok(())
}

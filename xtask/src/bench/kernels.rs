//! `cargo xtask bench kernels`: how fast kernels run on the processor, against the same algorithms
//! in Rust. The measuring is the device's own example, built for release.

use anyhow::{Result, bail};

use crate::{steps::Steps, workspace::Workspace};

/// Measure kernels on the processor, on one thread and on all.
///
/// Each is compared with the same algorithm in Rust, compiled for the same processor's baseline.
#[derive(clap::Args)]
pub struct Arguments {
    /// Small problems and few rounds: shows in a few seconds that everything works
    #[arg(long)]
    quick: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the example does not build or fails.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(2);
    let example = ["--package", "tensor-wasm-device", "--example", "kernels"];
    let step = steps.begin("building for release");
    step.run(workspace.cargo(["build", "--release"]).args(example))?;
    step.done("built");
    let step = steps.begin("measuring");
    let mut command = workspace.cargo(["run", "--release", "--quiet"]);
    command.args(example);
    if arguments.quick {
        command.args(["--", "--quick"]);
    }
    if !step.run_shown(&mut command, &mut |_| {})? {
        bail!("the measurement failed");
    }
    step.done("measured");
    Ok(())
}

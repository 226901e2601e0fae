//! `cargo xtask bench rust-kernels`: how fast kernels in Rust run on the processor, beside what NVIDIA's
//! compiler makes of the same kernels in CUDA C.

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};

use crate::{steps::Steps, workspace::Workspace};

/// Measure kernels in Rust against NVIDIA's compiler.
///
/// The kernels of the corpus that were written again in Rust run on one thread of the processor, from
/// the text that the macro makes and from NVRTC's, in turns and on the same values; their results must
/// agree.
#[derive(clap::Args)]
pub struct Arguments {
    /// Small problems and one round: shows in a few seconds that everything works
    #[arg(long)]
    quick: bool,
    /// Measure the kernels whose names have this in them
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where something does not build, a kernel fails, or two results do not agree.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(3);
    let step = steps.begin("compiling the kernels");
    let folder = workspace.target().join("bench/rust-kernels");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut tests = workspace.cargo(["test", "--quiet", "--package", "tensor-wasm-guest"]);
    tests.args(["--features", "testing", "--test", "corpus"]);
    // The tests, which run each kernel, leave its text there.
    step.run(tests.env("TENSOR_WASM_TEST_PTX", &folder))?;
    step.done(workspace.relative(&folder));

    let example = [
        "--package",
        "tensor-wasm-device",
        "--example",
        "rust_kernels",
    ];
    let step = steps.begin("building the measurement for release");
    step.run(workspace.cargo(["build", "--release"]).args(example))?;
    step.done("built");

    let step = steps.begin("measuring");
    let mut command = workspace.cargo(["run", "--release", "--quiet"]);
    command.args(example).arg("--").arg(&folder);
    if arguments.quick {
        command.arg("--quick");
    }
    if let Some(only) = &arguments.only {
        command.arg("--only").arg(only);
    }
    if let Some(json) = &arguments.json {
        command.arg("--json").arg(json);
    }
    if !step.run_shown(&mut command, &mut |_| {})? {
        bail!("the measurement failed");
    }
    step.done("all results agree");
    Ok(())
}

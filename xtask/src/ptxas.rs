//! `cargo xtask ptxas`: what we print of a module, by NVIDIA's assembler, which a driver has too. It comes
//! from PyPI, needs no GPU, and is never part of the repository.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    kernels,
    steps::{Step, Steps},
    workspace::Workspace,
};

/// The package that holds the assembler, pinned, so that registers are counted the same anywhere.
const ASSEMBLER: &str = "nvidia-cuda-nvcc-cu12==12.9.86";

/// Check that NVIDIA's assembler takes the modules that we print.
///
/// A worker gives a driver not an author's text, but what was understood of it,
/// printed anew. This runs those texts of the tests, and random ones, through
/// ptxas: whatever it takes from the author it must take as printed, with the same
/// registers and spills. Needs Python 3 and, the first time, a network: the
/// assembler is installed from PyPI under the build folder. Plain `cargo xtask
/// test` does the same for fewer texts where there is a ptxas in PATH.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many random texts of each kind.
    #[arg(long, default_value_t = 300, value_name = "N")]
    cases: u32,
}

/// Runs the command.
///
/// # Errors
/// Where the assembler cannot be installed, or refuses what it should take.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(2);
    let step = steps.begin("installing the assembler");
    let python = kernels::python_with(workspace, &step, "ptxas-venv", ASSEMBLER)?;
    let program = program(&step, &python)?;
    step.done(ASSEMBLER);

    let step = steps.begin("assembling what we print");
    let mut command = workspace.cargo(["test"]);
    command.args(Workspace::HOST_MEMBERS);
    command.args(["--test", "ptx", "--", "ptxas::"]);
    command.env("TENSOR_WASM_PTXAS", &program);
    command.env("PROPTEST_CASES", arguments.cases.to_string());
    let mut passed = false;
    let ran = step.run_shown(&mut command, &mut |line| {
        passed |= line.starts_with("test result: ok. ") && !line.contains(" 0 passed");
    })?;
    if !ran || !passed {
        bail!("a printed text is not what its author's is (see above)");
    }
    step.done("the same");
    println!(
        "all printed texts are assembled as their authors' are, in {}",
        steps.elapsed()
    );
    Ok(())
}

/// Where the package's assembler is.
fn program(step: &Step, python: &Path) -> Result<PathBuf> {
    let place = "import nvidia.cuda_nvcc as package; print(package.__path__[0])";
    let found = step.run(Command::new(python).args(["-c", place]))?;
    let folder = found.stdout.first().context("the package has no folder")?;
    let program = Path::new(folder).join("bin/ptxas");
    if !program.is_file() {
        bail!("{ASSEMBLER} has no {}", program.display());
    }
    Ok(program)
}

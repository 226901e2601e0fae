//! `cargo xtask kernels`: compiles the CUDA C beside each component to the PTX
//! that the repository holds. NVIDIA's compiler comes from PyPI into a virtual
//! environment of its own, needs no GPU, and is never part of the repository.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};

use crate::{
    steps::{Step, Steps},
    workspace::Workspace,
};

/// The compiler, pinned, so that the same source gives the same PTX anywhere.
const COMPILER: &str = "nvidia-cuda-nvrtc-cu12==12.9.86";

/// Compile every components/*/kernels/*.cu to the PTX beside it.
///
/// Needs Python 3 and, the first time, a network: NVIDIA's run-time compiler is
/// installed from PyPI under the build folder. Only who changes a kernel needs
/// this; the PTX is in the repository.
#[derive(clap::Args)]
pub struct Arguments {
    /// Change nothing: fail where a PTX file differs from what its source gives.
    #[arg(long)]
    check: bool,
    /// The virtual architecture to compile for. Old ones run on more devices.
    #[arg(long, default_value = "compute_75", value_name = "ARCH")]
    arch: String,
}

/// Runs the command.
///
/// # Errors
/// Where the compiler cannot be installed, where a kernel does not compile, and
/// with `--check` where a PTX file would change.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let sources = sources(&workspace.root().join("components"))?;
    let mut steps = Steps::new(2);

    let step = steps.begin("installing the compiler");
    let python = python_with(workspace, &step, "kernels-venv", COMPILER)?;
    step.done(COMPILER);

    let step = steps.begin("compiling kernels");
    let scratch = tempfile::tempdir()?;
    let script = workspace.root().join("xtask/nvrtc.py");
    let mut changed = Vec::new();
    for source in &sources {
        step.at(workspace.relative(source));
        let result = scratch.path().join("kernel.ptx");
        // Paths from the root, so that what the compiler writes of them into
        // its output is the same in every checkout.
        let shown = source.strip_prefix(workspace.root()).unwrap_or(source);
        step.run(
            Command::new(&python)
                .current_dir(workspace.root())
                .arg(&script)
                .args(["--arch", &arguments.arch])
                .args([shown, &result]),
        )?;
        let ptx = source.with_extension("ptx");
        if fs::read(&result)? != fs::read(&ptx).unwrap_or_default() {
            if !arguments.check {
                fs::copy(&result, &ptx)
                    .with_context(|| format!("cannot write {}", ptx.display()))?;
            }
            changed.push(workspace.relative(&ptx).to_string());
        }
    }
    step.done(format_args!(
        "{} sources, {} PTX files differ",
        sources.len(),
        changed.len()
    ));

    for path in &changed {
        println!(
            "{} {path}",
            if arguments.check { "differs" } else { "wrote" }
        );
    }
    if arguments.check && !changed.is_empty() {
        bail!("PTX files differ from what their sources give: run `cargo xtask kernels`");
    }
    Ok(())
}

fn sources(components: &Path) -> Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    for component in fs::read_dir(components)? {
        let Ok(kernels) = fs::read_dir(component?.path().join("kernels")) else {
            continue;
        };
        for entry in kernels {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "cu") {
                sources.push(path);
            }
        }
    }
    sources.sort();
    Ok(sources)
}

/// The Python of an environment, in a folder of the build folder, that holds a package of PyPI.
///
/// # Errors
/// Where there is no Python, or the package cannot be installed.
pub fn python_with(
    workspace: &Workspace,
    step: &Step,
    folder: &str,
    package: &str,
) -> Result<PathBuf> {
    let folder = workspace.target().join(folder);
    let python = folder.join("bin/python");
    if !python.exists() {
        step.run(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            .context("packages of PyPI are installed by Python 3 and its venv module")?;
    }
    step.run(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .arg(package),
    )
    .with_context(|| format!("cannot install {package} from PyPI"))?;
    Ok(python)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_cuda_source_beside_a_component_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let kernels = folder.path().join("image/kernels");
        fs::create_dir_all(&kernels).unwrap();
        fs::create_dir_all(folder.path().join("policy/src")).unwrap();
        for name in ["filters.cu", "filters.ptx", "edges.cu"] {
            fs::write(kernels.join(name), "").unwrap();
        }
        let found = sources(folder.path()).unwrap();
        assert_eq!(
            found,
            [kernels.join("edges.cu"), kernels.join("filters.cu")]
        );
    }
}

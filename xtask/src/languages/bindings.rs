//! Services in Python and JavaScript that launch kernels by what `tensor-wasm kernel bindings` wrote.
//! Those in Rust are among the tests.

use std::fs;

use anyhow::{Context, Result};

use super::{Language, figures, project::Project};
use crate::{steps::Steps, workspace::Workspace};

/// The kernels, which have every type of parameter.
const KERNELS: &str = "tests/guests/examples/kernel_bindings/kernels.ptx";

/// What takes the place of a project's own launches.
const LAUNCHES: &str = "tests/languages/launches";

/// What the service answers: as the guest `kernel_bindings` does.
const ANSWER: &[&[f64]] = &[
    &[0.0, 1.5, 3.5, 5.5, 0.0],
    &[
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 240.0, 63.0, 254.0, 255.0, 255.0, 255.0, 255.0, 255.0, 255.0,
        255.0, 200.0, 0.0, 0.0, 0.0, 0.0, 60.0, 128.0, 63.0,
    ],
];

/// Makes a project launch those kernels, builds it, runs its tests, which are of its own kernel, and
/// compares the answer.
///
/// # Errors
/// Where that does not build, or answers otherwise.
pub fn launched(workspace: &Workspace, project: &Project<'_>, steps: &mut Steps) -> Result<()> {
    let title = format!("{}: launching by written bindings", project.title());
    let step = steps.begin(&title);
    let ending = match project.language {
        Language::Python => "py",
        Language::Javascript => "js",
        Language::Rust => "rs",
    };
    let copied = |from: &str, to: &str| {
        fs::copy(workspace.root().join(from), project.folder.join(to))
            .with_context(|| format!("cannot copy {from}"))
    };
    copied(KERNELS, "kernels/kernels.ptx")?;
    copied(&format!("{LAUNCHES}.{ending}"), &format!("double.{ending}"))?;
    step.run(&mut project.command(
        "tensor-wasm",
        &[
            "kernel",
            "bindings",
            "kernels/kernels.ptx",
            "--lang",
            project.language.name(),
            "--out",
            &format!("launchers.{ending}"),
        ],
    ))?;
    project.build(&step)?;
    project.test(&step)?;
    figures::answers_with(project, "/", ANSWER)?;
    step.done("every type of parameter");
    Ok(())
}

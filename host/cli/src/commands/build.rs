//! `tensor-wasm build`: builds the component of a project, by the command in its manifest.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use bytesize::ByteSize;
use clap::Args;

use crate::project::{Built, Output, Project};

/// Build the component of a project
///
/// Runs the command that stands in the table `[build]` of tensor-wasm.toml, and checks
/// that it made a component.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm build
  tensor-wasm build my-service --out my-service.wasm")]
pub struct Build {
    /// The folder of the project
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Copy the component to this file, for example to one whose name other tools take: cargo
    /// names files with `_`, which `wasm-tools compose` refuses
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Build {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let project = Project::open(&self.folder)?;
        let built = project.build(Output::Inherited, || false)?;
        let path = match &self.out {
            Some(out) => {
                std::fs::write(out, &built.bytes)
                    .with_context(|| format!("can't write {}", out.display()))?;
                out.as_path()
            }
            None => project.component(),
        };
        super::print(&format!("{} {}\n", path.display(), described(&built)))?;
        Ok(ExitCode::SUCCESS)
    }
}

/// What was built, on a line.
pub fn described(built: &Built) -> String {
    format!(
        "{}, {}, built in {}",
        built.inspection.kind,
        ByteSize(built.bytes.len() as u64),
        seconds(built.took)
    )
}

/// A time for people.
pub fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        shortest if shortest < 1e-3 => format!("{:.0} µs", shortest * 1e6),
        short if short < 1.0 => format!("{:.0} ms", short * 1e3),
        long => format!("{long:.1} s"),
    }
}

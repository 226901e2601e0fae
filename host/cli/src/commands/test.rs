//! `tensor-wasm test`: runs the tests of a project, by the command in its manifest.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::project::Project;

/// Run the tests of a project
///
/// Runs the command `test` in the table `[build]` of tensor-wasm.toml, such as `cargo test`,
/// with what stands behind `--`, and ends with its status. The tests find this program as
/// `tensor-wasm`. Needs no GPU.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm test
  tensor-wasm test my-service -- the_kernel")]
pub struct Test {
    /// The folder of the project
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Further arguments of the command
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<OsString>,
}

impl Test {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let status = Project::open(&self.folder)?.test(&self.arguments)?;
        // A command that a signal ended has no code.
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}

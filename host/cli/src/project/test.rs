//! Running the command that tests a project.

use std::env;
use std::ffi::OsString;
use std::io;
use std::process::{Command, ExitStatus};

use thiserror::Error;

use super::{MANIFEST, Project};

/// Why the tests did not run.
#[derive(Debug, Error)]
pub enum TestFailure {
    /// The manifest names no command.
    #[error(
        "{} names no tests: add the command that runs them to the table [build], for example \
         `test = [\"cargo\", \"test\"]`",
        path.display()
    )]
    NoCommand { path: std::path::PathBuf },
    /// The program of the command can't be started.
    #[error("can't run `{program}`, the program of `build.test`: {source}")]
    NotStarted { program: String, source: io::Error },
}

impl Project {
    /// Runs the tests, with further arguments. They find this program as `tensor-wasm`, whether it is
    /// installed or not, so that they can launch kernels by it.
    ///
    /// # Errors
    ///
    /// [`TestFailure`]. Tests that fail are no such error, but a status.
    pub fn test(&self, further: &[OsString]) -> Result<ExitStatus, TestFailure> {
        let Some([program, arguments @ ..]) = self.test.as_deref() else {
            let path = self.folder.join(MANIFEST);
            return Err(TestFailure::NoCommand { path });
        };
        let mut command = Command::new(program);
        command
            .args(arguments)
            .args(further)
            .current_dir(&self.folder);
        if let Some(path) = path_with_this_program() {
            command.env("PATH", path);
        }
        command.status().map_err(|source| TestFailure::NotStarted {
            program: program.clone(),
            source,
        })
    }
}

/// The folders of programs, with this program's own first.
fn path_with_this_program() -> Option<OsString> {
    let own = env::current_exe().ok()?.parent()?.to_owned();
    let others = env::var_os("PATH").unwrap_or_default();
    env::join_paths([own].into_iter().chain(env::split_paths(&others))).ok()
}

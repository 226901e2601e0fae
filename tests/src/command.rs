//! Commands that run to their end.

use std::ffi::OsStr;
use std::process::{Command, ExitStatus};

use tensor_wasm_test_process::Process;

use crate::artifacts::tensor_wasm;
use crate::wait::PATIENCE;

/// How a command ended.
#[derive(Debug)]
pub struct Output {
    /// Its exit code, if it was not killed.
    pub code: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

/// Runs `tensor-wasm` with these arguments.
///
/// # Panics
/// Where it does not end within [`crate::PATIENCE`].
pub fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    finish(tensor_wasm().args(arguments))
}

pub(crate) fn finish(command: &mut Command) -> Output {
    output(spawn(command))
}

/// Starts a command.
pub(crate) fn spawn(command: &mut Command) -> Process {
    Process::spawn(command).unwrap_or_else(|error| panic!("can't start {command:?}: {error}"))
}

/// Waits for the end of a process.
pub(crate) fn wait(process: &mut Process) -> ExitStatus {
    let status = process.wait(PATIENCE).expect("the child is ours");
    status.unwrap_or_else(|| panic!("waited {PATIENCE:?} in vain for the process to end"))
}

/// Waits for the end of a process, and tells what it has written.
pub(crate) fn output(mut process: Process) -> Output {
    let status = wait(&mut process);
    Output {
        code: status.code(),
        stdout: process.stdout.text(),
        stderr: process.stderr.text(),
    }
}

//! Commands that run to their end.

use std::ffi::OsStr;
use std::process::Command;

use crate::artifacts::tensor_wasm;
use crate::process::Process;

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
    let mut process = Process::spawn(command);
    let status = process.wait();
    Output {
        code: status.code(),
        stdout: process.stdout.text(),
        stderr: process.stderr.text(),
    }
}

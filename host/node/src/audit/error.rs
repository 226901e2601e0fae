//! Why an audit log can't be kept as it was asked for.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// What goes wrong before there is a log. What goes wrong later is counted, logged,
/// and answered as [`OnFailure`](super::OnFailure) says.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The place for the log is none that is known.
    #[error("`{input}` is no place for the audit log: write `stdout`, `file:PATH` or `none`{hint}")]
    Target {
        /// What was asked for.
        input: String,
        /// What was probably meant.
        hint: String,
    },
    /// What to do on failure is nothing that is known.
    #[error("`{input}` is nothing to do when the audit log fails: write `refuse` or `warn`")]
    OnFailure {
        /// What was asked for.
        input: String,
    },
    /// A noted head can't be read.
    #[error(
        "`{input}` is no head of an audit log: write SEQ:HASH as `tensor-wasm audit verify` prints it, a number and 64 lower-case hexadecimal digits"
    )]
    Head {
        /// What was given.
        input: String,
    },
    /// The file can't be opened, or not be read.
    #[error("the audit log {path} can't be opened: name a file in a folder that exists and that this user may write to, with `file:PATH`, or choose `stdout`", path = path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// A folder, a pipe, a socket.
    #[error("the audit log {path} is neither a file nor a character device: name a file", path = path.display())]
    NoFile {
        /// What was named.
        path: PathBuf,
    },
    /// Two writers would break the chain.
    #[error("the audit log {path} is being written by another process: give each server a file of its own", path = path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file is there and holds something else.
    #[error("{path} is no audit log that could be continued: {problem}; move it away, or name another file", path = path.display())]
    NoLog {
        /// The file.
        path: PathBuf,
        /// What is wrong with its end.
        problem: String,
    },
    /// The anchor can't be opened, read or created.
    #[error("the anchor of the audit log {path} can't be used: name a file in a folder that exists and that this user may write to", path = path.display())]
    Anchor {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// The anchor is there and holds something else.
    #[error("{path} is no anchor of an audit log, which is a line SEQ:HASH: move it away, or name another file", path = path.display())]
    NoAnchor {
        /// The file.
        path: PathBuf,
    },
    /// An anchor for what no later server continues.
    #[error(
        "an anchor is kept for an audit log in a file alone: choose `file:PATH`, or leave the anchor out"
    )]
    AnchorWithoutFile,
    /// Standard output is closed, for example.
    #[error("the audit log can't be written to standard output: choose `file:PATH` or `none`")]
    Stdout(#[source] io::Error),
    /// The operating system gives no thread.
    #[error("the operating system gives no thread to write the audit log with")]
    Thread(#[source] io::Error),
}

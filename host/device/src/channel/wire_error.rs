//! Errors in messages from a worker process: [`Error`], but for what only the host can say.

use serde::{Deserialize, Serialize};

use crate::launch::{to_array, to_extent};
use crate::{Diagnostic, Error, Fault};

/// [`Error`] in messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum WireError {
    Denied(String),
    DeviceLost(String),
    OutOfMemory(u64),
    InvalidModule(Vec<(u32, u32, String)>),
    InvalidLaunch(String),
    OutOfRange(String),
    Fault {
        kernel: String,
        block: Option<[u32; 3]>,
        thread: Option<[u32; 3]>,
        line: Option<u32>,
        message: String,
    },
    DeadlineExceeded(String),
}

/// The longest text that a worker may put into an error, in bytes.
const LONGEST: usize = 2048;

impl From<Error> for WireError {
    fn from(error: Error) -> WireError {
        match error {
            Error::Denied(message) => WireError::Denied(message),
            Error::DeviceLost(message) => WireError::DeviceLost(message),
            Error::OutOfMemory { bytes } => WireError::OutOfMemory(bytes),
            // A worker has no limits of its own but memory.
            Error::QuotaExceeded { requested, .. } => WireError::OutOfMemory(requested),
            Error::InvalidModule(diagnostics) => WireError::InvalidModule(
                diagnostics
                    .into_iter()
                    .map(|found| (found.line, found.column, found.message))
                    .collect(),
            ),
            Error::UnknownKernel(unknown) => {
                WireError::InvalidLaunch(format!("there is no kernel {unknown}"))
            }
            Error::InvalidLaunch(message) => WireError::InvalidLaunch(message),
            Error::OutOfRange(message) => WireError::OutOfRange(message),
            Error::Fault(fault) => WireError::Fault {
                kernel: fault.kernel,
                block: fault.block.map(to_array),
                thread: fault.thread.map(to_array),
                line: fault.line,
                message: fault.message,
            },
            Error::DeadlineExceeded(message) => WireError::DeadlineExceeded(message),
        }
    }
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Error {
        match error {
            WireError::Denied(message) => Error::Denied(short(message)),
            WireError::DeviceLost(message) => Error::DeviceLost(short(message)),
            WireError::OutOfMemory(bytes) => Error::OutOfMemory { bytes },
            WireError::InvalidModule(diagnostics) => Error::InvalidModule(
                diagnostics
                    .into_iter()
                    .take(tensor_wasm_ptx::MOST_DIAGNOSTICS)
                    .map(|(line, column, message)| Diagnostic {
                        line,
                        column,
                        message: short(message),
                        excerpt: String::new(),
                    })
                    .collect(),
            ),
            WireError::InvalidLaunch(message) => Error::InvalidLaunch(short(message)),
            WireError::OutOfRange(message) => Error::OutOfRange(short(message)),
            WireError::Fault {
                kernel,
                block,
                thread,
                line,
                message,
            } => Error::Fault(Fault {
                kernel: short(kernel),
                block: block.map(to_extent),
                thread: thread.map(to_extent),
                line,
                message: short(message),
            }),
            WireError::DeadlineExceeded(message) => Error::DeadlineExceeded(short(message)),
        }
    }
}

/// The text, cut where it is longer than any that is meant to be read.
pub(crate) fn short(mut text: String) -> String {
    if text.len() > LONGEST {
        let end = (0..=LONGEST)
            .rev()
            .find(|index| text.is_char_boundary(*index))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use tensor_wasm_ptx::Extent;

    use super::*;

    #[test]
    fn an_error_comes_through_but_for_what_only_the_host_can_say() {
        let fault = Error::Fault(Fault {
            kernel: "k".to_owned(),
            block: Some(Extent { x: 1, y: 2, z: 3 }),
            thread: None,
            line: Some(4),
            message: "m".to_owned(),
        });
        let text = fault.to_string();
        assert_eq!(Error::from(WireError::from(fault)).to_string(), text);
    }

    #[test]
    fn a_worker_cannot_make_the_host_print_a_book() {
        let error = Error::from(WireError::DeviceLost("é".repeat(LONGEST)));
        assert!(error.to_string().len() < LONGEST + 64);
    }
}

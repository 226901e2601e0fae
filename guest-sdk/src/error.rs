//! Why a call on the device failed, as the host tells it. A call that fails has
//! changed nothing.

use std::fmt;

use crate::bindings::kernels as raw;
use crate::launch::Extent;

/// The result of a call on the device.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call on the device failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The grant does not cover this call. A service that can do without a
    /// device falls back on this one.
    #[error("the host does not grant the device: {0}")]
    Denied(String),
    /// No device answers, or it was lost with all that was on it.
    #[error("the device is lost: {0}")]
    DeviceLost(String),
    /// The tenant's own limit is reached.
    #[error("the tenant's limit of {resource} is {limit}, and this call would make it {requested}")]
    QuotaExceeded {
        /// What is limited, for example `memory bytes`.
        resource: String,
        /// The limit, in the unit of what is limited.
        limit: u64,
        /// What the call would have brought it to, in the same unit.
        requested: u64,
    },
    /// The device is full, though the tenant's limit is not reached.
    #[error("the device has no room for {bytes} bytes")]
    OutOfMemory {
        /// How many bytes were asked for.
        bytes: u64,
    },
    /// The module cannot run on this device.
    #[error("the module cannot run on this device: {}", Joined(.0))]
    InvalidModule(Vec<Diagnostic>),
    /// The module has no such entry.
    #[error("unknown kernel: {0}")]
    UnknownKernel(String),
    /// The arguments or extents fit neither kernel nor device.
    #[error("invalid launch: {0}")]
    InvalidLaunch(String),
    /// A range lies outside of its buffer.
    #[error("out of range: {0}")]
    OutOfRange(String),
    /// A kernel of this queue failed.
    #[error("{0}")]
    Fault(Fault),
    /// A kernel of this queue ran past the grant's time limit.
    #[error("the kernel ran past its time limit: {0}")]
    DeadlineExceeded(String),
}

impl Error {
    /// The kind as one stable word, for logs and for machines that read answers.
    pub fn kind(&self) -> &'static str {
        match self {
            Error::Denied(_) => "denied",
            Error::DeviceLost(_) => "device_lost",
            Error::QuotaExceeded { .. } => "quota_exceeded",
            Error::OutOfMemory { .. } => "out_of_memory",
            Error::InvalidModule(_) => "invalid_module",
            Error::UnknownKernel(_) => "unknown_kernel",
            Error::InvalidLaunch(_) => "invalid_launch",
            Error::OutOfRange(_) => "out_of_range",
            Error::Fault(_) => "fault",
            Error::DeadlineExceeded(_) => "deadline_exceeded",
        }
    }
}

/// Where a module's text is wrong, and how. Lines and columns count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// What a running kernel did wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kernel's name.
    pub kernel: String,
    /// The block that did it, as far as the device can tell.
    pub block: Option<Extent>,
    /// The thread of that block, as far as the device can tell.
    pub thread: Option<Extent>,
    /// The line of the module's text, from 1, as far as the device can tell.
    pub line: Option<u32>,
    /// What it did.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kernel {} failed", self.kernel)?;
        if let Some(line) = self.line {
            write!(f, " at line {line}")?;
        }
        if let Some(Extent { x, y, z }) = self.block {
            write!(f, " in block ({x}, {y}, {z})")?;
        }
        if let Some(Extent { x, y, z }) = self.thread {
            write!(f, " in thread ({x}, {y}, {z})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Diagnostics in one line, for a message.
struct Joined<'a>(&'a [Diagnostic]);

impl fmt::Display for Joined<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl From<raw::Error> for Error {
    fn from(error: raw::Error) -> Error {
        match error {
            raw::Error::Denied(message) => Error::Denied(message),
            raw::Error::DeviceLost(message) => Error::DeviceLost(message),
            raw::Error::QuotaExceeded(quota) => Error::QuotaExceeded {
                resource: quota.resource_name,
                limit: quota.limit,
                requested: quota.requested,
            },
            raw::Error::OutOfMemory(bytes) => Error::OutOfMemory { bytes },
            raw::Error::InvalidModule(diagnostics) => Error::InvalidModule(
                diagnostics
                    .into_iter()
                    .map(|diagnostic| Diagnostic {
                        line: diagnostic.line,
                        column: diagnostic.column,
                        message: diagnostic.message,
                    })
                    .collect(),
            ),
            raw::Error::UnknownKernel(message) => Error::UnknownKernel(message),
            raw::Error::InvalidLaunch(message) => Error::InvalidLaunch(message),
            raw::Error::OutOfRange(message) => Error::OutOfRange(message),
            raw::Error::Fault(fault) => Error::Fault(Fault {
                kernel: fault.kernel,
                block: fault.block.map(Extent::from),
                thread: fault.thread.map(Extent::from),
                line: fault.line,
                message: fault.message,
            }),
            raw::Error::DeadlineExceeded(message) => Error::DeadlineExceeded(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_displayed_with_kernel_line_block_and_thread() {
        let fault = Error::Fault(Fault {
            kernel: "saxpy".into(),
            block: Some(Extent::new(1, 2, 3)),
            thread: Some(Extent::new(4, 0, 0)),
            line: Some(17),
            message: "stores to 0x0".into(),
        });
        assert_eq!(
            fault.to_string(),
            "kernel saxpy failed at line 17 in block (1, 2, 3) in thread (4, 0, 0): stores to 0x0"
        );
    }

    #[test]
    fn a_fault_without_details_is_displayed_readably() {
        let fault = Error::Fault(Fault {
            kernel: "saxpy".into(),
            block: None,
            thread: None,
            line: None,
            message: "illegal address".into(),
        });
        assert_eq!(fault.to_string(), "kernel saxpy failed: illegal address");
    }

    #[test]
    fn an_invalid_module_is_displayed_with_every_diagnostic() {
        let at = |line, message: &str| Diagnostic {
            line,
            column: 1,
            message: message.into(),
        };
        let error =
            Error::InvalidModule(vec![at(3, "unknown instruction"), at(9, "no such label")]);
        assert_eq!(
            error.to_string(),
            "the module cannot run on this device: 3:1: unknown instruction; 9:1: no such label"
        );
    }
}

//! Errors of the host's GPU interface, as Rust types. A call that fails has no effect.

use std::fmt;

use crate::bindings::kernels as raw;
use crate::launch::Extent;

/// The result of a call on the device.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call on the device failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The grant does not cover this call. A service that can compute without a device
    /// does so on this error.
    #[error("{0}")]
    Denied(String),
    /// No device can be opened, or the device was lost with everything on it.
    #[error("the device is lost: {0}")]
    DeviceLost(String),
    /// The call would exceed a limit of the tenant.
    #[error("the tenant's limit of {resource} is {limit}, and this call would make it {requested}")]
    QuotaExceeded {
        /// What is limited, for example `memory bytes`.
        resource: String,
        /// The limit, in the unit of the resource.
        limit: u64,
        /// The total that the call would reach, in the same unit.
        requested: u64,
    },
    /// The device is full, though the tenant's limit is not reached.
    #[error("the device has no room for {}", Room(*.bytes))]
    OutOfMemory {
        /// The number of bytes that were requested; 0 where the device's driver needs memory for
        /// itself, and does not say how much.
        bytes: u64,
    },
    /// The module has errors, or cannot run on this device.
    #[error("the module cannot run on this device: {}", Joined(.0))]
    InvalidModule(Vec<Diagnostic>),
    /// The module has no kernel (`.entry`) with this name: the name, and those that there are.
    #[error("the module has no kernel {0}")]
    UnknownKernel(String),
    /// The arguments do not match the kernel's parameters, or the extents exceed a limit
    /// of the kernel or the device.
    #[error("invalid launch: {0}")]
    InvalidLaunch(String),
    /// A range is not within its buffer.
    #[error("out of range: {0}")]
    OutOfRange(String),
    /// A kernel of this queue failed.
    #[error("{0}")]
    Fault(Fault),
    /// A kernel of this queue exceeded the time limit of the grant.
    #[error("the kernel ran past its time limit: {0}")]
    DeadlineExceeded(String),
}

impl Error {
    /// The kind of error as a stable word, for logs and for programs that read responses.
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

/// An error in a module's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The error.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.line, self.column, self.message)
    }
}

/// A failure that the code of a running kernel caused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The kernel's name.
    pub kernel: String,
    /// The index of the block that caused it, if the device reports it.
    pub block: Option<Extent>,
    /// The index of the thread in this block, if the device reports it.
    pub thread: Option<Extent>,
    /// The line of the module's text, from 1, if the device reports it.
    pub line: Option<u32>,
    /// What the kernel did.
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

/// Displays diagnostics in one line.
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

/// Displays how much memory a device had no room for.
struct Room(u64);

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("what its driver needs"),
            bytes => write!(f, "{bytes} bytes"),
        }
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
    fn a_fault_names_kernel_line_block_and_thread() {
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
    fn a_fault_without_block_thread_and_line_names_the_kernel_and_the_message() {
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
    fn an_invalid_module_names_the_position_of_every_error() {
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

//! Why a call on a device failed. The variants are those of `tensor:gpu`'s
//! `error`, one to one, so that the guest-facing layer only translates; what a
//! message says is meant for the component's author.

use std::fmt;

use tensor_wasm_ptx::Diagnostic;
use tensor_wasm_ptx::simt::Fault;

/// Why a call on a device failed. A call that fails has changed nothing.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The grant does not cover this call.
    #[error("denied: {0}")]
    Denied(String),
    /// The device, or the instance's hold on it, is gone, and what was queued with it.
    #[error("device lost: {0}")]
    DeviceLost(String),
    /// The tenant's own limit is reached.
    #[error(
        "{requested} of {resource} would go past this tenant's limit of {limit}; release what is no longer used, or ask the operator for a higher limit"
    )]
    QuotaExceeded {
        /// What is limited, with its unit, for example `memory in bytes`.
        resource: &'static str,
        /// The limit of the tenant's grant, in the unit of the resource.
        limit: u64,
        /// What the call would have brought the tenant's use to.
        requested: u64,
    },
    /// The device is full, though the tenant's quota is not.
    #[error("the device has no room for {}; try again once others have released memory", room(*.bytes))]
    OutOfMemory {
        /// How many bytes the call asked for; 0 where the driver itself needs them, and does not say
        /// how many.
        bytes: u64,
    },
    /// The module's text is wrong, or asks for what this device cannot run.
    #[error("the module cannot run on this device: {}", first_of(.0))]
    InvalidModule(Vec<Diagnostic>),
    /// The module has no entry of this name.
    #[error("the module has no kernel {0}")]
    UnknownKernel(UnknownKernel),
    /// The arguments or the extents do not fit the kernel or the device.
    #[error("invalid launch: {0}")]
    InvalidLaunch(String),
    /// The range lies outside of the buffer.
    #[error("out of range: {0}")]
    OutOfRange(String),
    /// A kernel of the queue failed.
    #[error("{0}")]
    Fault(Fault),
    /// A kernel of the queue ran past the grant's time limit.
    #[error("deadline exceeded: {0}")]
    DeadlineExceeded(String),
}

/// A kernel that a module does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKernel {
    /// The name that was asked for.
    pub name: String,
    /// The names of the kernels that the module has, in the order of its text.
    pub kernels: Vec<String>,
}

impl fmt::Display for UnknownKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// How many names a message lists.
        const LISTED: usize = 16;
        write!(f, "`{}`; it has ", self.name)?;
        let mut before = "";
        for kernel in self.kernels.iter().take(LISTED) {
            write!(f, "{before}`{kernel}`")?;
            before = ", ";
        }
        match self.kernels.len() {
            0 => f.write_str("none"),
            all if all > LISTED => write!(f, ", and {} more", all - LISTED),
            _ => Ok(()),
        }
    }
}

impl Error {
    /// The answer to every use of a handle whose instance has ended.
    pub(crate) fn lease_ended() -> Error {
        Error::DeviceLost("the instance that this handle belongs to has ended".to_owned())
    }
}

fn room(bytes: u64) -> String {
    match bytes {
        0 => "what the driver needs for this".to_owned(),
        bytes => format!("another {bytes} bytes"),
    }
}

fn first_of(diagnostics: &[Diagnostic]) -> String {
    match diagnostics {
        [] => "no reason was given".to_owned(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

//! What a running kernel can do wrong, and how it is said: the same words, whoever runs the kernel.

use std::fmt;

use crate::Extent;
use crate::simt::address::AddressSpace;
use crate::simt::matrix::ROW_BYTES;
use crate::simt::memory::MemoryError;

/// What a running kernel did wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The entry that was launched.
    pub kernel: String,
    /// The block that did it.
    pub block: Option<Extent>,
    /// The thread that did it; absent where several did it together.
    pub thread: Option<Extent>,
    /// The line of the module's text, counting from 1.
    pub line: Option<u32>,
    /// What went wrong.
    pub message: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kernel {}", self.kernel)?;
        if let Some(block) = self.block {
            write!(f, ", block {block}")?;
        }
        if let Some(thread) = self.thread {
            write!(f, ", thread {thread}")?;
        }
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Fault {}

/// Why [`run_grid`](crate::interpret::run_grid) stopped early.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The kernel did something wrong.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The kernel took more steps than it was given.
    #[error("the kernel did not end within {limit} steps")]
    StepLimit {
        /// How many instructions it was given, over all threads.
        limit: u64,
    },
}

/// What is said of a kernel that executes `trap`.
pub(crate) const TRAPPED: &str = "the kernel stops itself with `trap`";

/// What is said of a jump by an index that is no label's.
pub(crate) fn jump_outside(index: u64, labels: usize) -> String {
    format!("jumps to entry {index} of a list of {labels} labels")
}

/// What is said of a row of a matrix at such a generic address or offset into shared memory.
pub(crate) fn matrix_row(address: u64) -> String {
    if address.is_multiple_of(u64::from(ROW_BYTES)) {
        return format!("a row of a matrix at address {address:#x}, which is not in shared memory");
    }
    format!("a row of a matrix at address {address:#x}, which is not a multiple of {ROW_BYTES}")
}

/// The bytes that a bulk copy moves are a multiple of this.
pub(crate) const BULK_BYTES: u32 = 16;

/// What is said of a bulk copy of so many bytes.
pub(crate) fn bulk_size(bytes: u64) -> String {
    format!("a bulk copy of {bytes} bytes, which is not a multiple of {BULK_BYTES}")
}

/// What is said of a call through an address that is none of a function that may be called so.
pub(crate) fn no_function(address: u64) -> String {
    format!("calls address {address:#x}, which is none of a function that this call may reach")
}

/// Why an access of a thread is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AccessError {
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Below all device memory, as by a null pointer.
    #[error("an access of {bytes} bytes at address {address:#x}, where there is no memory")]
    Nowhere { address: u64, bytes: u32 },
    #[error(
        "an access of {bytes} bytes at address {address:#x} of {} memory, which has {size} bytes",
        name(*.space)
    )]
    Outside {
        space: AddressSpace,
        address: u64,
        bytes: u32,
        /// How large that memory is.
        size: u64,
    },
}

/// What messages call a memory.
fn name(space: AddressSpace) -> &'static str {
    match space {
        AddressSpace::Shared => "shared",
        AddressSpace::Local => "local",
        AddressSpace::Argument => "parameter",
        AddressSpace::Global | AddressSpace::Generic => "device",
    }
}

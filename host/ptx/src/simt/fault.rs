//! What a running kernel can do wrong.

use std::fmt;

use crate::Extent;

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

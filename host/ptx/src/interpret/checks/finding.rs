//! What the checks find, and how it is said.

use std::fmt;

use crate::Extent;
use crate::simt::barrier::BARRIERS;
use crate::simt::fault::Fault;
use crate::simt::shadow::Allocation;

/// A mistake of a kernel: what, and who did it where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The entry that was launched.
    pub kernel: String,
    /// The block that did it.
    pub block: Extent,
    /// The thread that did it.
    pub thread: Extent,
    /// Its line of the module's text, counting from 1.
    pub line: u32,
    /// What it did.
    pub mistake: Mistake,
}

impl Finding {
    /// The same as the fault that ends the launch.
    #[must_use]
    pub fn fault(&self) -> Fault {
        Fault {
            kernel: self.kernel.clone(),
            block: Some(self.block),
            thread: Some(self.thread),
            line: Some(self.line),
            message: self.mistake.to_string(),
        }
    }

    /// The other thread that it takes for this mistake, and its line.
    #[must_use]
    pub fn other(&self) -> Option<(Extent, u32)> {
        match &self.mistake {
            Mistake::Race { other, .. } => Some((other.thread, other.line)),
            Mistake::UnfinishedCopy { copy, .. } => Some((copy.thread, copy.line)),
            Mistake::DivergentBarrier { other, .. } => Some((other.thread, other.line)),
            _ => None,
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault().fmt(f)
    }
}

impl std::error::Error for Finding {}

/// The kinds of mistakes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// An access outside of the buffer that its address came from.
    Outside {
        /// The access.
        access: Access,
        /// Where the address came from; `None` where that is not known, and nothing is allocated
        /// where it leads.
        origin: Option<Named>,
        /// What lies there, or what lies before.
        there: Option<Named>,
    },
    /// A read of memory that nothing has written.
    Uninitialised {
        /// The access.
        access: Access,
        /// The address of the first byte that nothing has written.
        first: u64,
        /// The buffer, in device memory.
        buffer: Option<Named>,
    },
    /// Two accesses of the same shared memory, of which one writes, with nothing that orders them.
    Race {
        /// The later access, as this run has it.
        access: Access,
        /// The earlier one.
        other: Earlier,
    },
    /// An access to shared memory that an asynchronous copy writes, before the thread that began the copy
    /// has waited for it.
    UnfinishedCopy {
        /// The access.
        access: Access,
        /// The copy.
        copy: Earlier,
    },
    /// An address that is no multiple of the size of the access.
    Misaligned {
        /// The access.
        access: Access,
        /// The buffer that the address came from, if any is known.
        origin: Option<Named>,
    },
    /// A barrier that threads of the block do not come to as one.
    DivergentBarrier {
        /// What the thread waits for.
        waits: Waiting,
        /// A thread that does not come.
        other: Straggler,
    },
}

/// An access to memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// What it does.
    pub verb: Verb,
    /// Which memory it means.
    pub space: MemorySpace,
    /// Its first address: of device memory, or within the block's shared or the thread's local one.
    pub address: u64,
    /// How many bytes.
    pub bytes: u64,
}

/// What an access does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// It reads.
    Reads,
    /// It writes.
    Writes,
    /// It does both, in one step.
    Updates,
}

/// The memories that kernels share or have for themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemorySpace {
    /// Global and constant memory: buffers and the variables of modules.
    Device,
    /// A block's.
    Shared,
    /// A thread's.
    Local,
    /// An entry's parameters.
    Parameter,
}

/// An allocation with what the kernel calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Where it lies.
    pub allocation: Allocation,
    /// The parameter that points to it, or the module's variable that it is.
    pub name: Option<Name>,
}

/// What a kernel calls an allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// The buffer that this parameter points to.
    Parameter(String),
    /// The module's variable of this name.
    Variable(String),
}

/// The earlier of two accesses that race.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// Who.
    pub thread: Extent,
    /// Where.
    pub line: u32,
    /// What it does.
    pub verb: Verb,
}

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// A barrier of the block, by its number; 16 is that of its cluster.
    Barrier(u8),
    /// Threads of its warp.
    Warp,
}

/// A thread that does not come where others wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Straggler {
    /// Who.
    pub thread: Extent,
    /// Where it is instead.
    pub line: u32,
    /// What it does there: waits, or has ended.
    pub waits: Option<Waiting>,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Mistake::Outside {
                access,
                origin: Some(origin),
                there,
            } => {
                write!(
                    f,
                    "access outside of the buffer: {access}, but the address comes from {origin}"
                )?;
                match there {
                    Some(there) if there.allocation.contains(access.address, 1) => {
                        write!(f, " and leads into {there}")
                    }
                    _ => write!(f, " and nothing is allocated there"),
                }
            }
            Mistake::Outside {
                access,
                origin: None,
                there,
            } => {
                write!(
                    f,
                    "access outside of every buffer: {access}, and nothing is allocated there"
                )?;
                match there {
                    Some(before) => write!(f, "; the last that lies before is {before}"),
                    None => Ok(()),
                }
            }
            Mistake::Uninitialised {
                access,
                first,
                buffer,
            } => {
                write!(f, "uninitialised read: {access}, ")?;
                if *first == access.address {
                    write!(f, "which nothing has written")?;
                } else {
                    write!(f, "of which nothing has written {first:#x}")?;
                }
                match buffer {
                    Some(buffer) => write!(f, ", in {buffer}"),
                    None => Ok(()),
                }
            }
            Mistake::Race { access, other } => write!(
                f,
                "race on shared memory: {access}, which thread {}, line {}, {} too, with no barrier \
                 between the two",
                other.thread, other.line, other.verb
            ),
            Mistake::UnfinishedCopy { access, copy } => write!(
                f,
                "unfinished asynchronous copy: {access}, which thread {}, line {}, copies to and has \
                 not waited for",
                copy.thread, copy.line
            ),
            Mistake::Misaligned { access, origin } => {
                write!(
                    f,
                    "misaligned access: {access}, which is not aligned to {} bytes",
                    access.bytes
                )?;
                match origin {
                    Some(origin) => write!(f, "; the address comes from {origin}"),
                    None => Ok(()),
                }
            }
            Mistake::DivergentBarrier { waits, other } => {
                write!(f, "divergent barrier: waits {waits}, but ")?;
                let (thread, line) = (other.thread, other.line);
                match other.waits {
                    None => write!(f, "thread {thread} has ended, at line {line}"),
                    Some(instead) if instead == *waits => write!(
                        f,
                        "thread {thread} waits there by another instruction, at line {line}"
                    ),
                    Some(instead) => {
                        write!(f, "thread {thread} waits {instead}, at line {line}")
                    }
                }
            }
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = match self.space {
            MemorySpace::Device => "",
            MemorySpace::Shared => " of shared memory",
            MemorySpace::Local => " of local memory",
            MemorySpace::Parameter => " of parameter memory",
        };
        let bytes = if self.bytes == 1 { "byte" } else { "bytes" };
        write!(
            f,
            "{} {} {bytes} at address {:#x}{space}",
            self.verb, self.bytes, self.address
        )
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verb::Reads => "reads",
            Verb::Writes => "writes",
            Verb::Updates => "updates",
        })
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Allocation { base, bytes } = self.allocation;
        match &self.name {
            Some(Name::Variable(name)) => write!(f, "the variable `{name}`")?,
            Some(Name::Parameter(name)) => write!(f, "the buffer of parameter `{name}`")?,
            None => write!(f, "a buffer")?,
        }
        write!(f, " ({bytes} bytes at {base:#x})")
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Waiting::Barrier(number) if usize::from(*number) == BARRIERS => {
                f.write_str("at the cluster's barrier")
            }
            Waiting::Barrier(number) => write!(f, "at barrier {number}"),
            Waiting::Warp => f.write_str("for its warp"),
        }
    }
}

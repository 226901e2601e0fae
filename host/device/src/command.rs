//! What a queue asks of a backend. Everything is checked before it becomes a
//! command: ranges lie inside of their buffers, arguments fit their kernel.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{oneshot, watch};

use crate::account::Ticket;
use crate::cpu::PoisonId;
use crate::session::Tenant;
use crate::{Buffer, Error, Kernel, LaunchConfig, Output};

/// Where the answer to a call that waits goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// One entry of a queue.
#[derive(Debug)]
pub(crate) enum Command {
    Write {
        target: Buffer,
        offset: u64,
        data: Vec<u8>,
    },
    Read {
        source: Buffer,
        offset: u64,
        into: Vec<u8>,
        reply: Reply<Vec<u8>>,
    },
    Copy {
        source: Buffer,
        source_offset: u64,
        target: Buffer,
        target_offset: u64,
        bytes: u64,
    },
    Fill {
        target: Buffer,
        offset: u64,
        bytes: u64,
        value: u8,
    },
    Launch(LaunchCommand),
    /// A point to mark.
    Event(EventSignal),
    /// A point to wait for.
    Fence(Reply<()>),
}

/// A command and its place in the tenant's account.
#[derive(Debug)]
pub(crate) struct Queued {
    pub(crate) command: Command,
    pub(crate) ticket: Ticket,
}

/// A launch of a kernel.
pub(crate) struct LaunchCommand {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) kernel: Kernel,
    pub(crate) config: LaunchConfig,
    /// Packed as the kernel's parameters lie.
    pub(crate) arguments: Vec<u8>,
    /// Where the kernel prints.
    pub(crate) output: Option<Arc<dyn Output>>,
    /// The buffers that the arguments point to, so that they outlive the launch.
    pub(crate) _held: Vec<Buffer>,
}

impl std::fmt::Debug for LaunchCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LaunchCommand")
            .field("kernel", &self.kernel)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// What became of an event. A sender that goes away while the event is pending
/// says that its instance has ended.
#[derive(Clone, Debug)]
pub(crate) enum EventState {
    Pending,
    Reached(Instant),
    /// Work before it failed, so the queue dropped it.
    Failed {
        error: Error,
        poison: PoisonId,
    },
}

pub(crate) type EventSignal = watch::Sender<EventState>;

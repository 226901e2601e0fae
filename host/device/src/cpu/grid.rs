//! One launch while it runs: which blocks have begun, which wait for a thread,
//! how long it has run, and whether it is to stop.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tensor_wasm_ptx::interpret::{Block, Launch, Progress};

use super::SLICE;
use super::stopwatch::Stopwatch;
use crate::Error;
use crate::command::LaunchCommand;
use crate::sync::lock;

/// Instructions between two looks at the clock and at the stop flag: some
/// hundred microseconds.
const STEPS: u64 = 8192;

/// A launch of which a block's state takes more than this, in bytes, runs alone
/// in its session: so a tenant's begun blocks take bounded memory, however many
/// queues it has.
const LARGE_BLOCK: u64 = 4 << 20;

/// A launch, shared by the threads that work on it.
pub(crate) struct Grid {
    launch: Launch,
    command: LaunchCommand,
    blocks: u64,
    limit: Duration,
    stop: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The first block that has not begun.
    next: u64,
    /// Blocks whose thread went to another tenant. They go on before new ones
    /// begin: so no more blocks have begun than there are threads, their state
    /// takes bounded memory, and a block may wait for one of a lower number.
    parked: VecDeque<Box<Block>>,
    watch: Stopwatch,
    failure: Option<Error>,
}

/// Work for one thread.
pub(crate) struct Claim {
    piece: Piece,
    deadline: Option<Instant>,
}

enum Piece {
    Fresh(u64),
    Parked(Box<Block>),
}

impl Grid {
    /// # Errors
    /// [`Error::InvalidLaunch`] where the interpreter refuses the launch.
    pub(crate) fn new(mut command: LaunchCommand) -> Result<Grid, Error> {
        let module = command.kernel.module();
        let launch = Launch::new(
            Arc::clone(module.parsed()),
            command.kernel.name(),
            command.config.grid,
            command.config.block,
            command.config.shared_bytes,
            std::mem::take(&mut command.arguments),
            module.symbols().to_vec(),
        )
        .map_err(|error| {
            Error::InvalidLaunch(format!("kernel `{}`: {error}", command.kernel.name()))
        })?;
        Ok(Grid {
            blocks: launch.blocks(),
            limit: command.tenant.account.limits().kernel_time,
            launch,
            command,
            stop: AtomicBool::new(false),
            state: Mutex::default(),
        })
    }

    /// Whether it runs alone in its session.
    pub(crate) fn is_large(&self) -> bool {
        self.launch.block_bytes() > LARGE_BLOCK
    }

    /// Whether another thread would find work here.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_stopped() && {
            let state = lock(&self.state);
            !state.parked.is_empty() || state.next < self.blocks
        }
    }

    /// Takes work for one thread, which owes a [`slice`](Grid::slice) for it.
    pub(crate) fn claim(&self) -> Option<Claim> {
        if self.is_stopped() {
            return None;
        }
        let mut state = lock(&self.state);
        let piece = state.take(self.blocks)?;
        let deadline = state.watch.begin(Instant::now(), self.limit);
        Some(Claim { piece, deadline })
    }

    /// Works for about a slice.
    pub(crate) fn slice(&self, claim: Claim) {
        let _at_work = AtWork(self);
        let memory = self.command.tenant.map.view();
        let started = Instant::now();
        let mut block = match claim.piece {
            Piece::Parked(block) => block,
            Piece::Fresh(linear) => {
                Box::new(Block::new(&self.launch, self.launch.block_index(linear)))
            }
        };
        while !self.is_stopped() {
            let progress = match block.run(&self.launch, &memory, STEPS) {
                Ok(progress) => progress,
                Err(fault) => return self.fail(Error::Fault(fault)),
            };
            let done = matches!(progress, Progress::Done);
            if done && !self.is_open() {
                return;
            }
            let now = Instant::now();
            if claim.deadline.is_some_and(|deadline| now >= deadline) {
                return self.fail(self.deadline_exceeded());
            }
            let over = now.duration_since(started) >= SLICE;
            if over && !done {
                return lock(&self.state).parked.push_back(block);
            }
            if over {
                return;
            }
            if done {
                match lock(&self.state).take(self.blocks) {
                    Some(Piece::Parked(next)) => block = next,
                    Some(Piece::Fresh(linear)) => {
                        block.restart(&self.launch, self.launch.block_index(linear));
                    }
                    None => return,
                }
            }
        }
    }

    /// Ends the launch; its threads notice within some hundred microseconds.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// Ends the launch with an error; the first one counts.
    pub(crate) fn fail(&self, error: Error) {
        lock(&self.state).failure.get_or_insert(error);
        self.stop();
    }

    pub(crate) fn take_failure(&self) -> Option<Error> {
        lock(&self.state).failure.take()
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn deadline_exceeded(&self) -> Error {
        Error::DeadlineExceeded(format!(
            "kernel `{}` ran longer than the {:?} that this tenant's kernels may take; split its work over several launches, or ask the operator for a longer limit",
            self.command.kernel.name(),
            self.limit
        ))
    }
}

impl State {
    fn take(&mut self, blocks: u64) -> Option<Piece> {
        if let Some(block) = self.parked.pop_front() {
            return Some(Piece::Parked(block));
        }
        (self.next < blocks).then(|| {
            self.next += 1;
            Piece::Fresh(self.next - 1)
        })
    }
}

/// A thread's time at work, which ends even where the interpreter panics.
struct AtWork<'a>(&'a Grid);

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        lock(&self.0.state).watch.end(Instant::now());
    }
}

//! One running block: its threads take turns, each until it must wait for others.
//!
//! Which thread runs when is fixed, so a kernel without races computes the same on every run. A turn
//! is bounded, since a thread may wait for another by reading memory in a loop.

use crate::Extent;
use crate::interpret::checks::{Checks, Finding, Unwatched};
use crate::interpret::launch::Launch;
use crate::interpret::program::{Action, Source};
use crate::interpret::thread::{Machine, State, Stop, Thread};
use crate::simt::fault::{Fault, RunError};
use crate::simt::memory::Memory;

/// How many steps a thread may take before the next one's turn.
const TURN: u64 = 16 << 10;

/// The resumable state of one running block.
#[derive(Debug)]
pub struct Block {
    pub(crate) index: Extent,
    /// All threads' slots, thread after thread.
    pub(crate) registers: Vec<u64>,
    local: Vec<u8>,
    shared: Vec<u8>,
    pub(crate) threads: Vec<Thread>,
    pub(crate) barriers: [crate::interpret::barrier::Barrier; crate::interpret::barrier::BARRIERS],
    /// Whose turn it is.
    current: usize,
    /// Whether a thread has run since the first one's last turn.
    moved: bool,
    steps: u64,
    /// How many threads have not ended.
    pub(crate) live: u32,
    /// Where the launch is checked.
    pub(crate) checks: Option<Box<Checks>>,
}

/// How far [`Block::run`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All threads have ended.
    Done,
    /// The steps ran out: call [`Block::run`] again.
    Yielded,
}

impl Block {
    /// The block at this place of the grid, before its first step.
    #[must_use]
    pub fn new(launch: &Launch, index: Extent) -> Block {
        let mut block = Block {
            index,
            registers: Vec::new(),
            local: Vec::new(),
            shared: Vec::new(),
            threads: Vec::new(),
            barriers: Default::default(),
            current: 0,
            moved: false,
            steps: 0,
            live: 0,
            checks: None,
        };
        block.restart(launch, index);
        block
    }

    /// Begins again as the block at another place of a grid, reusing the memory. What the last block
    /// left in it is gone.
    pub fn restart(&mut self, launch: &Launch, index: Extent) {
        let threads = launch.threads as usize;
        self.index = index;
        self.registers.clear();
        self.registers.resize(threads * launch.slots as usize, 0);
        self.local.clear();
        self.local.resize(threads * launch.local_bytes as usize, 0);
        self.shared.clear();
        self.shared.resize(launch.shared_bytes as usize, 0);
        self.threads.clear();
        self.threads.resize_with(threads, Thread::default);
        self.barriers = Default::default();
        self.current = 0;
        self.moved = false;
        self.steps = 0;
        self.live = launch.threads;
        self.checks = launch.is_checked().then(|| Box::new(Checks::new(launch)));
    }

    /// How many steps the block has taken: one step is one instruction of one thread, and one byte
    /// that is printed another one.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// What the checks have found, where a checked block has ended with a fault.
    #[must_use]
    pub fn finding(&self) -> Option<&Finding> {
        self.checks.as_deref().and_then(Checks::finding)
    }

    /// Runs until all threads have ended, or for this many steps.
    ///
    /// # Errors
    /// What the kernel did wrong. The block cannot be run again then.
    pub fn run<M: Memory + ?Sized>(
        &mut self,
        launch: &Launch,
        memory: &M,
        steps: u64,
    ) -> Result<Progress, Fault> {
        let end = self.steps.saturating_add(steps);
        if let Some(checks) = &mut self.checks {
            checks.begin(launch, memory);
        }
        while self.live > 0 {
            if self.current >= self.threads.len() {
                self.current = 0;
                if !self.moved {
                    self.release_stuck(launch)?;
                }
                self.moved = false;
            }
            let number = self.current;
            let running = self
                .threads
                .get(number)
                .is_some_and(|thread| thread.state == State::Running);
            if !running {
                self.current += 1;
                continue;
            }
            let left = end.saturating_sub(self.steps);
            if left == 0 {
                return Ok(Progress::Yielded);
            }
            self.moved = true;
            self.turn(launch, memory, number, left.min(TURN))?;
            self.current += 1;
        }
        match self.checks.as_mut().and_then(|checks| checks.settle()) {
            Some(found) => Err(found),
            None => Ok(Progress::Done),
        }
    }

    /// Lets one thread run until it must wait or its turn is over.
    fn turn<M: Memory + ?Sized>(
        &mut self,
        launch: &Launch,
        memory: &M,
        number: usize,
        budget: u64,
    ) -> Result<(), Fault> {
        let (slots, local_bytes) = (launch.slots as usize, launch.local_bytes as usize);
        let registers = number * slots..(number + 1) * slots;
        let local = number * local_bytes..(number + 1) * local_bytes;
        let (Some(thread), Some(registers), Some(local)) = (
            self.threads.get_mut(number),
            self.registers.get_mut(registers),
            self.local.get_mut(local),
        ) else {
            return Ok(());
        };
        let mut machine = Machine {
            launch,
            memory,
            registers,
            local,
            shared: &mut self.shared,
            thread,
            block: self.index,
            number: u32::try_from(number).unwrap_or(u32::MAX),
            clock: self.steps,
            extra: 0,
        };
        let stopped = match &mut self.checks {
            None => machine.run(budget, &mut self.steps, &mut Unwatched),
            Some(checks) => machine.run(budget, &mut self.steps, checks.as_mut()),
        };
        match stopped {
            Ok(Stop::Slice) => Ok(()),
            Ok(Stop::Ended) => {
                if let Some(thread) = self.threads.get_mut(number) {
                    thread.state = State::Ended;
                }
                self.live -= 1;
                // Those that wait for all may have waited for this one.
                self.release_barriers(launch)?;
                self.release_warp(launch, number)
            }
            Ok(Stop::WarpOp) => self.arrive(launch, number),
            Err(message) => Err(self.fault(launch, Some(number), *message)),
        }
    }

    /// A thread has come to a step that it must take with others.
    fn arrive(&mut self, launch: &Launch, number: usize) -> Result<(), Fault> {
        match self.step_of(launch, number) {
            Some(Action::Barrier { .. }) => self.arrive_at_barrier(launch, number),
            Some(Action::Warp(_)) => self.arrive_in_warp(launch, number),
            _ => {
                if let Some(thread) = self.threads.get_mut(number) {
                    thread.state = State::ActiveMask;
                }
                Ok(())
            }
        }
    }

    /// The step before a thread's place: the one that it waits in.
    pub(crate) fn step_of<'l>(&self, launch: &'l Launch, number: usize) -> Option<&'l Action> {
        let place = self.threads.get(number)?.place.checked_sub(1)?;
        let step = launch.program.code.get(place as usize)?;
        Some(&step.action)
    }

    /// A value as a thread reads it.
    pub(crate) fn value(&self, launch: &Launch, number: usize, source: Source) -> u64 {
        let found = if source.is_constant() {
            launch.constants.get(source.index())
        } else {
            let base = self
                .threads
                .get(number)
                .map_or(0, |thread| thread.slot_base as usize);
            self.registers
                .get(number * launch.slots as usize + base + source.index())
        };
        found.copied().unwrap_or(0)
    }

    /// Writes a thread's slot.
    pub(crate) fn set_value(&mut self, launch: &Launch, number: usize, slot: u32, value: u64) {
        let base = self
            .threads
            .get(number)
            .map_or(0, |thread| thread.slot_base as usize);
        let index = number * launch.slots as usize + base + slot as usize;
        if let Some(register) = self.registers.get_mut(index) {
            *register = value;
        }
    }

    /// Nobody can run: threads that ask who is with them get their answer; else nobody ever will.
    fn release_stuck(&mut self, launch: &Launch) -> Result<(), Fault> {
        if self.answer_active_masks(launch) {
            return Ok(());
        }
        match self.check_deadlock(launch) {
            Some(found) => Err(found),
            None => Err(self.deadlock(launch)),
        }
    }

    /// What a thread did wrong, or all of them together.
    pub(crate) fn fault(&self, launch: &Launch, number: Option<usize>, message: String) -> Fault {
        let thread = number.and_then(|number| self.threads.get(number));
        let place = thread.and_then(|thread| thread.place.checked_sub(1));
        let step = place.and_then(|place| launch.program.code.get(place as usize));
        Fault {
            kernel: launch.kernel.clone(),
            block: Some(self.index),
            thread: number.and_then(|number| launch.block.place(number as u64)),
            line: step.map(|step| step.line),
            message,
        }
    }
}

/// Runs a whole grid, block after block, and returns how many steps it took.
///
/// # Errors
/// Where the kernel does something wrong, or takes more than `step_limit` steps.
pub fn run_grid<M: Memory + ?Sized>(
    launch: &Launch,
    memory: &M,
    step_limit: u64,
) -> Result<u64, RunError> {
    let mut taken = 0;
    let mut block = Block::new(launch, launch.block_index(0));
    for linear in 0..launch.blocks() {
        if linear > 0 {
            block.restart(launch, launch.block_index(linear));
        }
        if block.run(launch, memory, step_limit.saturating_sub(taken))? == Progress::Yielded {
            return Err(RunError::StepLimit { limit: step_limit });
        }
        taken += block.steps();
    }
    Ok(taken)
}

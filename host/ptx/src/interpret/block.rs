//! One interpreted block: its threads take turns, each until it must wait for others.
//!
//! Which thread runs when is fixed, so a kernel without races computes the same on every run. A turn
//! is bounded, since a thread may wait for another by reading memory in a loop.

use crate::Extent;
use crate::interpret::checks::{Checks, Finding};
use crate::interpret::launch::InterpretedLaunch;
use crate::interpret::profile::{BlockProfile, Profile};
use crate::interpret::program::{Action, Condition, Source};
use crate::interpret::thread::observer::NoChecks;
use crate::interpret::thread::{RunningThread, Thread, TurnEnd};
use crate::simt::Progress;
use crate::simt::block_sync::BlockSync;
use crate::simt::fault::Fault;
use crate::simt::memory::Memory;
use crate::simt::warp::WarpExchange;

/// How many steps a thread may take before the next one's turn.
const TURN: u64 = 16 << 10;

/// The resumable state of one interpreted block.
#[derive(Debug)]
pub struct InterpretedBlock {
    pub(crate) index: Extent,
    /// All threads' slots, thread after thread.
    registers: Vec<u64>,
    local: Vec<u8>,
    shared: Vec<u8>,
    pub(crate) threads: Vec<Thread>,
    /// Where threads wait for each other.
    pub(crate) sync: BlockSync,
    pub(crate) exchange: WarpExchange,
    /// The thread whose turn it is.
    current: u32,
    /// Whether a thread has run since the first one's last turn.
    moved: bool,
    steps: u64,
    /// Where the launch is checked.
    pub(crate) checks: Option<Box<Checks>>,
    /// Where the launch is profiled.
    profile: Option<Box<BlockProfile>>,
}

impl InterpretedBlock {
    /// The block at this place of the grid, before its first step.
    #[must_use]
    pub fn new(launch: &InterpretedLaunch, index: Extent) -> InterpretedBlock {
        let mut block = InterpretedBlock {
            index,
            registers: Vec::new(),
            local: Vec::new(),
            shared: Vec::new(),
            threads: Vec::new(),
            sync: BlockSync::default(),
            exchange: WarpExchange::default(),
            current: 0,
            moved: false,
            steps: 0,
            checks: None,
            profile: None,
        };
        block.restart(launch, index);
        block
    }

    /// Begins again as the block at another place of a grid, reusing the memory. What the last block
    /// left in it is gone.
    pub fn restart(&mut self, launch: &InterpretedLaunch, index: Extent) {
        let count = launch.launch.geometry.threads;
        let threads = count as usize;
        self.index = index;
        self.registers.clear();
        self.registers.resize(threads * launch.slots as usize, 0);
        self.local.clear();
        self.local.resize(threads * launch.local_bytes as usize, 0);
        self.shared.clear();
        self.shared.resize(launch.launch.shared_bytes as usize, 0);
        self.threads.clear();
        self.threads.resize_with(threads, Thread::default);
        self.sync.restart(count);
        self.current = 0;
        self.moved = false;
        self.steps = 0;
        self.checks = launch.is_checked().then(|| Box::new(Checks::new(launch)));
        self.profile = launch
            .is_profiled
            .then(|| Box::new(BlockProfile::new(launch)));
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

    /// Adds what was counted of a profiled block to the profile of its launch.
    pub(crate) fn add_profile(&mut self, launch: &InterpretedLaunch, all: &mut Profile) {
        let has_ended = self.sync.live() == 0;
        if let Some(profile) = self.profile.take() {
            profile.add_to(launch, has_ended, all);
        }
    }

    /// Runs until all threads have ended, or for this many steps.
    ///
    /// # Errors
    /// What the kernel did wrong. The block cannot be run again then.
    pub fn run<M: Memory + ?Sized>(
        &mut self,
        launch: &InterpretedLaunch,
        memory: &M,
        steps: u64,
    ) -> Result<Progress, Fault> {
        let end = self.steps.saturating_add(steps);
        if let Some(checks) = &mut self.checks {
            checks.begin(launch, memory);
        }
        while self.sync.live() > 0 {
            if self.current >= self.sync.threads() {
                self.current = 0;
                // Nobody can run: threads that ask who is with them get their answer; else nobody
                // ever will.
                if !self.moved && !self.answer_active_masks(launch) {
                    return Err(self.deadlock(launch));
                }
                self.moved = false;
            }
            let thread = self.current;
            if !self.sync.is_running(thread) {
                self.current += 1;
                continue;
            }
            let left = end.saturating_sub(self.steps);
            if left == 0 {
                return Ok(Progress::Yielded);
            }
            self.moved = true;
            self.turn(launch, memory, thread, left.min(TURN))?;
            self.current += 1;
        }
        match self.checks.as_mut().and_then(|checks| checks.settle()) {
            Some(found) => Err(found),
            None => Ok(Progress::Done),
        }
    }

    /// Runs for this many steps at most, and returns what each thread did wrong that did something
    /// wrong, in the order in which they ran. Such a thread goes on no more, and the others do as far
    /// as they can without it. [`run`](InterpretedBlock::run) ends with the first of these faults; a
    /// compiled kernel may run its threads in another order, and end with any of them.
    pub fn faults<M: Memory + ?Sized>(
        &mut self,
        launch: &InterpretedLaunch,
        memory: &M,
        steps: u64,
    ) -> Vec<Fault> {
        let mut faults = Vec::new();
        let end = self.steps.saturating_add(steps);
        while self.steps < end {
            match self.run(launch, memory, end - self.steps) {
                Ok(_) => break,
                // All of them together wait for ever, perhaps for one that stopped before.
                Err(fault) if fault.thread.is_none() => {
                    if faults.is_empty() {
                        faults.push(fault);
                    }
                    break;
                }
                Err(fault) => {
                    faults.push(fault);
                    self.sync.stop_at_fault(self.current);
                }
            }
        }
        faults
    }

    /// Lets one thread run until it must wait or its turn is over.
    fn turn<M: Memory + ?Sized>(
        &mut self,
        launch: &InterpretedLaunch,
        memory: &M,
        number: u32,
        budget: u64,
    ) -> Result<(), Fault> {
        let (slots, local_bytes) = (launch.slots as usize, launch.local_bytes as usize);
        let index = number as usize;
        let (Some(thread), Some(registers), Some(local)) = (
            self.threads.get_mut(index),
            self.registers.get_mut(index * slots..(index + 1) * slots),
            self.local
                .get_mut(index * local_bytes..(index + 1) * local_bytes),
        ) else {
            return Ok(());
        };
        let mut running = RunningThread {
            launch,
            memory,
            registers,
            local,
            shared: &mut self.shared,
            thread,
            block: self.index,
            number,
            clock: self.steps,
            extra: 0,
        };
        let ended = match (&mut self.checks, &mut self.profile) {
            (Some(checks), _) => running.run(budget, &mut self.steps, checks.as_mut()),
            (None, Some(profile)) => running.run(budget, &mut self.steps, profile.as_mut()),
            (None, None) => running.run(budget, &mut self.steps, &mut NoChecks),
        };
        match ended {
            Ok(TurnEnd::Budget) => Ok(()),
            Ok(TurnEnd::Exit) => self.end(launch, number),
            Ok(TurnEnd::Sync) => self.arrive(launch, number),
            Err(message) => Err(self.fault(launch, Some(number), *message)),
        }
    }

    /// The index in the program of the step that a thread took last: the one that it waits in.
    pub(crate) fn pc(&self, thread: u32) -> u32 {
        let thread = self.threads.get(thread as usize);
        thread.map_or(0, |thread| thread.pc.saturating_sub(1))
    }

    /// The step that a thread took last.
    pub(crate) fn step_of<'l>(
        &self,
        launch: &'l InterpretedLaunch,
        thread: u32,
    ) -> Option<&'l Action> {
        let pc = self.threads.get(thread as usize)?.pc.checked_sub(1)?;
        let step = launch.program.code.get(pc as usize)?;
        Some(&step.action)
    }

    /// Where a slot of a thread's current function lies among all registers.
    fn slot(&self, launch: &InterpretedLaunch, thread: u32, slot: usize) -> Option<usize> {
        let base = self.threads.get(thread as usize)?.slot_base as usize;
        Some(thread as usize * launch.slots as usize + base + slot)
    }

    /// A value as a thread reads it.
    pub(crate) fn value(&self, launch: &InterpretedLaunch, thread: u32, source: Source) -> u64 {
        let found = if source.is_constant() {
            launch.constants.get(source.index())
        } else {
            let slot = self.slot(launch, thread, source.index());
            slot.and_then(|slot| self.registers.get(slot))
        };
        debug_assert!(
            found.is_some(),
            "a value of thread {thread} that is not there"
        );
        found.copied().unwrap_or(0)
    }

    /// A value as a thread reads it, with its lowest bit inverted where that is asked for.
    pub(crate) fn condition(
        &self,
        launch: &InterpretedLaunch,
        thread: u32,
        condition: Condition,
    ) -> u64 {
        self.value(launch, thread, condition.source) ^ u64::from(condition.negated)
    }

    /// Writes a thread's slot.
    pub(crate) fn set_value(
        &mut self,
        launch: &InterpretedLaunch,
        thread: u32,
        slot: u32,
        value: u64,
    ) {
        let slot = self.slot(launch, thread, slot as usize);
        if let Some(register) = slot.and_then(|slot| self.registers.get_mut(slot)) {
            *register = value;
        }
    }

    /// What a thread did wrong, or all of them together.
    pub(crate) fn fault(
        &self,
        launch: &InterpretedLaunch,
        thread: Option<u32>,
        message: String,
    ) -> Fault {
        let pc = thread.and_then(|thread| self.threads.get(thread as usize)?.pc.checked_sub(1));
        let step = pc.and_then(|pc| launch.program.code.get(pc as usize));
        Fault {
            kernel: launch.launch.kernel.clone(),
            block: Some(self.index),
            thread: thread.and_then(|thread| launch.launch.geometry.thread_index(thread)),
            line: step.map(|step| step.line),
            message,
        }
    }
}

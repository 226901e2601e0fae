//! One running block: its threads run until they must wait, meet as the interpreter's do, and go
//! on.

use std::sync::Arc;

use crate::Extent;
use crate::compile::abi::{COMMON_RESUME, CTAID, ENDED, MORE_BLOCKS, SUSPENDED};
use crate::compile::ir::{SuspendId, SuspendKind, SuspendPoint};
use crate::exec::setup::Setup;
use crate::exec::{long, set_long, set_word, word};
use crate::simt::Fault;
use crate::syntax::modifier::Modifier;

/// How many barriers a block has.
const BARRIERS: usize = 16;

/// An instance of a kernel's module, with the launch's [`Setup`] behind its imports.
pub trait Machine {
    /// Why a call failed.
    type Error;

    /// The module's scratch memory.
    fn scratch(&mut self) -> &mut [u8];

    /// Calls the module's function `run` for these threads.
    ///
    /// # Errors
    /// Where the call traps, or an import ends it.
    fn run(&mut self, first: u32, behind: u32) -> Result<i32, Self::Error>;

    /// Whether the stop flag is set.
    fn is_told(&mut self) -> bool;
}

/// How far [`Block::run`] came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All threads have ended.
    Done,
    /// The kernel was told to return: call [`Block::run`] again.
    Yielded,
}

/// Why [`Block::run`] failed.
#[derive(Debug)]
pub enum Failure<E> {
    /// Threads wait for each other in a way that cannot be.
    Fault(Box<Fault>),
    /// The engine says so.
    Machine(E),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Barrier(u8),
    Warp(u32),
    ActiveMask(u32),
    Ended,
}

#[derive(Clone, Copy, Debug, Default)]
struct Barrier {
    arrived: u32,
    count: Option<u32>,
    values: u32,
    trues: u32,
}

/// The resumable state of one running block, but for what lies in scratch memory.
#[derive(Debug)]
pub struct Block {
    pub(crate) setup: Arc<Setup>,
    pub(crate) index: Extent,
    begun: bool,
    /// How many blocks behind this one are to run too.
    more: u32,
    /// The thread whose turn it is.
    first: u32,
    /// Empty in kernels whose threads never meet.
    pub(crate) states: Vec<State>,
    /// The stop that each thread waits in.
    pub(crate) stops: Vec<u32>,
    barriers: [Barrier; BARRIERS],
    live: u32,
    /// What lay in scratch memory when the block was taken out of it.
    parked: Option<Vec<u8>>,
}

impl Block {
    /// The block at this place of the grid, before its first step.
    #[must_use]
    pub fn new(setup: Arc<Setup>, index: Extent) -> Block {
        let mut block = Block {
            setup,
            index,
            begun: false,
            more: 0,
            first: 0,
            states: Vec::new(),
            stops: Vec::new(),
            barriers: Default::default(),
            live: 0,
            parked: None,
        };
        block.restart(index, 0);
        block
    }

    /// Begins again as the block at another place of the grid, with so many behind it that are to run
    /// too.
    pub fn restart(&mut self, index: Extent, more: u32) {
        self.index = index;
        self.more = more;
        self.begun = false;
        self.first = 0;
        self.live = self.setup.threads;
        self.barriers = Default::default();
        self.parked = None;
        if !self.setup.lowered.body.suspend_points.is_empty() {
            let threads = self.setup.threads as usize;
            self.states.clear();
            self.states.resize(threads, State::Running);
            self.stops.clear();
            self.stops.resize(threads, 0);
        }
    }

    /// How many of the blocks behind it have not begun. A kernel whose threads never meet runs them by
    /// itself; else the caller restarts as each.
    #[must_use]
    pub fn more(&self) -> u32 {
        self.more
    }

    /// The block's place in the grid.
    #[must_use]
    pub fn index(&self) -> Extent {
        self.index
    }

    /// Runs until all threads have ended, or the stop flag was found set; where it can, through the
    /// blocks behind it. The launch must have been
    /// [prepared](Setup::prepare) in the machine, and the flag cleared.
    ///
    /// # Errors
    /// What the kernel did wrong, or what the machine says.
    pub fn run<M: Machine>(&mut self, machine: &mut M) -> Result<Progress, Failure<M::Error>> {
        if !self.begun {
            self.begin(machine.scratch());
        } else if let Some(parked) = self.parked.take() {
            self.unpark(machine.scratch(), &parked);
        }
        let threads = self.setup.threads;
        loop {
            let first = self.first;
            let told = machine.run(first, threads).map_err(Failure::Machine)?;
            self.see_where(machine.scratch());
            if let Ok(told) = u32::try_from(told) {
                self.own_places(machine.scratch(), told);
                // The others have their turn first, when the block goes on.
                self.first = if told + 1 < threads { told + 1 } else { 0 };
                return Ok(Progress::Yielded);
            }
            self.first = 0;
            if first > 0 {
                continue;
            }
            if self.states.is_empty() {
                return Ok(Progress::Done);
            }
            let met = self
                .meet(machine.scratch())
                .map_err(|fault| Failure::Fault(Box::new(fault)))?;
            if met == Progress::Done {
                return Ok(Progress::Done);
            }
            // From one meeting to the next, no loop of the module's may be closed.
            if machine.is_told() {
                self.places_from(machine.scratch(), 0);
                return Ok(Progress::Yielded);
            }
        }
    }

    /// Finds out how far a kernel came that runs through several blocks.
    fn see_where(&mut self, scratch: &mut [u8]) {
        if self.setup.sweeps() {
            self.more = word(scratch, MORE_BLOCKS).cast_unsigned();
            let at = |at| word(scratch, at).cast_unsigned();
            self.index = self.setup.block_in(at);
        }
    }

    /// Gives each thread its own place, after this one was told to return while they had one in
    /// common.
    fn own_places(&mut self, scratch: &mut [u8], told: u32) {
        if word(scratch, COMMON_RESUME) < 0 {
            return;
        }
        let width = self.setup.lowered.lanes();
        let (begin, end) = (told - told % width, (told / width + 1) * width);
        // Those before have ended, and where threads never meet did not say so.
        if self.setup.lowered.body.suspend_points.is_empty() {
            for thread in 0..begin {
                set_word(scratch, self.place(thread), ENDED.cast_unsigned());
            }
        }
        self.places_from(scratch, end);
    }

    /// Gives threads from this one on the place as their own that all have in common, if they have.
    fn places_from(&self, scratch: &mut [u8], first: u32) {
        let common = word(scratch, COMMON_RESUME);
        if common < 0 {
            return;
        }
        set_word(scratch, COMMON_RESUME, u32::MAX);
        for thread in first..self.setup.threads {
            set_word(scratch, self.place(thread), common.cast_unsigned());
        }
    }

    /// Takes the block out of scratch memory, so that another one may run in it. The blocks behind it
    /// are the caller's again.
    pub fn park(&mut self, scratch: &[u8]) {
        let mut parked = Vec::new();
        for (begin, end) in self.ranges() {
            parked.extend_from_slice(scratch.get(begin..end).unwrap_or_default());
        }
        self.parked = Some(parked);
        self.more = 0;
    }

    fn unpark(&self, scratch: &mut [u8], mut parked: &[u8]) {
        self.place_in_grid(scratch);
        set_word(scratch, COMMON_RESUME, u32::MAX);
        set_word(scratch, MORE_BLOCKS, 0);
        for (begin, end) in self.ranges() {
            if let (Some(place), Some((part, rest))) = (
                scratch.get_mut(begin..end),
                parked.split_at_checked(end - begin),
            ) {
                place.copy_from_slice(part);
                parked = rest;
            }
        }
    }

    /// What of scratch memory is the block's: places and registers, local, shared.
    fn ranges(&self) -> [(usize, usize); 3] {
        let layout = &self.setup.lowered.layout;
        let local = layout.local_stride as usize * self.setup.threads as usize;
        let (begin, shared) = (layout.local as usize, layout.shared as usize);
        [
            (layout.resume_indices as usize, begin),
            (begin, begin + local),
            (shared, shared + self.setup.shared_bytes as usize),
        ]
    }

    fn place_in_grid(&self, scratch: &mut [u8]) {
        set_word(scratch, CTAID, self.index.x);
        set_word(scratch, CTAID + 4, self.index.y);
        set_word(scratch, CTAID + 8, self.index.z);
    }

    fn begin(&mut self, scratch: &mut [u8]) {
        self.begun = true;
        self.place_in_grid(scratch);
        let more = if self.setup.sweeps() { self.more } else { 0 };
        set_word(scratch, MORE_BLOCKS, more);
        let common = if self.setup.has_common() { 0 } else { u32::MAX };
        set_word(scratch, COMMON_RESUME, common);
        let [(places, _), local, shared] = self.ranges();
        let own = if self.setup.has_common() { 0 } else { 4 };
        let places = (places, places + own * self.setup.threads as usize);
        for (begin, end) in [places, local, shared] {
            if let Some(range) = scratch.get_mut(begin..end) {
                range.fill(0);
            }
        }
    }

    fn place(&self, thread: u32) -> u32 {
        self.setup.lowered.layout.resume_indices + 4 * thread
    }

    pub(crate) fn stop(&self, number: u32) -> Option<&SuspendPoint> {
        self.setup
            .lowered
            .body
            .suspend_points
            .get(SuspendId(number))
    }

    /// What a thread brought to its stop.
    pub(crate) fn brought(&self, scratch: &[u8], thread: u32, array: u32) -> u64 {
        long(
            scratch,
            self.setup.lowered.layout.exchanged(array) + 8 * thread,
        )
    }

    /// Lets a thread go on behind its stop.
    pub(crate) fn release(&mut self, scratch: &mut [u8], thread: u32) {
        let stop = self.stops.get(thread as usize).copied().unwrap_or(0);
        let resume = self
            .setup
            .lowered
            .after_stop
            .get(&stop)
            .copied()
            .unwrap_or(0);
        set_word(scratch, self.place(thread), resume);
        if let Some(state) = self.states.get_mut(thread as usize) {
            *state = State::Running;
        }
    }

    pub(crate) fn give(&self, scratch: &mut [u8], thread: u32, array: u32, value: u64) {
        set_long(
            scratch,
            self.setup.lowered.layout.exchanged(array) + 8 * thread,
            value,
        );
    }

    /// Nobody can run: whoever has met goes on.
    fn meet(&mut self, scratch: &mut [u8]) -> Result<Progress, Fault> {
        if self.all_at_one_stop(scratch) {
            return Ok(Progress::Yielded);
        }
        if self.all_ended(scratch) {
            return Ok(Progress::Done);
        }
        set_word(scratch, COMMON_RESUME, u32::MAX);
        let threads = self.setup.threads;
        let mut warps: Vec<u32> = Vec::new();
        for thread in 0..threads {
            if self.states.get(thread as usize) != Some(&State::Running) {
                continue;
            }
            let place = word(scratch, self.place(thread));
            if place >= 0 {
                continue;
            }
            let warp = thread / 32;
            if place == ENDED {
                self.set_state(thread, State::Ended);
                self.live = self.live.saturating_sub(1);
                self.release_barriers(scratch);
                if warps.last() != Some(&warp) {
                    warps.push(warp);
                }
                continue;
            }
            let number = SUSPENDED.wrapping_sub(place).cast_unsigned();
            if let Some(stop) = self.stops.get_mut(thread as usize) {
                *stop = number;
            }
            match self.stop(number).map(|stop| stop.kind) {
                Some(SuspendKind::Plain(id)) => {
                    self.arrive(scratch, thread, (u64::from(id), None, true, None))?;
                }
                Some(SuspendKind::Barrier {
                    counted,
                    wait,
                    reduce,
                }) => {
                    let id = self.brought(scratch, thread, 0);
                    let count = counted.then(|| self.brought(scratch, thread, 1));
                    let value = reduce.map(|_| self.brought(scratch, thread, 2));
                    self.arrive(scratch, thread, (id, count, wait, value))?;
                }
                Some(SuspendKind::Warp(_)) => {
                    let mask = self.brought(scratch, thread, 3);
                    if (mask >> (thread % 32)) & 1 == 0 {
                        let message =
                            format!("the mask {mask:#010x} leaves out the thread that gives it");
                        return Err(self.fault(Some(thread), number, message));
                    }
                    self.set_state(thread, State::Warp(number));
                    if warps.last() != Some(&warp) {
                        warps.push(warp);
                    }
                }
                Some(SuspendKind::ActiveMask) => self.set_state(thread, State::ActiveMask(number)),
                None => {}
            }
        }
        for warp in warps {
            self.release_warp(scratch, warp * 32);
        }
        if self.live == 0 {
            return Ok(Progress::Done);
        }
        if self.states.contains(&State::Running) || self.answer_active_masks(scratch) {
            return Ok(Progress::Yielded);
        }
        Err(self.deadlock())
    }

    /// The common case, at once: all threads have come to the same barrier for all, or to the same step
    /// of their warps.
    fn all_at_one_stop(&mut self, scratch: &mut [u8]) -> bool {
        let begin = self.setup.lowered.layout.resume_indices as usize;
        let end = begin + 4 * self.setup.threads as usize;
        let (places, _) = scratch.get(begin..end).unwrap_or_default().as_chunks::<4>();
        let Some(first) = places.first().copied() else {
            return false;
        };
        let number = SUSPENDED
            .wrapping_sub(i32::from_le_bytes(first))
            .cast_unsigned();
        let kind = self.stop(number).map(|stop| stop.kind);
        if self.live != self.setup.threads
            || self.barriers.iter().any(|barrier| barrier.arrived > 0)
            || places.iter().any(|place| *place != first)
        {
            return false;
        }
        let met = match kind {
            Some(SuspendKind::Plain(_)) => true,
            Some(SuspendKind::Warp(what)) => self.release_all_warps(scratch, what),
            _ => false,
        };
        if !met {
            return false;
        }
        let lowered = &self.setup.lowered;
        let resume = lowered.after_stop.get(&number).copied().unwrap_or(0);
        if self.setup.has_common() {
            set_word(scratch, COMMON_RESUME, resume);
        } else {
            let places = scratch.get_mut(begin..end).unwrap_or_default();
            places.as_chunks_mut::<4>().0.fill(resume.to_le_bytes());
        }
        true
    }

    /// As common: all threads have ended, and none before the others.
    fn all_ended(&self, scratch: &[u8]) -> bool {
        let begin = self.setup.lowered.layout.resume_indices as usize;
        let end = begin + 4 * self.setup.threads as usize;
        let (places, _) = scratch.get(begin..end).unwrap_or_default().as_chunks::<4>();
        self.live == self.setup.threads
            && self.barriers.iter().all(|barrier| barrier.arrived == 0)
            && places.iter().all(|place| *place == ENDED.to_le_bytes())
    }

    pub(crate) fn set_state(&mut self, thread: u32, state: State) {
        if let Some(place) = self.states.get_mut(thread as usize) {
            *place = state;
        }
    }

    /// A thread comes to a barrier: which, for how many, whether it waits, and its predicate.
    fn arrive(
        &mut self,
        scratch: &mut [u8],
        thread: u32,
        (id, count, wait, value): (u64, Option<u64>, bool, Option<u64>),
    ) -> Result<(), Fault> {
        let number = self.stops.get(thread as usize).copied().unwrap_or(0);
        let name = u8::try_from(id).unwrap_or(u8::MAX);
        let known = self.barriers.get(usize::from(name)).copied();
        let Some(mut barrier) = known else {
            let message = format!("there is no barrier {id}: a block has {BARRIERS}");
            return Err(self.fault(Some(thread), number, message));
        };
        // Counts are in whole warps. One of all threads means those that are left, too.
        let threads = u64::from(self.setup.threads);
        let count = match count {
            Some(count) if count > threads.next_multiple_of(32) => {
                let message =
                    format!("barrier {id} is to wait for {count} threads, the block has {threads}");
                return Err(self.fault(Some(thread), number, message));
            }
            Some(count) if count < threads => u32::try_from(count).ok(),
            _ => None,
        };
        if barrier.arrived > 0 && barrier.count != count {
            let message = format!("threads come to barrier {id} with different counts");
            return Err(self.fault(Some(thread), number, message));
        }
        barrier.count = count;
        barrier.arrived += 1;
        if let Some(value) = value {
            barrier.values += 1;
            barrier.trues += u32::from(value != 0);
        }
        if let Some(place) = self.barriers.get_mut(usize::from(name)) {
            *place = barrier;
        }
        if wait {
            self.set_state(thread, State::Barrier(name));
        } else {
            self.release(scratch, thread);
        }
        self.release_barriers(scratch);
        Ok(())
    }

    fn release_barriers(&mut self, scratch: &mut [u8]) {
        for name in 0..BARRIERS {
            let Some(barrier) = self.barriers.get_mut(name) else {
                continue;
            };
            let wanted = barrier.count.unwrap_or(self.live);
            if barrier.arrived == 0 || barrier.arrived < wanted {
                continue;
            }
            let done = std::mem::take(barrier);
            let name = u8::try_from(name).unwrap_or(u8::MAX);
            for thread in 0..self.setup.threads {
                if self.states.get(thread as usize) != Some(&State::Barrier(name)) {
                    continue;
                }
                let number = self.stops.get(thread as usize).copied().unwrap_or(0);
                if let Some(SuspendKind::Barrier {
                    reduce: Some(how), ..
                }) = self.stop(number).map(|stop| stop.kind)
                {
                    let value = match how {
                        Modifier::And => u64::from(done.trues == done.values),
                        Modifier::Or => u64::from(done.trues > 0),
                        _ => u64::from(done.trues),
                    };
                    self.give(scratch, thread, 0, value);
                }
                self.release(scratch, thread);
            }
        }
    }

    fn deadlock(&self) -> Fault {
        let count = |wanted: &dyn Fn(State) -> bool| {
            self.states.iter().filter(|state| wanted(**state)).count()
        };
        let ended = count(&|state| state == State::Ended);
        let in_warps = count(&|state| matches!(state, State::Warp(_)));
        let mut parts = Vec::new();
        for name in 0..BARRIERS {
            let name = u8::try_from(name).unwrap_or(u8::MAX);
            let waiting = count(&|state| state == State::Barrier(name));
            if waiting > 0 {
                parts.push(format!("barrier {name} is waited for by {waiting} threads"));
            }
        }
        if in_warps > 0 {
            parts.push(format!("{in_warps} threads wait for others of their warp"));
        }
        parts.push(format!("{ended} have ended"));
        let stuck = self
            .states
            .iter()
            .position(|state| !matches!(state, State::Ended | State::Running));
        let number = stuck.and_then(|stuck| self.stops.get(stuck)).copied();
        let message = format!("the block waits for ever: {}", parts.join(", "));
        self.fault(None, number.unwrap_or(0), message)
    }

    fn fault(&self, thread: Option<u32>, stop: u32, message: String) -> Fault {
        Fault {
            kernel: self.setup.lowered.kernel.clone(),
            block: Some(self.index),
            thread: thread.and_then(|thread| self.setup.block.place(u64::from(thread))),
            line: self.stop(stop).map(|stop| stop.line),
            message,
        }
    }
}

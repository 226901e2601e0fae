//! Threads of a compiled block that are suspended: once each has stopped, those go on that need not
//! wait any longer. Who may is decided by [`BlockSync`](crate::simt::block_sync::BlockSync); what
//! threads bring along and take away passes through the exchange in scratch memory.

use crate::compile::abi::{COMMON_RESUME, ENDED, SUSPENDED};
use crate::compile::ir::{SuspendId, SuspendKind, SuspendPoint};
use crate::exec::block::CompiledBlock;
use crate::exec::scratch::{long, row, set_long, set_row, set_word, word};
use crate::simt::barrier::{Arrival, BARRIERS, CLUSTER_BARRIER};
use crate::simt::block_sync::{Collective, threads_of};
use crate::simt::geometry::{lane_of, warp_begin};
use crate::simt::warp::{WARP_LANES, WarpOp};
use crate::simt::{Fault, Progress};

/// The word of the exchange that holds the mask of a collective's members; its own words follow.
const MASK: u32 = 0;
const INPUTS: u32 = 1;

/// Whether all words are this one. They are compared without a branch for each, so in vectors.
fn all_are(words: &[[u8; 4]], expected: i32) -> bool {
    let differences = words.iter().fold(0, |differences, word| {
        differences | (i32::from_le_bytes(*word) ^ expected)
    });
    differences == 0
}

impl CompiledBlock {
    /// Called when no thread can run: lets those go on whose barrier or collective is complete.
    pub(crate) fn release_suspended(&mut self, scratch: &mut [u8]) -> Result<Progress, Fault> {
        if self.release_all_together(scratch) {
            return Ok(Progress::Yielded);
        }
        if self.all_ended(scratch) {
            return Ok(Progress::Done);
        }
        set_word(scratch, COMMON_RESUME, u32::MAX);
        let mut warps: Vec<u32> = Vec::new();
        for thread in 0..self.launch.threads() {
            if !self.sync.is_running(thread) {
                continue;
            }
            let resume = word(scratch, self.resume_index(thread));
            if resume >= 0 {
                continue;
            }
            let in_warp = if resume == ENDED {
                self.sync.end(thread);
                self.release_barriers(scratch);
                true
            } else {
                let number = SUSPENDED.wrapping_sub(resume).cast_unsigned();
                self.suspend(scratch, thread, number)?
            };
            let warp = warp_begin(thread);
            if in_warp && warps.last() != Some(&warp) {
                warps.push(warp);
            }
        }
        for warp in warps {
            self.release_collectives(scratch, warp);
        }
        if self.sync.live() == 0 {
            return Ok(Progress::Done);
        }
        if self.sync.has_running() || self.answer_active_masks(scratch) {
            return Ok(Progress::Yielded);
        }
        let deadlock = self.sync.deadlock();
        let number = deadlock.thread.and_then(|thread| self.point_of(thread));
        Err(self.fault(None, number, deadlock.message))
    }

    /// A thread waits at a suspend point. Whether others of its warp may wait for it there.
    fn suspend(&mut self, scratch: &mut [u8], thread: u32, number: u32) -> Result<bool, Fault> {
        if let Some(point) = self.suspended_at.get_mut(thread as usize) {
            *point = number;
        }
        let Some(kind) = self.point(number).map(|point| point.kind) else {
            debug_assert!(false, "the kernel has no suspend point {number}");
            let message = "the thread waits where nobody can wait".to_owned();
            return Err(self.fault(Some(thread), Some(number), message));
        };
        match kind {
            SuspendKind::Plain(id) => {
                let id = match id {
                    id if usize::from(id) == BARRIERS => CLUSTER_BARRIER,
                    id => id.into(),
                };
                self.arrive(scratch, thread, id, Arrival::default(), true)?;
                Ok(false)
            }
            SuspendKind::Barrier {
                counted,
                waits,
                reduction,
            } => {
                let id = self.exchanged(scratch, thread, 0);
                let count = counted.then(|| self.exchanged(scratch, thread, 1));
                let predicate = 1 + u32::from(counted);
                let predicate = reduction.map(|_| self.exchanged(scratch, thread, predicate) != 0);
                let arrival = Arrival { count, predicate };
                self.arrive(scratch, thread, id, arrival, waits)?;
                Ok(false)
            }
            SuspendKind::Collective(op) => {
                let mask = self.exchanged(scratch, thread, MASK) as u32;
                let joined = self.sync.join(thread, op, mask);
                joined
                    .map_err(|error| self.fault(Some(thread), Some(number), error.to_string()))?;
                Ok(true)
            }
            SuspendKind::ActiveMask => {
                self.sync.ask_active_mask(thread, number);
                Ok(false)
            }
        }
    }

    fn arrive(
        &mut self,
        scratch: &mut [u8],
        thread: u32,
        id: u64,
        arrival: Arrival,
        waits: bool,
    ) -> Result<(), Fault> {
        let arrived = self.sync.arrive(thread, id, arrival, waits);
        arrived
            .map_err(|error| self.fault(Some(thread), self.point_of(thread), error.to_string()))?;
        if !waits {
            self.release(scratch, thread);
        }
        self.release_barriers(scratch);
        Ok(())
    }

    fn release_barriers(&mut self, scratch: &mut [u8]) {
        while let Some((name, phase)) = self.sync.take_complete_barrier() {
            for thread in 0..self.sync.threads() {
                if !self.sync.waits_at(thread, name) {
                    continue;
                }
                let point = self.point_of(thread).and_then(|number| self.point(number));
                if let Some(SuspendKind::Barrier {
                    reduction: Some(how),
                    ..
                }) = point.map(|point| point.kind)
                {
                    self.give(scratch, thread, 0, phase.reduced(how));
                }
                self.release(scratch, thread);
            }
        }
    }

    /// Evaluates the collectives of a warp that are complete.
    fn release_collectives(&mut self, scratch: &mut [u8], first: u32) {
        while let Some(Collective { op, members }) = self.sync.complete_collective(first) {
            self.load_inputs(scratch, first, op);
            let layout = &self.launch.kernel.layout;
            let results = self.exchange.evaluate(op, members);
            for (array, row) in (0..).zip(results) {
                for thread in threads_of(first, members) {
                    let at = layout.exchanged(array) + 8 * thread;
                    set_long(scratch, at, row[lane_of(thread) as usize]);
                }
            }
            for thread in threads_of(first, members) {
                self.release(scratch, thread);
            }
        }
    }

    /// Reads what the lanes of a warp bring to a collective.
    fn load_inputs(&mut self, scratch: &[u8], first: u32, op: WarpOp) {
        let layout = &self.launch.kernel.layout;
        for (array, words) in (INPUTS..).zip(self.exchange.inputs(op)) {
            row(scratch, layout.exchanged(array) + 8 * first, words);
        }
    }

    /// Answers threads that ask for their active mask; false where there are none.
    fn answer_active_masks(&mut self, scratch: &mut [u8]) -> bool {
        let mut answered = false;
        for first in self.sync.warps() {
            let Some(members) = self.sync.active_mask(first) else {
                continue;
            };
            answered = true;
            for thread in threads_of(first, members) {
                self.give(scratch, thread, 0, u64::from(members));
                self.release(scratch, thread);
            }
        }
        answered
    }

    /// The common case, at once: all threads of the block are suspended at the same point, which is a
    /// barrier for all, or a collective of whole warps. False, and nothing done, where it is not so.
    fn release_all_together(&mut self, scratch: &mut [u8]) -> bool {
        let Some(number) = self.common_suspension(scratch) else {
            return false;
        };
        let released = match self.point(number).map(|point| point.kind) {
            Some(SuspendKind::Plain(_)) => true,
            Some(SuspendKind::Collective(op)) => self.evaluate_all_warps(scratch, op),
            _ => false,
        };
        let Some(resume) = self.resume_of(number).filter(|_| released) else {
            return false;
        };
        if self.launch.has_common_resume() {
            set_word(scratch, COMMON_RESUME, resume);
        } else {
            let (begin, end) = self.resume_indices();
            let indices = scratch.get_mut(begin..end).unwrap_or_default();
            indices.as_chunks_mut::<4>().0.fill(resume.to_le_bytes());
        }
        true
    }

    /// The suspend point that all threads of the block have come to since it began, or since all were
    /// released together.
    fn common_suspension(&self, scratch: &[u8]) -> Option<u32> {
        if !self.sync.is_fresh() {
            return None;
        }
        let (begin, end) = self.resume_indices();
        let (indices, _) = scratch.get(begin..end)?.as_chunks::<4>();
        let resume = i32::from_le_bytes(*indices.first()?);
        let same = resume <= SUSPENDED && all_are(indices, resume);
        same.then(|| SUSPENDED.wrapping_sub(resume).cast_unsigned())
    }

    /// Whether all threads have ended, and none before the others.
    fn all_ended(&self, scratch: &[u8]) -> bool {
        let (begin, end) = self.resume_indices();
        let indices = scratch.get(begin..end).unwrap_or_default();
        let (indices, _) = indices.as_chunks::<4>();
        self.sync.is_fresh() && all_are(indices, ENDED)
    }

    /// Where in scratch memory the resume indices of the block's threads begin and end.
    fn resume_indices(&self) -> (usize, usize) {
        let begin = self.launch.kernel.layout.resume_indices as usize;
        (begin, begin + 4 * self.launch.threads() as usize)
    }

    /// Evaluates a collective that all threads have come to, where each has the mask of its whole warp.
    /// False, and nothing done, where one has not.
    fn evaluate_all_warps(&mut self, scratch: &mut [u8], op: WarpOp) -> bool {
        let whole_of =
            |first: u32, threads: u32| u32::MAX >> (WARP_LANES - (threads - first).min(WARP_LANES));
        let threads = self.launch.threads();
        let masks = self.launch.kernel.layout.exchanged(MASK);
        for first in self.sync.warps() {
            let whole = u64::from(whole_of(first, threads));
            let mut words = [0; WARP_LANES as usize];
            row(scratch, masks + 8 * first, &mut words);
            let lanes = words.iter().take((threads - first) as usize);
            if words[0] & whole != whole || lanes.into_iter().any(|mask| *mask != words[0]) {
                return false;
            }
        }
        for first in self.sync.warps() {
            self.load_inputs(scratch, first, op);
            let layout = &self.launch.kernel.layout;
            let results = self.exchange.evaluate(op, whole_of(first, threads));
            // Lanes without a thread have words there, too, which nobody reads.
            for (array, words) in (0..).zip(results) {
                set_row(scratch, layout.exchanged(array) + 8 * first, words);
            }
        }
        true
    }

    fn point(&self, number: u32) -> Option<&SuspendPoint> {
        self.launch
            .kernel
            .body
            .suspend_points
            .get(SuspendId(number))
    }

    /// The suspend point in which a thread waits.
    fn point_of(&self, thread: u32) -> Option<u32> {
        self.suspended_at.get(thread as usize).copied()
    }

    /// Where threads go on that were suspended at a point.
    fn resume_of(&self, number: u32) -> Option<u32> {
        let resume = self.launch.kernel.resume_after.get(&number).copied();
        debug_assert!(
            resume.is_some(),
            "nothing comes after suspend point {number}"
        );
        resume
    }

    /// Where in the exchange a word of a thread lies.
    fn exchange_address(&self, thread: u32, array: u32) -> u32 {
        self.launch.kernel.layout.exchanged(array) + 8 * thread
    }

    /// What a thread brought to the point where it waits.
    fn exchanged(&self, scratch: &[u8], thread: u32, array: u32) -> u64 {
        long(scratch, self.exchange_address(thread, array))
    }

    /// Gives a thread a word that it takes when it goes on.
    fn give(&self, scratch: &mut [u8], thread: u32, array: u32, value: u64) {
        set_long(scratch, self.exchange_address(thread, array), value);
    }

    /// Lets a thread go on after the point where it waits. One that could not go on anywhere stays.
    fn release(&mut self, scratch: &mut [u8], thread: u32) {
        let resume = self
            .point_of(thread)
            .and_then(|number| self.resume_of(number));
        if let Some(resume) = resume {
            set_word(scratch, self.resume_index(thread), resume);
            self.sync.resume(thread);
        }
    }

    fn fault(&self, thread: Option<u32>, point: Option<u32>, message: String) -> Fault {
        let geometry = &self.launch.launch.geometry;
        Fault {
            kernel: self.launch.kernel.kernel.clone(),
            block: Some(self.index),
            thread: thread.and_then(|thread| geometry.thread_index(thread)),
            line: point
                .and_then(|number| self.point(number))
                .map(|point| point.line),
            message,
        }
    }
}

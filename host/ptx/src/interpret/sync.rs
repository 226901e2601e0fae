//! Threads of an interpreted block that wait for each other: what they bring to a barrier or a warp
//! collective, and what they get. Who may go on is decided by
//! [`BlockSync`](crate::simt::block_sync::BlockSync).

use crate::interpret::block::InterpretedBlock;
use crate::interpret::launch::InterpretedLaunch;
use crate::interpret::program::Action;
use crate::simt::barrier::{Arrival, Phase};
use crate::simt::block_sync::{Collective, threads_of};
use crate::simt::fault::Fault;
use crate::simt::geometry::{lane_of, warp_begin};
use crate::simt::warp::WarpOp;

impl InterpretedBlock {
    /// A thread has come to a step that it takes with others.
    pub(crate) fn arrive(&mut self, launch: &InterpretedLaunch, thread: u32) -> Result<(), Fault> {
        match self.step_of(launch, thread) {
            Some(Action::Barrier { .. }) => {
                self.arrive_at_barrier(launch, thread)?;
                self.release_barriers(launch)
            }
            Some(Action::Collective(step)) => {
                let mask = self.value(launch, thread, step.mask) as u32;
                let joined = self.sync.join(thread, step.op, mask);
                joined.map_err(|error| self.fault(launch, Some(thread), error.to_string()))?;
                self.release_collectives(launch, warp_begin(thread));
                Ok(())
            }
            _ => {
                let site = self.pc(thread);
                self.sync.ask_active_mask(thread, site);
                Ok(())
            }
        }
    }

    /// A thread has ended: whoever waited for it alone goes on.
    pub(crate) fn end(&mut self, launch: &InterpretedLaunch, thread: u32) -> Result<(), Fault> {
        self.sync.end(thread);
        self.release_barriers(launch)?;
        self.release_collectives(launch, warp_begin(thread));
        Ok(())
    }

    fn arrive_at_barrier(&mut self, launch: &InterpretedLaunch, thread: u32) -> Result<(), Fault> {
        let Some(Action::Barrier {
            id,
            count,
            waits,
            reduce,
        }) = self.step_of(launch, thread)
        else {
            return Ok(());
        };
        let id = self.value(launch, thread, *id);
        let condition = reduce.as_ref().map(|reduce| reduce.value);
        let arrival = Arrival {
            count: count.map(|count| self.value(launch, thread, count)),
            predicate: condition.map(|condition| self.condition(launch, thread, condition) != 0),
        };
        let name = self
            .sync
            .arrive(thread, id, arrival, *waits)
            .map_err(|error| self.fault(launch, Some(thread), error.to_string()))?;
        if !waits {
            self.check_arrival(thread, name);
        }
        Ok(())
    }

    /// Lets the threads go on whose barrier is complete.
    ///
    /// # Errors
    /// In a checked block, where they did not come to it as one.
    fn release_barriers(&mut self, launch: &InterpretedLaunch) -> Result<(), Fault> {
        while let Some((name, phase)) = self.sync.take_complete_barrier() {
            self.check_barrier(launch, name)?;
            for thread in 0..self.sync.threads() {
                if self.sync.waits_at(thread, name) {
                    self.give_reduction(launch, thread, phase);
                    self.sync.resume(thread);
                }
            }
        }
        Ok(())
    }

    fn give_reduction(&mut self, launch: &InterpretedLaunch, thread: u32, phase: Phase) {
        if let Some(Action::Barrier {
            reduce: Some(reduce),
            ..
        }) = self.step_of(launch, thread)
        {
            let (target, value) = (reduce.target, phase.reduced(reduce.how));
            self.set_value(launch, thread, target, value);
        }
    }

    /// Evaluates the collectives of a warp that are complete.
    fn release_collectives(&mut self, launch: &InterpretedLaunch, first: u32) {
        while let Some(collective) = self.sync.complete_collective(first) {
            self.evaluate(launch, first, collective);
            threads_of(first, collective.members).for_each(|thread| self.sync.resume(thread));
        }
    }

    fn evaluate(
        &mut self,
        launch: &InterpretedLaunch,
        first: u32,
        Collective { op, members }: Collective,
    ) {
        // Of all that a warp does together, only its barrier puts memory in order.
        if op == WarpOp::Barrier {
            self.check_warp(threads_of(first, members));
        }
        let mut exchange = std::mem::take(&mut self.exchange);
        let inputs = exchange.inputs(op);
        // All operands are read first: a lane's target may be what another one reads.
        for thread in threads_of(first, members) {
            if let Some(Action::Collective(step)) = self.step_of(launch, thread) {
                for (row, condition) in inputs.iter_mut().zip(&step.inputs) {
                    row[lane_of(thread) as usize] = self.condition(launch, thread, *condition);
                }
            }
        }
        let results = exchange.evaluate(op, members);
        for thread in threads_of(first, members) {
            if let Some(Action::Collective(step)) = self.step_of(launch, thread) {
                for (row, target) in results.iter().zip(&step.results) {
                    self.set_value(launch, thread, *target, row[lane_of(thread) as usize]);
                }
            }
        }
        self.exchange = exchange;
    }

    /// Answers threads that ask for their active mask; false where there are none. Called when nobody
    /// can run, so that as many as possible are together.
    pub(crate) fn answer_active_masks(&mut self, launch: &InterpretedLaunch) -> bool {
        let mut answered = false;
        for first in self.sync.warps() {
            let Some(members) = self.sync.active_mask(first) else {
                continue;
            };
            answered = true;
            for thread in threads_of(first, members) {
                if let Some(Action::ActiveMask { target }) = self.step_of(launch, thread) {
                    self.set_value(launch, thread, *target, u64::from(members));
                }
                self.sync.resume(thread);
            }
        }
        answered
    }

    /// The fault of a block in which no thread can ever run again.
    pub(crate) fn deadlock(&mut self, launch: &InterpretedLaunch) -> Fault {
        if let Some(found) = self.check_deadlock(launch) {
            return found;
        }
        let deadlock = self.sync.deadlock();
        let mut fault = self.fault(launch, deadlock.thread, deadlock.message);
        fault.thread = None;
        fault
    }
}

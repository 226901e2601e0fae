//! Barriers of a block.
//!
//! A barrier without a count waits for all threads that have not ended, as the hardware does since
//! `sm_70`; one with a count waits for that many to arrive.

use crate::interpret::block::Block;
use crate::interpret::launch::Launch;
use crate::interpret::program::{Action, Reduce};
use crate::interpret::thread::State;
use crate::simt::fault::Fault;
use crate::syntax::modifier::Modifier;

/// How many barriers a block has.
pub(crate) const BARRIERS: usize = 16;

/// Who has come to one barrier.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Barrier {
    arrived: u32,
    /// How many it waits for, where an instruction says.
    count: Option<u32>,
    /// Of the predicates that came along: how many, and how many were true.
    values: u32,
    trues: u32,
}

impl Block {
    pub(crate) fn arrive_at_barrier(
        &mut self,
        launch: &Launch,
        number: usize,
    ) -> Result<(), Fault> {
        let Some(Action::Barrier {
            id,
            count,
            wait,
            reduce,
        }) = self.step_of(launch, number)
        else {
            return Ok(());
        };
        let id = self.value(launch, number, *id);
        let count = count.map(|count| self.value(launch, number, count));
        let value = reduce.as_ref().map(|reduce| {
            let condition = reduce.value;
            self.value(launch, number, condition.source) ^ u64::from(condition.negated)
        });
        let name = u8::try_from(id).unwrap_or(u8::MAX);
        let Some(barrier) = self.barriers.get_mut(usize::from(name)) else {
            let message = format!("there is no barrier {id}: a block has {BARRIERS}");
            return Err(self.fault(launch, Some(number), message));
        };
        // Counts are in whole warps. One of all threads means those that are left, too.
        let threads = u64::from(launch.threads);
        let count = match count {
            Some(count) if count > threads.next_multiple_of(32) => {
                let message =
                    format!("barrier {id} is to wait for {count} threads, the block has {threads}");
                return Err(self.fault(launch, Some(number), message));
            }
            Some(count) if count < threads => u32::try_from(count).ok(),
            _ => None,
        };
        if barrier.arrived > 0 && barrier.count != count {
            let message = format!("threads come to barrier {id} with different counts");
            return Err(self.fault(launch, Some(number), message));
        }
        barrier.count = count;
        barrier.arrived += 1;
        if let Some(value) = value {
            barrier.values += 1;
            barrier.trues += u32::from(value != 0);
        }
        if *wait {
            if let Some(thread) = self.threads.get_mut(number) {
                thread.state = State::Barrier(name);
            }
        } else {
            self.check_arrival(number, name);
        }
        self.release_barriers(launch)
    }

    /// Lets the threads go on whose barrier everybody has come to.
    ///
    /// # Errors
    /// In a checked block, where they did not come to it as one.
    pub(crate) fn release_barriers(&mut self, launch: &Launch) -> Result<(), Fault> {
        for name in 0..BARRIERS {
            let Some(barrier) = self.barriers.get_mut(name) else {
                continue;
            };
            let wanted = barrier.count.unwrap_or(self.live);
            if barrier.arrived == 0 || barrier.arrived < wanted {
                continue;
            }
            let done = std::mem::take(barrier);
            self.check_barrier(launch, u8::try_from(name).unwrap_or(u8::MAX))?;
            for number in 0..self.threads.len() {
                let waits = self.threads.get(number).map(|thread| thread.state);
                if waits != Some(State::Barrier(u8::try_from(name).unwrap_or(u8::MAX))) {
                    continue;
                }
                if let Some(Action::Barrier {
                    reduce: Some(reduce),
                    ..
                }) = self.step_of(launch, number)
                {
                    let (target, value) = (reduce.target, reduced(reduce, &done));
                    self.set_value(launch, number, target, value);
                }
                if let Some(thread) = self.threads.get_mut(number) {
                    thread.state = State::Running;
                }
            }
        }
        Ok(())
    }

    /// What is said when no thread can ever run again.
    pub(crate) fn deadlock(&self, launch: &Launch) -> Fault {
        let count = |wanted: &dyn Fn(State) -> bool| {
            self.threads
                .iter()
                .filter(|thread| wanted(thread.state))
                .count()
        };
        let ended = count(&|state| state == State::Ended);
        let in_warps = count(&|state| state == State::Warp);
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
            .threads
            .iter()
            .position(|thread| !matches!(thread.state, State::Ended | State::Running));
        let message = format!("the block waits for ever: {}", parts.join(", "));
        let mut fault = self.fault(launch, stuck, message);
        fault.thread = None;
        fault
    }
}

fn reduced(reduce: &Reduce, barrier: &Barrier) -> u64 {
    match reduce.how {
        Modifier::And => u64::from(barrier.trues == barrier.values),
        Modifier::Or => u64::from(barrier.trues > 0),
        _ => u64::from(barrier.trues),
    }
}

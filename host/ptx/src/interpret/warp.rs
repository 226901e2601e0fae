//! What the threads of a warp do together: shuffles, votes, matches and reductions.
//!
//! Each such step names the lanes that take part. It is done when all of them that have not ended
//! have come to a step of the same kind with the same mask.

use crate::interpret::block::Block;
use crate::interpret::launch::Launch;
use crate::interpret::program::{Action, WarpOp, WarpStep};
use crate::interpret::thread::State;
use crate::numeric::alu::{self, Flags};
use crate::simt::fault::Fault;
use crate::syntax::modifier::{Modifier, Modifiers};

/// Threads of a warp.
const LANES: usize = 32;

/// What one lane brings along.
#[derive(Clone, Copy)]
struct Lane<'l> {
    number: usize,
    step: &'l WarpStep,
    a: u64,
}

impl Block {
    pub(crate) fn arrive_in_warp(&mut self, launch: &Launch, number: usize) -> Result<(), Fault> {
        let Some(Action::Warp(step)) = self.step_of(launch, number) else {
            return Ok(());
        };
        let mask = self.value(launch, number, step.mask);
        if (mask >> (number % LANES)) & 1 == 0 {
            let message = format!("the mask {mask:#010x} leaves out the thread that gives it");
            return Err(self.fault(launch, Some(number), message));
        }
        if let Some(thread) = self.threads.get_mut(number) {
            thread.state = State::Warp;
        }
        self.release_warp(launch, number)
    }

    /// Does the steps that are complete in the warp of this thread.
    pub(crate) fn release_warp(&mut self, launch: &Launch, number: usize) -> Result<(), Fault> {
        let first = number - number % LANES;
        let mut done = 0u64;
        for number in first..(first + LANES).min(self.threads.len()) {
            let lane = number - first;
            let waits = self
                .threads
                .get(number)
                .is_some_and(|thread| thread.state == State::Warp);
            if !waits || (done >> lane) & 1 == 1 {
                continue;
            }
            if let Some(lanes) = self.gathered(launch, first, number) {
                for lane in lanes.iter().flatten() {
                    done |= 1 << (lane.number - first);
                }
                self.perform(launch, &lanes);
            }
        }
        Ok(())
    }

    /// The lanes that take part in a thread's step, if all have come.
    fn gathered<'l>(
        &self,
        launch: &'l Launch,
        first: usize,
        number: usize,
    ) -> Option<[Option<Lane<'l>>; LANES]> {
        let Action::Warp(own) = self.step_of(launch, number)? else {
            return None;
        };
        let mask = self.value(launch, number, own.mask);
        let mut lanes = [None; LANES];
        for (index, lane) in lanes.iter_mut().enumerate() {
            if (mask >> index) & 1 == 0 {
                continue;
            }
            let number = first + index;
            let Some(thread) = self.threads.get(number) else {
                continue;
            };
            match thread.state {
                State::Ended => continue,
                State::Warp => {}
                _ => return None,
            }
            let Action::Warp(step) = self.step_of(launch, number)? else {
                return None;
            };
            if step.what != own.what || self.value(launch, number, step.mask) != mask {
                return None;
            }
            let a = self.value(launch, number, step.a) ^ u64::from(step.negated);
            *lane = Some(Lane { number, step, a });
        }
        Some(lanes)
    }

    fn perform(&mut self, launch: &Launch, lanes: &[Option<Lane<'_>>; LANES]) {
        // All results come first: a lane's target may be what another one reads.
        let results = lanes.map(|lane| lane.map(|lane| (lane, self.result(launch, lanes, lane))));
        // Of all that a warp does together, only its barrier puts memory in order.
        if lanes
            .iter()
            .flatten()
            .any(|lane| lane.step.what == WarpOp::Nothing)
        {
            self.check_warp(lanes.iter().flatten().map(|lane| lane.number));
        }
        for (lane, (value, second)) in results.into_iter().flatten() {
            self.set_value(launch, lane.number, lane.step.target, value);
            self.set_value(launch, lane.number, lane.step.second, second);
            if let Some(thread) = self.threads.get_mut(lane.number) {
                thread.state = State::Running;
            }
        }
    }

    /// What one lane gets, and its predicate.
    fn result(
        &self,
        launch: &Launch,
        lanes: &[Option<Lane<'_>>; LANES],
        own: Lane<'_>,
    ) -> (u64, u64) {
        let present = || lanes.iter().flatten();
        let mask_of = |wanted: &dyn Fn(u64) -> bool| {
            present()
                .filter(|lane| wanted(lane.a))
                .fold(0u64, |mask, lane| mask | 1 << (lane.number % LANES))
        };
        let everyone = mask_of(&|_| true);
        match own.step.what {
            WarpOp::Shuffle(how) => {
                let b = self.value(launch, own.number, own.step.b);
                let c = self.value(launch, own.number, own.step.c);
                let (from, inside) = source_lane(how, (own.number % LANES) as u64, b, c);
                let found = usize::try_from(from).ok().and_then(|from| lanes.get(from));
                match found {
                    Some(Some(lane)) => (lane.a, inside),
                    _ => (own.a, inside),
                }
            }
            WarpOp::Vote(how) => {
                let trues = mask_of(&|a| a != 0);
                let value = match how {
                    Modifier::Any => u64::from(trues != 0),
                    Modifier::Uni => u64::from(trues == 0 || trues == everyone),
                    Modifier::Ballot => trues,
                    _ => u64::from(trues == everyone),
                };
                (value, 0)
            }
            WarpOp::MatchAny => (mask_of(&|a| a == own.a), 0),
            WarpOp::MatchAll => {
                let all = present().all(|lane| lane.a == own.a);
                (if all { everyone } else { 0 }, u64::from(all))
            }
            WarpOp::Combine(word, ty) => {
                let flags = Flags::of(&Modifiers::new());
                let Some(combine) = alu::combination(word, ty) else {
                    return (own.a, 0);
                };
                let values = present().map(|lane| lane.a);
                (
                    values.reduce(|a, b| combine(a, b, flags)).unwrap_or(own.a),
                    0,
                )
            }
            WarpOp::Elect => {
                let leader = everyone.trailing_zeros() as usize;
                (leader as u64, u64::from(own.number % LANES == leader))
            }
            WarpOp::Nothing => (0, 0),
        }
    }

    /// Tells threads that ask which others are with them: those of their warp that ask at the same
    /// place. Called when nobody can run, so that as many as possible are together.
    pub(crate) fn answer_active_masks(&mut self, launch: &Launch) -> bool {
        let asks = |block: &Block, number: usize| {
            let thread = block.threads.get(number)?;
            (thread.state == State::ActiveMask).then_some(thread.place)
        };
        let mut answered = false;
        for first in (0..self.threads.len()).step_by(LANES) {
            let lanes = first..(first + LANES).min(self.threads.len());
            let Some(place) = lanes.clone().find_map(|number| asks(self, number)) else {
                continue;
            };
            let together: Vec<usize> = lanes
                .filter(|number| asks(self, *number) == Some(place))
                .collect();
            let mask = together
                .iter()
                .fold(0u64, |mask, number| mask | 1 << (number - first));
            for number in together {
                if let Some(Action::ActiveMask { target }) = self.step_of(launch, number) {
                    self.set_value(launch, number, *target, mask);
                }
                if let Some(thread) = self.threads.get_mut(number) {
                    thread.state = State::Running;
                }
                answered = true;
            }
        }
        answered
    }
}

/// The lane that a shuffle reads from, and whether it lies in the segment; else it is the own one.
pub(crate) fn source_lane(how: Modifier, lane: u64, b: u64, c: u64) -> (u64, u64) {
    let (b, clamp, segment) = (b & 31, c & 31, (c >> 8) & 31);
    let (lane, b) = (lane.cast_signed(), b.cast_signed());
    let last = ((lane.cast_unsigned() & segment) | (clamp & !segment)).cast_signed();
    let first = (lane.cast_unsigned() & segment).cast_signed();
    let (from, inside) = match how {
        Modifier::Up => (lane - b, lane - b >= last),
        Modifier::Down => (lane + b, lane + b <= last),
        Modifier::Bfly => (lane ^ b, lane ^ b <= last),
        _ => {
            let from = first | (b & !segment.cast_signed());
            (from, from <= last)
        }
    };
    if inside {
        (from.cast_unsigned(), 1)
    } else {
        (lane.cast_unsigned(), 0)
    }
}

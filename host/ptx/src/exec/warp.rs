//! What the threads of a warp do together: as the interpreter does it.

use crate::compile::ir::SuspendKind;
use crate::exec::block::{Block, State};
use crate::interpret::{WarpOp, source_lane};
use crate::numeric::combine;
use crate::syntax::modifier::Modifier;

const LANES: usize = 32;

/// What one lane brings along.
#[derive(Clone, Copy)]
struct Lane {
    thread: u32,
    a: u64,
    b: u64,
    c: u64,
}

type Lanes = [Option<Lane>; LANES];

impl Block {
    /// The common case, at once: all threads of the block have come to the same step of their warps,
    /// each with the mask of its whole warp. False, and nothing done, where it is not so.
    pub(crate) fn release_all_warps(&self, scratch: &mut [u8], what: WarpOp) -> bool {
        let threads = self.setup.threads;
        let lanes_of = |first: u32| first..(first + LANES as u32).min(threads);
        for first in (0..threads).step_by(LANES) {
            let lanes = lanes_of(first);
            let whole = u64::from(u32::MAX >> (LANES as u32 - (lanes.end - first)));
            let mask = self.brought(scratch, first, 3);
            let same = |thread| self.brought(scratch, thread, 3) == mask;
            if mask & whole != whole || !lanes.into_iter().all(same) {
                return false;
            }
        }
        for first in (0..threads).step_by(LANES) {
            let mut lanes = [None; LANES];
            for (thread, lane) in lanes_of(first).zip(lanes.iter_mut()) {
                *lane = Some(Lane {
                    thread,
                    a: self.brought(scratch, thread, 0),
                    b: self.brought(scratch, thread, 1),
                    c: self.brought(scratch, thread, 2),
                });
            }
            // What is the same for all is found once.
            let common = match (what, lanes.first()) {
                (
                    WarpOp::Vote(_) | WarpOp::MatchAll | WarpOp::Combine(..) | WarpOp::Nothing,
                    Some(Some(lane)),
                ) => Some(result(what, &lanes, *lane)),
                _ => None,
            };
            for lane in lanes.iter().flatten() {
                let (value, second) = common.unwrap_or_else(|| result(what, &lanes, *lane));
                self.give(scratch, lane.thread, 0, value);
                self.give(scratch, lane.thread, 1, second);
            }
        }
        true
    }

    /// Does the steps that are complete in the warp that begins at this thread.
    pub(crate) fn release_warp(&mut self, scratch: &mut [u8], first: u32) {
        let mut done = 0u32;
        for lane in 0..LANES as u32 {
            let thread = first + lane;
            let Some(State::Warp(number)) = self.states.get(thread as usize).copied() else {
                continue;
            };
            if (done >> lane) & 1 == 1 {
                continue;
            }
            let Some(SuspendKind::Warp(what)) = self.stop(number).map(|stop| stop.kind) else {
                continue;
            };
            let Some(lanes) = self.gathered(scratch, first, thread, what) else {
                continue;
            };
            let results = lanes.map(|lane| lane.map(|lane| (lane, result(what, &lanes, lane))));
            for (lane, (value, second)) in results.into_iter().flatten() {
                done |= 1 << (lane.thread - first);
                self.give(scratch, lane.thread, 0, value);
                self.give(scratch, lane.thread, 1, second);
                self.release(scratch, lane.thread);
            }
        }
    }

    /// The lanes that take part in a thread's step, if all have come.
    fn gathered(&self, scratch: &[u8], first: u32, own: u32, what: WarpOp) -> Option<Lanes> {
        let mask = self.brought(scratch, own, 3);
        let mut lanes = [None; LANES];
        for (index, lane) in (0u32..).zip(lanes.iter_mut()) {
            if (mask >> index) & 1 == 0 {
                continue;
            }
            let thread = first + index;
            match self.states.get(thread as usize) {
                None | Some(State::Ended) => continue,
                Some(State::Warp(number)) => {
                    let kind = self.stop(*number).map(|stop| stop.kind);
                    if kind != Some(SuspendKind::Warp(what))
                        || self.brought(scratch, thread, 3) != mask
                    {
                        return None;
                    }
                }
                Some(_) => return None,
            }
            *lane = Some(Lane {
                thread,
                a: self.brought(scratch, thread, 0),
                b: self.brought(scratch, thread, 1),
                c: self.brought(scratch, thread, 2),
            });
        }
        Some(lanes)
    }

    /// Tells threads that ask which others are with them: those of their warp that ask at the same
    /// place.
    pub(crate) fn answer_active_masks(&mut self, scratch: &mut [u8]) -> bool {
        let mut answered = false;
        let threads = u32::try_from(self.states.len()).unwrap_or(u32::MAX);
        for first in (0..threads).step_by(LANES) {
            let lanes = first..(first + LANES as u32).min(threads);
            let asks = |block: &Block, thread: u32| match block.states.get(thread as usize) {
                Some(State::ActiveMask(number)) => Some(*number),
                _ => None,
            };
            let Some(number) = lanes.clone().find_map(|thread| asks(self, thread)) else {
                continue;
            };
            let together: Vec<u32> = lanes
                .filter(|thread| asks(self, *thread) == Some(number))
                .collect();
            let mask = together
                .iter()
                .fold(0u64, |mask, thread| mask | 1 << (thread - first));
            for thread in together {
                self.give(scratch, thread, 0, mask);
                self.release(scratch, thread);
                answered = true;
            }
        }
        answered
    }
}

/// What one lane gets, and its predicate.
fn result(what: WarpOp, lanes: &Lanes, own: Lane) -> (u64, u64) {
    let present = || lanes.iter().flatten();
    let mask_of = |wanted: &dyn Fn(u64) -> bool| {
        present()
            .filter(|lane| wanted(lane.a))
            .fold(0u64, |mask, lane| {
                mask | 1 << (lane.thread as usize % LANES)
            })
    };
    let everyone = || mask_of(&|_| true);
    match what {
        WarpOp::Shuffle(how) => {
            let lane = u64::from(own.thread) % LANES as u64;
            let (from, inside) = source_lane(how, lane, own.b, own.c);
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
                Modifier::Uni => u64::from(trues == 0 || trues == everyone()),
                Modifier::Ballot => trues,
                _ => u64::from(trues == everyone()),
            };
            (value, 0)
        }
        WarpOp::MatchAny => (mask_of(&|a| a == own.a), 0),
        WarpOp::MatchAll => {
            let all = present().all(|lane| lane.a == own.a);
            (if all { everyone() } else { 0 }, u64::from(all))
        }
        WarpOp::Combine(word, ty) => {
            let values = present().map(|lane| lane.a);
            let whole = values.reduce(|a, b| combine(word, ty, a, b));
            (whole.unwrap_or(own.a), 0)
        }
        WarpOp::Elect => {
            let leader = everyone().trailing_zeros();
            let leads = own.thread % LANES as u32 == leader;
            (u64::from(leader), u64::from(leads))
        }
        WarpOp::Nothing => (0, 0),
    }
}

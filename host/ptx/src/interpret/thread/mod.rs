//! One thread at work: its registers, its memories, and its steps until it must wait.

mod access;
mod builtin_functions;
mod call;

use crate::Extent;
use crate::interpret::checks::Watch;
use crate::interpret::launch::{self, Launch};
use crate::interpret::program::{Action, Carry, Comparison, Condition, Slot, Source};
use crate::numeric::integer::{lop3, mask};
use crate::simt::memory::Memory;
use crate::syntax::types::Special;

/// Where a thread is.
#[derive(Debug, Default)]
pub(crate) struct Thread {
    pub place: u32,
    pub slot_base: u32,
    pub frame_base: u32,
    pub state: State,
    pub calls: Vec<Return>,
}

/// Where a call came from: the step that made it, and its function's slots and frame.
#[derive(Debug)]
pub(crate) struct Return {
    pub place: u32,
    pub slot_base: u32,
    pub frame_base: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    #[default]
    Running,
    /// Waits at a barrier of the block.
    Barrier(u8),
    /// Waits for threads of its warp.
    Warp,
    /// Wants to know which threads of its warp are with it.
    ActiveMask,
    Ended,
}

/// Why a thread stopped running.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its slice is over.
    Slice,
    Ended,
    /// The step before its place must be done with others.
    WarpOp,
}

/// A thread with all that it can reach.
pub(crate) struct Machine<'a, M: ?Sized> {
    pub launch: &'a Launch,
    pub memory: &'a M,
    pub registers: &'a mut [u64],
    pub local: &'a mut [u8],
    pub shared: &'a mut [u8],
    pub thread: &'a mut Thread,
    pub block: Extent,
    /// The thread's number in its block.
    pub number: u32,
    /// Steps that the block has taken, which serve as a clock.
    pub clock: u64,
    /// Steps that an action is counted as beyond its own, since it takes so much longer.
    pub extra: u64,
}

/// Why an access failed.
pub(crate) type Refused = Box<String>;

impl<M: Memory + ?Sized> Machine<'_, M> {
    #[inline(always)]
    pub(crate) fn get(&self, source: Source) -> u64 {
        let found = if source.is_constant() {
            self.launch.constants.get(source.index())
        } else {
            self.registers
                .get(self.thread.slot_base as usize + source.index())
        };
        found.copied().unwrap_or(0)
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, slot: Slot, value: u64) {
        let index = self.thread.slot_base as usize + slot as usize;
        if let Some(register) = self.registers.get_mut(index) {
            *register = value;
        }
    }

    fn holds(&self, condition: Condition) -> u64 {
        self.get(condition.source) ^ u64::from(condition.negated)
    }

    /// Runs until the thread ends, must wait, or has taken `budget` steps, and counts them.
    pub(crate) fn run<W: Watch>(
        &mut self,
        budget: u64,
        taken: &mut u64,
        watch: &mut W,
    ) -> Result<Stop, Refused> {
        let launch = self.launch;
        let mut steps = 0;
        let result = loop {
            if steps >= budget {
                break Ok(Stop::Slice);
            }
            let Some(step) = launch.program.code.get(self.thread.place as usize) else {
                break Ok(Stop::Ended);
            };
            steps += 1;
            self.thread.place += 1;
            if let Some(guard) = step.guard {
                let holds = self.get(Source::slot(guard)) != 0;
                if holds == step.negated {
                    continue;
                }
            }
            if let Err(refused) = watch.before(self, step) {
                break Err(refused);
            }
            match self.step(&step.action) {
                Ok(None) => {}
                Ok(Some(stop)) => break Ok(stop),
                Err(refused) => break Err(refused),
            }
        };
        *taken += steps + std::mem::take(&mut self.extra);
        result
    }

    #[inline(always)]
    fn step(&mut self, action: &Action) -> Result<Option<Stop>, Refused> {
        match action {
            Action::Move { target, a } => self.set(*target, self.get(*a)),
            Action::One {
                function,
                flags,
                target,
                a,
            } => {
                self.set(*target, function(self.get(*a), *flags));
            }
            Action::Two {
                function,
                flags,
                target,
                a,
                b,
            } => {
                self.set(*target, function(self.get(*a), self.get(*b), *flags));
            }
            Action::Three {
                function,
                flags,
                target,
                a,
                b,
                c,
            } => {
                let value = function(self.get(*a), self.get(*b), self.get(*c), *flags);
                self.set(*target, value);
            }
            Action::Four {
                function,
                flags,
                target,
                sources,
            } => {
                let [a, b, c, d] = **sources;
                let value = function(self.get(a), self.get(b), self.get(c), self.get(d), *flags);
                self.set(*target, value);
            }
            Action::Select { target, a, b, c } => {
                let chosen = if self.holds(*c) != 0 { *a } else { *b };
                self.set(*target, self.get(chosen));
            }
            Action::Compare {
                comparison,
                target,
                opposite,
            } => {
                let (outcome, reverse) = self.compare(comparison);
                self.set(*target, outcome);
                self.set(*opposite, reverse);
            }
            Action::CompareInto {
                comparison,
                target,
                when_true,
            } => {
                let (outcome, _) = self.compare(comparison);
                self.set(*target, if outcome != 0 { *when_true } else { 0 });
            }
            Action::Load {
                target,
                place,
                bytes,
                extend,
            } => {
                let address = self.address(place);
                let value = self.load(place.window, address, *bytes)?;
                self.set(*target, extend.apply(value));
            }
            Action::Store {
                place,
                bytes,
                value,
            } => {
                let address = self.address(place);
                let value = self.get(*value);
                self.store(place.window, address, *bytes, value)?;
            }
            Action::LoadMany {
                targets,
                place,
                bytes,
                extend,
            } => {
                let address = self.vector_address(place, *bytes, targets.len())?;
                let mut values = [0; 8];
                let lanes = (0u64..).zip(values.iter_mut()).take(targets.len());
                for (lane, value) in lanes {
                    let address = address.wrapping_add(lane * u64::from(*bytes));
                    *value = extend.apply(self.load(place.window, address, *bytes)?);
                }
                // A target may be the address's own register, so all are written at the end.
                for (target, value) in targets.iter().zip(values) {
                    self.set(*target, value);
                }
            }
            Action::StoreMany {
                place,
                bytes,
                values,
            } => {
                let address = self.vector_address(place, *bytes, values.len())?;
                for (lane, value) in (0u64..).zip(values.iter()) {
                    let address = address.wrapping_add(lane * u64::from(*bytes));
                    self.store(place.window, address, *bytes, self.get(*value))?;
                }
            }
            Action::Atomic(atomic) => self.atomic(atomic)?,
            Action::Jump { target } => self.thread.place = *target,
            Action::JumpTable { index, table } => {
                let index = self.get(*index);
                let targets = self.launch.program.tables.get(*table as usize);
                let targets = targets.map(Vec::as_slice).unwrap_or_default();
                let target = usize::try_from(index)
                    .ok()
                    .and_then(|index| targets.get(index));
                let Some(target) = target else {
                    let count = targets.len();
                    let message = format!("jumps to entry {index} of a list of {count} labels");
                    return Err(Box::new(message));
                };
                self.thread.place = *target;
            }
            Action::Return => return Ok(self.leave()),
            Action::Exit => return Ok(Some(Stop::Ended)),
            Action::Trap => return Err(Box::new("the kernel stops itself with `trap`".to_owned())),
            Action::Nothing => {}
            Action::Call(call) => self.enter(call)?,
            Action::BuiltinFunction(step) => {
                self.provided(step)?;
                // What it cost is only counted when the turn ends.
                return Ok(Some(Stop::Slice));
            }
            Action::Barrier { .. } | Action::Warp(_) | Action::ActiveMask { .. } => {
                return Ok(Some(Stop::WarpOp));
            }
            rare => self.rare(rare),
        }
        Ok(None)
    }

    /// Steps that are kept out of the way of the others.
    #[inline(never)]
    fn rare(&mut self, action: &Action) {
        match action {
            Action::Carry(carry) => self.carry(carry),
            Action::Spread { targets, a, bits } => {
                let mut value = self.get(*a);
                for target in targets {
                    self.set(*target, value & mask(*bits));
                    value = value.checked_shr(*bits).unwrap_or(0);
                }
            }
            Action::Gather {
                target,
                sources,
                bits,
            } => {
                let mut value = 0;
                for source in sources.iter().rev() {
                    value = (value << bits) | (self.get(*source) & mask(*bits));
                }
                self.set(*target, value);
            }
            Action::CompareHalves {
                comparison,
                lower,
                upper,
            } => {
                let outcomes = self.compare_halves(comparison);
                self.set(*lower, outcomes[0]);
                self.set(*upper, outcomes[1]);
            }
            Action::CompareHalvesInto {
                comparison,
                target,
                when_true,
            } => {
                let [lower, upper] = self.compare_halves(comparison);
                self.set(*target, (lower * when_true) | ((upper * when_true) << 16));
            }
            Action::Logic(logic) => {
                let [a, b, c, table] = logic.sources.map(|source| self.get(source));
                let value = lop3(a, b, c, table);
                let other = self.holds(logic.c);
                self.set(logic.target, value);
                let holds = logic.junction.apply(u64::from(value != 0), other);
                self.set(logic.predicate, holds);
            }
            Action::Special { target, special } => self.set(*target, self.special(*special)),
            Action::FrameAddress { target, offset } => {
                let address = u64::from(self.thread.frame_base) + u64::from(*offset);
                self.set(*target, address);
            }
            Action::ToGeneric { target, a, base } => {
                self.set(*target, self.get(*a).wrapping_add(*base));
            }
            Action::FromGeneric { target, a, base } => {
                self.set(*target, self.get(*a).wrapping_sub(*base));
            }
            Action::IsIn {
                target,
                a,
                from,
                to,
            } => {
                let inside = (*from..*to).contains(&self.get(*a));
                self.set(*target, u64::from(inside));
            }
            _ => {}
        }
    }

    #[inline(always)]
    fn compare(&self, comparison: &Comparison) -> (u64, u64) {
        let outcome = (comparison.function)(
            self.get(comparison.a),
            self.get(comparison.b),
            comparison.flags,
        );
        let other = self.holds(comparison.c);
        let junction = comparison.junction;
        (
            junction.apply(outcome, other),
            junction.apply(outcome ^ 1, other),
        )
    }

    /// The outcomes for the lower and for the upper halves.
    fn compare_halves(&self, comparison: &Comparison) -> [u64; 2] {
        let (a, b) = (self.get(comparison.a), self.get(comparison.b));
        let other = self.holds(comparison.c);
        [0, 16].map(|shift| {
            let half = |bits: u64| (bits >> shift) & 0xffff;
            let outcome = (comparison.function)(half(a), half(b), comparison.flags);
            comparison.junction.apply(outcome, other)
        })
    }

    fn carry(&mut self, carry: &Carry) {
        let (a, b) = (self.get(carry.a), self.get(carry.b));
        let flag = if carry.carry_in {
            self.get(Source::slot(carry.flag))
        } else {
            0
        };
        let (a, b) = match carry.c {
            None => (a, b),
            Some(c) => {
                let extend = |value: u64| {
                    let unused = 64 - carry.bits;
                    if carry.signed {
                        i128::from((value << unused).cast_signed() >> unused)
                    } else {
                        i128::from(value)
                    }
                };
                let product = extend(a).wrapping_mul(extend(b)).cast_unsigned();
                let shift = if carry.high { carry.bits } else { 0 };
                let part = ((product >> shift) as u64) & mask(carry.bits);
                (part, self.get(c))
            }
        };
        let keep = u128::from(mask(carry.bits));
        let (result, out) = if carry.subtract {
            let taken = u128::from(b) + u128::from(flag);
            (
                u128::from(a).wrapping_sub(taken) & keep,
                u128::from(a) < taken,
            )
        } else {
            let sum = u128::from(a) + u128::from(b) + u128::from(flag);
            (sum & keep, sum > keep)
        };
        self.set(carry.target, result as u64);
        if carry.carry_out {
            self.set(carry.flag, u64::from(out));
        }
    }

    fn special(&self, special: Special) -> u64 {
        let thread = u64::from(self.number);
        let lane = thread % 32;
        let place = |dimension: u8| {
            let place = self
                .launch
                .block
                .place(thread)
                .unwrap_or(Extent { x: 0, y: 0, z: 0 });
            launch::dimension_of(place, dimension)
        };
        match special {
            Special::Tid(dimension) => place(dimension),
            Special::Ctaid(dimension) => launch::dimension_of(self.block, dimension),
            Special::Laneid => lane,
            Special::Warpid => thread / 32,
            Special::LanemaskEq => 1 << lane,
            Special::LanemaskLe => mask(32) >> (31 - lane),
            Special::LanemaskLt => (1 << lane) - 1,
            Special::LanemaskGe => (mask(32) << lane) & mask(32),
            Special::LanemaskGt => (mask(32) << (lane + 1)) & mask(32),
            // Steps stand for both cycles and nanoseconds: the crate knows no clock.
            Special::Clock | Special::GlobalTimerLo => self.clock & mask(32),
            Special::ClockHi | Special::GlobalTimerHi => self.clock >> 32,
            Special::Clock64 | Special::GlobalTimer => self.clock,
            // All others are constants of the launch.
            _ => 0,
        }
    }
}

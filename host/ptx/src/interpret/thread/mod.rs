//! One thread at work: its registers, its memories, and its steps until it must wait. What touches
//! memory is in `access`, calls are in `call`, and what writes more than one register in `arithmetic`.

mod access;
mod arithmetic;
mod builtin_functions;
mod call;
pub(crate) mod observer;

use crate::Extent;
use crate::interpret::launch::InterpretedLaunch;
use crate::interpret::program::{Action, Condition, Slot, Source};
use crate::numeric::integer::mask;
use crate::numeric::{Evaluator, Integer, Width, scalar};
use crate::simt::address::AddressConversion;
use crate::simt::fault::{BULK_BYTES, TRAPPED, bulk_size, jump_outside, no_function};
use crate::simt::memory::Memory;
use crate::simt::special_registers;
use crate::syntax::types::Special;
use observer::StepObserver;

/// The resumable state of one thread, its registers and memories aside.
#[derive(Debug, Default)]
pub(crate) struct Thread {
    /// The index in the program of its next step.
    pub pc: u32,
    pub slot_base: u32,
    pub frame_base: u32,
    /// The calls that it is in, the outermost first.
    pub calls: Vec<CallFrame>,
}

/// Where a call came from: the index of its step, and its function's slots and frame.
#[derive(Debug)]
pub(crate) struct CallFrame {
    pub call: u32,
    pub slot_base: u32,
    pub frame_base: u32,
}

/// Why a thread's turn has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TurnEnd {
    /// It has taken as many steps as it may.
    Budget,
    /// The thread has exited.
    Exit,
    /// The last step must be taken with other threads.
    Sync,
}

/// A thread with all that it can reach.
pub(crate) struct RunningThread<'a, M: ?Sized> {
    pub launch: &'a InterpretedLaunch,
    pub memory: &'a M,
    pub registers: &'a mut [u64],
    pub local: &'a mut [u8],
    pub shared: &'a mut [u8],
    pub thread: &'a mut Thread,
    /// Where its block is in the grid.
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

impl<M: Memory + ?Sized> RunningThread<'_, M> {
    #[inline(always)]
    pub(crate) fn get(&self, source: Source) -> u64 {
        let found = if source.is_constant() {
            self.launch.constants.get(source.index())
        } else {
            self.registers
                .get(self.thread.slot_base as usize + source.index())
        };
        debug_assert!(found.is_some(), "a value that is not there");
        found.copied().unwrap_or(0)
    }

    #[inline(always)]
    pub(crate) fn set(&mut self, slot: Slot, value: u64) {
        let index = self.thread.slot_base as usize + slot as usize;
        let register = self.registers.get_mut(index);
        debug_assert!(register.is_some(), "slot {slot} is not there");
        if let Some(register) = register {
            *register = value;
        }
    }

    fn holds(&self, condition: Condition) -> u64 {
        self.get(condition.source) ^ u64::from(condition.negated)
    }

    /// Runs until the thread ends, must wait, or has taken `budget` steps, and counts them.
    pub(crate) fn run<O: StepObserver>(
        &mut self,
        budget: u64,
        taken: &mut u64,
        observer: &mut O,
    ) -> Result<TurnEnd, Refused> {
        let launch = self.launch;
        let mut steps = 0;
        let result = loop {
            if steps >= budget {
                break Ok(TurnEnd::Budget);
            }
            let Some(step) = launch.program.code.get(self.thread.pc as usize) else {
                break Ok(TurnEnd::Exit);
            };
            steps += 1;
            self.thread.pc += 1;
            if let Some(guard) = step.guard {
                let holds = self.get(Source::slot(guard)) != 0;
                if holds == step.negated {
                    observer.passed_over(self, step);
                    continue;
                }
            }
            if let Err(refused) = observer.before(self, step) {
                break Err(refused);
            }
            match self.step(&step.action) {
                Ok(None) => {}
                Ok(Some(end)) => break Ok(end),
                Err(refused) => break Err(refused),
            }
        };
        *taken += steps + std::mem::take(&mut self.extra);
        result
    }

    #[inline(always)]
    fn step(&mut self, action: &Action) -> Result<Option<TurnEnd>, Refused> {
        match action {
            Action::Move { target, a } => self.set(*target, self.get(*a)),
            Action::Unary {
                function,
                flags,
                target,
                a,
            } => {
                self.set(*target, function(self.get(*a), *flags));
            }
            Action::Binary {
                function,
                flags,
                target,
                a,
                b,
            } => {
                self.set(*target, function(self.get(*a), self.get(*b), *flags));
            }
            Action::Ternary {
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
            Action::Quaternary {
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
                address,
                bytes,
                extend,
            } => {
                let at = self.address(address);
                let value = self.load(address.space, at, *bytes)?;
                self.set(*target, extend.apply(value));
            }
            Action::Store {
                address,
                bytes,
                value,
            } => {
                let at = self.address(address);
                let value = self.get(*value);
                self.store(address.space, at, *bytes, value)?;
            }
            Action::LoadMany {
                targets,
                address,
                bytes,
                extend,
            } => {
                let at = self.vector_address(address, *bytes, targets.len())?;
                let mut values = [0; 8];
                let lanes = (0u64..).zip(values.iter_mut()).take(targets.len());
                for (lane, value) in lanes {
                    let at = at.wrapping_add(lane * u64::from(*bytes));
                    *value = extend.apply(self.load(address.space, at, *bytes)?);
                }
                // A target may be the address's own register, so all are written at the end.
                for (target, value) in targets.iter().zip(values) {
                    self.set(*target, value);
                }
            }
            Action::StoreMany {
                address,
                bytes,
                values,
            } => {
                let at = self.vector_address(address, *bytes, values.len())?;
                for (lane, value) in (0u64..).zip(values.iter()) {
                    let at = at.wrapping_add(lane * u64::from(*bytes));
                    self.store(address.space, at, *bytes, self.get(*value))?;
                }
            }
            Action::Atomic(atomic) => self.atomic(atomic)?,
            Action::MatrixRow {
                target,
                address,
                lanes,
            } => {
                let row = self.matrix_row(address, *lanes)?;
                self.set(*target, row);
            }
            Action::BulkSize { bytes } => {
                let bytes = self.get(*bytes);
                if !bytes.is_multiple_of(u64::from(BULK_BYTES)) {
                    return Err(Box::new(bulk_size(bytes)));
                }
            }
            Action::Jump { target } => self.thread.pc = *target,
            Action::JumpTable { index, table } => {
                let index = self.get(*index);
                let targets = self.launch.program.tables.get(*table as usize);
                let targets = targets.map(Vec::as_slice).unwrap_or_default();
                let target = usize::try_from(index)
                    .ok()
                    .and_then(|index| targets.get(index));
                let Some(target) = target else {
                    return Err(Box::new(jump_outside(index, targets.len())));
                };
                self.thread.pc = *target;
            }
            Action::Goto { step } => self.thread.pc = *step,
            Action::CallPointer { address, steps } => {
                let address = self.get(*address);
                let found = steps.binary_search_by_key(&address, |(address, _)| *address);
                let found = found.ok().and_then(|place| steps.get(place));
                let Some((_, step)) = found else {
                    return Err(Box::new(no_function(address)));
                };
                self.thread.pc = *step;
            }
            Action::Return => return Ok(self.leave()),
            Action::Exit => return Ok(Some(TurnEnd::Exit)),
            Action::Trap => return Err(Box::new(TRAPPED.to_owned())),
            Action::Nothing => {}
            Action::Call(call) => self.enter(call)?,
            Action::Builtin(call) => {
                self.builtin(call)?;
                // What it cost is only counted when the turn ends.
                return Ok(Some(TurnEnd::Budget));
            }
            Action::Barrier { .. } | Action::Collective(_) | Action::ActiveMask { .. } => {
                return Ok(Some(TurnEnd::Sync));
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
            Action::Unpack { targets, a, bits } => {
                let mut value = self.get(*a);
                for target in targets {
                    self.set(*target, value & mask(*bits));
                    value = value.checked_shr(*bits).unwrap_or(0);
                }
            }
            Action::Pack {
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
                let words = logic
                    .sources
                    .map(|source| Integer::new(Width::W32, self.get(source)));
                let value = scalar::any_of_three(&mut Evaluator, words).bits();
                let other = self.holds(logic.c);
                self.set(logic.target, value);
                let holds = logic.combine.apply(u64::from(value != 0), other);
                self.set(logic.predicate, holds);
            }
            Action::Special { target, special } => self.set(*target, self.special(*special)),
            Action::FrameAddress { target, offset } => {
                let address = u64::from(self.thread.frame_base) + u64::from(*offset);
                self.set(*target, address);
            }
            Action::ConvertAddress {
                target,
                a,
                conversion,
            } => {
                let a = self.get(*a);
                let value = match conversion {
                    AddressConversion::Copy => a,
                    AddressConversion::Add(base) => a.wrapping_add(*base),
                    AddressConversion::Subtract(base) => a.wrapping_sub(*base),
                };
                self.set(*target, value);
            }
            Action::IsInRange {
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

    fn special(&self, special: Special) -> u64 {
        match special {
            // Steps stand for both cycles and nanoseconds: the crate knows no clock.
            Special::Clock | Special::GlobalTimerLo => self.clock & mask(32),
            Special::ClockHi | Special::GlobalTimerHi => self.clock >> 32,
            Special::Clock64 | Special::GlobalTimer => self.clock,
            other => {
                let geometry = &self.launch.launch.geometry;
                let value = special_registers::of_thread(other, geometry, self.block, self.number);
                debug_assert!(value.is_some(), "{other} is no register of a thread");
                u64::from(value.unwrap_or(0))
            }
        }
    }
}

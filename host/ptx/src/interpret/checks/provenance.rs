//! Pointer provenance: which allocation the value of each register points into, as far as it is known:
//! what a value came from, not where it leads. It is followed step by step, as Memcheck does for
//! whether values are defined, and tells a pointer that has left its buffer for another one.
//!
//! A pointer that something is added to still means its own buffer; the difference of two pointers
//! into one buffer means none. Whatever else is done to a pointer makes a value that means nobody
//! knows what, and is not checked.

use crate::address::GLOBAL_BASE;
use crate::interpret::program::{Action, CallStep, CheckHint, Passed, Slot, Source};
use crate::simt::address::AddressConversion;
use crate::simt::warp::WarpOp;

/// Where values that may be device addresses end: nobody has so much memory.
const ADDRESSES_END: u64 = GLOBAL_BASE << 1;

/// What a value points into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Provenance(u64);

impl Provenance {
    /// No pointer.
    pub(crate) const NONE: Provenance = Provenance(0);
    /// Made of a pointer in a way that says no more.
    pub(crate) const MIXED: Provenance = Provenance(1);

    /// A pointer into the allocation that begins here.
    pub(crate) fn at(base: u64) -> Provenance {
        Provenance(base)
    }

    pub(crate) fn base(self) -> Option<u64> {
        (self.0 >= GLOBAL_BASE).then_some(self.0)
    }

    /// Whether a value may be a device address at all.
    pub(crate) fn is_address(value: u64) -> bool {
        (GLOBAL_BASE..ADDRESSES_END).contains(&value)
    }

    /// Of a sum.
    fn plus(self, other: Provenance) -> Provenance {
        match (self, other) {
            (known, Provenance::NONE) | (Provenance::NONE, known) => known,
            _ => Provenance::MIXED,
        }
    }

    /// Of a difference.
    fn minus(self, other: Provenance) -> Provenance {
        match (self, other) {
            (known, Provenance::NONE) => known,
            (a, b) if a == b && a.base().is_some() => Provenance::NONE,
            _ => Provenance::MIXED,
        }
    }

    /// Of anything else.
    fn blurred(self) -> Provenance {
        match self {
            Provenance::NONE => Provenance::NONE,
            _ => Provenance::MIXED,
        }
    }

    fn or(self, other: Provenance) -> Provenance {
        if self == other {
            self
        } else {
            Provenance::MIXED
        }
    }
}

/// Which part of the registers and of local memory a function has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bases {
    pub slots: u32,
    pub frame: u32,
}

/// The provenance of one thread's registers and of the words of its local memory.
#[derive(Debug)]
pub(crate) struct ThreadProvenance<'a> {
    pub registers: &'a mut [Provenance],
    pub local: &'a mut [Provenance],
    pub constants: &'a [Provenance],
    pub bases: Bases,
}

impl ThreadProvenance<'_> {
    pub(crate) fn of(&self, source: Source) -> Provenance {
        self.of_in(source, self.bases)
    }

    fn of_in(&self, source: Source, bases: Bases) -> Provenance {
        let found = if source.is_constant() {
            self.constants.get(source.index())
        } else {
            self.registers.get(bases.slots as usize + source.index())
        };
        found.copied().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, slot: Slot, provenance: Provenance) {
        let index = self.bases.slots as usize + slot as usize;
        if let Some(place) = self.registers.get_mut(index) {
            *place = provenance;
        }
    }

    /// What an action that touches registers alone makes of them, before it is taken. `value` gives
    /// a source's value.
    pub(crate) fn follow(
        &mut self,
        action: &Action,
        hint: CheckHint,
        value: &dyn Fn(Source) -> u64,
    ) {
        match action {
            Action::Move { target, a }
            | Action::ConvertAddress {
                target,
                a,
                conversion: AddressConversion::Copy,
            } => self.set(*target, self.of(*a)),
            Action::Unary { target, a, .. } => {
                let a = self.of(*a);
                let kept = hint == CheckHint::Copy;
                self.set(*target, if kept { a } else { a.blurred() });
            }
            Action::Binary {
                target,
                a,
                b,
                function,
                flags,
            } => {
                let (of_a, of_b) = (self.of(*a), self.of(*b));
                let provenance = match hint {
                    CheckHint::Sum => of_a.plus(of_b),
                    CheckHint::Difference => of_a.minus(of_b),
                    // Rounding an address down, and filling in its low bits.
                    CheckHint::Bits if of_a != Provenance::NONE || of_b != Provenance::NONE => {
                        let result = function(value(*a), value(*b), *flags);
                        if Provenance::is_address(result) {
                            of_a.plus(of_b)
                        } else if result < 1 << 16 {
                            Provenance::NONE
                        } else {
                            Provenance::MIXED
                        }
                    }
                    _ => of_a.plus(of_b).blurred(),
                };
                self.set(*target, provenance);
            }
            Action::Ternary {
                target, a, b, c, ..
            } => {
                let product = self.of(*a).plus(self.of(*b)).blurred();
                let sum = product.plus(self.of(*c));
                let kept = hint == CheckHint::Sum;
                self.set(*target, if kept { sum } else { sum.blurred() });
            }
            Action::Quaternary {
                target, sources, ..
            } => {
                let all = sources.iter().map(|source| self.of(*source));
                let all = all.fold(Provenance::NONE, Provenance::plus);
                self.set(*target, all.blurred());
            }
            Action::Select { target, a, b, c } => {
                let first = value(c.source) ^ u64::from(c.negated) != 0;
                let chosen = if first { *a } else { *b };
                self.set(*target, self.of(chosen));
            }
            // An address in two halves, which are added to one by one.
            Action::Carry(carry) => {
                let (a, b) = (self.of(carry.a), self.of(carry.b));
                let provenance = match carry.c {
                    Some(c) => a.plus(b).blurred().plus(self.of(c)),
                    None if carry.subtract => a.minus(b),
                    None => a.plus(b),
                };
                self.set(carry.target, provenance);
            }
            Action::Unpack { targets, a, .. } => {
                let provenance = self.of(*a);
                for target in targets {
                    self.set(*target, provenance);
                }
            }
            Action::Pack {
                target, sources, ..
            } => {
                let all = sources.iter().map(|source| self.of(*source));
                self.set(*target, all.reduce(Provenance::or).unwrap_or_default());
            }
            Action::Logic(logic) => {
                let all = logic.sources.map(|source| self.of(source));
                let all = all.into_iter().fold(Provenance::NONE, Provenance::plus);
                self.set(logic.target, all.blurred());
                self.set(logic.predicate, Provenance::NONE);
            }
            Action::Compare {
                target, opposite, ..
            } => {
                self.set(*target, Provenance::NONE);
                self.set(*opposite, Provenance::NONE);
            }
            Action::CompareHalves { lower, upper, .. } => {
                self.set(*lower, Provenance::NONE);
                self.set(*upper, Provenance::NONE);
            }
            Action::CompareInto { target, .. }
            | Action::CompareHalvesInto { target, .. }
            | Action::Special { target, .. }
            | Action::FrameAddress { target, .. }
            | Action::ConvertAddress { target, .. }
            | Action::IsInRange { target, .. }
            | Action::ActiveMask { target } => self.set(*target, Provenance::NONE),
            Action::Collective(step) => {
                // What a shuffle gives is of another lane.
                let shuffled = match (step.op, step.inputs.first()) {
                    (WarpOp::Shuffle(_), Some(value)) => self.of(value.source).blurred(),
                    _ => Provenance::NONE,
                };
                for (index, target) in step.results.iter().enumerate() {
                    let first = index == 0;
                    self.set(*target, if first { shuffled } else { Provenance::NONE });
                }
            }
            Action::Barrier {
                reduce: Some(reduce),
                ..
            } => self.set(reduce.target, Provenance::NONE),
            Action::Builtin(step) => {
                if let Some(Passed::Value(target)) = step.result {
                    self.set(target.0, Provenance::NONE);
                }
            }
            Action::Call(call) => self.enter(call),
            _ => {}
        }
    }

    fn enter(&mut self, call: &CallStep) {
        let inner = Bases {
            slots: self.bases.slots.saturating_add(call.slots),
            frame: self.bases.frame.saturating_add(call.frame),
        };
        for (from, to) in &call.arguments {
            self.pass((*from, self.bases), (*to, inner));
        }
    }

    /// Back from a function to the one that made this call.
    pub(crate) fn leave(&mut self, call: &CallStep, outer: Bases) {
        for (from, to) in &call.results {
            self.pass((*from, self.bases), (*to, outer));
        }
    }

    fn pass(&mut self, (from, from_bases): (Passed, Bases), (to, to_bases): (Passed, Bases)) {
        let word = |bases: Bases, offset: u32| {
            let start = bases.frame as usize + offset as usize;
            start.is_multiple_of(8).then_some(start / 8)
        };
        let count = match from {
            Passed::Variable { bytes, .. } => (bytes as usize).div_ceil(8),
            Passed::Value(_) => 1,
        };
        for index in 0..count {
            let provenance = match from {
                Passed::Value(source) => self.of_in(source, from_bases),
                Passed::Variable { offset, .. } => word(from_bases, offset)
                    .and_then(|start| self.local.get(start + index))
                    .copied()
                    .unwrap_or_default(),
            };
            let place = match to {
                Passed::Value(target) => self
                    .registers
                    .get_mut(to_bases.slots as usize + target.index()),
                Passed::Variable { offset, .. } => {
                    word(to_bases, offset).and_then(|start| self.local.get_mut(start + index))
                }
            };
            if let Some(place) = place {
                *place = provenance;
            }
        }
    }
}

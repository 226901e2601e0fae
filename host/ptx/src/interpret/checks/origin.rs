//! Which allocation the value of each register points into, as far as it is known: what a value
//! came from, not where it leads.
//!
//! A pointer that something is added to still means its own buffer; the difference of two pointers
//! into one buffer means none. Whatever else is done to a pointer makes a value that means nobody
//! knows what, and is not checked.

use crate::address::GLOBAL_BASE;
use crate::interpret::program::{Action, CallStep, Flow, Passed, Slot, Source, WarpOp};

/// Where values that may be device addresses end: nobody has so much memory.
const ADDRESSES_END: u64 = GLOBAL_BASE << 1;

/// What a value points into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin(u64);

impl Origin {
    /// No pointer.
    pub(crate) const NONE: Origin = Origin(0);
    /// Made of a pointer in a way that says no more.
    pub(crate) const MIXED: Origin = Origin(1);

    /// A pointer into the allocation that begins here.
    pub(crate) fn at(base: u64) -> Origin {
        Origin(base)
    }

    pub(crate) fn base(self) -> Option<u64> {
        (self.0 >= GLOBAL_BASE).then_some(self.0)
    }

    /// Whether a value may be a device address at all.
    pub(crate) fn is_address(value: u64) -> bool {
        (GLOBAL_BASE..ADDRESSES_END).contains(&value)
    }

    /// Of a sum.
    fn plus(self, other: Origin) -> Origin {
        match (self, other) {
            (known, Origin::NONE) | (Origin::NONE, known) => known,
            _ => Origin::MIXED,
        }
    }

    /// Of a difference.
    fn minus(self, other: Origin) -> Origin {
        match (self, other) {
            (known, Origin::NONE) => known,
            (a, b) if a == b && a.base().is_some() => Origin::NONE,
            _ => Origin::MIXED,
        }
    }

    /// Of anything else.
    fn blurred(self) -> Origin {
        match self {
            Origin::NONE => Origin::NONE,
            _ => Origin::MIXED,
        }
    }

    fn or(self, other: Origin) -> Origin {
        if self == other { self } else { Origin::MIXED }
    }
}

/// Which part of the registers and of local memory a function has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bases {
    pub slots: u32,
    pub frame: u32,
}

/// The origins of one thread's registers and of the words of its local memory.
#[derive(Debug)]
pub(crate) struct Origins<'a> {
    pub registers: &'a mut [Origin],
    pub local: &'a mut [Origin],
    pub constants: &'a [Origin],
    pub bases: Bases,
}

impl Origins<'_> {
    pub(crate) fn of(&self, source: Source) -> Origin {
        self.of_in(source, self.bases)
    }

    fn of_in(&self, source: Source, bases: Bases) -> Origin {
        let found = if source.is_constant() {
            self.constants.get(source.index())
        } else {
            self.registers.get(bases.slots as usize + source.index())
        };
        found.copied().unwrap_or_default()
    }

    pub(crate) fn set(&mut self, slot: Slot, origin: Origin) {
        let index = self.bases.slots as usize + slot as usize;
        if let Some(place) = self.registers.get_mut(index) {
            *place = origin;
        }
    }

    /// What an action that touches registers alone makes of them, before it is taken. `value` gives
    /// a source's value.
    pub(crate) fn follow(&mut self, action: &Action, flow: Flow, value: &dyn Fn(Source) -> u64) {
        match action {
            Action::Move { target, a } => self.set(*target, self.of(*a)),
            Action::One { target, a, .. } => {
                let a = self.of(*a);
                let kept = flow == Flow::Copy;
                self.set(*target, if kept { a } else { a.blurred() });
            }
            Action::Two {
                target,
                a,
                b,
                function,
                flags,
            } => {
                let (of_a, of_b) = (self.of(*a), self.of(*b));
                let origin = match flow {
                    Flow::Sum => of_a.plus(of_b),
                    Flow::Difference => of_a.minus(of_b),
                    // Rounding an address down, and filling in its low bits.
                    Flow::Bits if of_a != Origin::NONE || of_b != Origin::NONE => {
                        let result = function(value(*a), value(*b), *flags);
                        if Origin::is_address(result) {
                            of_a.plus(of_b)
                        } else if result < 1 << 16 {
                            Origin::NONE
                        } else {
                            Origin::MIXED
                        }
                    }
                    _ => of_a.plus(of_b).blurred(),
                };
                self.set(*target, origin);
            }
            Action::Three {
                target, a, b, c, ..
            } => {
                let product = self.of(*a).plus(self.of(*b)).blurred();
                let sum = product.plus(self.of(*c));
                let kept = flow == Flow::Sum;
                self.set(*target, if kept { sum } else { sum.blurred() });
            }
            Action::Four {
                target, sources, ..
            } => {
                let all = sources.iter().map(|source| self.of(*source));
                let all = all.fold(Origin::NONE, Origin::plus);
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
                let origin = match carry.c {
                    Some(c) => a.plus(b).blurred().plus(self.of(c)),
                    None if carry.subtract => a.minus(b),
                    None => a.plus(b),
                };
                self.set(carry.target, origin);
            }
            Action::Spread { targets, a, .. } => {
                let origin = self.of(*a);
                for target in targets {
                    self.set(*target, origin);
                }
            }
            Action::Gather {
                target, sources, ..
            } => {
                let all = sources.iter().map(|source| self.of(*source));
                self.set(*target, all.reduce(Origin::or).unwrap_or_default());
            }
            Action::Logic(logic) => {
                let all = logic.sources.map(|source| self.of(source));
                let all = all.into_iter().fold(Origin::NONE, Origin::plus);
                self.set(logic.target, all.blurred());
                self.set(logic.predicate, Origin::NONE);
            }
            Action::Compare {
                target, opposite, ..
            } => {
                self.set(*target, Origin::NONE);
                self.set(*opposite, Origin::NONE);
            }
            Action::CompareHalves { lower, upper, .. } => {
                self.set(*lower, Origin::NONE);
                self.set(*upper, Origin::NONE);
            }
            Action::CompareInto { target, .. }
            | Action::CompareHalvesInto { target, .. }
            | Action::Special { target, .. }
            | Action::FrameAddress { target, .. }
            | Action::ToGeneric { target, .. }
            | Action::FromGeneric { target, .. }
            | Action::IsIn { target, .. }
            | Action::ActiveMask { target } => self.set(*target, Origin::NONE),
            Action::Warp(step) => {
                let shuffled = matches!(step.what, WarpOp::Shuffle(_));
                let origin = if shuffled {
                    self.of(step.a).blurred()
                } else {
                    Origin::NONE
                };
                self.set(step.target, origin);
                self.set(step.second, Origin::NONE);
            }
            Action::Barrier {
                reduce: Some(reduce),
                ..
            } => self.set(reduce.target, Origin::NONE),
            Action::BuiltinFunction(step) => {
                if let Some(Passed::Value(target)) = step.result {
                    self.set(target.0, Origin::NONE);
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
            let origin = match from {
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
                *place = origin;
            }
        }
    }
}

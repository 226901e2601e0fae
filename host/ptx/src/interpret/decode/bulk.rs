//! `cp.async.bulk`: copies at once, 16 bytes at a time, and tells the barrier.

use crate::interpret::decode::matrix::{compare, load_many, store_many};
use crate::interpret::decode::{Decoder, Scope, index_of};
use crate::interpret::program::{Action, Address, Atomic, AtomicOp, CheckHint, Slot, Source};
use crate::numeric::{Flags, mbarrier};
use crate::simt::fault::BULK_BYTES;
use crate::syntax::modifier::{Modifier, Modifiers};
use crate::syntax::tree::{Guard, RegisterId};

/// How many steps come before the instruction's own.
const STEPS: usize = 11;

impl<'m> Decoder<'m> {
    pub(crate) fn copy_bulk(&mut self, scope: &mut Scope<'m>) -> Action {
        let (to, from) = (self.address(scope, 0), self.address(scope, 1));
        let bytes = self.source(scope, 2);
        let [copied, flag, to_at, from_at] = [(); 4].map(|()| scope.compute());
        let words: Vec<Slot> = (0..BULK_BYTES / 4).map(|_| scope.compute()).collect();
        let last = index_of(self.program.code.len() + STEPS);
        let head = last - 8;
        let when = |slot: Slot, negated: bool| {
            let register = RegisterId(slot);
            Some(Guard { register, negated })
        };
        let skipped = scope.instruction.guard.map(|guard| Guard {
            negated: !guard.negated,
            ..guard
        });
        match skipped {
            Some(_) => self.step(scope, skipped, Action::Goto { step: last }),
            None => self.step(scope, None, Action::Nothing),
        }
        self.step(scope, None, Action::BulkSize { bytes });
        let a = self.value(0);
        self.step(scope, None, Action::Move { target: copied, a });
        let copied = Source::slot(copied);
        let is_left = compare(flag, [copied, bytes], |copied, bytes, _| {
            u64::from(copied < bytes)
        });
        self.step(scope, None, is_left);
        self.step(scope, when(flag, true), Action::Goto { step: last });
        for (address, at) in [(to, to_at), (from, from_at)] {
            let sum = compare(at, [address.base, copied], |base, by, _| {
                base.wrapping_add(by)
            });
            self.step(scope, None, sum);
            if let Some(step) = self.program.code.last_mut() {
                step.hint = CheckHint::Sum;
            }
        }
        let at = |address: Address, slot: Slot| Address {
            base: Source::slot(slot),
            ..address
        };
        self.step(scope, None, load_many(&words, at(from, from_at)));
        let values = words.into_iter().map(Source::slot).collect();
        self.step(scope, None, store_many(values, at(to, to_at)));
        let each = self.value(u64::from(BULK_BYTES));
        let next = compare(copied.index() as Slot, [copied, each], |copied, each, _| {
            copied + each
        });
        self.step(scope, None, next);
        self.step(scope, None, Action::Goto { step: head });
        debug_assert_eq!(self.program.code.len(), last as usize);
        if !scope.instruction.modifiers.has(Modifier::CompleteTxBytes) {
            return Action::Nothing;
        }
        Action::Atomic(Box::new(Atomic {
            target: scope.unwanted(),
            address: self.address(scope, 3),
            bytes: 8,
            operation: AtomicOp::Combine(mbarrier::complete),
            flags: Flags::of(&Modifiers::new()),
            b: bytes,
            c: self.value(0),
        }))
    }
}

//! Comparisons with both of their outcomes, and arithmetic with the carry flag.

use crate::interpret::program::{Carry, Comparison, Source};
use crate::interpret::thread::RunningThread;
use crate::numeric::integer::mask;
use crate::simt::memory::Memory;

impl<M: Memory + ?Sized> RunningThread<'_, M> {
    #[inline(always)]
    pub(crate) fn compare(&self, comparison: &Comparison) -> (u64, u64) {
        let outcome = (comparison.function)(
            self.get(comparison.a),
            self.get(comparison.b),
            comparison.flags,
        );
        let other = self.holds(comparison.c);
        let combine = comparison.combine;
        (
            combine.apply(outcome, other),
            combine.apply(outcome ^ 1, other),
        )
    }

    /// The outcomes for the lower and for the upper halves.
    pub(crate) fn compare_halves(&self, comparison: &Comparison) -> [u64; 2] {
        let (a, b) = (self.get(comparison.a), self.get(comparison.b));
        let other = self.holds(comparison.c);
        [0, 16].map(|shift| {
            let half = |bits: u64| (bits >> shift) & 0xffff;
            let outcome = (comparison.function)(half(a), half(b), comparison.flags);
            comparison.combine.apply(outcome, other)
        })
    }

    pub(crate) fn carry(&mut self, carry: &Carry) {
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
}

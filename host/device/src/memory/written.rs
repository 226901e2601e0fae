//! Which bytes of an allocation were ever written: one bit for each, where kernels are checked.

use std::sync::atomic::{AtomicU64, Ordering};

const BITS: u64 = u64::BITS as u64;

/// One bit for each byte, set once the byte is written.
#[derive(Debug)]
pub(super) struct Written {
    words: Box<[AtomicU64]>,
}

impl Written {
    /// Nothing is written yet. `None` where the host has no room.
    pub(super) fn none_of(bytes: u64) -> Option<Written> {
        let words = usize::try_from(bytes.div_ceil(BITS)).ok()?;
        Some(Written {
            words: bytemuck::allocation::try_zeroed_slice_box(words).ok()?,
        })
    }

    /// Sets or clears the bits of a range.
    pub(super) fn set(&self, offset: u64, bytes: u64, written: bool) {
        let mut at = offset;
        let end = offset.saturating_add(bytes);
        while at < end {
            let next = (at - at % BITS).saturating_add(BITS).min(end);
            let Some(word) = word_of(&self.words, at) else {
                return;
            };
            let mask = mask(at, next);
            if written {
                word.fetch_or(mask, Ordering::Relaxed);
            } else {
                word.fetch_and(!mask, Ordering::Relaxed);
            }
            at = next;
        }
    }

    /// The first byte of a range that is not written.
    pub(super) fn first_unwritten(&self, offset: u64, bytes: u64) -> Option<u64> {
        let mut at = offset;
        let end = offset.saturating_add(bytes);
        while at < end {
            let next = (at - at % BITS).saturating_add(BITS).min(end);
            let word = word_of(&self.words, at)?.load(Ordering::Relaxed);
            let missing = !word & mask(at, next);
            if missing != 0 {
                return Some(at - at % BITS + u64::from(missing.trailing_zeros()));
            }
            at = next;
        }
        None
    }
}

fn word_of(words: &[AtomicU64], at: u64) -> Option<&AtomicU64> {
    words.get(usize::try_from(at / BITS).ok()?)
}

/// The bits from one byte to before another, which is not beyond the same word.
fn mask(from: u64, to: u64) -> u64 {
    let count = to - from;
    let ones = u64::MAX.checked_shr((BITS - count) as u32).unwrap_or(0);
    ones << (from % BITS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ranges_of_any_alignment_behave_like_a_list_of_flags(
            steps in prop::collection::vec((0_u64..300, 0_u64..300, any::<bool>()), 1..40),
        ) {
            let written = Written::none_of(300).unwrap();
            let mut model = [false; 300];
            for (start, length, value) in steps {
                let length = length.min(300 - start);
                let range = start as usize..(start + length) as usize;
                written.set(start, length, value);
                model[range.clone()].fill(value);
                let missing = model[range].iter().position(|flag| !flag);
                let expected = missing.map(|index| start + index as u64);
                prop_assert_eq!(written.first_unwritten(start, length), expected);
            }
            let missing = model.iter().position(|flag| !flag).map(|index| index as u64);
            prop_assert_eq!(written.first_unwritten(0, 300), missing);
        }
    }
}

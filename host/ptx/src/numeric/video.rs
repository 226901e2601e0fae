//! SIMD video instructions (PTX ISA, "Video Instructions"): arithmetic on the bytes or halves of a word, as CUDA's `__vabsdiffu4` and its like compile to.

use crate::numeric::eval::{Eval, Flags};
use crate::numeric::integer::mask;
use crate::syntax::table::Lanewise;
use crate::syntax::types::Type;

/// The function that works on so many lanes.
pub(crate) fn select(what: Lanewise, lanes: u8) -> Eval {
    macro_rules! by_lanes {
        ($function:expr) => {
            if lanes == 2 {
                Eval::Three(|a, b, c, flags| lanewise::<2>(a, b, c, flags, $function))
            } else {
                Eval::Three(|a, b, c, flags| lanewise::<4>(a, b, c, flags, $function))
            }
        };
    }
    match what {
        Lanewise::AbsDiff => by_lanes!(|a, b| (a - b).abs()),
        Lanewise::Add => by_lanes!(|a, b| a + b),
        Lanewise::Max => by_lanes!(i64::max),
        Lanewise::Min => by_lanes!(i64::min),
        Lanewise::Sub => by_lanes!(|a, b| a - b),
    }
}

/// The results in the places of the lanes, or added to `c`. Before that they have a few bits more
/// than a lane, and are clamped where the flags ask for it.
fn lanewise<const LANES: u32>(
    a: u64,
    b: u64,
    c: u64,
    flags: Flags,
    function: impl Fn(i64, i64) -> i64,
) -> u64 {
    let bits = 32 / LANES;
    let lane = |word: u64, index: u32, ty: Type| {
        let part = (word >> (index * bits)) & mask(bits);
        let unused = 64 - bits;
        if ty.is_signed() {
            (part << unused).cast_signed() >> unused
        } else {
            part.cast_signed()
        }
    };
    let (least, most) = if flags.to.is_signed() {
        (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1)
    } else {
        (0, mask(bits).cast_signed())
    };
    let results = (0..LANES).map(|index| {
        let result = function(lane(a, index, flags.from), lane(b, index, flags.third));
        if flags.sat {
            result.clamp(least, most)
        } else {
            result
        }
    });
    if flags.accumulate {
        return results.fold(c, u64::wrapping_add_signed) & mask(32);
    }
    results
        .zip(0..)
        .fold(0, |word, (result, index): (i64, u32)| {
            word | ((result.cast_unsigned() & mask(bits)) << (index * bits))
        })
}

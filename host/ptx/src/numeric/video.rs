//! SIMD video instructions (PTX ISA, "Video Instructions"): arithmetic on the bytes or halves of a word, as CUDA's `__vabsdiffu4` and its like compile to.

use std::cmp::Ordering;

use crate::numeric::eval::{Eval, Flags};
use crate::numeric::integer::mask;
use crate::syntax::modifier::Modifier;
use crate::syntax::table::Lanewise;
use crate::syntax::tree::Part;
use crate::syntax::types::Type;

/// The function that works on so many lanes.
pub(crate) fn select(what: Lanewise, lanes: u8) -> Eval {
    macro_rules! by_lanes {
        ($function:expr) => {
            by_lanes!($function, |flags: Flags| (flags.from, flags.third))
        };
        ($function:expr, $types:expr) => {
            if lanes == 2 {
                Eval::Three(|a, b, c, flags| {
                    lanewise::<2>([a, b, c], flags, $types(flags), $function)
                })
            } else {
                Eval::Three(|a, b, c, flags| {
                    lanewise::<4>([a, b, c], flags, $types(flags), $function)
                })
            }
        };
    }
    // A comparison has no type of its result before those of its operands.
    macro_rules! compare {
        ($order:ident, $holds:literal) => {
            by_lanes!(
                |a: i64, b: i64| i64::from((a.cmp(&b) == Ordering::$order) == $holds),
                |flags: Flags| (flags.to, flags.from)
            )
        };
    }
    match what {
        Lanewise::AbsDiff => by_lanes!(|a, b| (a - b).abs()),
        Lanewise::Add => by_lanes!(|a, b| a + b),
        Lanewise::Average => by_lanes!(|a, b| (a + b + i64::from(a + b >= 0)) >> 1),
        Lanewise::Compare(Ordering::Equal, true) => compare!(Equal, true),
        Lanewise::Compare(Ordering::Equal, false) => compare!(Equal, false),
        Lanewise::Compare(Ordering::Less, true) => compare!(Less, true),
        Lanewise::Compare(Ordering::Less, false) => compare!(Less, false),
        Lanewise::Compare(Ordering::Greater, true) => compare!(Greater, true),
        Lanewise::Compare(Ordering::Greater, false) => compare!(Greater, false),
        Lanewise::Max => by_lanes!(i64::max),
        Lanewise::Min => by_lanes!(i64::min),
        Lanewise::Sub => by_lanes!(|a, b| a - b),
    }
}

/// Which lane an operand's lane is, of both words: from 0 on those of the first, then those of the
/// second.
fn selected(part: Part, index: u32, first: u32) -> u32 {
    match part {
        Part::Lanes(selector) => selector.numbers().nth(index as usize).unwrap_or(index),
        _ => first + index,
    }
}

/// Whether a lane of the result is written.
fn is_written(mask: Part, index: u32) -> bool {
    match mask {
        Part::Lanes(mask) => mask.numbers().any(|number| number == index),
        Part::Half(only) | Part::Byte(only) => u32::from(only) == index,
        Part::Word => true,
    }
}

/// The results in the places of the lanes, or added to `c`. Before that they have a few bits more
/// than a lane, and are clamped where the flags ask for it. Lanes that are not written are those of `c`.
fn lanewise<const LANES: u32>(
    [a, b, c]: [u64; 3],
    flags: Flags,
    (a_type, b_type): (Type, Type),
    function: impl Fn(i64, i64) -> i64,
) -> u64 {
    let bits = 32 / LANES;
    let both = (b & mask(32)) << 32 | a & mask(32);
    let lane = |index: u32, ty: Type| {
        let part = (both >> (index * bits)) & mask(bits);
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
        let a = lane(selected(flags.video.a, index, 0), a_type);
        let b = lane(selected(flags.video.b, index, LANES), b_type);
        let result = function(a, b);
        if flags.sat {
            result.clamp(least, most)
        } else {
            result
        }
    });
    if flags.secondary == Some(Modifier::Add) {
        let written = results
            .zip(0..)
            .filter(|(_, index)| is_written(flags.video.result, *index));
        return written.fold(c, |sum, (result, _)| sum.wrapping_add_signed(result)) & mask(32);
    }
    results
        .zip(0..)
        .fold(0, |word, (result, index): (i64, u32)| {
            let lane = match is_written(flags.video.result, index) {
                true => result.cast_unsigned(),
                false => c >> (index * bits),
            };
            word | ((lane & mask(bits)) << (index * bits))
        })
}

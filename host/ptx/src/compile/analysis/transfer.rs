//! Transfer functions of the lane analyses: what the threads of a lane group have in the result of an
//! operation, given what they have in its operands. They are functions of the opcode table's column
//! [`Meaning`].

use crate::compile::analysis::uniformity_lattice::Uniformity;
use crate::compile::ir::opcodes::{Meaning, Opcode};

/// The trailing zeros of a value that is zero: more than any analysis asks for.
pub(crate) const ALL_ZEROS: u32 = 64;

/// Offsets between threads up to which the extension of a number to 64 bits may keep them. That none
/// of the numbers wraps around in 32 bits is checked when the kernel runs, by a guard.
const MOST_EXTENDED: u64 = 1 << 30;

/// Low bits that are followed through operations on bits.
const MOST_LOW_BITS: u32 = 30;

/// What is known of an operand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    pub uniformity: Uniformity,
    /// How many low bits are zeros in what the first thread of a lane group has.
    pub low_zeros: u32,
    /// Its value, where it is a constant.
    pub constant: Option<i64>,
}

/// The uniformity of an operation on one operand.
pub(crate) fn unary(opcode: Opcode, a: Uniformity) -> Uniformity {
    match (opcode.meaning(), a) {
        (_, Uniformity::Uniform) => Uniformity::Uniform,
        (Meaning::Truncate, a) => a,
        (Meaning::ExtendS | Meaning::ExtendU, Uniformity::Affine(offsets))
            if offsets.is_within(MOST_EXTENDED) =>
        {
            a
        }
        _ => Uniformity::Divergent,
    }
}

/// The uniformity of an operation on two operands.
pub(crate) fn binary(opcode: Opcode, a: Operand, b: Operand) -> Uniformity {
    if a.uniformity == Uniformity::Uniform && b.uniformity == Uniformity::Uniform {
        return Uniformity::Uniform;
    }
    let (Some(s), Some(t)) = (a.uniformity.offsets(), b.uniformity.offsets()) else {
        return Uniformity::Divergent;
    };
    // Whether what threads have more than the first lies in low bits that are zeros there: then it
    // is added without a carry, and operations on bits act on it alone.
    let low = (1i64 << a.low_zeros.min(MOST_LOW_BITS)) - 1;
    let disjoint = s.all(|offset| (0..=low).contains(&offset));
    let offsets = match (opcode.meaning(), b.constant) {
        (Meaning::Add, _) => Some(s.with(t, i64::wrapping_add)),
        (Meaning::Sub, _) => Some(s.with(t, i64::wrapping_sub)),
        (Meaning::Mul, Some(by)) => Some(s.map(|offset| offset.wrapping_mul(by))),
        (Meaning::Shl, Some(by @ 0..=31)) => Some(s.map(|offset| offset.wrapping_shl(by as u32))),
        (Meaning::And, Some(mask)) if disjoint => Some(s.map(|offset| offset & mask)),
        (Meaning::Or, Some(mask)) if disjoint => Some(s.map(|offset| offset & !mask)),
        (Meaning::Xor, Some(mask)) if disjoint => {
            let mask = mask & low;
            Some(s.map(|offset| (offset ^ mask) - mask))
        }
        (Meaning::ShrS | Meaning::ShrU, Some(by @ 0..=31)) if disjoint => {
            Some(s.map(|offset| offset >> by))
        }
        (
            Meaning::Mul
            | Meaning::Shl
            | Meaning::And
            | Meaning::Or
            | Meaning::Xor
            | Meaning::ShrS
            | Meaning::ShrU
            | Meaning::Truncate
            | Meaning::ExtendS
            | Meaning::ExtendU
            | Meaning::CompareEqual
            | Meaning::CompareSigned
            | Meaning::CompareUnsigned
            | Meaning::CompareFloat
            | Meaning::FloatSumProduct
            | Meaning::FloatExtreme
            | Meaning::Opaque,
            _,
        ) => None,
    };
    offsets.map_or(Uniformity::Divergent, Uniformity::of_offsets)
}

/// How many low bits are zeros in the first thread's result of an operation on one operand.
pub(crate) fn unary_low_zeros(opcode: Opcode, a: u32) -> u32 {
    match opcode.meaning() {
        Meaning::Truncate | Meaning::ExtendS | Meaning::ExtendU => a,
        _ => 0,
    }
}

/// How many low bits are zeros in the first thread's result of an operation on two operands.
pub(crate) fn binary_low_zeros(opcode: Opcode, a: Operand, b: Operand) -> u32 {
    let (x, y) = (a.low_zeros, b.low_zeros);
    let amount = match b.constant {
        Some(by @ 0..=31) => Some(by as u32),
        _ => None,
    };
    match (opcode.meaning(), amount) {
        (Meaning::Add | Meaning::Sub | Meaning::Or | Meaning::Xor, _) => x.min(y),
        (Meaning::And, _) => x.max(y),
        (Meaning::Mul, _) => x.saturating_add(y).min(ALL_ZEROS),
        (Meaning::Shl, Some(by)) => (x + by).min(ALL_ZEROS),
        (Meaning::ShrS | Meaning::ShrU, Some(by)) => x.saturating_sub(by),
        (
            Meaning::Shl
            | Meaning::ShrS
            | Meaning::ShrU
            | Meaning::Truncate
            | Meaning::ExtendS
            | Meaning::ExtendU
            | Meaning::CompareEqual
            | Meaning::CompareSigned
            | Meaning::CompareUnsigned
            | Meaning::CompareFloat
            | Meaning::FloatSumProduct
            | Meaning::FloatExtreme
            | Meaning::Opaque,
            _,
        ) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::analysis::lane_offsets::LaneOffsets;
    use crate::compile::ir::Ty;
    use crate::simt::warp::WARP_LANES;

    /// What an integer operation gives, in bits of its result's type; `None` where its meaning does
    /// not say.
    fn evaluate(opcode: Opcode, a: u64, b: u64) -> Option<u64> {
        let wide = opcode.operand() == Ty::I64;
        let amount = (b % if wide { 64 } else { 32 }) as u32;
        let value = match opcode.meaning() {
            Meaning::Add => a.wrapping_add(b),
            Meaning::Sub => a.wrapping_sub(b),
            Meaning::Mul => a.wrapping_mul(b),
            Meaning::And => a & b,
            Meaning::Or => a | b,
            Meaning::Xor => a ^ b,
            Meaning::Shl => a << amount,
            Meaning::ShrU => a >> amount,
            Meaning::ShrS if wide => (a.cast_signed() >> amount).cast_unsigned(),
            Meaning::ShrS => i64::from((a as u32).cast_signed() >> amount).cast_unsigned(),
            Meaning::Truncate | Meaning::ExtendU => a,
            Meaning::ExtendS => i64::from((a as u32).cast_signed()).cast_unsigned(),
            _ => return None,
        };
        Some(bits(opcode.result(), value))
    }

    fn bits(ty: Ty, value: u64) -> u64 {
        if ty.bytes() == 4 {
            value & 0xffff_ffff
        } else {
            value
        }
    }

    /// Numbers from all over the range, and many around the places where bits carry.
    fn numbers() -> Vec<u64> {
        let mut numbers = vec![0, 1, 3, 0x55, 0xff0f, 0x1234_5678, 0x9abc_def0_1234_5678];
        for bit in [4, 5, 8, 16, 30, 31, 32, 33, 47, 63] {
            for near in [-16i64, -3, -1, 0, 1, 15] {
                numbers.push((1u64 << bit).wrapping_add_signed(near));
                numbers.push((!(1u64 << bit)).wrapping_add_signed(near));
            }
        }
        numbers
    }

    fn uniformities() -> Vec<Uniformity> {
        let strides = [1, 2, 4, 5, 8, 16, 4096, -1, -4]
            .into_iter()
            .flat_map(|stride| [16, WARP_LANES].map(|lanes| LaneOffsets::stride(stride, lanes)));
        let mixed = [
            LaneOffsets::stride(1, WARP_LANES).map(|lane| lane & 3),
            LaneOffsets::stride(1, WARP_LANES).map(|lane| lane >> 2),
            LaneOffsets::stride(1, WARP_LANES)
                .map(|lane| lane ^ 5)
                .map(|lane| lane - 5),
        ];
        let affine = strides.chain(mixed).map(Uniformity::Affine);
        affine.chain([Uniformity::Uniform]).collect()
    }

    /// What a thread has, by what the first one has and how far it is away.
    fn of_lane(ty: Ty, first: u64, uniformity: Uniformity, lane: u32) -> u64 {
        let offset = uniformity.offsets().map_or(0, |offsets| offsets.of(lane));
        bits(ty, first.wrapping_add_signed(offset))
    }

    fn zeros_of(value: u64) -> u32 {
        if value == 0 {
            ALL_ZEROS
        } else {
            value.trailing_zeros()
        }
    }

    /// Whether each thread's result is what the uniformity says of the first one's.
    fn holds(uniformity: Uniformity, ty: Ty, results: &[u64]) -> bool {
        let first = results.first().copied().unwrap_or_default();
        uniformity == Uniformity::Divergent
            || (0..)
                .zip(results)
                .all(|(lane, result)| of_lane(ty, first, uniformity, lane) == *result)
    }

    #[test]
    fn what_is_claimed_of_results_holds_in_every_lane() {
        let numbers = numbers();
        let mut claims = 0;
        for opcode in Opcode::ALL.iter().copied() {
            let ty = opcode.operand();
            for (a, uniformity) in numbers.iter().flat_map(|a| {
                uniformities()
                    .into_iter()
                    .map(|uniformity| (bits(ty, *a), uniformity))
            }) {
                for constant in &numbers {
                    let constant = bits(ty, *constant);
                    let lanes = (0..WARP_LANES).map(|lane| of_lane(ty, a, uniformity, lane));
                    let results: Option<Vec<u64>> =
                        lanes.map(|a| evaluate(opcode, a, constant)).collect();
                    let Some(results) = results else {
                        break;
                    };
                    let is_unary = opcode.arity() == 1;
                    let signed = match ty {
                        Ty::I32 => i64::from((constant as u32).cast_signed()),
                        _ => constant.cast_signed(),
                    };
                    let left = Operand {
                        uniformity,
                        low_zeros: zeros_of(a),
                        constant: None,
                    };
                    let right = Operand {
                        uniformity: Uniformity::Uniform,
                        low_zeros: zeros_of(constant),
                        constant: Some(signed),
                    };
                    let (claimed, zeros) = if is_unary {
                        let zeros = unary_low_zeros(opcode, left.low_zeros);
                        (unary(opcode, uniformity), zeros)
                    } else {
                        let zeros = binary_low_zeros(opcode, left, right);
                        (binary(opcode, left, right), zeros)
                    };
                    // The guard of an extension promises that no thread's number wraps around.
                    let wraps = matches!(opcode.meaning(), Meaning::ExtendS | Meaning::ExtendU)
                        && !holds(uniformity, opcode.result(), &results);
                    let is_right = wraps || holds(claimed, opcode.result(), &results);
                    assert!(
                        is_right && zeros_of(results[0]) >= zeros,
                        "{opcode:?} {a:#x} {uniformity:?} {constant:#x}: {claimed:?}, {zeros} zeros"
                    );
                    claims += u32::from(matches!(claimed, Uniformity::Affine(_)));
                    if is_unary {
                        break;
                    }
                }
            }
        }
        assert!(claims > 10_000, "{claims}");
    }

    #[test]
    fn offsets_of_both_operands_are_added_and_subtracted() {
        for opcode in Opcode::ALL.iter().copied() {
            let ty = opcode.operand();
            if !matches!(opcode.meaning(), Meaning::Add | Meaning::Sub) {
                continue;
            }
            for (x, y) in uniformities()
                .into_iter()
                .flat_map(|x| uniformities().into_iter().map(move |y| (x, y)))
            {
                let operand = |uniformity| Operand {
                    uniformity,
                    low_zeros: 0,
                    constant: None,
                };
                let claimed = binary(opcode, operand(x), operand(y));
                for (a, b) in [(0, 0), (7, u64::MAX), (1 << 31, 1 << 63)] {
                    let results: Vec<u64> = (0..WARP_LANES)
                        .filter_map(|lane| {
                            evaluate(opcode, of_lane(ty, a, x, lane), of_lane(ty, b, y, lane))
                        })
                        .collect();
                    assert!(holds(claimed, ty, &results), "{opcode:?} {x:?} {y:?}");
                }
            }
        }
    }

    #[test]
    fn an_operation_on_equal_operands_is_uniform_and_on_unknown_ones_divergent() {
        for opcode in Opcode::ALL.iter().copied() {
            let operand = |uniformity| Operand {
                uniformity,
                low_zeros: 0,
                constant: None,
            };
            for (uniformity, low) in
                [Uniformity::Uniform, Uniformity::Divergent].map(|c| (c, operand(c)))
            {
                assert_eq!(unary(opcode, uniformity), uniformity, "{opcode:?}");
                assert_eq!(binary(opcode, low, low), uniformity, "{opcode:?}");
            }
        }
    }
}

//! Lane symmetry: which registers are the same in each two lanes of a warp whose numbers differ in one
//! bit. A butterfly reduction adds to each lane what the lane across one bit has, so its sum is the same
//! in both, and after a step for each bit it is the same in all lanes: uniform.
//!
//! This finds the steps that gain symmetry: those of a block behind a butterfly shuffle that combine
//! what was shuffled with what was shuffled to them, where the order of the two makes no difference. Which
//! NaN a result is may depend on the order; that is canonicalized where it is observed.

use rustc_hash::FxHashMap as HashMap;

use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::opcodes::{Meaning, Opcode};
use crate::compile::ir::{Arg, Block, BlockId, Body, End, Op, Reg, Ty};
use crate::simt::warp::{ShuffleMode, WARP_LANES, WarpOp};

/// The bits of lanes' numbers, as a set: those in which lanes may differ that have the same.
pub(crate) type Symmetry = u8;

/// All lanes have the same.
pub(crate) const ALL: Symmetry = WARP_LANES as u8 - 1;
/// Nothing is known.
pub(crate) const NONE: Symmetry = 0;

/// The steps that gain symmetry, by their block and number: the bit, and what was shuffled.
pub(crate) type Reductions = HashMap<(BlockId, usize), (Symmetry, Arg)>;

/// What a register of the block behind a shuffle holds, in terms of what was shuffled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// A lane's own, or that of the lane across the bit.
    Side(Side),
    /// Whether that is a number.
    IsNumber(Side),
    /// How the two compare, as integers.
    Order,
    /// The greater one or the less one of two numbers.
    Extreme,
    /// This side where the other is no number, else the greater or less one.
    ExtremeOr(Side),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Own,
    Other,
}

/// Finds them.
pub(crate) fn reductions(body: &Body) -> Reductions {
    let mut found = Reductions::default();
    if !body.whole_warps {
        return found;
    }
    let mut predecessors = EntityMap::for_each(&body.blocks, 0u32);
    for block in body.blocks.values() {
        for next in block.end.successors() {
            let count = predecessors.get(next).copied().unwrap_or(0);
            predecessors.set(next, count.saturating_add(1));
        }
    }
    for before in body.blocks.values() {
        let End::WholeWarp(group, single) = before.end else {
            continue;
        };
        let (Some(group), Some(single)) = (body.block(group), body.block(single)) else {
            continue;
        };
        let (End::Jump(next), End::Suspend(_, same)) = (&group.end, &single.end) else {
            continue;
        };
        let own = |op: &&Op| !matches!(op, Op::Line(_));
        let mut ops = group.ops.iter().filter(own);
        let (Some(op), None) = (ops.next(), ops.next()) else {
            continue;
        };
        let Some((bit, own, other)) = butterfly(op) else {
            continue;
        };
        // Nothing else leads there.
        if next != same || predecessors.get(*next) != Some(&2) {
            continue;
        }
        let mut values = same_as(before, own);
        values.insert(other, Value::Side(Side::Other));
        if let Some(behind) = body.block(*next) {
            for number in combined(body, behind, values) {
                found.insert((*next, number), (bit, Arg::Reg(own)));
            }
        }
    }
    found
}

/// The bit across which a shuffle moves values, what it moves, and the register that gets it.
pub(crate) fn butterfly(op: &Op) -> Option<(Symmetry, Reg, Reg)> {
    let Op::Collective {
        op: WarpOp::Shuffle(ShuffleMode::Butterfly),
        targets,
        inputs,
    } = op
    else {
        return None;
    };
    let ([own, bit, clamp], [other, ..]) = (inputs.as_slice(), targets.as_slice()) else {
        return None;
    };
    // Among all lanes of the warp.
    let bit = bit
        .bits()
        .filter(|bit| bit.is_power_of_two() && *bit < u64::from(WARP_LANES))?;
    (clamp.bits() == Some(u64::from(WARP_LANES) - 1))
        .then(|| Some((bit as Symmetry, own.reg()?, *other)))
        .flatten()
}

/// What a step only moves: its operand, whose value it has but for which NaN that is.
fn moved(op: &Op) -> Option<(Reg, Arg)> {
    match op {
        Op::Copy(target, a) | Op::CanonicalizeNan(target, a) => Some((*target, *a)),
        Op::Unary(opcode, target, a) if opcode.is_reinterpretation() => Some((*target, *a)),
        _ => None,
    }
}

/// The registers that have the value of one where a block ends.
fn same_as(block: &Block, reg: Reg) -> HashMap<Reg, Value> {
    // What each register that the block writes is a copy of: a value that it had when the block began,
    // or that a step made.
    let mut values: HashMap<Reg, (Reg, usize)> = HashMap::default();
    for (number, op) in block.ops.iter().enumerate() {
        let of = |reg: Reg, values: &HashMap<Reg, (Reg, usize)>| {
            values.get(&reg).copied().unwrap_or((reg, 0))
        };
        let copied = match moved(op) {
            Some((_, Arg::Reg(from))) => Some(of(from, &values)),
            _ => None,
        };
        for target in op.targets() {
            values.insert(*target, copied.unwrap_or((*target, number + 1)));
        }
    }
    let value = values.get(&reg).copied().unwrap_or((reg, 0));
    let mut same: Vec<Reg> = values
        .iter()
        .filter(|(_, other)| **other == value)
        .map(|(reg, _)| *reg)
        .collect();
    same.push(reg);
    // A register that still has what it had when the block began.
    if value.1 == 0 && !values.contains_key(&value.0) {
        same.push(value.0);
    }
    same.into_iter()
        .map(|reg| (reg, Value::Side(Side::Own)))
        .collect()
}

/// The steps of a block that combine both sides so that their order makes no difference.
fn combined(body: &Body, block: &Block, mut values: HashMap<Reg, Value>) -> Vec<usize> {
    let mut found = Vec::new();
    for (number, op) in block.ops.iter().enumerate() {
        let of = |arg: Arg| arg.reg().and_then(|reg| values.get(&reg).copied());
        let is_pair = |a: Arg, b: Arg| match (of(a), of(b)) {
            (Some(Value::Side(a)), Some(Value::Side(b))) => a != b,
            _ => false,
        };
        let mut value = None;
        let mut gains = false;
        match op {
            Op::Binary(opcode, _, a, b) if is_pair(*a, *b) => {
                gains = opcode.is_commutative();
                value = match opcode.meaning() {
                    Meaning::FloatExtreme => Some(Value::Extreme),
                    _ if opcode.is_integer_order() => Some(Value::Order),
                    _ => None,
                };
            }
            Op::Binary(Opcode::F32Eq, _, a, b) if a == b => {
                if let Some(Value::Side(side)) = of(*a) {
                    value = Some(Value::IsNumber(side));
                }
            }
            Op::Select(_, condition, yes, no) => match (of(*condition), of(*yes), of(*no)) {
                // The greater or the less of two integers.
                (Some(Value::Order), Some(Value::Side(yes)), Some(Value::Side(no))) => {
                    gains = yes != no;
                }
                (
                    Some(Value::IsNumber(asked)),
                    Some(Value::Extreme),
                    Some(Value::Side(otherwise)),
                ) if asked != otherwise => value = Some(Value::ExtremeOr(otherwise)),
                // The greater or the less of those that are numbers.
                (
                    Some(Value::IsNumber(asked)),
                    Some(Value::ExtremeOr(first)),
                    Some(Value::Side(otherwise)),
                ) => gains = asked == first && asked != otherwise,
                _ => {}
            },
            _ => {
                if let Some((target, from)) = moved(op)
                    && body.ty(target) != Ty::F64
                {
                    value = of(from);
                }
            }
        }
        if gains {
            found.push(number);
        }
        for target in op.targets() {
            values.remove(target);
            if let Some(value) = value {
                values.insert(*target, value);
            }
        }
    }
    found
}

/// What a chunk of so many lanes is a copy of: the first one that has the same.
pub(crate) fn first_same_chunk(symmetry: Symmetry, chunk: u32, lanes: u32) -> u32 {
    let bits = u32::from(symmetry) & !(lanes - 1);
    ((chunk * lanes) & !bits) / lanes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::ir::{SuspendKind, SuspendPoint};

    const OWN: Reg = Reg(0);
    const OTHER: Reg = Reg(1);
    const RESULT: Reg = Reg(2);

    /// A shuffle across a bit among so many lanes, and a step behind it that combines what a lane has
    /// with what it gets.
    fn kernel(bit: u32, clamp: u32, combine: Opcode) -> Body {
        let mut body = Body {
            whole_warps: true,
            ..Body::default()
        };
        for ty in [Ty::I32, Ty::I32, combine.result()] {
            body.reg(ty);
        }
        let op = WarpOp::Shuffle(ShuffleMode::Butterfly);
        let point = body.suspend_points.push(SuspendPoint {
            line: 0,
            kind: SuspendKind::Collective(op),
            inputs: Vec::new(),
            results: Vec::new(),
            in_whole_warps: true,
        });
        let shuffle = Op::Collective {
            op,
            targets: vec![OTHER],
            inputs: vec![Arg::Reg(OWN), Arg::I32(bit), Arg::I32(clamp)],
        };
        let step = Op::Binary(combine, RESULT, Arg::Reg(OTHER), Arg::Reg(OWN));
        for (ops, end) in [
            (Vec::new(), End::WholeWarp(BlockId(1), BlockId(2))),
            (vec![shuffle], End::Jump(BlockId(3))),
            (Vec::new(), End::Suspend(point, BlockId(3))),
            (vec![step], End::Exit),
        ] {
            body.blocks.push(Block { line: 0, ops, end });
        }
        body
    }

    #[test]
    fn a_sum_of_both_sides_of_a_butterfly_is_the_same_in_both() {
        for combine in [Opcode::I32Add, Opcode::I32Xor, Opcode::I32Mul] {
            let found = reductions(&kernel(4, 31, combine));
            let expected = Reductions::from_iter([((BlockId(3), 0), (4, Arg::Reg(OWN)))]);
            assert!(found == expected, "{combine:?}");
        }
    }

    #[test]
    fn what_depends_on_the_side_or_goes_across_no_bit_of_the_warp_is_not() {
        for (bit, clamp, combine) in [
            (4, 31, Opcode::I32Sub),
            (4, 31, Opcode::I32LtS),
            (3, 31, Opcode::I32Add),
            (32, 31, Opcode::I32Add),
            (4, 15, Opcode::I32Add),
        ] {
            let found = reductions(&kernel(bit, clamp, combine));
            assert!(found.is_empty(), "{bit} {clamp} {combine:?}");
        }
    }

    #[test]
    fn a_chunk_is_a_copy_of_the_first_that_differs_from_it_in_symmetric_bits_alone() {
        let first = |symmetry| (0..8).map(move |chunk| first_same_chunk(symmetry, chunk, 4));
        assert!(first(ALL).all(|chunk| chunk == 0));
        assert!(first(NONE).eq(0..8));
        assert!(first(16).eq([0, 1, 2, 3, 0, 1, 2, 3]));
    }
}

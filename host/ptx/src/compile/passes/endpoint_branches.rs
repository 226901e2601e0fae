//! Conditions that the threads of a group with the least and the most can answer for all: comparisons
//! of what the threads have in common with what is known to be apart, and what is made of such.
//!
//! A branch on one needs no vectors as long as both ends agree, which is nearly always. For that, the
//! comparisons are repeated right before the branch.

use rustc_hash::FxHashSet as HashSet;

use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::ir::opcodes::{Meaning, Opcode};
use crate::compile::ir::{Arg, Block, Body, End, Op, Reg, Ty};

/// The most steps of one condition.
const MOST_STEPS: usize = 8;

/// What is farther apart may wrap around in between.
const FAR: u64 = 1 << 24;

/// Repeats conditions before their branches where that libcalls; the registers that hold what is
/// repeated. They have no other use than the branch behind them.
pub(crate) fn run(body: &mut Body, classes: &mut UniformityInfo) -> HashSet<Reg> {
    let mut repeated = HashSet::default();
    for id in body.blocks.keys() {
        let Some(block) = body.block(id) else {
            continue;
        };
        let End::Branch(Arg::Reg(condition), ..) = block.end else {
            continue;
        };
        if classes.of(condition) != Uniformity::Divergent {
            continue;
        }
        let mut steps = Vec::new();
        if !collect(block, classes, condition, block.ops.len(), &mut steps) {
            continue;
        }
        let mut new_of: Vec<(Reg, Reg)> = Vec::new();
        for mut op in steps {
            op.each_arg_mut(|arg| {
                let new = new_of.iter().rev().find(|(old, _)| *arg == Arg::Reg(*old));
                if let Some((_, new)) = new {
                    *arg = Arg::Reg(*new);
                }
            });
            if let Op::Copy(target, Arg::Reg(new)) = op {
                new_of.push((target, new));
                continue;
            }
            let Op::Binary(_, target, ..) = &mut op else {
                continue;
            };
            let new = body.reg(Ty::I32);
            classes.add_boolean(new);
            new_of.push((std::mem::replace(target, new), new));
            repeated.insert(new);
            if let Some(block) = body.blocks.get_mut(id) {
                block.ops.push(op);
            }
        }
        let new = new_of.last().map(|(_, new)| *new);
        if let (Some(block), Some(new)) = (body.blocks.get_mut(id), new)
            && let End::Branch(condition, ..) = &mut block.end
        {
            *condition = Arg::Reg(new);
        }
    }
    repeated
}

/// Collects the steps that make a condition, in order; false where it is not of the kind.
fn collect(
    block: &Block,
    classes: &UniformityInfo,
    reg: Reg,
    before: usize,
    steps: &mut Vec<Op>,
) -> bool {
    let made = block.ops.get(..before).and_then(|ops| {
        let place = ops.iter().rposition(|op| op.targets().contains(&reg))?;
        Some((place, ops.get(place)?))
    });
    let Some((place, op)) = made else {
        return false;
    };
    if steps.len() >= MOST_STEPS {
        return false;
    }
    if let Op::Copy(_, Arg::Reg(from)) = op
        && classes.of(*from) == Uniformity::Divergent
        && collect(block, classes, *from, place, steps)
    {
        steps.push(op.clone());
        return true;
    }
    let Op::Binary(code, _, a, b) = op else {
        return false;
    };
    let of_ends = if IntegerOrder::of(*code).is_some() {
        by_ends(classes, *a, *b)
    } else if code.is_bool_combine() {
        [*a, *b].into_iter().all(|arg| match arg {
            Arg::Reg(reg) if classes.of(reg) == Uniformity::Divergent => {
                collect(block, classes, reg, place, steps)
            }
            Arg::Reg(reg) => classes.of(reg) == Uniformity::Uniform && classes.is_boolean(reg),
            arg => arg.bits().is_some_and(|bits| bits <= 1),
        })
    } else {
        false
    };
    // What is compared must still be what it was.
    let kept = |arg: Arg| {
        let varies = matches!(arg, Arg::Reg(reg) if classes.of(reg) == Uniformity::Divergent);
        let rest = block.ops.get(place..).unwrap_or_default();
        varies
            || arg
                .reg()
                .is_none_or(|reg| !rest.iter().any(|op| op.targets().contains(&reg)))
    };
    if !of_ends || !kept(*a) || !kept(*b) {
        return false;
    }
    steps.push(op.clone());
    true
}

/// How a comparison orders integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IntegerOrder {
    /// It asks whether they are equal.
    Equality,
    Signed,
    Unsigned,
}

impl IntegerOrder {
    /// That of an opcode; `None` where it is no comparison of integers.
    pub(crate) fn of(opcode: Opcode) -> Option<IntegerOrder> {
        match opcode.meaning() {
            Meaning::CompareEqual => Some(IntegerOrder::Equality),
            Meaning::CompareSigned => Some(IntegerOrder::Signed),
            Meaning::CompareUnsigned => Some(IntegerOrder::Unsigned),
            _ => None,
        }
    }
}

/// Whether one operand is the same for all and the other apart.
fn by_ends(classes: &UniformityInfo, a: Arg, b: Arg) -> bool {
    let apart = |arg| match classes.of_arg(arg) {
        Uniformity::Uniform => Some(false),
        Uniformity::Affine(apart) if apart.is_within(FAR) => Some(true),
        _ => None,
    };
    matches!((apart(a), apart(b)), (Some(a), Some(b)) if a != b)
}

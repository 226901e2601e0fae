//! Endpoint branches: branches that the first and the last lane of a lane group decide for all lanes.
//!
//! A comparison of an affine with a uniform number is monotone over the lanes, or at least has the same
//! result for all where the lanes with the least and the greatest offset agree, which is nearly always.
//! A branch on such comparisons, and on boolean combinations of them, needs no vectors as long as these
//! two agree. For that, the pass computes them again right before the branch.

use rustc_hash::FxHashSet as HashSet;

use crate::compile::analysis::fault_bound::FaultBound;
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::ir::opcodes::{Meaning, Opcode};
use crate::compile::ir::{Arg, Block, Body, End, Op, Reg, Ty};

/// The most steps of one condition, and of one that leads to a fault, which may be that of many checks.
const MOST_STEPS: usize = 8;
const MOST_FAULT_STEPS: usize = 64;

/// The largest offset between lanes: numbers that are farther apart may wrap around in between.
const FAR: u64 = 1 << 24;

/// Computes conditions again before their branches where the first and the last lane decide them.
/// Returns the registers with the results: nothing reads them but the branch.
pub(crate) fn run(body: &mut Body, uniformity: &mut UniformityInfo) -> HashSet<Reg> {
    let mut recomputed = HashSet::default();
    let fault_bound = FaultBound::of(body);
    for id in body.blocks.keys() {
        let Some(block) = body.block(id) else {
            continue;
        };
        let End::Branch(Arg::Reg(condition), ..) = block.end else {
            continue;
        };
        if uniformity.of(condition) != Uniformity::Divergent {
            continue;
        }
        let most = match fault_bound.faults_where(&block.end) {
            Some(_) => MOST_FAULT_STEPS,
            None => MOST_STEPS,
        };
        let mut steps = Steps {
            ops: Vec::new(),
            most,
        };
        if !collect(block, uniformity, condition, block.ops.len(), &mut steps) {
            continue;
        }
        let mut renamed: Vec<(Reg, Reg)> = Vec::new();
        for mut op in steps.ops {
            op.each_arg_mut(|arg| {
                let new = renamed.iter().rev().find(|(old, _)| *arg == Arg::Reg(*old));
                if let Some((_, new)) = new {
                    *arg = Arg::Reg(*new);
                }
            });
            if let Op::Copy(target, Arg::Reg(new)) = op {
                renamed.push((target, new));
                continue;
            }
            let Op::Binary(_, target, ..) = &mut op else {
                continue;
            };
            let new = body.reg(Ty::I32);
            uniformity.add_boolean(new);
            renamed.push((std::mem::replace(target, new), new));
            recomputed.insert(new);
            if let Some(block) = body.blocks.get_mut(id) {
                block.ops.push(op);
            }
        }
        let new = renamed.last().map(|(_, new)| *new);
        if let (Some(block), Some(new)) = (body.blocks.get_mut(id), new)
            && let End::Branch(condition, ..) = &mut block.end
        {
            *condition = Arg::Reg(new);
        }
    }
    recomputed
}

/// The steps of a condition, in order, and how many there may be.
struct Steps {
    ops: Vec<Op>,
    most: usize,
}

/// Collects the steps that compute a condition, in order; says whether they are all of the kind.
fn collect(
    block: &Block,
    uniformity: &UniformityInfo,
    reg: Reg,
    before: usize,
    steps: &mut Steps,
) -> bool {
    let definition = block.ops.get(..before).and_then(|ops| {
        let number = ops.iter().rposition(|op| op.targets().contains(&reg))?;
        Some((number, ops.get(number)?))
    });
    let Some((number, op)) = definition else {
        return false;
    };
    if steps.ops.len() >= steps.most {
        return false;
    }
    if let Op::Copy(_, Arg::Reg(from)) = op
        && uniformity.of(*from) == Uniformity::Divergent
        && collect(block, uniformity, *from, number, steps)
    {
        steps.ops.push(op.clone());
        return true;
    }
    let Op::Binary(opcode, _, a, b) = op else {
        return false;
    };
    let is_decided = if IntegerOrder::of(*opcode).is_some() {
        is_affine_with_uniform(uniformity, *a, *b)
    } else if opcode.is_bool_combine() {
        [*a, *b].into_iter().all(|arg| match arg {
            Arg::Reg(reg) if uniformity.of(reg) == Uniformity::Divergent => {
                collect(block, uniformity, reg, number, steps)
            }
            Arg::Reg(reg) => {
                uniformity.of(reg) == Uniformity::Uniform && uniformity.is_boolean(reg)
            }
            arg => arg.bits().is_some_and(|bits| bits <= 1),
        })
    } else {
        false
    };
    // The operands must still have their values at the branch. Divergent ones are computed again.
    let is_unchanged = |arg: Arg| {
        let Some(reg) = arg.reg() else {
            return true;
        };
        let rest = block.ops.get(number..).unwrap_or_default();
        uniformity.of(reg) == Uniformity::Divergent
            || !rest.iter().any(|op| op.targets().contains(&reg))
    };
    if !is_decided || !is_unchanged(*a) || !is_unchanged(*b) {
        return false;
    }
    steps.ops.push(op.clone());
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

/// Whether one operand is uniform and the other one affine.
fn is_affine_with_uniform(uniformity: &UniformityInfo, a: Arg, b: Arg) -> bool {
    let is_affine = |arg| match uniformity.of_arg(arg) {
        Uniformity::Uniform => Some(false),
        Uniformity::Affine(offsets) if offsets.is_within(FAR) => Some(true),
        _ => None,
    };
    matches!((is_affine(a), is_affine(b)), (Some(a), Some(b)) if a != b)
}

//! Collectives of whole warps: where a lane group is a warp and its threads have not diverged, it
//! computes a collective of all of them by itself, in vectors, and nobody waits.
//!
//! A collective's block ends with [`End::WholeWarp`]: vector code goes on at a block with
//! [`Op::Collective`], and code for single threads at the suspend point, as it was. Both go on at the
//! same block. This is done for collectives whose mask of members is known to have all lanes.

use rustc_hash::FxHashSet as HashSet;

use crate::compile::Unsupported;
use crate::compile::analysis::fixed_values::FixedValues;
use crate::compile::analysis::liveness::for_each_end_use;
use crate::compile::cfg::graph::loops_through_suspend_points;
use crate::compile::cfg::loops::Loop;
use crate::compile::codegen::product;
use crate::compile::ir::entity::{EntityId, EntityMap};
use crate::compile::ir::opcodes::Opcode;
use crate::compile::ir::{
    Arg, Block, BlockId, Body, End, Op, Reg, SpecialValue, SuspendId, SuspendKind, Ty,
};
use crate::simt::warp::{ALL_LANES, WarpOp};

/// Lets lane groups compute collectives by themselves, where they can. Where there are such
/// collectives, the kernel's lane groups become warps; and where a small kernel waits at barriers often.
///
/// # Errors
/// Where a block goes on at one that does not exist.
pub(crate) fn run(body: &mut Body) -> Result<(), Unsupported> {
    let is_collective = |kind: SuspendKind| matches!(kind, SuspendKind::Collective(_));
    let mut points = body.suspend_points.values();
    if !points.any(|point| is_collective(point.kind)) {
        body.whole_warps = waits_often(body)?;
        return Ok(());
    }
    let matrices = load_matrices(body);
    let constants = FixedValues::of(body)?;
    let collectives: Vec<(BlockId, Collective)> = body
        .blocks
        .iter()
        .filter_map(|(id, block)| Some((id, Collective::of(body, &constants, id, block)?)))
        .filter(|(_, collective)| !matrices.contains(&collective.point))
        .collect();
    let reads = reads(body);
    let mut forms = HashSet::default();
    for (id, collective) in collectives {
        if let WarpOp::Multiply(mma) = collective.op
            && forms.insert(mma)
            && !product::is_room_for(forms.len())
        {
            forms.remove(&mma);
            continue;
        }
        let op = collective.op(body);
        let in_vectors = body.blocks.next_key();
        let waits = BlockId(in_vectors.0 + 1);
        let Some(block) = body.blocks.get_mut(id) else {
            continue;
        };
        let line = block.line;
        let suspend = std::mem::replace(&mut block.end, End::WholeWarp(in_vectors, waits));
        // What only threads that wait read is computed where they wait.
        let is_sunk = |op: &Op| match op {
            Op::Unary(Opcode::I64ExtendI32U, wide, _) => {
                collective.widened.contains(wide) && reads.get(*wide) == Some(&1)
            }
            _ => false,
        };
        let mut sunk = Vec::new();
        block.ops.retain(|op| {
            let sinks = is_sunk(op);
            if sinks {
                sunk.push(op.clone());
            }
            !sinks
        });
        body.blocks.push(Block {
            line,
            ops: vec![op],
            end: End::Jump(collective.next),
        });
        body.blocks.push(Block {
            line,
            ops: sunk,
            end: suspend,
        });
        body.single_threads_only.insert(waits);
        if let Some(point) = body.suspend_points.get_mut(collective.point) {
            point.in_whole_warps = true;
        }
        body.whole_warps = true;
    }
    Ok(())
}

/// Lets lane groups load matrices by themselves; their suspend points are returned.
fn load_matrices(body: &mut Body) -> HashSet<SuspendId> {
    let mut waits_at = HashSet::default();
    for load in std::mem::take(&mut body.matrix_loads) {
        let in_vectors = body.blocks.next_key();
        let Some(block) = body.blocks.get_mut(load.block) else {
            continue;
        };
        // Where nobody comes, nothing is left of it.
        if !matches!(block.end, End::Jump(next) if next == load.of_single_threads) {
            continue;
        }
        let line = block.line;
        block.end = End::WholeWarp(in_vectors, load.of_single_threads);
        body.blocks.push(Block {
            line,
            ops: vec![Op::LoadMatrix(load.step)],
            end: End::Jump(load.next),
        });
        let mut waiting = vec![load.of_single_threads];
        while let Some(block) = waiting.pop() {
            if block != load.next && body.single_threads_only.insert(block) {
                let end = body.block(block).map(|block| block.end.successors());
                waiting.extend(end.unwrap_or_default());
            }
        }
        if let Some(point) = body.suspend_points.get_mut(load.waits_at) {
            point.in_whole_warps = true;
        }
        body.whole_warps = true;
        waits_at.insert(load.waits_at);
    }
    waits_at
}

/// How often each register is read.
fn reads(body: &Body) -> EntityMap<Reg, u32> {
    let mut reads = EntityMap::for_each(&body.regs, 0);
    let mut count = |reg: Reg| {
        if let Some(reads) = reads.get_mut(reg) {
            *reads += 1;
        }
    };
    for block in body.blocks.values() {
        for op in &block.ops {
            op.each_arg(|arg| arg.reg().into_iter().for_each(&mut count));
        }
        for_each_end_use(body, &block.end, &mut count);
    }
    reads
}

/// The most steps of a kernel whose lane groups become warps so that fewer of them wait at barriers: a
/// larger one has too many registers for twice as many lanes.
const MOST_STEPS: usize = 256;

/// Whether threads wait at barriers in a loop with little work in between, none of which is a loop of
/// its own: that costs half as much where lane groups are warps. They must be in one row of the block
/// as far as the kernel can tell, since it asks for no other coordinate: rows are to be whole groups.
///
/// # Errors
/// Where loops nest too deep.
fn waits_often(body: &Body) -> Result<bool, Unsupported> {
    let mut ops = body.blocks.values().flat_map(|block| &block.ops);
    let is_beside = |op: &Op| matches!(op, Op::Special(_, SpecialValue::Tid(1 | 2)));
    if body.len() > MOST_STEPS || ops.any(is_beside) {
        return Ok(false);
    }
    let loops = loops_through_suspend_points(body)?;
    let waits = |block: &Block| match block.end {
        End::Suspend(point, _) => {
            let point = body.suspend_points.get(point);
            point.is_some_and(|point| matches!(point.kind, SuspendKind::Plain(_)))
        }
        _ => false,
    };
    let waiting = body.blocks.iter().filter(|(_, block)| waits(block));
    let around: Vec<usize> = waiting
        .filter_map(|(id, _)| loops.innermost(id.index()))
        .collect();
    let is_around = |inner: &Loop| inner.parent.is_some_and(|parent| around.contains(&parent));
    Ok(!around.is_empty() && !loops.loops.iter().any(is_around))
}

/// A collective that a lane group can compute by itself.
struct Collective {
    point: SuspendId,
    op: WarpOp,
    /// Its operands without the mask of members, in 32 bits.
    inputs: Vec<Arg>,
    /// The registers of 64 bits that they were extended to.
    widened: Vec<Reg>,
    results: Vec<Option<Reg>>,
    next: BlockId,
}

impl Collective {
    /// The collective with which a block ends, if it is one of all lanes.
    fn of(body: &Body, constants: &FixedValues, id: BlockId, block: &Block) -> Option<Collective> {
        let End::Suspend(number, next) = block.end else {
            return None;
        };
        let point = body.suspend_points.get(number)?;
        let SuspendKind::Collective(op) = point.kind else {
            return None;
        };
        let is_known = match op {
            WarpOp::Shuffle(_) | WarpOp::Vote(_) | WarpOp::Barrier | WarpOp::Permute(_) => true,
            WarpOp::Multiply(mma) => product::has_function(mma),
            _ => false,
        };
        if !is_known {
            return None;
        }
        let (mask, inputs) = point.inputs.split_first()?;
        let end = (id, block.ops.len());
        let mask = narrow(body, block, *mask)?;
        if constants.constant(mask, end)? != u64::from(ALL_LANES) {
            return None;
        }
        let widened = inputs.iter().filter_map(|input| input.reg()).collect();
        let inputs: Option<Vec<Arg>> = inputs
            .iter()
            .map(|input| {
                let input = narrow(body, block, *input)?;
                let constant = constants.constant(input, end);
                Some(constant.map_or(input, |bits| Arg::I32(bits as u32)))
            })
            .collect();
        Some(Collective {
            point: number,
            op,
            inputs: inputs?,
            widened,
            results: point.results.clone(),
            next,
        })
    }

    /// The step that computes it. A result that nobody wants has a register all the same.
    fn op(&self, body: &mut Body) -> Op {
        let results = self.results.iter();
        let targets = results.map(|result| result.unwrap_or_else(|| body.reg(Ty::I32)));
        Op::Collective {
            op: self.op,
            targets: targets.collect(),
            inputs: self.inputs.clone(),
        }
    }
}

/// The 32 bits that an operand was zero-extended from, in the block at whose end it is used.
fn narrow(body: &Body, block: &Block, wide: Arg) -> Option<Arg> {
    let reg = match wide {
        Arg::I64(bits) => return u32::try_from(bits).ok().map(Arg::I32),
        Arg::Reg(reg) => reg,
        Arg::I32(_) | Arg::F32(_) | Arg::F64(_) => return None,
    };
    let mut behind = block.ops.iter().rev();
    let extension = behind.by_ref().find(|op| op.targets().contains(&reg))?;
    let Op::Unary(Opcode::I64ExtendI32U, _, from) = extension else {
        return None;
    };
    let Arg::Reg(source) = *from else {
        return Some(*from);
    };
    // It still has what was extended.
    let after = block
        .ops
        .iter()
        .rev()
        .take_while(|op| !std::ptr::eq(*op, extension));
    let is_same = !after.flat_map(Op::targets).any(|target| *target == source);
    (is_same && body.ty(source) == Ty::I32).then_some(*from)
}

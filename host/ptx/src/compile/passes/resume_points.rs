//! Where a lane group can leave vector code: each such point begins a block of its own, a resume point,
//! at which the group's threads go on one at a time.
//!
//! A group leaves where a bounds guard fails, before anything of the block has happened, where a branch
//! diverges, and before a block that has no vector code ([`Body::is_cold`]).

use rustc_hash::FxHashSet as HashSet;

use crate::compile::Unsupported;
use crate::compile::analysis::bounds_guards;
use crate::compile::analysis::uniformity::UniformityInfo;
use crate::compile::ir::{Block, BlockId, Body, End, Op, Reg};
use crate::compile::limits::{self, MOST_RESUME_POINTS};

/// Splits blocks before the steps and branches at which a lane group may leave, and returns the new
/// blocks, in order: each begins with a resume point.
///
/// # Errors
/// Where there are too many.
pub(crate) fn split_blocks(
    body: &mut Body,
    uniformity: &UniformityInfo,
    endpoint_conditions: &HashSet<Reg>,
) -> Result<Vec<BlockId>, Unsupported> {
    let mut resume_points: Vec<BlockId> = Vec::new();
    let mut id = BlockId::ENTRY;
    while let Some(block) = body.block(id) {
        if resume_points.len() > MOST_RESUME_POINTS {
            return Err(limits::too_many_resume_points());
        }
        // Lane groups take a way of their own, and do not come here.
        if body.single_threads_only.contains(&id) {
            id = BlockId(id.0 + 1);
            continue;
        }
        let is_resume_point = resume_points.binary_search(&id).is_ok();
        let has_guards = block
            .ops
            .iter()
            .any(|op| bounds_guards::is_guarded(body, uniformity, op));
        let is_cold = body.is_cold(id);
        let at = if (has_guards || is_cold) && !is_resume_point {
            // Threads resume where the guards are, and run nothing that comes before them.
            Some(0)
        } else if is_cold {
            // The group leaves where it begins.
            None
        } else if let Some(at) = bounds_guards::first_unknown(body, uniformity, &block.ops) {
            Some(at)
        } else if uniformity.diverges(&block.end) {
            // A thread that resumes computes the condition again.
            let computes = |op: &Op| {
                let mut targets = op.targets().iter();
                targets.any(|reg| endpoint_conditions.contains(reg))
            };
            let first = block.ops.iter().position(computes);
            let at = first.unwrap_or(block.ops.len());
            let mut before = block.ops.iter().take(at);
            let is_there = is_resume_point && before.all(|op| matches!(op, Op::Line(_)));
            (!is_there).then_some(at)
        } else {
            None
        };
        if let Some(at) = at {
            // The new block is looked at when its turn comes.
            resume_points.push(split_block(body, id, at)?);
        }
        id = BlockId(id.0 + 1);
    }
    Ok(resume_points)
}

/// Moves the steps of a block from one on, and its end, to a new block behind all others, and jumps
/// there. Returns the new block.
///
/// # Errors
/// Where there is no such block.
pub(crate) fn split_block(
    body: &mut Body,
    block: BlockId,
    at: usize,
) -> Result<BlockId, Unsupported> {
    let next = body.blocks.next_key();
    // What is moved has no vector code, then, and what stays has none but for nothing.
    if body.scalar_only.contains(&block) {
        body.scalar_only.insert(next);
        if at == 0 {
            body.scalar_only.remove(&block);
        }
    }
    let Some(block) = body.blocks.get_mut(block) else {
        return Err(Unsupported::internal("a block to split that is not there"));
    };
    let ops = block.ops.split_off(at.min(block.ops.len()));
    let line = block.ops.iter().rev().find_map(|op| match op {
        Op::Line(line) => Some(*line),
        _ => None,
    });
    let line = line.unwrap_or(block.line);
    let end = std::mem::replace(&mut block.end, End::Jump(next));
    Ok(body.blocks.push(Block { line, ops, end }))
}

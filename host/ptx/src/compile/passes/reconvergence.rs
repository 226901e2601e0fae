//! Where the threads of a diverged lane group are awaited: at the branch's immediate post-dominator, as
//! with the reconvergence stack of a GPU (Fung et al., "Dynamic Warp Formation", 2007).

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::compile::Unsupported;
use crate::compile::analysis::bounds_guards;
use crate::compile::analysis::fault_bound::FaultBound;
use crate::compile::analysis::masked_steps::{self, MaskedSteps};
use crate::compile::analysis::uniformity::UniformityInfo;
use crate::compile::cfg::dominators::postdominators;
use crate::compile::ir::{Block, BlockId, Body, End};
use crate::compile::passes::resume_points::split_block;

/// For each block whose branch can diverge, the block at which the lane group goes on once its threads
/// have reconverged.
pub(crate) type ReconvergencePoints = HashMap<BlockId, BlockId>;

/// Splits the post-dominators of divergent branches, so that their first half awaits the group's
/// threads ([`End::Reconverge`]), and adds the second halves to the resume points. Nobody is awaited
/// behind a branch to a fault: where the threads of a group part there, the launch ends.
///
/// # Errors
/// Where a post-dominator is no block of the kernel.
pub(crate) fn run(
    body: &mut Body,
    uniformity: &UniformityInfo,
    resume_points: &mut Vec<BlockId>,
) -> Result<ReconvergencePoints, Unsupported> {
    let postdominators = postdominators(body)?;
    let fault_bound = FaultBound::of(body);
    let mut diverging: Vec<(BlockId, BlockId)> = Vec::new();
    for block in resume_points.iter() {
        // A branch some of whose paths never end has none.
        let Some(Some(mut postdominator)) = postdominators.get(*block).copied() else {
            continue;
        };
        // Behind others without vector code.
        while body.scalar_only.contains(&postdominator)
            && let Some(Some(next)) = postdominators.get(postdominator).copied()
        {
            postdominator = next;
        }
        let branch = body.block(*block);
        let diverges = branch.is_some_and(|branch| {
            let parts = uniformity.diverges(&branch.end);
            parts && fault_bound.faults_where(&branch.end).is_none() || body.is_cold(*block)
        });
        // Threads that do nothing more have no use for each other.
        let behind = body.block(postdominator);
        let goes_on = behind.is_some_and(|block| !matches!(block.end, End::Exit));
        if diverges && goes_on {
            diverging.push((*block, postdominator));
        }
    }
    let mut second_half: HashMap<BlockId, BlockId> = HashMap::default();
    for (_, postdominator) in &diverging {
        if second_half.contains_key(postdominator) {
            continue;
        }
        let next = split_block(body, *postdominator, 0)?;
        if let Some(block) = body.blocks.get_mut(*postdominator) {
            block.end = End::Reconverge(next);
        }
        second_half.insert(*postdominator, next);
        resume_points.push(next);
    }
    let points = diverging.iter().filter_map(|(branch, postdominator)| {
        // The branch of a block that was split is in its second half now.
        let branch = second_half.get(branch).unwrap_or(branch);
        Some((*branch, *second_half.get(postdominator)?))
    });
    Ok(points.collect())
}

/// The blocks at which lane groups do reconverge: those behind branches whose steps can't be masked,
/// and behind blocks at whose beginning a group may leave vector code. Where a guard of masked steps
/// fails, which is rare, nobody awaits the threads.
pub(crate) fn awaited(
    body: &Body,
    uniformity: &UniformityInfo,
    points: &ReconvergencePoints,
) -> HashSet<BlockId> {
    let predecessors = masked_steps::predecessors(body);
    let leaves = |id: BlockId, block: &Block| {
        let mut ops = block.ops.iter();
        body.is_cold(id)
            || MaskedSteps::of(body, uniformity, &predecessors, &block.end).is_none()
            || ops.any(|op| bounds_guards::is_guarded(body, uniformity, op))
    };
    let points = points.iter();
    let points = points.filter(|(id, _)| {
        let block = body.block(**id);
        block.is_some_and(|block| leaves(**id, block))
    });
    points.map(|(_, point)| *point).collect()
}

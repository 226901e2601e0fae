//! Where the threads of a diverged lane group are awaited: at the branch's immediate post-dominator, as
//! with the reconvergence stack of a GPU (Fung et al., "Dynamic Warp Formation", 2007).

use rustc_hash::FxHashMap as HashMap;

use crate::compile::analysis::uniformity::{UniformityInfo, postdominators};
use crate::compile::ir::{BlockId, Body, End};
use crate::compile::passes::resume_points::split_block;

/// For each block whose branch can diverge, the block at which the lane group goes on once its threads
/// have reconverged.
pub(crate) type ReconvergencePoints = HashMap<BlockId, BlockId>;

/// Splits the post-dominators of divergent branches, so that their first half awaits the group's
/// threads ([`End::Reconverge`]), and adds the second halves to the resume points.
pub(crate) fn run(
    body: &mut Body,
    uniformity: &UniformityInfo,
    resume_points: &mut Vec<BlockId>,
) -> ReconvergencePoints {
    let postdominators = postdominators(body);
    let mut second_half: HashMap<usize, BlockId> = HashMap::default();
    let mut diverging: Vec<(usize, usize)> = Vec::new();
    for block in resume_points.iter() {
        let number = block.0 as usize;
        let Some(Some(postdominator)) = postdominators.get(number).copied() else {
            continue;
        };
        let branch = body.blocks.get(number);
        let diverges = branch.is_some_and(|block| uniformity.diverges(&block.end));
        // Threads that do nothing more have no use for each other.
        let behind = body.blocks.get(postdominator);
        let goes_on = behind.is_some_and(|block| !matches!(block.end, End::Exit));
        if diverges && goes_on {
            diverging.push((number, postdominator));
        }
    }
    for (_, postdominator) in &diverging {
        if second_half.contains_key(postdominator) {
            continue;
        }
        let next = BlockId(u32::try_from(body.blocks.len()).unwrap_or(0));
        split_block(body, *postdominator, 0);
        if let Some(block) = body.blocks.get_mut(*postdominator) {
            block.end = End::Reconverge(next);
        }
        second_half.insert(*postdominator, next);
        resume_points.push(next);
    }
    // A branch that was in a block that has been split is in its second half now.
    let moved = |number: usize| {
        let own = BlockId(u32::try_from(number).unwrap_or(0));
        second_half.get(&number).copied().unwrap_or(own)
    };
    let points = diverging.iter().filter_map(|(branch, postdominator)| {
        let next = second_half.get(postdominator).copied()?;
        Some((moved(*branch), next))
    });
    points.collect()
}

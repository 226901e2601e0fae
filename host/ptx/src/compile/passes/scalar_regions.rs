//! Region vectorisation: a kernel that is too large for vector code as a whole has vector code where it
//! spends its time, which is in its loops. Large blocks outside of all loops have none: where such a
//! block begins, the threads of a lane group go on one by one, and they are a group again behind it.

use crate::compile::Unsupported;
use crate::compile::cfg::graph::loops_through_suspend_points;
use crate::compile::ir::entity::EntityId;
use crate::compile::ir::{BlockId, Body, Op};

/// The steps for which leaving vector code pays off.
const LEAST_STEPS: usize = 64;

/// Marks blocks that are to have no vector code. Returns whether there are any, and loops besides.
///
/// # Errors
/// Where loops nest too deep.
pub(crate) fn run(body: &mut Body) -> Result<bool, Unsupported> {
    let loops = loops_through_suspend_points(body)?;
    let steps = |ops: &[Op]| ops.iter().filter(|op| !matches!(op, Op::Line(_))).count();
    let large: Vec<BlockId> = body
        .blocks
        .iter()
        .filter(|(id, block)| {
            loops.innermost(id.index()).is_none() && steps(&block.ops) >= LEAST_STEPS
        })
        .map(|(id, _)| id)
        .collect();
    body.scalar_only.extend(large);
    Ok(!body.scalar_only.is_empty() && !loops.loops.is_empty())
}

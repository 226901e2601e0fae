//! Whether threads run together, and the points at which they may part: each begins a block of its
//! own, so that a thread can come back there.

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::compile::Unsupported;
use crate::compile::analysis::bounds_guards;
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::cfg::dominators::postdominators;
use crate::compile::codegen::{VECTOR_LANES, is_gather, parting};
use crate::compile::ir::{Block, BlockId, Body, End, Op, Reg};

/// The most vector instructions that are worth compiling.
const MOST_VECTORS: usize = 10_000;

/// Why the threads of a kernel are to run one by one; `None` where they run together.
pub(crate) fn alone(body: &Body, classes: &UniformityInfo) -> Option<&'static str> {
    let (mut together, mut one_by_one, mut vectors) = (0usize, 0usize, 0usize);
    let ops = body.blocks.iter().flat_map(|block| &block.ops);
    for op in ops {
        let varies = op
            .targets()
            .iter()
            .any(|target| classes.of(*target) == Uniformity::Divergent);
        let chunks = op
            .targets()
            .iter()
            .map(|target| body.ty(*target).bytes() * VECTOR_LANES / 16);
        let chunks = chunks.sum::<u32>().max(VECTOR_LANES / 4) as usize;
        let place = match op {
            Op::Load { place, .. } | Op::Store { place, .. } => Some(place),
            _ => None,
        };
        let gathers = place.is_some_and(|place| is_gather(classes.of_arg(place.base), op));
        let apart = !gathers && bounds_guards::together(body, classes, op).is_none();
        let lane_by_lane = match op {
            Op::Store { .. } => apart,
            Op::Load { .. } if varies => apart,
            Op::Atomic { .. } => true,
            Op::Libcall { .. } => varies,
            Op::Binary(code, _, _, b) if varies => {
                let shifts = code.is_shift() && classes.of_arg(*b) == Uniformity::Uniform;
                code.vector().is_none() && !shifts && !code.result().is_float()
            }
            _ => false,
        };
        if lane_by_lane || gathers {
            vectors += 24 + 4 * chunks;
        }
        if lane_by_lane {
            one_by_one += 1;
        } else if gathers {
            together += 1;
        } else if varies {
            together += 1;
            vectors += chunks;
        }
    }
    if vectors > MOST_VECTORS {
        return Some(crate::compile::TOO_LARGE);
    }
    if one_by_one * 4 > together {
        return Some("too much of it is not done in vectors");
    }
    None
}

/// Splits blocks before the steps and branches at which threads may part, and returns the blocks
/// that begin with one; `None` where there are more than `most`.
pub(crate) fn split(
    body: &mut Body,
    classes: &UniformityInfo,
    by_ends: &HashSet<Reg>,
    most: usize,
) -> Option<Vec<BlockId>> {
    let mut found: Vec<BlockId> = Vec::new();
    let mut number = 0;
    while let Some(block) = body.blocks.get(number) {
        if found.len() > most {
            return None;
        }
        let begins = found
            .binary_search(&BlockId(u32::try_from(number).unwrap_or(0)))
            .is_ok();
        let checked = block
            .ops
            .iter()
            .any(|op| bounds_guards::is_checked(body, classes, op));
        let at = if checked && !begins {
            // Threads come back to where the looks are, and to nothing before.
            Some(0)
        } else if let Some(at) = bounds_guards::unknown(body, classes, &block.ops) {
            Some(at)
        } else if parting(classes, &block.end) {
            // The condition is made again by whoever comes back.
            let made = |op: &Op| op.targets().iter().any(|reg| by_ends.contains(reg));
            let first = block.ops.iter().position(made);
            let at = first.unwrap_or(block.ops.len());
            let mut before = block.ops.iter().take(at);
            let begins_so = begins && before.all(|op| matches!(op, Op::Line(_)));
            (!begins_so).then_some(at)
        } else {
            None
        };
        if let Some(at) = at {
            split_off(body, number, at);
            // The rest is looked at when its turn comes.
            found.push(BlockId(u32::try_from(body.blocks.len() - 1).unwrap_or(0)));
        }
        number += 1;
    }
    Some(found)
}

/// Where the threads of groups that part meet again: a block for each block in which they part.
pub(crate) type Meetings = HashMap<BlockId, BlockId>;

/// Makes points at which threads that parted at a branch are awaited, and adds the blocks behind them
/// to those that begin with one.
///
/// # Errors
/// Where a block goes on at one that does not exist.
pub(crate) fn meet(
    body: &mut Body,
    classes: &UniformityInfo,
    found: &mut Vec<BlockId>,
) -> Result<Meetings, Unsupported> {
    let after = postdominators(body)?;
    let mut behind: HashMap<usize, BlockId> = HashMap::default();
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for block in found.iter() {
        let number = block.0 as usize;
        let Some(Some(meets)) = after.get(number).copied() else {
            continue;
        };
        let parted = body.blocks.get(number);
        let ends = body.blocks.get(meets);
        let goes_on = ends.is_some_and(|block| !matches!(block.end, End::Exit));
        if parted.is_some_and(|block| parting(classes, &block.end)) && goes_on {
            parts.push((number, meets));
        }
    }
    for (_, meets) in &parts {
        if behind.contains_key(meets) {
            continue;
        }
        let next = BlockId(u32::try_from(body.blocks.len()).unwrap_or(0));
        split_off(body, *meets, 0);
        if let Some(block) = body.blocks.get_mut(*meets) {
            block.end = End::Reconverge(next);
        }
        behind.insert(*meets, next);
        found.push(next);
    }
    let moved = |number: usize| {
        let own = BlockId(u32::try_from(number).unwrap_or(0));
        behind.get(&number).copied().unwrap_or(own)
    };
    let meetings = parts.iter().filter_map(|(parted, meets)| {
        let next = behind.get(meets).copied()?;
        Some((moved(*parted), next))
    });
    Ok(meetings.collect())
}

fn split_off(body: &mut Body, number: usize, at: usize) {
    let next = BlockId(u32::try_from(body.blocks.len()).unwrap_or(0));
    let Some(block) = body.blocks.get_mut(number) else {
        return;
    };
    let ops = block.ops.split_off(at.min(block.ops.len()));
    let line = block.ops.iter().rev().find_map(|op| match op {
        Op::Line(line) => Some(*line),
        _ => None,
    });
    let line = line.unwrap_or(block.line);
    let end = std::mem::replace(&mut block.end, End::Jump(next));
    body.blocks.push(Block { line, ops, end });
}

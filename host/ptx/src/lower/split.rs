//! Whether threads run together, and the points at which they may part: each begins a block of its
//! own, so that a thread can come back there.

use super::class::{Class, Classes};
use super::emit::{WIDTH, may_part, parting};
use super::ir::{Block, BlockId, Body, End, Op, SiteKind, Space};

/// The most vector instructions that are worth compiling.
const MOST_VECTORS: usize = 10_000;

/// Why the threads of a kernel are to run one by one; `None` where they run together.
pub(crate) fn alone(body: &Body, classes: &Classes) -> Option<&'static str> {
    let (mut together, mut one_by_one, mut vectors) = (0usize, 0usize, 0usize);
    let ops = body.blocks.iter().flat_map(|block| &block.ops);
    for op in ops {
        let varies = op
            .targets()
            .iter()
            .any(|target| classes.of(*target) == Class::Varying);
        let chunks = op
            .targets()
            .iter()
            .map(|target| body.ty(*target).bytes() * WIDTH / 16);
        let chunks = chunks.sum::<u32>().max(WIDTH / 4) as usize;
        let lane_by_lane = match op {
            Op::Store { place, values, .. } => {
                let site = body.sites.get(place.site as usize);
                let class = classes.of_arg(place.base);
                !values.is_empty()
                    && !is_contiguous(site.map(|site| &site.what), place.space, class)
            }
            Op::Load { place, .. } if varies => {
                let site = body.sites.get(place.site as usize);
                let class = classes.of_arg(place.base);
                !is_contiguous(site.map(|site| &site.what), place.space, class)
            }
            Op::Atomic { .. } => true,
            Op::Help { .. } => varies,
            Op::Two(code, _, _, b) if varies => {
                let shifts = code.is_shift() && classes.of_arg(*b) == Class::Uniform;
                code.vector().is_none() && !shifts && !code.result().is_float()
            }
            _ => false,
        };
        if lane_by_lane {
            one_by_one += 1;
            vectors += 24 + 4 * chunks;
        } else if varies {
            together += 1;
            vectors += chunks;
        }
    }
    if vectors > MOST_VECTORS {
        return Some(super::TOO_LARGE);
    }
    if one_by_one * 4 > together {
        return Some("too much of it is not done in vectors");
    }
    None
}

fn is_contiguous(site: Option<&SiteKind>, space: Space, class: Class) -> bool {
    let Some(SiteKind::Access { bytes, lanes, .. }) = site else {
        return false;
    };
    let uniform = class == Class::Uniform;
    let neighbours = *lanes == 1 && class == Class::Affine(i64::from(*bytes));
    matches!(space, Space::Global | Space::Shared) && (uniform || neighbours)
}

/// Splits blocks before the steps and branches at which threads may part, and returns the blocks
/// that begin with one.
pub(crate) fn split(body: &mut Body, classes: &Classes) -> Vec<BlockId> {
    let mut found: Vec<BlockId> = Vec::new();
    let mut number = 0;
    while let Some(block) = body.blocks.get(number) {
        // What comes first is found again in the block that is split off.
        let begins = found
            .binary_search(&BlockId(u32::try_from(number).unwrap_or(0)))
            .is_ok();
        let skip = usize::from(begins);
        let at = block
            .ops
            .iter()
            .skip(skip)
            .position(|op| may_part(classes, op));
        let at = match at {
            Some(at) => Some(at + skip),
            None if parting(classes, &block.end) && !(begins && block.ops.is_empty()) => {
                Some(block.ops.len())
            }
            None => None,
        };
        if let Some(at) = at {
            split_off(body, number, at);
            // The rest is looked at when its turn comes.
            found.push(BlockId(u32::try_from(body.blocks.len() - 1).unwrap_or(0)));
        }
        number += 1;
    }
    found
}

fn split_off(body: &mut Body, number: usize, at: usize) {
    let next = BlockId(u32::try_from(body.blocks.len()).unwrap_or(0));
    let Some(block) = body.blocks.get_mut(number) else {
        return;
    };
    let ops = block.ops.split_off(at.min(block.ops.len()));
    let end = std::mem::replace(&mut block.end, End::Jump(next));
    body.blocks.push(Block { ops, end });
}

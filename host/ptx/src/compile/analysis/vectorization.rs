//! Whether a kernel is worth vectorising: a cost model that compares what lane groups do in vectors
//! with what they do one lane at a time.

use std::borrow::Cow;

use crate::compile::analysis::coalescing::{coalesced, is_gather};
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::ir::opcodes::VectorForm;
use crate::compile::ir::{Body, Op};

/// The most vector instructions that are worth compiling.
const MOST_VECTORS: usize = 10_000;

/// Why a kernel is not vectorised that an engine would take too long for: by what it has too much of.
pub(crate) fn too_large(what: &str) -> String {
    format!("it is too large for vectors: {what}")
}

/// About how many vector instructions it takes to move the elements of an access one by one: for the
/// access, and for each vector of its lanes.
const BY_LANE: usize = 24;
const BY_LANE_EACH: usize = 4;

/// Why the threads of a kernel are to run one at a time; `None` where vectors pay off.
pub(crate) fn scalar_reason(body: &Body, uniformity: &UniformityInfo) -> Option<Cow<'static, str>> {
    let (mut vector_ops, mut lane_ops, mut vectors) = (0usize, 0usize, 0usize);
    let blocks = body.blocks.values().filter(|block| !block.is_cold());
    let ops = blocks.flat_map(|block| &block.ops);
    for op in ops {
        let diverges = op
            .targets()
            .iter()
            .any(|target| uniformity.of(*target) == Uniformity::Divergent);
        let chunks = op
            .targets()
            .iter()
            .map(|target| body.ty(*target).bytes() * body.lanes() / 16);
        let chunks = chunks.sum::<u32>().max(body.lanes() / 4) as usize;
        let gathers = is_gather(uniformity, op);
        let separate = !gathers && coalesced(body, uniformity, op).is_none();
        let lane_by_lane = match op {
            Op::Store { .. } => separate,
            Op::Load { .. } if diverges => separate,
            Op::Atomic { .. } => true,
            Op::Libcall { .. } => diverges,
            Op::Binary(opcode, _, _, b) if diverges => match opcode.vector() {
                VectorForm::Scalarised => true,
                VectorForm::Shift(_) => uniformity.of_arg(*b) != Uniformity::Uniform,
                _ => false,
            },
            _ => false,
        };
        if lane_by_lane || gathers {
            vectors += BY_LANE + BY_LANE_EACH * chunks;
        }
        if lane_by_lane {
            lane_ops += 1;
        } else if gathers {
            vector_ops += 1;
        } else if diverges {
            vector_ops += 1;
            vectors += chunks;
        }
    }
    if vectors > MOST_VECTORS {
        let what = format!("{vectors} vector instructions, of at most {MOST_VECTORS}");
        return Some(too_large(&what).into());
    }
    if lane_ops * 4 > vector_ops {
        return Some("too much of it is not done in vectors".into());
    }
    None
}

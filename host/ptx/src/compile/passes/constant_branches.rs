//! Constant branches: a branch whose condition is a known constant is a jump. Tile languages write guards
//! that are always true.

use crate::compile::Unsupported;
use crate::compile::analysis::fixed_values::FixedValues;
use crate::compile::ir::{BlockId, Body, End};

/// Makes jumps of branches whose condition is known.
///
/// # Errors
/// Where a block goes on at one that does not exist.
pub(crate) fn run(body: &mut Body) -> Result<(), Unsupported> {
    let values = FixedValues::of(body)?;
    for (number, block) in body.blocks.values_mut().enumerate() {
        let id = BlockId(u32::try_from(number).unwrap_or(u32::MAX));
        if let End::Branch(condition, yes, no) = block.end
            && let Some(bits) = values.constant(condition, (id, block.ops.len()))
        {
            block.end = End::Jump(if bits == 0 { no } else { yes });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::compile::ir::samples::{Shape, Thread, random};
    use crate::compile::ir::{Arg, Op, Reg};

    #[test]
    fn random_kernels_take_the_same_way() {
        let mut rng = fastrand::Rng::with_seed(31);
        let mut changed = 0;
        for number in 0..1000 {
            let shape = Shape {
                blocks: rng.u32(2..6),
                ops_per_block: 6,
                suspends: false,
            };
            let mut before = random(&mut rng, &shape);
            let block = before.blocks.get_mut(BlockId::ENTRY).unwrap();
            block.ops.push(Op::Copy(Reg(1), Arg::I32(rng.u32(..2))));
            let mut after = before.clone();
            run(&mut after).unwrap();
            let ends = |body: &Body| {
                let ends = body.blocks.values().map(|block| &block.end);
                ends.filter(|end| matches!(end, End::Jump(_))).count()
            };
            changed += ends(&after) - ends(&before);
            let way = |body| Thread::of(number).way(body);
            assert_eq!(way(&before), way(&after), "{before:#?}");
        }
        assert!(changed > 10, "{changed}");
    }
}

//! Copy propagation within blocks: what reads a copy reads what was copied, as long as both have that
//! value.
//!
//! A register of the PTX may hold unrelated values one after another, and the analyses say one thing of
//! all of them. So each reads the value itself where it stands in the same block: `%r1 = %tid.x` is
//! affine there, whatever a later loop does with `%r1`.

use rustc_hash::FxHashMap as HashMap;

use crate::compile::ir::{Arg, Body, End, Op, Reg};

/// Lets the steps and the ends of blocks read what was copied, instead of the copy.
pub(crate) fn run(body: &mut Body) {
    let mut copied = Copies::default();
    for block in body.blocks.values_mut() {
        copied.of.clear();
        for op in &mut block.ops {
            op.each_arg_mut(|arg| copied.look_through(arg));
            for target in op.targets() {
                copied.forget(*target);
            }
            if let Op::Copy(target, Arg::Reg(from)) = op
                && target != from
            {
                copied.add(*target, *from);
            }
        }
        if let End::Branch(condition, ..) | End::Table(condition, ..) = &mut block.end {
            copied.look_through(condition);
        }
    }
}

/// The registers of which others are copies.
#[derive(Default)]
struct Copies {
    /// What each copy was made of, and how often that had been written by then.
    of: HashMap<Reg, (Reg, usize)>,
    /// How often each register was written.
    writes: HashMap<Reg, usize>,
}

impl Copies {
    fn writes(&self, reg: Reg) -> usize {
        self.writes.get(&reg).copied().unwrap_or(0)
    }

    fn add(&mut self, copy: Reg, from: Reg) {
        self.of.insert(copy, (from, self.writes(from)));
    }

    fn look_through(&self, arg: &mut Arg) {
        if let Arg::Reg(reg) = arg
            && let Some((from, writes)) = self.of.get(reg)
            && self.writes(*from) == *writes
        {
            *reg = *from;
        }
    }

    /// A register gets another value: it is no copy any more, and what was copied from it is gone.
    fn forget(&mut self, reg: Reg) {
        self.of.remove(&reg);
        *self.writes.entry(reg).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::compile::ir::samples::{Shape, changed_and_the_same};
    use crate::compile::ir::{Block, BlockId, Ty};

    #[test]
    fn a_copy_is_looked_through_until_either_register_is_written() {
        let mut body = Body::default();
        let regs: Vec<Reg> = (0..4).map(|_| body.reg(Ty::I32)).collect();
        let [a, b, c, d] = *regs.as_slice() else {
            panic!("{regs:?}");
        };
        let copy = |to, from| Op::Copy(to, Arg::Reg(from));
        let ops = vec![
            copy(b, a),
            copy(c, b),
            Op::Copy(a, Arg::I32(1)),
            copy(d, b),
            Op::Copy(b, Arg::I32(2)),
            copy(d, c),
        ];
        let (line, end) = (0, End::Branch(Arg::Reg(d), BlockId(0), BlockId(0)));
        body.blocks.push(Block { line, ops, end });
        run(&mut body);
        let block = body.block(BlockId(0)).unwrap();
        let mut read = Vec::new();
        block
            .ops
            .iter()
            .for_each(|op| op.each_arg(|arg| read.push(arg)));
        let expected = [
            Arg::Reg(a),
            Arg::Reg(a),
            Arg::I32(1),
            Arg::Reg(b),
            Arg::I32(2),
            Arg::Reg(c),
        ];
        assert_eq!(read, expected);
        assert!(matches!(block.end, End::Branch(Arg::Reg(reg), ..) if reg == c));
    }

    #[test]
    fn random_kernels_compute_the_same() {
        let shape = |rng: &mut fastrand::Rng| Shape {
            blocks: rng.u32(1..5),
            ops_per_block: 12,
            suspends: false,
        };
        let changed = changed_and_the_same(11, shape, run);
        assert!(changed > 50, "{changed}");
    }
}

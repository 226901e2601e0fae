//! Liveness: which registers hold a value that may still be read, where each block begins. A backward
//! data-flow problem over sets of bits (Aho, Lam, Sethi, Ullman, "Compilers", 9.2.5).
//!
//! Threads leave their code and come back where blocks begin, so that is where it matters. A register
//! that is live where the kernel begins is read before it is written, on some path: it is zero then.

use crate::compile::Unsupported;
use crate::compile::analysis::register_sets::{RegisterSets, difference, union};
use crate::compile::cfg::dataflow::{Direction, solve_blocks};
use crate::compile::cfg::flow::FlowGraph;
use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::{Arg, BlockId, Body, End, Reg};

/// The most bits of all sets together.
const MOST_BITS: usize = 1 << 27;

/// The registers that are live where each block begins.
pub(crate) struct Liveness {
    /// The registers that are live in more than one block. Only these are in sets, in this order.
    across: Vec<Reg>,
    /// The place of each register in that list.
    bit_of: EntityMap<Reg, Option<u32>>,
    live_in: RegisterSets,
}

impl Liveness {
    /// The registers that are live where a block begins.
    pub(crate) fn at(&self, block: BlockId) -> Vec<Reg> {
        self.registers(self.live_in.of(block).iter().copied())
    }

    /// The same as a set.
    pub(crate) fn live_in(&self, block: BlockId) -> &[u64] {
        self.live_in.of(block)
    }

    /// The registers of a set.
    pub(crate) fn registers(&self, set: impl IntoIterator<Item = u64>) -> Vec<Reg> {
        let words = self.across.chunks(64).zip(set);
        words
            .flat_map(|(regs, word)| {
                let is_in = move |(bit, _): &(u32, &Reg)| (word >> bit) & 1 == 1;
                (0u32..).zip(regs).filter(is_in).map(|(_, reg)| *reg)
            })
            .collect()
    }

    /// How many words a set has.
    pub(crate) fn words(&self) -> usize {
        self.across.len().div_ceil(64)
    }

    /// The word and the bit of a register in sets, where it is live in more than one block.
    pub(crate) fn bit(&self, reg: Reg) -> Option<(usize, u64)> {
        let number = (*self.bit_of.get(reg)?)?;
        Some((number as usize / 64, 1 << (number % 64)))
    }
}

/// Calls a function with each register that a block's end reads.
pub(crate) fn for_each_end_use(body: &Body, end: &End, mut f: impl FnMut(Reg)) {
    let mut arg = |arg: Arg| {
        if let Arg::Reg(reg) = arg {
            f(reg);
        }
    };
    match end {
        End::Branch(a, ..) | End::Table(a, ..) | End::Fault(_, a) => arg(*a),
        End::Suspend(point, _) => {
            let point = body.suspend_points.get(*point);
            let inputs = point.map(|point| point.inputs.as_slice());
            inputs.unwrap_or_default().iter().copied().for_each(arg);
        }
        End::Jump(_) | End::WholeWarp(..) | End::Reconverge(_) | End::Exit | End::Nowhere => {}
    }
}

/// Calls a function with each register that a block reads (`false`) or writes (`true`), in order.
pub(crate) fn for_each_access(body: &Body, block: BlockId, mut f: impl FnMut(Reg, bool)) {
    let Some(block) = body.block(block) else {
        return;
    };
    for op in &block.ops {
        op.each_arg(|arg| {
            if let Arg::Reg(reg) = arg {
                f(reg, false);
            }
        });
        for target in op.targets() {
            f(*target, true);
        }
    }
    for_each_end_use(body, &block.end, |reg| f(reg, false));
    if let End::Suspend(point, _) = &block.end
        && let Some(point) = body.suspend_points.get(*point)
    {
        for reg in point.results.iter().flatten() {
            f(*reg, true);
        }
    }
}

/// Finds what is live where.
///
/// # Errors
/// Where there are too many registers and blocks to tell.
pub(crate) fn analyze(body: &Body) -> Result<Liveness, Unsupported> {
    let mut liveness = live_across(body);
    let words = liveness.words();
    let blocks = body.blocks.len();
    if words * 64 * blocks > MOST_BITS {
        return Err(Unsupported::limit("too many registers and branches"));
    }
    // What each block reads before it writes it, and what it writes.
    let mut live_in = RegisterSets::new(blocks, words, 0);
    let mut written = RegisterSets::new(blocks, words, 0);
    for block in body.blocks.keys() {
        for_each_access(body, block, |reg, writes| {
            let Some((word, bit)) = liveness.bit(reg) else {
                return;
            };
            let is_written = written.of_mut(block).get_mut(word);
            if writes {
                is_written.into_iter().for_each(|word| *word |= bit);
            } else if is_written.is_some_and(|word| *word & bit == 0) {
                let read = live_in.of_mut(block).get_mut(word);
                read.into_iter().for_each(|word| *word |= bit);
            }
        });
    }
    // And what its successors read, unless it writes that.
    let mut now = vec![0u64; words];
    let flow = FlowGraph::of(body)?;
    solve_blocks(&flow, Direction::Backward, |block| {
        now.fill(0);
        for next in flow.successors_of(block) {
            union(&mut now, live_in.of(next).iter().copied());
        }
        let read = difference(&now, written.of(block));
        union(live_in.of_mut(block), read)
    });
    liveness.live_in = live_in;
    Ok(liveness)
}

/// Numbers the registers that a block reads before it writes them; no set yet.
fn live_across(body: &Body) -> Liveness {
    let mut across = Vec::new();
    let mut bit_of = EntityMap::for_each(&body.regs, None);
    let mut written_in = EntityMap::for_each(&body.regs, None);
    for block in body.blocks.keys() {
        for_each_access(body, block, |reg, writes| {
            let Some(bit) = bit_of.get_mut(reg) else {
                return;
            };
            if writes {
                written_in.set(reg, Some(block));
            } else if written_in.get(reg) != Some(&Some(block)) && bit.is_none() {
                *bit = u32::try_from(across.len()).ok();
                across.push(reg);
            }
        });
    }
    Liveness {
        across,
        bit_of,
        live_in: RegisterSets::new(0, 0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::ir::samples::{Shape, random};

    /// Whether some path from the beginning of a block reads a register before it writes it.
    fn is_read(body: &Body, block: BlockId, reg: Reg, seen: &mut Vec<BlockId>) -> bool {
        if seen.contains(&block) {
            return false;
        }
        seen.push(block);
        let mut first = None;
        for_each_access(body, block, |accessed, writes| {
            if accessed == reg && first.is_none() {
                first = Some(writes);
            }
        });
        match first {
            Some(writes) => !writes,
            None => {
                let next = body.block(block).unwrap().end.successors();
                next.into_iter().any(|next| is_read(body, next, reg, seen))
            }
        }
    }

    #[test]
    fn a_register_is_live_where_some_path_reads_it_before_writing_it() {
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..400 {
            let shape = Shape {
                blocks: rng.u32(2..9),
                ops_per_block: 4,
                suspends: true,
            };
            let body = random(&mut rng, &shape);
            let liveness = analyze(&body).unwrap();
            for block in body.blocks.keys() {
                let live = liveness.at(block);
                for reg in body.regs.keys() {
                    let expected = is_read(&body, block, reg, &mut Vec::new());
                    assert_eq!(
                        live.contains(&reg),
                        expected,
                        "{reg} at {block} of {body:#?}"
                    );
                }
            }
        }
    }
}

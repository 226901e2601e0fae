//! Which registers hold what is still wanted, where a thread may leave its code and come back.

use crate::compile::Unsupported;
use crate::compile::ir::{Arg, BlockId, Body, End, Reg};

/// Bits that the analysis may take, for all blocks together.
const MOST_BITS: usize = 1 << 27;

/// For each block, the registers that are wanted where it begins.
pub(crate) struct Liveness {
    /// The registers that are wanted in another block than the one that writes them.
    across: Vec<Reg>,
    /// The place of each register in that list, or the greatest number there is.
    number: Vec<u32>,
    words: usize,
    begin: Vec<u64>,
}

impl Liveness {
    /// The registers that are wanted where a block begins.
    pub(crate) fn at(&self, block: BlockId) -> Vec<Reg> {
        self.registers(self.begin_of(block))
    }

    /// The same as a set of bits.
    pub(crate) fn begin_of(&self, block: BlockId) -> impl Iterator<Item = u64> {
        self.set(&self.begin, block)
    }

    /// The set of a block, of sets for each.
    pub(crate) fn set<'s>(
        &self,
        sets: &'s [u64],
        block: BlockId,
    ) -> impl Iterator<Item = u64> + use<'s> {
        let begin = block.0 as usize * self.words;
        let set = sets.get(begin..begin + self.words).unwrap_or_default();
        set.iter().copied()
    }

    /// The registers of a set.
    pub(crate) fn registers(&self, set: impl Iterator<Item = u64>) -> Vec<Reg> {
        let words = self.across.chunks(64).zip(set);
        words
            .flat_map(|(regs, word)| {
                let is_in = move |(place, _): &(u32, &Reg)| (word >> place) & 1 == 1;
                (0u32..).zip(regs).filter(is_in).map(|(_, reg)| *reg)
            })
            .collect()
    }

    /// How many words a set has.
    pub(crate) fn words(&self) -> usize {
        self.words
    }

    /// The word and the bit of a register, where it is wanted across blocks.
    pub(crate) fn place(&self, reg: Reg) -> Option<(usize, u64)> {
        let number = self.number.get(reg.0 as usize).copied()?;
        (number != u32::MAX).then(|| (number as usize / 64, 1 << (number % 64)))
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
        End::Suspend(stop, _) => {
            let stop = body.suspend_points.get(*stop as usize);
            stop.map(|stop| stop.inputs.as_slice())
                .unwrap_or_default()
                .iter()
                .copied()
                .for_each(arg);
        }
        End::Jump(_) | End::Reconverge(_) | End::Exit | End::Nowhere => {}
    }
}

/// What a block reads before it writes it, and what it writes.
pub(crate) fn used_and_written(body: &Body, block: usize, mut used: impl FnMut(Reg, bool)) {
    let Some(block) = body.blocks.get(block) else {
        return;
    };
    for op in &block.ops {
        op.each_arg(|arg| {
            if let Arg::Reg(reg) = arg {
                used(reg, false);
            }
        });
        for target in op.targets() {
            used(*target, true);
        }
    }
    for_each_end_use(body, &block.end, |reg| used(reg, false));
    if let End::Suspend(stop, _) = &block.end
        && let Some(stop) = body.suspend_points.get(*stop as usize)
    {
        for reg in stop.results.iter().flatten() {
            used(*reg, true);
        }
    }
}

/// Finds what is wanted where.
///
/// # Errors
/// Where there are too many registers and blocks to tell.
pub(crate) fn analyze(body: &Body) -> Result<Liveness, Unsupported> {
    // First, the registers that are read in a block before it writes them.
    let mut number = vec![u32::MAX; body.regs.len()];
    let mut across = Vec::new();
    let mut written_in = vec![u32::MAX; body.regs.len()];
    for block in 0..body.blocks.len() {
        let this = u32::try_from(block).unwrap_or(u32::MAX);
        used_and_written(body, block, |reg, writes| {
            let place = reg.0 as usize;
            let (Some(written), Some(number)) = (written_in.get_mut(place), number.get_mut(place))
            else {
                return;
            };
            if writes {
                *written = this;
            } else if *written != this && *number == u32::MAX {
                *number = u32::try_from(across.len()).unwrap_or(u32::MAX);
                across.push(reg);
            }
        });
    }
    let words = across.len().div_ceil(64);
    let blocks = body.blocks.len();
    if words * 64 * blocks > MOST_BITS {
        return Err(Unsupported::limit("too many registers and branches"));
    }
    let mut begin = vec![0u64; words * blocks];
    let mut wrote = vec![0u64; words * blocks];
    for block in 0..blocks {
        let base = block * words;
        used_and_written(body, block, |reg, writes| {
            let Some(number) = number.get(reg.0 as usize).filter(|n| **n != u32::MAX) else {
                return;
            };
            let (word, bit) = (base + *number as usize / 64, 1u64 << (number % 64));
            if writes {
                wrote[word] |= bit;
            } else if wrote[word] & bit == 0 {
                begin[word] |= bit;
            }
        });
    }
    let mut before = vec![Vec::new(); blocks];
    for (place, block) in body.blocks.iter().enumerate() {
        for next in block.end.successors() {
            if let Some(before) = before.get_mut(next.0 as usize) {
                before.push(place);
            }
        }
    }
    let mut waiting: Vec<usize> = (0..blocks).collect();
    let mut queued = vec![true; blocks];
    while let Some(block) = waiting.pop() {
        queued[block] = false;
        for place in before[block].clone() {
            let mut changed = false;
            for word in 0..words {
                let more = begin[block * words + word] & !wrote[place * words + word];
                let old = &mut begin[place * words + word];
                if more & !*old != 0 {
                    *old |= more;
                    changed = true;
                }
            }
            if changed && !queued[place] {
                queued[place] = true;
                waiting.push(place);
            }
        }
    }
    Ok(Liveness {
        across,
        number,
        words,
        begin,
    })
}

//! A set of registers for each block, as rows of bits: what data-flow analyses of registers compute.

use crate::compile::ir::BlockId;
use crate::compile::ir::entity::EntityId;

/// A set for each block. Which register a bit stands for, [`Liveness`] says.
///
/// [`Liveness`]: crate::compile::analysis::liveness::Liveness
pub(crate) struct RegisterSets {
    words: usize,
    bits: Vec<u64>,
}

impl RegisterSets {
    /// Sets of so many words for so many blocks, each word with this value.
    pub(crate) fn new(blocks: usize, words: usize, value: u64) -> RegisterSets {
        RegisterSets {
            words,
            bits: vec![value; words * blocks],
        }
    }

    /// The set of a block; of a block that is not there, none.
    pub(crate) fn of(&self, block: BlockId) -> &[u64] {
        let begin = block.index() * self.words;
        let set = self.bits.get(begin..begin + self.words);
        debug_assert!(set.is_some(), "{block} is of another kernel");
        set.unwrap_or_default()
    }

    /// The same, to be changed.
    pub(crate) fn of_mut(&mut self, block: BlockId) -> &mut [u64] {
        let begin = block.index() * self.words;
        let set = self.bits.get_mut(begin..begin + self.words);
        debug_assert!(set.is_some(), "{block} is of another kernel");
        set.unwrap_or_default()
    }
}

/// Adds the members of one set to another, and says whether there were new ones.
pub(crate) fn union(set: &mut [u64], more: impl IntoIterator<Item = u64>) -> bool {
    let mut changed = false;
    for (word, more) in set.iter_mut().zip(more) {
        changed |= more & !*word != 0;
        *word |= more;
    }
    changed
}

/// The members of one set that are not in another.
pub(crate) fn difference<'s>(
    set: &'s [u64],
    without: &'s [u64],
) -> impl Iterator<Item = u64> + use<'s> {
    set.iter().zip(without).map(|(a, b)| a & !b)
}

//! Fragments of matrices that were unpacked for a product, and are used again by the products behind it:
//! tiles are multiplied fragment by fragment, each with several others. They stay in scratch memory as
//! long as code is straight, and no step writes the registers that they were made of.

use crate::compile::abi::FRAGMENTS;
use crate::compile::cfg::graph::Graph;
use crate::compile::ir::entity::EntityMap;
use crate::compile::ir::{Arg, BlockId, Body, End, Reg};

/// How many fragments are kept, of the first and of the second matrices.
const ROWS: usize = 4;
const COLUMNS: usize = 8;

/// The bytes of an unpacked fragment, at most.
pub(super) const FRAGMENT: u32 = 1 << 10;

const _: () = assert!((ROWS + COLUMNS) as u32 * FRAGMENT <= FRAGMENTS);

/// A fragment: the form of the product that it is for, and the registers that it was made of.
type Fragment = (u32, Vec<Arg>);

/// The fragments that are in scratch memory where a step is emitted.
#[derive(Default)]
pub(super) struct FragmentCache {
    rows: [Option<Fragment>; ROWS],
    columns: [Option<Fragment>; COLUMNS],
    /// Where the next ones go.
    next_row: usize,
    next_column: usize,
    /// The block that was emitted last.
    last: Option<BlockId>,
    /// The block before each block that is entered from one alone.
    before: Option<EntityMap<BlockId, Before>>,
}

/// The blocks from which lane groups come to a block.
#[derive(Clone, Copy, Default, PartialEq)]
enum Before {
    #[default]
    Nowhere,
    One(BlockId),
    Several,
}

impl Before {
    fn add(&mut self, block: BlockId) {
        *self = match self {
            Before::Nowhere => Before::One(block),
            Before::One(_) | Before::Several => Before::Several,
        };
    }
}

impl FragmentCache {
    /// One that knows the control flow of lane groups.
    pub(super) fn of(body: &Body, graph: &Graph) -> FragmentCache {
        let mut before = EntityMap::for_each(&body.blocks, Before::Nowhere);
        for (id, block) in body.blocks.iter() {
            let next = match block.end {
                End::WholeWarp(next, _) => vec![next],
                _ => block.end.successors(),
            };
            if body.single_threads_only.contains(&id) {
                continue;
            }
            for next in next {
                if let Some(before) = before.get_mut(next) {
                    before.add(id);
                }
            }
        }
        for (number, block) in (0..).zip(&graph.resumes) {
            if graph.is_entered(number)
                && let Some(before) = before.get_mut(*block)
            {
                *before = Before::Several;
            }
        }
        FragmentCache {
            before: Some(before),
            ..FragmentCache::default()
        }
    }

    /// A block begins. What is kept stays where lane groups come from the block before alone.
    pub(super) fn begin(&mut self, body: &Body, block: BlockId) {
        let before = self.before.as_ref().and_then(|before| before.get(block));
        let is_straight = self.last.is_some_and(|last| {
            let end = body.block(last).map(|block| &block.end);
            before == Some(&Before::One(last))
                && matches!(end, Some(End::Jump(_) | End::WholeWarp(..)))
        });
        if !is_straight {
            self.rows = Default::default();
            self.columns = Default::default();
        }
        self.last = Some(block);
    }

    /// A step writes a register.
    pub(super) fn write(&mut self, reg: Reg) {
        for kept in self.rows.iter_mut().chain(&mut self.columns) {
            let is_of = |(_, args): &Fragment| args.contains(&Arg::Reg(reg));
            if kept.as_ref().is_some_and(is_of) {
                *kept = None;
            }
        }
    }

    /// The number of a fragment of a first matrix, and whether it is there.
    pub(super) fn rows(&mut self, form: u32, args: &[Arg]) -> (u32, bool) {
        place_of(&mut self.rows, &mut self.next_row, form, args)
    }

    /// The same of a second matrix.
    pub(super) fn columns(&mut self, form: u32, args: &[Arg]) -> (u32, bool) {
        let (place, is_there) = place_of(&mut self.columns, &mut self.next_column, form, args);
        (ROWS as u32 + place, is_there)
    }
}

fn place_of(
    kept: &mut [Option<Fragment>],
    next: &mut usize,
    form: u32,
    args: &[Arg],
) -> (u32, bool) {
    let is_same = |kept: &Option<Fragment>| {
        let of = kept.as_ref();
        of.is_some_and(|(of_form, of_args)| *of_form == form && of_args == args)
    };
    if let Some(place) = kept.iter().position(is_same) {
        return (place as u32, true);
    }
    let place = *next;
    *next = (place + 1) % kept.len().max(1);
    if let Some(kept) = kept.get_mut(place) {
        *kept = Some((form, args.to_vec()));
    }
    (place as u32, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::ir::Block;

    const FORM: u32 = 0;

    fn args(regs: [u32; 2]) -> Vec<Arg> {
        regs.map(|reg| Arg::Reg(Reg(reg))).to_vec()
    }

    #[test]
    fn a_fragment_is_there_until_one_of_its_registers_is_written() {
        let mut cache = FragmentCache::default();
        let (first, second) = (args([1, 2]), args([3, 4]));
        let (place, is_there) = cache.rows(FORM, &first);
        assert!(!is_there);
        assert_eq!(cache.rows(FORM, &first), (place, true));
        let (other, is_there) = cache.rows(FORM, &second);
        assert!(!is_there && other != place);
        // Another form has elements of another type in the same registers.
        assert!(!cache.rows(FORM + 1, &first).1);
        cache.write(Reg(4));
        assert_eq!(cache.rows(FORM, &first), (place, true));
        assert!(!cache.rows(FORM, &second).1);
    }

    #[test]
    fn fragments_of_first_and_second_matrices_have_places_of_their_own() {
        let mut cache = FragmentCache::default();
        let rows = (0..ROWS as u32).map(|reg| cache.rows(FORM, &args([reg, 90])).0);
        let mut places: Vec<u32> = rows.collect();
        let columns = (0..COLUMNS as u32).map(|reg| cache.columns(FORM, &args([reg, 90])).0);
        places.extend(columns);
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), ROWS + COLUMNS);
        assert!(
            places
                .iter()
                .all(|place| (place + 1) * FRAGMENT <= FRAGMENTS)
        );
        // The oldest one has made room.
        assert!(!cache.rows(FORM, &args([80, 81])).1);
        assert!(!cache.rows(FORM, &args([0, 90])).1);
    }

    #[test]
    fn nothing_is_there_where_lane_groups_come_from_several_blocks_or_by_a_branch() {
        let to = |next| End::Jump(BlockId(next));
        let branch = End::Branch(Arg::I32(1), BlockId(2), BlockId(3));
        let mut body = Body::default();
        for end in [to(1), branch, to(3), End::Exit] {
            let ops = Vec::new();
            body.blocks.push(Block { line: 0, ops, end });
        }
        let Ok(graph) = Graph::new(&body, &[]) else {
            panic!("no graph");
        };
        let mut cache = FragmentCache::of(&body, &graph);
        for (block, stays) in [(0, false), (1, true), (2, false), (3, false)] {
            cache.begin(&body, BlockId(block));
            let (_, is_there) = cache.rows(FORM, &args([1, 2]));
            assert_eq!(is_there, stays, "block {block}");
        }
    }
}

//! What is saved where threads leave, and restored where they come back: no more than has to be.
//!
//! A register that was restored and not written since is still in its frame, and is not saved again.
//! One that nobody reads before the next place to leave stays there, and is not restored. What a loop
//! with such places does not write is saved before the loop, once, instead of in each round.

use rustc_hash::FxHashMap as HashMap;

use crate::compile::Unsupported;
use crate::compile::abi::{Layout, VECTOR_LANES};
use crate::compile::analysis::liveness::{Liveness, used_and_written};
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::cfg::graph::{Graph, flow};
use crate::compile::ir::{BlockId, Body, End, Reg};
use crate::compile::pipeline::too_much_memory;

/// The most ways into a loop for saving before it: each has code of its own for that.
const MOST_ENTRIES: usize = 2;

/// Which registers are saved and restored where, and where they are saved.
pub(crate) struct SpillPlan {
    /// The address of each spilled register's array in the threads' spill frames.
    pub(crate) slots: HashMap<Reg, u32>,
    /// The offset in uniform spill frames of each spilled register that is uniform or affine.
    pub(crate) uniform_slots: HashMap<Reg, u32>,
    sets: SpillSets,
}

/// Sets of registers, by block.
struct SpillSets {
    /// Those in their frames where a block begins, and where it ends.
    begin: Vec<u64>,
    end: Vec<u64>,
    /// Those that are read, or saved, before the next place to leave.
    needed: Vec<u64>,
    /// Those that are in their frames wherever a thread comes to a block from, since it saved them.
    ahead: Vec<u64>,
}

impl SpillPlan {
    /// What a thread saves that leaves where a block begins.
    pub(crate) fn saved(&self, live: &Liveness, block: BlockId) -> Vec<Reg> {
        let in_frame = live.set(&self.sets.begin, block);
        live.registers(live.begin_of(block).zip(in_frame).map(|(a, b)| a & !b))
    }

    /// What a thread saves that leaves behind a block, for the one at which it goes on.
    pub(crate) fn saved_behind(&self, live: &Liveness, block: BlockId, next: BlockId) -> Vec<Reg> {
        let in_frame = live.set(&self.sets.end, block);
        live.registers(live.begin_of(next).zip(in_frame).map(|(a, b)| a & !b))
    }

    /// What a thread saves that goes on from a block to the next ones, without leaving.
    pub(crate) fn saved_ahead(&self, live: &Liveness, body: &Body, block: BlockId) -> Vec<Reg> {
        let mut set = vec![0; live.words()];
        for next in flow(body, block.0 as usize) {
            let next = BlockId(u32::try_from(next).unwrap_or(u32::MAX));
            let in_frame = live.set(&self.sets.end, block);
            let ahead = live.set(&self.sets.ahead, next).zip(in_frame);
            for (set, (ahead, in_frame)) in set.iter_mut().zip(ahead) {
                *set |= ahead & !in_frame;
            }
        }
        live.registers(set.into_iter())
    }

    /// What a thread finds again that goes on at a block.
    pub(crate) fn restored(&self, live: &Liveness, block: BlockId) -> Vec<Reg> {
        let needed = live.set(&self.sets.needed, block);
        live.registers(live.begin_of(block).zip(needed).map(|(a, b)| a & b))
    }
}

/// Finds what is saved and restored where, and adds spill frames to the layout; uniform ones where the
/// kernel has vector code.
///
/// # Errors
/// Where the frames take too much memory.
pub(crate) fn run(
    body: &Body,
    liveness: &Liveness,
    graph: &Graph,
    uniformity: Option<&UniformityInfo>,
    layout: &mut Layout,
) -> Result<SpillPlan, Unsupported> {
    let (mut slots, mut uniform_slots) = (HashMap::default(), HashMap::default());
    // The first resume point is the kernel's beginning.
    for block in graph.resumes.iter().skip(1) {
        for reg in liveness.at(*block) {
            if slots.contains_key(&reg) {
                continue;
            }
            let bytes = body.ty(reg).bytes();
            let slot = layout.frame_slot(bytes).ok_or_else(too_much_memory)?;
            slots.insert(reg, slot);
            if uniformity.is_some_and(|uniformity| uniformity.of(reg) != Uniformity::Divergent) {
                uniform_slots.insert(reg, layout.uniform_slot(bytes));
            }
        }
    }
    layout
        .reserve_uniform_frames(VECTOR_LANES)
        .ok_or_else(too_much_memory)?;
    Ok(SpillPlan {
        slots,
        uniform_slots,
        sets: sets(body, liveness, graph),
    })
}

/// Finds what is saved and restored where.
fn sets(body: &Body, live: &Liveness, graph: &Graph) -> SpillSets {
    let words = live.words();
    let count = body.blocks.len();
    let row = |block: usize| block * words..(block + 1) * words;
    let (mut written, mut used) = (vec![0u64; words * count], vec![0u64; words * count]);
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); count];
    for block in 0..count {
        used_and_written(body, block, |reg, writes| {
            let Some((word, bit)) = live.place(reg) else {
                return;
            };
            let at = block * words + word;
            if writes {
                written[at] |= bit;
            } else if written[at] & bit == 0 {
                used[at] |= bit;
            }
        });
        for next in flow(body, block) {
            if let Some(before) = before.get_mut(next) {
                before.push(block);
            }
        }
    }
    // Where a thread comes back, all that is wanted is in its frame but what it takes from others.
    let mut back: Vec<Option<Vec<u64>>> = vec![None; count];
    for (number, block) in (0u32..).zip(&graph.resumes) {
        let mut set = vec![0u64; words];
        if number > 0 {
            set = live.begin_of(*block).collect();
            for reg in taken(body, graph, number) {
                if let Some((word, bit)) = live.place(reg) {
                    set[word] &= !bit;
                }
            }
        }
        let Some(back) = back.get_mut(block.0 as usize) else {
            continue;
        };
        match back {
            Some(other) => other.iter_mut().zip(set).for_each(|(a, b)| *a &= b),
            None => *back = Some(set),
        }
    }
    let mut ahead = kept_in_loops(body, live, graph, &written, &before);
    for (block, back) in back.iter().enumerate() {
        if let Some(back) = back {
            ahead[row(block)]
                .iter_mut()
                .zip(back)
                .for_each(|(ahead, back)| *ahead &= back);
        }
    }
    let after: Vec<Vec<usize>> = (0..count).map(|block| flow(body, block)).collect();
    // From all registers down to those in their frames on each way.
    let (mut begin, mut end) = (vec![u64::MAX; words * count], vec![u64::MAX; words * count]);
    settle((0..count).rev(), &after, |block| {
        let mut changed = false;
        for word in 0..words {
            let mut set = u64::MAX;
            if let Some(back) = &back[block] {
                set &= back[word];
            }
            let at = block * words + word;
            for from in &before[block] {
                set &= end[from * words + word] | ahead[at];
            }
            let behind = set & !written[at];
            changed |= end[at] != behind;
            begin[at] = set;
            end[at] = behind;
        }
        changed
    });
    let mut needed = vec![0u64; words * count];
    let mut behind = vec![0u64; words];
    settle(0..count, &before, |block| {
        behind.fill(0);
        for next in &after[block] {
            for (set, more) in behind.iter_mut().zip(&needed[row(*next)]) {
                *set |= more;
            }
            let saved = ahead[row(*next)].iter().zip(&end[row(block)]);
            for (set, (ahead, in_frame)) in behind.iter_mut().zip(saved) {
                *set |= ahead & !in_frame;
            }
        }
        let leaves = body.blocks.get(block).map(|block| &block.end);
        if let Some(End::Suspend(_, next) | End::Reconverge(next)) = leaves {
            let wanted = live.begin_of(*next);
            for ((set, wanted), in_frame) in behind.iter_mut().zip(wanted).zip(&end[row(block)]) {
                *set |= wanted & !in_frame;
            }
        }
        let leaves_before = back[block].is_some();
        let id = BlockId(u32::try_from(block).unwrap_or(u32::MAX));
        let mut changed = false;
        for (word, wanted) in (0..words).zip(live.begin_of(id)) {
            let at = block * words + word;
            let mut set = used[at] | (behind[word] & !written[at]);
            if leaves_before {
                set |= wanted & !begin[at];
            }
            changed |= needed[at] != set;
            needed[at] = set;
        }
        changed
    });
    SpillSets {
        begin,
        end,
        needed,
        ahead,
    }
}

/// For the head of each loop in which threads wait for others, what is wanted there and not written
/// in the loop.
fn kept_in_loops(
    body: &Body,
    live: &Liveness,
    graph: &Graph,
    written: &[u64],
    before: &[Vec<usize>],
) -> Vec<u64> {
    let words = live.words();
    let mut kept = vec![0u64; words * body.blocks.len()];
    let Ok(found) = graph.loops_with_stops(body) else {
        return kept;
    };
    let mut writes = vec![vec![0u64; words]; found.loops.len()];
    let mut waits = vec![false; found.loops.len()];
    for (block, inside) in found.inside.iter().enumerate() {
        let stops = body.blocks.get(block).map(|block| &block.end);
        let stops = matches!(stops, Some(End::Suspend(..)));
        for number in found.around(*inside) {
            waits[number] |= stops;
            let more = &written[block * words..(block + 1) * words];
            writes[number]
                .iter_mut()
                .zip(more)
                .for_each(|(set, more)| *set |= more);
        }
    }
    for (number, this) in found.loops.iter().enumerate() {
        // One with several heads is entered from within, too.
        let ([head], true) = (this.heads.as_slice(), waits[number]) else {
            continue;
        };
        let is_within = |block: usize| {
            let inside = found.inside.get(block).copied().flatten();
            found.around(inside).any(|around| around == number)
        };
        let entries = before[*head].iter().filter(|from| !is_within(**from));
        if entries.count() > MOST_ENTRIES {
            continue;
        }
        let id = BlockId(u32::try_from(*head).unwrap_or(u32::MAX));
        let kept = &mut kept[head * words..(head + 1) * words];
        for ((kept, wanted), written) in kept.iter_mut().zip(live.begin_of(id)).zip(&writes[number])
        {
            *kept |= wanted & !written;
        }
    }
    kept
}

/// Looks at all blocks, the last one first, and again at those that depend on one that changed.
fn settle(
    blocks: impl Iterator<Item = usize>,
    dependent: &[Vec<usize>],
    mut look: impl FnMut(usize) -> bool,
) {
    let mut waiting: Vec<usize> = blocks.collect();
    let mut queued = vec![true; dependent.len()];
    while let Some(block) = waiting.pop() {
        queued[block] = false;
        if !look(block) {
            continue;
        }
        for next in &dependent[block] {
            if !std::mem::replace(&mut queued[*next], true) {
                waiting.push(*next);
            }
        }
    }
}

/// What a thread takes from others that comes back here.
fn taken(body: &Body, graph: &Graph, resume: u32) -> Vec<Reg> {
    let stop = graph.after_stop.iter().find(|(_, other)| **other == resume);
    let stop = stop.and_then(|(stop, _)| body.suspend_points.get(*stop as usize));
    stop.map_or_else(Vec::new, |stop| {
        stop.results.iter().copied().flatten().collect()
    })
}

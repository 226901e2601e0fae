//! What is saved where threads leave, and restored where they come back: no more than has to be.
//!
//! A register that was restored and not written since is still in its frame, and is not saved again.
//! One that nobody reads before the next place to leave stays there, and is not restored. What a loop
//! with such places does not write is saved before the loop, once, instead of in each round.

use crate::compile::Unsupported;
use crate::compile::analysis::liveness::{Live, used_and_written};
use crate::compile::cfg::dataflow::{Direction, solve};
use crate::compile::cfg::flow::{FlowGraph, successors_without_suspending};
use crate::compile::cfg::graph::Graph;
use crate::compile::ir::{BlockId, Body, End, Reg};

/// The most ways into a loop for saving before it: each has code of its own for that.
const MOST_ENTRIES: usize = 2;

/// Sets of registers, by block.
pub(crate) struct Frames {
    /// Those in their frames where a block begins, and behind its steps.
    begin: Vec<u64>,
    end: Vec<u64>,
    /// Those that are read, or saved, before the next place to leave.
    needed: Vec<u64>,
    /// Those that are in their frames wherever a thread comes to a block from, since it saved them.
    ahead: Vec<u64>,
}

impl Frames {
    /// What a thread saves that leaves where a block begins.
    pub(crate) fn saved(&self, live: &Live, block: BlockId) -> Vec<Reg> {
        let in_frame = live.set(&self.begin, block);
        live.registers(live.begin_of(block).zip(in_frame).map(|(a, b)| a & !b))
    }

    /// What a thread saves that leaves behind a block, for the one at which it goes on.
    pub(crate) fn saved_behind(&self, live: &Live, block: BlockId, next: BlockId) -> Vec<Reg> {
        let in_frame = live.set(&self.end, block);
        live.registers(live.begin_of(next).zip(in_frame).map(|(a, b)| a & !b))
    }

    /// What a thread saves that goes on from a block to the next ones, without leaving.
    pub(crate) fn saved_ahead(&self, live: &Live, body: &Body, block: BlockId) -> Vec<Reg> {
        let mut set = vec![0; live.words()];
        let end = body.block(block).map(|block| &block.end);
        for next in end.map(successors_without_suspending).unwrap_or_default() {
            let in_frame = live.set(&self.end, block);
            let ahead = live.set(&self.ahead, next).zip(in_frame);
            for (set, (ahead, in_frame)) in set.iter_mut().zip(ahead) {
                *set |= ahead & !in_frame;
            }
        }
        live.registers(set.into_iter())
    }

    /// What a thread finds again that goes on at a block.
    pub(crate) fn restored(&self, live: &Live, block: BlockId) -> Vec<Reg> {
        let needed = live.set(&self.needed, block);
        live.registers(live.begin_of(block).zip(needed).map(|(a, b)| a & b))
    }
}

/// Finds what is saved and restored where.
///
/// # Errors
/// Where a block goes on at one that does not exist.
pub(crate) fn frames(body: &Body, live: &Live, graph: &Graph) -> Result<Frames, Unsupported> {
    let words = live.words();
    let count = body.blocks.len();
    let row = |block: usize| block * words..(block + 1) * words;
    let (mut written, mut used) = (vec![0u64; words * count], vec![0u64; words * count]);
    let flow = FlowGraph::cut_at_suspend_points(body)?;
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
    }
    // Where a thread comes back, all that is wanted is in its frame but what it takes from others.
    let mut back: Vec<Option<Vec<u64>>> = vec![None; count];
    for (number, block) in (0u32..).zip(&graph.resumes) {
        let mut set = vec![0u64; words];
        if number > 0 {
            set = live.begin_of(*block).collect();
            for reg in graph.results(body, number).into_iter().flatten() {
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
    let mut ahead = kept_in_loops(body, live, graph, &written, &flow);
    for (block, back) in back.iter().enumerate() {
        if let Some(back) = back {
            ahead[row(block)]
                .iter_mut()
                .zip(back)
                .for_each(|(ahead, back)| *ahead &= back);
        }
    }
    // From all registers down to those in their frames on each way.
    let (mut begin, mut end) = (vec![u64::MAX; words * count], vec![u64::MAX; words * count]);
    solve(&flow, Direction::Forward, |block| {
        let mut changed = false;
        for word in 0..words {
            let mut set = u64::MAX;
            if let Some(back) = &back[block] {
                set &= back[word];
            }
            let at = block * words + word;
            for from in flow.predecessors(block) {
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
    solve(&flow, Direction::Backward, |block| {
        behind.fill(0);
        for next in flow.successors(block) {
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
    Ok(Frames {
        begin,
        end,
        needed,
        ahead,
    })
}

/// For the head of each loop in which threads wait for others, what is wanted there and not written
/// in the loop.
fn kept_in_loops(
    body: &Body,
    live: &Live,
    graph: &Graph,
    written: &[u64],
    flow: &FlowGraph,
) -> Vec<u64> {
    let words = live.words();
    let mut kept = vec![0u64; words * body.blocks.len()];
    let Ok(found) = graph.loops_through_suspend_points(body) else {
        return kept;
    };
    let mut writes = vec![vec![0u64; words]; found.loops.len()];
    let mut waits = vec![false; found.loops.len()];
    for block in 0..body.blocks.len() {
        let stops = body.blocks.get(block).map(|block| &block.end);
        let stops = matches!(stops, Some(End::Suspend(..)));
        for number in found.around(found.innermost(block)) {
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
        let before = flow.predecessors(*head).iter();
        let entries = before.filter(|from| !found.contains(number, **from));
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

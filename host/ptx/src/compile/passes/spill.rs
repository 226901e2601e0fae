//! Spilling: which registers a thread saves where it leaves its code, and restores where it resumes; no
//! more than has to be.
//!
//! A register that was restored and not written since is still in its frame, and is not saved again.
//! One that is not read before the next place to leave stays there, and is not restored. What a loop
//! with such places does not write is saved before the loop, once, instead of in each iteration. These
//! are data-flow problems like those of partial redundancy elimination (Morel, Renvoise, 1979).

use rustc_hash::FxHashMap as HashMap;

use crate::compile::Unsupported;
use crate::compile::abi::Layout;
use crate::compile::analysis::liveness::{Liveness, for_each_access};
use crate::compile::analysis::register_sets::{RegisterSets, difference, union};
use crate::compile::analysis::uniformity::{Uniformity, UniformityInfo};
use crate::compile::cfg::dataflow::{Direction, solve_blocks};
use crate::compile::cfg::flow::{FlowGraph, block_of, successors_without_suspending};
use crate::compile::cfg::graph::{Graph, loops_through_suspend_points};
use crate::compile::ir::entity::{EntityId, EntityMap};
use crate::compile::ir::{BlockId, Body, End, Reg};
use crate::compile::limits::too_much_memory;

/// The most ways into a loop for saving before it: each has code of its own for that.
const MOST_ENTRIES: usize = 2;

/// Which registers are saved and restored where, and where they are saved.
pub(crate) struct SpillPlan {
    /// The address of each spilled register's array in the threads' spill frames.
    pub(crate) slots: HashMap<Reg, u32>,
    /// The offset in uniform spill frames of each spilled register that is uniform or affine.
    pub(crate) uniform_slots: HashMap<Reg, u32>,
    /// The registers that are in their frames where a block begins, and where it ends.
    begin: RegisterSets,
    end: RegisterSets,
    /// Those that are read, or saved, before the next place to leave.
    needed: RegisterSets,
    /// Those that are in their frames wherever a thread comes to a block from, since it saved them.
    ahead: RegisterSets,
}

impl SpillPlan {
    /// What a thread saves that leaves where a block begins.
    pub(crate) fn saved(&self, live: &Liveness, block: BlockId) -> Vec<Reg> {
        live.registers(difference(live.live_in(block), self.begin.of(block)))
    }

    /// What a thread saves that leaves behind a block, for the one at which it goes on.
    pub(crate) fn saved_behind(&self, live: &Liveness, block: BlockId, next: BlockId) -> Vec<Reg> {
        live.registers(difference(live.live_in(next), self.end.of(block)))
    }

    /// What a thread saves that goes on from a block to the next ones, without leaving.
    pub(crate) fn saved_ahead(&self, live: &Liveness, body: &Body, block: BlockId) -> Vec<Reg> {
        let mut set = vec![0; live.words()];
        let end = body.block(block).map(|block| &block.end);
        for next in end.map(successors_without_suspending).unwrap_or_default() {
            union(
                &mut set,
                difference(self.ahead.of(next), self.end.of(block)),
            );
        }
        live.registers(set)
    }

    /// What a thread finds again that goes on at a block.
    pub(crate) fn restored(&self, live: &Liveness, block: BlockId) -> Vec<Reg> {
        let needed = live.live_in(block).iter().zip(self.needed.of(block));
        live.registers(needed.map(|(a, b)| a & b))
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
        .reserve_uniform_frames(body.lanes())
        .ok_or_else(too_much_memory)?;
    let flow = Flow::new(body, liveness, graph)?;
    let ahead = saved_before_loops(&flow);
    let (begin, end) = in_frames(&flow, &ahead);
    let needed = needed(&flow, &ahead, &begin, &end);
    Ok(SpillPlan {
        slots,
        uniform_slots,
        begin,
        end,
        needed,
        ahead,
    })
}

/// What these data-flow problems are stated in.
struct Flow<'k> {
    body: &'k Body,
    live: &'k Liveness,
    graph: &'k Graph,
    /// Edges that a thread takes without leaving.
    edges: FlowGraph,
    /// What each block reads before it writes it, and what it writes.
    used: RegisterSets,
    written: RegisterSets,
    /// What is in frames where threads resume; `None` where they do not.
    resumed: EntityMap<BlockId, Option<Vec<u64>>>,
}

impl<'k> Flow<'k> {
    fn new(body: &'k Body, live: &'k Liveness, graph: &'k Graph) -> Result<Flow<'k>, Unsupported> {
        let words = live.words();
        let mut flow = Flow {
            body,
            live,
            graph,
            edges: FlowGraph::cut_at_suspend_points(body)?,
            used: RegisterSets::new(body.blocks.len(), words, 0),
            written: RegisterSets::new(body.blocks.len(), words, 0),
            resumed: EntityMap::for_each(&body.blocks, None),
        };
        for block in body.blocks.keys() {
            let written = flow.written.of_mut(block);
            let used = flow.used.of_mut(block);
            for_each_access(body, block, |reg, writes| {
                let Some((word, bit)) = live.bit(reg) else {
                    return;
                };
                let (Some(written), Some(used)) = (written.get_mut(word), used.get_mut(word))
                else {
                    return;
                };
                if writes {
                    *written |= bit;
                } else if *written & bit == 0 {
                    *used |= bit;
                }
            });
        }
        flow.find_resumed();
        Ok(flow)
    }

    /// Where a thread resumes, all that is live is in its frame but the results of suspending; where it
    /// begins, nothing.
    fn find_resumed(&mut self) {
        for (number, block) in (0u32..).zip(&self.graph.resumes) {
            let set: Vec<u64> = if number == 0 {
                vec![0; self.live.words()]
            } else {
                let mut set = self.live.live_in(*block).to_vec();
                for reg in self.graph.results(self.body, number).iter().flatten() {
                    if let Some((word, bit)) = self.live.bit(*reg)
                        && let Some(word) = set.get_mut(word)
                    {
                        *word &= !bit;
                    }
                }
                set
            };
            match self.resumed.get_mut(*block) {
                Some(Some(other)) => intersect(other, &set),
                Some(none) => *none = Some(set),
                None => {}
            }
        }
    }
}

fn intersect(set: &mut [u64], other: &[u64]) {
    set.iter_mut().zip(other).for_each(|(a, b)| *a &= b);
}

/// For the header of each loop in which threads wait for others, what is live there and not written in
/// the loop.
fn saved_before_loops(flow: &Flow<'_>) -> RegisterSets {
    let (body, words) = (flow.body, flow.live.words());
    let mut kept = RegisterSets::new(body.blocks.len(), words, 0);
    let Ok(found) = loops_through_suspend_points(body) else {
        return kept;
    };
    let mut writes = vec![vec![0u64; words]; found.loops.len()];
    let mut waits = vec![false; found.loops.len()];
    for (id, block) in body.blocks.iter() {
        for number in found.around(found.innermost(id.index())) {
            if let (Some(waits), Some(writes)) = (waits.get_mut(number), writes.get_mut(number)) {
                *waits |= matches!(block.end, End::Suspend(..));
                union(writes, flow.written.of(id).iter().copied());
            }
        }
    }
    for ((number, this), (waits, writes)) in found
        .loops
        .iter()
        .enumerate()
        .zip(waits.iter().zip(&writes))
    {
        // A loop with several headers is entered from within, too.
        let ([header], true) = (this.heads.as_slice(), *waits) else {
            continue;
        };
        let entries = flow.edges.predecessors(*header).iter();
        let entries = entries.filter(|from| !found.contains(number, **from));
        let header = block_of(header);
        if entries.count() > MOST_ENTRIES {
            continue;
        }
        let unwritten = difference(flow.live.live_in(header), writes);
        union(kept.of_mut(header), unwritten);
    }
    // Where threads also resume there, only what they have in their frames then.
    for (block, resumed) in flow.resumed.iter() {
        if let Some(resumed) = resumed {
            intersect(kept.of_mut(block), resumed);
        }
    }
    kept
}

/// The registers that are in their frames where blocks begin, and where they end: on every path.
fn in_frames(flow: &Flow<'_>, ahead: &RegisterSets) -> (RegisterSets, RegisterSets) {
    let (blocks, words) = (flow.body.blocks.len(), flow.live.words());
    let mut begin = RegisterSets::new(blocks, words, u64::MAX);
    let mut end = RegisterSets::new(blocks, words, u64::MAX);
    let mut now = vec![0u64; words];
    solve_blocks(&flow.edges, Direction::Forward, |block| {
        now.fill(u64::MAX);
        if let Some(Some(resumed)) = flow.resumed.get(block) {
            intersect(&mut now, resumed);
        }
        for from in flow.edges.predecessors_of(block) {
            let comes = end.of(from).iter().zip(ahead.of(block));
            now.iter_mut()
                .zip(comes)
                .for_each(|(now, (end, ahead))| *now &= end | ahead);
        }
        begin.of_mut(block).copy_from_slice(&now);
        let mut changed = false;
        let written = flow.written.of(block);
        for ((end, now), written) in end.of_mut(block).iter_mut().zip(&now).zip(written) {
            let behind = now & !written;
            changed |= *end != behind;
            *end = behind;
        }
        changed
    });
    (begin, end)
}

/// The registers that are read or saved, from the beginning of a block on, before a thread leaves.
fn needed(
    flow: &Flow<'_>,
    ahead: &RegisterSets,
    begin: &RegisterSets,
    end: &RegisterSets,
) -> RegisterSets {
    let (blocks, words) = (flow.body.blocks.len(), flow.live.words());
    let mut needed = RegisterSets::new(blocks, words, 0);
    let mut now = vec![0u64; words];
    solve_blocks(&flow.edges, Direction::Backward, |block| {
        now.fill(0);
        for next in flow.edges.successors_of(block) {
            union(&mut now, needed.of(next).iter().copied());
            union(&mut now, difference(ahead.of(next), end.of(block)));
        }
        let leaves = flow.body.block(block).map(|block| &block.end);
        if let Some(End::Suspend(_, next) | End::Reconverge(next)) = leaves {
            union(
                &mut now,
                difference(flow.live.live_in(*next), end.of(block)),
            );
        }
        now.iter_mut()
            .zip(flow.written.of(block))
            .for_each(|(now, written)| *now &= !written);
        union(&mut now, flow.used.of(block).iter().copied());
        if matches!(flow.resumed.get(block), Some(Some(_))) {
            union(
                &mut now,
                difference(flow.live.live_in(block), begin.of(block)),
            );
        }
        let set = needed.of_mut(block);
        let changed = *set != now;
        set.copy_from_slice(&now);
        changed
    });
    needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use crate::compile::analysis::liveness;
    use crate::compile::ir::samples::{Shape, random};

    /// A thread whose registers hold tokens: each write makes a new one.
    struct Walk<'k> {
        body: &'k Body,
        live: &'k Liveness,
        plan: &'k SpillPlan,
        tokens: u32,
        /// What each register holds by the program, and what is in the machine's and in the frame.
        right: BTreeMap<Reg, u32>,
        registers: BTreeMap<Reg, u32>,
        frame: BTreeMap<Reg, u32>,
    }

    impl Walk<'_> {
        fn write(&mut self, reg: Reg) {
            self.tokens += 1;
            self.right.insert(reg, self.tokens);
            self.registers.insert(reg, self.tokens);
        }

        fn read(&self, reg: Reg) {
            let (right, found) = (self.right.get(&reg), self.registers.get(&reg));
            assert_eq!(found, right, "{reg} of {:#?}", self.body);
        }

        fn save(&mut self, regs: &[Reg]) {
            for reg in regs {
                self.read(*reg);
                if let Some(token) = self.registers.get(reg) {
                    self.frame.insert(*reg, *token);
                }
            }
        }

        /// Leaves, and resumes at a block with these results.
        fn leave(&mut self, next: BlockId, results: &[Reg]) {
            for reg in self.live.at(next) {
                let is_saved = self.frame.get(&reg) == self.right.get(&reg);
                assert!(
                    is_saved || results.contains(&reg),
                    "{reg} of {:#?}",
                    self.body
                );
            }
            self.registers.clear();
            for reg in self.plan.restored(self.live, next) {
                if let Some(token) = self.frame.get(&reg) {
                    self.registers.insert(reg, *token);
                }
            }
            results.iter().for_each(|reg| self.write(*reg));
        }

        fn run(&mut self, graph: &Graph, rng: &mut fastrand::Rng) {
            for reg in self.live.at(BlockId::ENTRY) {
                self.write(reg);
            }
            let mut block = BlockId::ENTRY;
            for _ in 0..60 {
                let is_resume_point = graph.resumes.iter().skip(1).any(|other| *other == block);
                if is_resume_point && rng.bool() {
                    let saved = self.plan.saved(self.live, block);
                    self.save(&saved);
                    self.leave(block, &[]);
                }
                let mut accesses = Vec::new();
                let contents = self.body.block(block).unwrap();
                for op in &contents.ops {
                    op.each_arg(|arg| accesses.extend(arg.reg().map(|reg| (reg, false))));
                    accesses.extend(op.targets().iter().map(|reg| (*reg, true)));
                }
                liveness::for_each_end_use(self.body, &contents.end, |reg| {
                    accesses.push((reg, false));
                });
                for (reg, writes) in accesses {
                    if writes {
                        self.write(reg);
                    } else {
                        self.read(reg);
                    }
                }
                let ahead = self.plan.saved_ahead(self.live, self.body, block);
                self.save(&ahead);
                if let End::Suspend(point, next) = &contents.end {
                    let point = self.body.suspend_points.get(*point).unwrap();
                    let results: Vec<Reg> = point.results.iter().copied().flatten().collect();
                    let mut saved = self.plan.saved_behind(self.live, block, *next);
                    saved.retain(|reg| !results.contains(reg));
                    self.save(&saved);
                    self.leave(*next, &results);
                }
                let next = contents.end.successors();
                if next.is_empty() {
                    return;
                }
                block = next[rng.usize(..next.len())];
            }
        }
    }

    #[test]
    fn a_thread_finds_its_registers_again_wherever_it_leaves_and_resumes() {
        let mut rng = fastrand::Rng::with_seed(3);
        for _ in 0..1500 {
            let shape = Shape {
                blocks: rng.u32(2..10),
                ops_per_block: 3,
                suspends: true,
            };
            let body = random(&mut rng, &shape);
            let live = liveness::analyze(&body).unwrap();
            let resume_points: Vec<BlockId> =
                body.blocks.keys().filter(|_| rng.u8(..4) == 0).collect();
            let graph = Graph::new(&body, &resume_points).unwrap();
            let mut layout = Layout::new(32, 0, 0, 0).unwrap();
            let plan = run(&body, &live, &graph, None, &mut layout).unwrap();
            for _ in 0..8 {
                let mut walk = Walk {
                    body: &body,
                    live: &live,
                    plan: &plan,
                    tokens: 0,
                    right: BTreeMap::new(),
                    registers: BTreeMap::new(),
                    frame: BTreeMap::new(),
                };
                walk.run(&graph, &mut rng);
            }
        }
    }
}

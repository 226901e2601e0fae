//! The suspension graph: a kernel's blocks as one reducible graph, through whose root a thread enters
//! wherever it left.
//!
//! Threads leave their code at suspend points, and at a loop's head when they are preempted. They
//! come back through the root, which is also where the next thread begins. So the edges at suspend
//! points are cut, and paths from the root lead to each resume point instead. What is irreducible
//! then is made reducible as Bahmann et al. restructure loops ("Perfect Reconstructability of Control
//! Flow from Demand Dependence Graphs", 2015): each loop of the nesting forest that is entered at more
//! than one node gets a single entry, a *dispatch node*. It branches by the *selector*, a variable that
//! each edge into the loop sets. All edges to the loop's heads lead through it, those from outside as
//! well as those that close a cycle, and so do the paths from the root to the resume points inside.
//! The loops inside are treated alike. No block is copied.
//!
//! Code for single threads and code for lane groups have a graph each, with the same resume points.
//! Lane groups do not enter all of them: where a group leaves its code so that its threads run one by
//! one, it comes back at the reconvergence point, not where it left. Its graph has no paths to the
//! other points, and so its loops need no dispatch nodes for them. Threads that resume there
//! nevertheless go on one by one.

mod build;

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::compile::Unsupported;
use crate::compile::cfg::flow::{FlowGraph, Threads};
use crate::compile::cfg::inconsistent;
use crate::compile::cfg::loops::LoopForest;
use crate::compile::ir::entity::EntityId;
use crate::compile::ir::{BlockId, Body, End, Reg, SuspendId};
use build::Builder;

/// A node: an index into [`Graph::nodes`].
pub(crate) type NodeId = usize;

/// The root.
pub(crate) const ROOT: NodeId = 0;

/// What a node does before it goes on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NodeKind {
    /// The next thread begins, or resumes: sets the selector to the number of its resume point. Its
    /// successors are the paths to the resume points, in order.
    Root,
    /// A thread resumes at a resume point: gets its registers back, and sets the selector to zero.
    Resume(u32),
    /// Goes on by the selector: at the first successor where it is zero, else at the one with the
    /// same position as the selector's value in this list.
    Dispatch(Vec<u32>),
    /// Sets the selector.
    Select(u32),
    /// The head of a loop: leaves where the thread is preempted, to come back at this resume point.
    InterruptCheck(u32),
    Block(BlockId),
    /// The threads of a lane group go on one by one, at the resume point at which they are.
    ScalarFallback,
}

/// A node and where it goes on.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub kind: NodeKind,
    pub next: Vec<NodeId>,
}

/// The graph. Node 0 is its root.
#[derive(Debug)]
pub(crate) struct Graph {
    pub nodes: Vec<Node>,
    /// The block at which each resume point goes on. The first is the kernel's beginning.
    pub resumes: Vec<BlockId>,
    /// The resume point behind each suspend point.
    pub resume_after: HashMap<u32, u32>,
    /// The suspend point before each resume point that has one.
    suspend_points: Vec<Option<SuspendId>>,
    /// The resume point at which a thread goes on at a block with what is in its frame alone.
    resume_of: HashMap<BlockId, u32>,
    /// Whose control flow it is.
    pub threads: Threads,
    /// Whether it is entered at each resume point.
    entered: Vec<bool>,
}

/// One graph of several that have the same resume points, before it is built.
struct Plan {
    threads: Threads,
    flow: FlowGraph,
    /// The blocks that are reached, in order.
    reached: Vec<usize>,
    forest: LoopForest,
    heads: HashMap<usize, Head>,
    entered: Vec<bool>,
}

impl Graph {
    /// Makes the graph of single threads. `extra` are blocks at which threads may also come back.
    ///
    /// # Errors
    /// Where loops nest too deep, and where a block goes on at one that does not exist.
    pub(crate) fn new(body: &Body, extra: &[BlockId]) -> Result<Graph, Unsupported> {
        let mut points = ResumePoints::of(body, extra)?;
        let mut single = Plan::new(body, Threads::Single, points.all())?;
        single.add_heads(&mut points)?;
        single.build(body, &points)
    }

    /// Makes the graph of single threads and that of lane groups. `extra` are blocks at which threads
    /// may also come back, and `reconverging` those of them at which lane groups do.
    ///
    /// # Errors
    /// As [`new`](Graph::new).
    pub(crate) fn with_lane_groups(
        body: &Body,
        extra: &[BlockId],
        reconverging: &HashSet<BlockId>,
    ) -> Result<(Graph, Graph), Unsupported> {
        let mut points = ResumePoints::of(body, extra)?;
        let entered = points.of_lane_groups(body, reconverging);
        let mut groups = Plan::new(body, Threads::LaneGroups, entered)?;
        groups.add_heads(&mut points)?;
        // Single threads resume wherever a lane group can be preempted.
        let mut single = Plan::new(body, Threads::Single, points.all())?;
        single.add_heads(&mut points)?;
        Ok((single.build(body, &points)?, groups.build(body, &points)?))
    }

    /// The resume point at which a thread goes on at a block with what is in its frame alone, not
    /// with what others gave it.
    pub(crate) fn resume_of(&self, block: BlockId) -> Option<u32> {
        self.resume_of.get(&block).copied()
    }

    /// The registers that a resume point takes from the exchange: those that other threads give at
    /// the suspend point before it.
    pub(crate) fn results<'b>(&self, body: &'b Body, resume: u32) -> &'b [Option<Reg>] {
        let suspend_point = self.suspend_points.get(resume as usize).copied().flatten();
        suspend_point
            .and_then(|point| body.suspend_points.get(point))
            .map_or(&[], |point| &point.results)
    }

    /// Whether a resume point is behind what lane groups that are warps compute by themselves.
    pub(crate) fn is_behind_whole_warps(&self, body: &Body, resume: u32) -> bool {
        let suspend_point = self.suspend_points.get(resume as usize).copied().flatten();
        let point = suspend_point.and_then(|point| body.suspend_points.get(point));
        point.is_some_and(|point| point.in_whole_warps)
    }

    /// Whether it is entered at a resume point.
    pub(crate) fn is_entered(&self, resume: u32) -> bool {
        self.entered.get(resume as usize) == Some(&true)
    }
}

/// The loops of the blocks that are reached, with the edges at suspend points and those of all threads.
///
/// # Errors
/// Where loops nest too deep, and where a block goes on at one that does not exist.
pub(crate) fn loops_through_suspend_points(body: &Body) -> Result<LoopForest, Unsupported> {
    let flow = FlowGraph::of(body)?;
    let mut reached = flow.reverse_postorder(&[0]);
    reached.sort_unstable();
    LoopForest::new(&flow, reached, &[0])
}

fn block_id(number: usize) -> Result<BlockId, Unsupported> {
    u32::try_from(number).map(BlockId).map_err(|_| too_many())
}

fn too_many() -> Unsupported {
    Unsupported::limit("too many blocks")
}

/// Resume points as they are found.
#[derive(Default)]
struct ResumePoints {
    blocks: Vec<BlockId>,
    suspend_points: Vec<Option<SuspendId>>,
    after: HashMap<u32, u32>,
    resume_of: HashMap<BlockId, u32>,
}

impl ResumePoints {
    /// The kernel's beginning, those behind suspend points, and those of these blocks.
    fn of(body: &Body, extra: &[BlockId]) -> Result<ResumePoints, Unsupported> {
        let mut points = ResumePoints::default();
        let reached = points.of_suspend_points(body)?;
        for block in extra {
            let is_reached = reached.binary_search(&(block.0 as usize)).is_ok();
            if is_reached && !points.resume_of.contains_key(block) {
                points.add(*block, None)?;
            }
        }
        Ok(points)
    }

    fn all(&self) -> Vec<(u32, BlockId)> {
        (0..).zip(self.blocks.iter().copied()).collect()
    }

    /// Those at which lane groups go on: the kernel's beginning, where they come back from waiting for
    /// others, and where they reconverge.
    fn of_lane_groups(&self, body: &Body, reconverging: &HashSet<BlockId>) -> Vec<(u32, BlockId)> {
        let mut entered = self.all();
        entered.retain(|(number, block)| {
            let point = self.suspend_points.get(*number as usize).copied().flatten();
            let point = point.and_then(|point| body.suspend_points.get(point));
            let waits = point.is_some_and(|point| !point.in_whole_warps);
            let reconverges =
                reconverging.contains(block) && self.resume_of.get(block) == Some(number);
            *number == 0 || waits || reconverges
        });
        entered
    }

    /// The resume point of a block itself: the one that it has, or a new one.
    fn own(&mut self, block: BlockId) -> Result<u32, Unsupported> {
        match self.resume_of.get(&block) {
            Some(number) => Ok(*number),
            None => self.add(block, None),
        }
    }

    /// Adds one behind a suspend point, or one of a block itself. Where a thread takes nothing from
    /// others, both are the same.
    fn add(
        &mut self,
        block: BlockId,
        after: Option<(SuspendId, bool)>,
    ) -> Result<u32, Unsupported> {
        let number = u32::try_from(self.blocks.len()).map_err(|_| too_many())?;
        self.blocks.push(block);
        self.suspend_points.push(after.map(|(point, _)| point));
        if !matches!(after, Some((_, true))) {
            self.resume_of.entry(block).or_insert(number);
        }
        Ok(number)
    }

    /// Adds the kernel's beginning, and one behind each suspend point that is reached; returns the
    /// blocks that are, in order.
    fn of_suspend_points(&mut self, body: &Body) -> Result<Vec<usize>, Unsupported> {
        self.blocks.push(BlockId(0));
        self.suspend_points.push(None);
        let mut seen = vec![false; body.blocks.len()];
        let mut reached = Vec::new();
        let mut waiting = vec![BlockId(0)];
        while let Some(id) = waiting.pop() {
            let (Some(block), Some(seen)) = (body.block(id), seen.get_mut(id.0 as usize)) else {
                return Err(inconsistent("a jump to a block that does not exist"));
            };
            if std::mem::replace(seen, true) {
                continue;
            }
            reached.push(id.0 as usize);
            if let End::Suspend(point, next) = &block.end {
                let suspend_point = body.suspend_points.get(*point);
                let takes =
                    suspend_point.is_some_and(|point| point.results.iter().any(Option::is_some));
                let resume = self.add(*next, Some((*point, takes)))?;
                self.after.insert(point.0, resume);
            }
            waiting.extend(block.end.successors());
        }
        reached.sort_unstable();
        Ok(reached)
    }
}

/// A block that is a head.
struct Head {
    /// The loop that it is a head of.
    of: usize,
    /// Whether the loop's dispatch node goes on at it where the selector is zero.
    is_first: bool,
    is_only: bool,
    /// Where a thread goes on that is preempted there.
    resume: u32,
}

impl Plan {
    /// That of the code of some threads, which is entered at these resume points.
    fn new(
        body: &Body,
        threads: Threads,
        points: Vec<(u32, BlockId)>,
    ) -> Result<Plan, Unsupported> {
        let flow = FlowGraph::taken_by(threads, body)?;
        let blocks: Vec<usize> = points.iter().map(|(_, block)| block.index()).collect();
        let mut reached = flow.reverse_postorder(&blocks);
        reached.sort_unstable();
        let forest = LoopForest::new(&flow, reached.clone(), &blocks)?;
        let mut plan = Plan {
            threads,
            flow,
            reached,
            forest,
            heads: HashMap::default(),
            entered: Vec::new(),
        };
        points.iter().for_each(|(number, _)| plan.enter(*number));
        Ok(plan)
    }

    fn enter(&mut self, resume: u32) {
        let number = resume as usize;
        if self.entered.len() <= number {
            self.entered.resize(number + 1, false);
        }
        if let Some(entered) = self.entered.get_mut(number) {
            *entered = true;
        }
    }

    /// Gives each head of a loop a resume point, for threads that are preempted there.
    fn add_heads(&mut self, points: &mut ResumePoints) -> Result<(), Unsupported> {
        for number in 0..self.forest.loops.len() {
            let heads = self.forest.loops.get(number).map(|this| this.heads.clone());
            let heads = heads.unwrap_or_default();
            for head in &heads {
                let resume = points.own(block_id(*head)?)?;
                self.enter(resume);
                let head_of = Head {
                    of: number,
                    is_first: heads.first() == Some(head),
                    is_only: heads.len() == 1,
                    resume,
                };
                self.heads.insert(*head, head_of);
            }
        }
        Ok(())
    }

    fn build(mut self, body: &Body, points: &ResumePoints) -> Result<Graph, Unsupported> {
        // The last ones are heads of loops that other threads have.
        self.entered.resize(points.blocks.len(), false);
        let builder = Builder {
            body,
            threads: self.threads,
            flow: self.flow,
            forest: self.forest,
            heads: self.heads,
            points,
            entered: self.entered,
            nodes: Vec::new(),
            of_block: HashMap::default(),
            checks: HashMap::default(),
            dispatches: HashMap::default(),
            selectors: HashMap::default(),
            last_selector: 0,
            fallback: None,
        };
        builder.build(&self.reached)
    }
}

fn missing() -> Unsupported {
    inconsistent("a block without a node in the suspension graph")
}

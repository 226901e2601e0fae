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

use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

use crate::compile::Unsupported;
use crate::compile::cfg::flow::{FlowGraph, Threads};
use crate::compile::cfg::inconsistent;
use crate::compile::cfg::loops::LoopForest;
use crate::compile::ir::entity::EntityId;
use crate::compile::ir::{BlockId, Body, End, Reg, SuspendId};

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

struct Builder<'b> {
    body: &'b Body,
    threads: Threads,
    flow: FlowGraph,
    forest: LoopForest,
    heads: HashMap<usize, Head>,
    points: &'b ResumePoints,
    entered: Vec<bool>,
    nodes: Vec<Node>,
    of_block: HashMap<usize, NodeId>,
    checks: HashMap<usize, NodeId>,
    /// The dispatch node of each loop that has one.
    dispatches: HashMap<usize, NodeId>,
    /// For each further head of a loop, the node that sets its selector: on edges from inside the
    /// loop, and on those from outside. One node for both would be entered from inside and outside
    /// and lead to the loop's entry: a second entry.
    selectors: HashMap<usize, [NodeId; 2]>,
    last_selector: u32,
    /// The node behind the resume points at which it is not entered.
    fallback: Option<NodeId>,
}

impl Builder<'_> {
    fn node(&mut self, kind: NodeKind) -> NodeId {
        self.nodes.push(Node {
            kind,
            next: Vec::new(),
        });
        self.nodes.len() - 1
    }

    fn link(&mut self, from: NodeId, to: NodeId) {
        if let Some(node) = self.nodes.get_mut(from) {
            node.next.push(to);
        }
    }

    /// Lets a node send a thread with this selector on to another one.
    fn send(&mut self, from: NodeId, selector: u32, to: NodeId) {
        if let Some(node) = self.nodes.get_mut(from) {
            if let NodeKind::Dispatch(selectors) = &mut node.kind {
                selectors.push(selector);
            }
            node.next.push(to);
        }
    }

    /// A selector that nothing else has.
    fn new_selector(&mut self) -> Result<u32, Unsupported> {
        self.last_selector = self.last_selector.checked_add(1).ok_or_else(too_many)?;
        Ok(self.last_selector)
    }

    /// The loops around the node at which a thread resumes at a block, outermost first. A loop's only
    /// head is entered like the loop itself.
    fn loops_around_resume(&self, block: usize) -> Vec<usize> {
        let innermost = match self.heads.get(&block) {
            Some(head) if head.is_only => {
                self.forest.loops.get(head.of).and_then(|this| this.parent)
            }
            Some(head) => Some(head.of),
            None => self.forest.innermost(block),
        };
        let mut around: Vec<usize> = self.forest.around(innermost).collect();
        around.reverse();
        around
    }

    fn build(mut self, reached: &[usize]) -> Result<Graph, Unsupported> {
        self.node(NodeKind::Root);
        for block in reached {
            let node = self.node(NodeKind::Block(block_id(*block)?));
            self.of_block.insert(*block, node);
        }
        let mut heads: Vec<(usize, u32)> = self
            .heads
            .iter()
            .map(|(block, head)| (*block, head.resume))
            .collect();
        heads.sort_unstable();
        for (block, resume) in heads {
            let check = self.node(NodeKind::InterruptCheck(resume));
            let own = self.block_node(block)?;
            self.link(check, own);
            self.checks.insert(block, check);
        }
        let resumes = self.points.blocks.clone();
        let mut around = Vec::with_capacity(resumes.len());
        let mut needs_dispatch: Vec<bool> = self
            .forest
            .loops
            .iter()
            .map(|this| this.heads.len() > 1)
            .collect();
        for (block, is_entered) in resumes.iter().zip(&self.entered) {
            if !is_entered {
                around.push(None);
                continue;
            }
            let loops = self.loops_around_resume(block.0 as usize);
            for number in &loops {
                if let Some(needed) = needs_dispatch.get_mut(*number) {
                    *needed = true;
                }
            }
            around.push(Some(loops));
        }
        for (number, needed) in needs_dispatch.into_iter().enumerate() {
            if needed {
                let node = self.node(NodeKind::Dispatch(vec![0]));
                self.dispatches.insert(number, node);
            }
        }
        // The selectors up to here are the numbers of the resume points.
        self.last_selector = u32::try_from(resumes.len() - 1).map_err(|_| too_many())?;
        self.dispatch_to_heads()?;
        for ((number, block), around) in (0..).zip(&resumes).zip(around) {
            match around {
                Some(around) => self.enter_at_resume(number, block.0 as usize, &around)?,
                None => {
                    let fallback = match self.fallback {
                        Some(node) => node,
                        None => self.node(NodeKind::ScalarFallback),
                    };
                    self.fallback = Some(fallback);
                    self.send(ROOT, number, fallback);
                }
            }
        }
        for block in reached {
            self.leave_block(*block)?;
        }
        Ok(Graph {
            nodes: self.nodes,
            resumes,
            resume_after: self.points.after.clone(),
            suspend_points: self.points.suspend_points.clone(),
            resume_of: self.points.resume_of.clone(),
            threads: self.threads,
            entered: self.entered,
        })
    }

    /// The edges from each dispatch to its loop's heads.
    fn dispatch_to_heads(&mut self) -> Result<(), Unsupported> {
        for number in 0..self.forest.loops.len() {
            let Some(dispatch) = self.dispatches.get(&number).copied() else {
                continue;
            };
            let heads = self.forest.loops.get(number).map(|this| this.heads.clone());
            for (place, head) in heads.unwrap_or_default().into_iter().enumerate() {
                let check = self.check_of(head)?;
                if place == 0 {
                    self.link(dispatch, check);
                    continue;
                }
                let selector = self.new_selector()?;
                let clear = self.node(NodeKind::Select(0));
                self.link(clear, check);
                self.send(dispatch, selector, clear);
                let select = [(); 2].map(|()| self.node(NodeKind::Select(selector)));
                for node in select {
                    self.link(node, dispatch);
                }
                self.selectors.insert(head, select);
            }
        }
        Ok(())
    }

    /// The path from the root to a resume point, through the dispatch nodes of the loops around it.
    fn enter_at_resume(
        &mut self,
        number: u32,
        block: usize,
        around: &[usize],
    ) -> Result<(), Unsupported> {
        let resume = self.node(NodeKind::Resume(number));
        let target = match self.heads.get(&block) {
            // The dispatch is behind already.
            Some(head) if !head.is_only => self.block_node(block)?,
            _ => self.entry_from(None, block)?,
        };
        self.link(resume, target);
        let (mut from, mut selector) = (ROOT, number);
        if number == 0 && !around.is_empty() {
            // To a dispatch, zero means its first head.
            selector = self.new_selector()?;
            let select = self.node(NodeKind::Select(selector));
            self.link(ROOT, select);
            from = select;
        }
        for inner in around {
            let inner = self.dispatches.get(inner).copied().ok_or_else(missing)?;
            self.send(from, selector, inner);
            from = inner;
        }
        self.send(from, selector, resume);
        Ok(())
    }

    /// The edges from a block.
    fn leave_block(&mut self, block: usize) -> Result<(), Unsupported> {
        let node = self.block_node(block)?;
        let id = block_id(block)?;
        let from = self.body.block(id);
        let leaves = from.is_some_and(|from| match (self.threads, &from.end) {
            (Threads::LaneGroups, _) if self.body.is_cold(id) => false,
            // A lane group that comes here has not diverged.
            (threads, End::Reconverge(_)) => threads == Threads::Single,
            (_, end) => matches!(end, End::Suspend(..) | End::Exit),
        });
        if leaves {
            self.link(node, ROOT);
        }
        for next in self.flow.successors(block).to_vec() {
            let target = self.entry_from(Some(block), next)?;
            self.link(node, target);
        }
        Ok(())
    }

    fn block_node(&self, block: usize) -> Result<NodeId, Unsupported> {
        self.of_block.get(&block).copied().ok_or_else(missing)
    }

    fn check_of(&self, head: usize) -> Result<NodeId, Unsupported> {
        self.checks.get(&head).copied().ok_or_else(missing)
    }

    /// The node at which an edge to a block enters it, from another block or from outside of all
    /// loops that it is a head of.
    fn entry_from(&self, from: Option<usize>, block: usize) -> Result<NodeId, Unsupported> {
        let Some(head) = self.heads.get(&block) else {
            return self.block_node(block);
        };
        if let Some([inside, outside]) = self.selectors.get(&block) {
            let is_inside = from.is_some_and(|from| self.forest.contains(head.of, from));
            return Ok(if is_inside { *inside } else { *outside });
        }
        match self.dispatches.get(&head.of) {
            Some(dispatch) if head.is_first => Ok(*dispatch),
            _ => self.check_of(block),
        }
    }
}

fn missing() -> Unsupported {
    inconsistent("a block without a node in the suspension graph")
}

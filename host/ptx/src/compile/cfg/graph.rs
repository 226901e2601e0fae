//! The kernel's blocks as one graph that a thread can enter wherever it left it.
//!
//! Threads leave where they wait for others, and at the head of a loop when they are told to. They
//! come back through the graph's root, which is also where the next thread begins. So that all of it
//! can be written as nested loops, each loop that is entered anywhere but at its head gets a node
//! that sends a thread on to the place it came for; loops with several heads get the same.

use rustc_hash::{FxHashMap as HashMap, FxHashSet};

use crate::compile::Unsupported;
use crate::compile::ir::{BlockId, Body, End};

/// How deep loops may nest.
const MOST_NESTING: usize = 48;

/// A node: an index into [`Graph::nodes`].
pub(crate) type NodeId = usize;

/// What a node does before it goes on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// The next thread begins, or goes on. Its successors are those of the resume points, in order.
    Root,
    /// A thread goes on at a resume point: it gets its registers back.
    Resume(u32),
    /// Sends on by the selector: the first successor where it is zero.
    Dispatch(Vec<u32>),
    /// Sets the selector.
    Select(u32),
    /// The head of a loop: looks whether to leave. The resume point of that head.
    Check(u32),
    Block(BlockId),
}

/// A node and where it goes on.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub kind: Kind,
    pub next: Vec<NodeId>,
}

/// The graph. Node 0 is its root.
#[derive(Debug)]
pub(crate) struct Graph {
    pub nodes: Vec<Node>,
    /// The block at which each resume point goes on. The first is the kernel's beginning.
    pub resumes: Vec<BlockId>,
    /// The resume point behind each stop.
    pub after_stop: HashMap<u32, u32>,
}

/// A loop: its heads, and the loop around it.
pub(crate) struct Loop {
    pub heads: Vec<usize>,
    pub around: Option<usize>,
}

/// All loops, and the innermost one of each block.
pub(crate) struct Loops {
    pub loops: Vec<Loop>,
    pub inside: Vec<Option<usize>>,
}

impl Loops {
    /// This loop, and those around it.
    pub(crate) fn around(&self, inside: Option<usize>) -> impl Iterator<Item = usize> {
        std::iter::successors(inside, |inner| self.loops.get(*inner)?.around)
    }
}

fn block_id(block: usize) -> BlockId {
    BlockId(u32::try_from(block).unwrap_or(u32::MAX))
}

/// Where a block goes on without waiting for others.
pub(crate) fn flow(body: &Body, block: usize) -> Vec<usize> {
    match body.blocks.get(block_id(block)).map(|block| &block.end) {
        Some(End::Suspend(..)) => Vec::new(),
        _ => behind(body, block),
    }
}

/// Where a block goes on, whether it waits for others or not.
fn behind(body: &Body, block: usize) -> Vec<usize> {
    let end = body
        .blocks
        .get(block_id(block))
        .map(|block| block.end.successors());
    let next = end.unwrap_or_default();
    next.iter().map(|id| id.0 as usize).collect()
}

/// The strongly connected components among some nodes, as lists, that have a cycle.
fn cycles(members: &[usize], next: &dyn Fn(usize) -> Vec<usize>) -> Vec<Vec<usize>> {
    #[derive(Clone, Copy)]
    struct Visit {
        number: usize,
        low: usize,
        open: bool,
    }
    let mut visits: HashMap<usize, Visit> = HashMap::default();
    let mut stack = Vec::new();
    let mut found = Vec::new();
    for start in members {
        if visits.contains_key(start) {
            continue;
        }
        let mut work = vec![(*start, next(*start), 0usize)];
        let number = visits.len();
        visits.insert(
            *start,
            Visit {
                number,
                low: number,
                open: true,
            },
        );
        stack.push(*start);
        while let Some((node, successors, place)) = work.last_mut() {
            let node = *node;
            if let Some(successor) = successors.get(*place).copied() {
                *place += 1;
                match visits.get(&successor).copied() {
                    None => {
                        let number = visits.len();
                        visits.insert(
                            successor,
                            Visit {
                                number,
                                low: number,
                                open: true,
                            },
                        );
                        stack.push(successor);
                        work.push((successor, next(successor), 0));
                    }
                    Some(other) if other.open => {
                        if let Some(visit) = visits.get_mut(&node) {
                            visit.low = visit.low.min(other.number);
                        }
                    }
                    Some(_) => {}
                }
                continue;
            }
            let itself = successors.contains(&node);
            work.pop();
            let Some(visit) = visits.get(&node).copied() else {
                continue;
            };
            if let Some((parent, ..)) = work.last()
                && let Some(parent) = visits.get_mut(parent)
            {
                parent.low = parent.low.min(visit.low);
            }
            if visit.low == visit.number {
                let mut component = Vec::new();
                while let Some(member) = stack.pop() {
                    if let Some(visit) = visits.get_mut(&member) {
                        visit.open = false;
                    }
                    component.push(member);
                    if member == node {
                        break;
                    }
                }
                if component.len() > 1 || itself {
                    found.push(component);
                }
            }
        }
    }
    found
}

/// Finds the loops among so many blocks. `entered` are those at which threads come from outside.
fn loops(
    count: usize,
    reached: &[usize],
    entered: &[usize],
    flow: impl Fn(usize) -> Vec<usize>,
) -> Result<Loops, Unsupported> {
    let mut result = Loops {
        loops: Vec::new(),
        inside: vec![None; count],
    };
    let mut before = vec![Vec::new(); count];
    for block in reached {
        for next in flow(*block) {
            before[next].push(*block);
        }
    }
    // The members of a component have its number here; heads have none any more.
    let mut group = vec![usize::MAX; count];
    for block in reached {
        group[*block] = 0;
    }
    let mut groups = 1;
    let mut waiting = vec![(reached.to_vec(), None::<usize>, 0usize)];
    while let Some((members, around, depth)) = waiting.pop() {
        if depth > MOST_NESTING {
            return Err(Unsupported::limit("loops nested too deep"));
        }
        let Some(own) = members.first().map(|member| group[*member]) else {
            continue;
        };
        let within = |node: usize| {
            let mut next = flow(node);
            next.retain(|next| group[*next] == own);
            next
        };
        for component in cycles(&members, &within) {
            let is_member: FxHashSet<usize> = component.iter().copied().collect();
            let comes_from_outside =
                |block: &usize| before[*block].iter().any(|from| !is_member.contains(from));
            let mut heads: Vec<usize> = component
                .iter()
                .copied()
                .filter(comes_from_outside)
                .collect();
            if heads.is_empty() {
                let entry = component
                    .iter()
                    .copied()
                    .find(|block| entered.contains(block));
                heads.extend(entry.or(component.first().copied()));
            }
            heads.sort_unstable();
            let number = result.loops.len();
            for member in &component {
                result.inside[*member] = Some(number);
            }
            let rest: Vec<usize> = component
                .iter()
                .copied()
                .filter(|member| !heads.contains(member))
                .collect();
            for head in &heads {
                group[*head] = usize::MAX;
            }
            for member in &rest {
                group[*member] = groups;
            }
            groups += 1;
            result.loops.push(Loop { heads, around });
            if !rest.is_empty() {
                waiting.push((rest, Some(number), depth + 1));
            }
        }
    }
    Ok(result)
}

/// Makes the graph. `extra` are blocks at which threads may also come back.
///
/// # Errors
/// Where loops nest too deep.
pub(crate) fn graph(body: &Body, extra: &[BlockId]) -> Result<Graph, Unsupported> {
    let count = body.blocks.len();
    let mut resumes = vec![BlockId(0)];
    let mut after_stop = HashMap::default();
    let add = |resumes: &mut Vec<BlockId>, block: BlockId| {
        resumes.push(block);
        u32::try_from(resumes.len() - 1)
    };
    // What is reached, and the stops in it: those go on at resume points.
    let mut seen = vec![false; count];
    let mut reached = Vec::new();
    let mut waiting = vec![0usize];
    while let Some(block) = waiting.pop() {
        let Some(seen) = seen.get_mut(block).filter(|seen| !**seen) else {
            continue;
        };
        *seen = true;
        reached.push(block);
        if let Some(End::Suspend(stop, next)) =
            body.blocks.get(block_id(block)).map(|block| &block.end)
        {
            let number = add(&mut resumes, *next).unwrap_or(0);
            after_stop.insert(stop.0, number);
            waiting.push(next.0 as usize);
        }
        waiting.extend(flow(body, block));
    }
    reached.sort_unstable();
    for block in extra {
        if seen.get(block.0 as usize) == Some(&true) && !resumes.contains(block) {
            let _ = add(&mut resumes, *block);
        }
    }
    let entered: Vec<usize> = resumes.iter().map(|block| block.0 as usize).collect();
    let found = loops(count, &reached, &entered, |block| flow(body, block))?;
    // The resume point of each head, and which loop it is a head of.
    let mut head_of: HashMap<usize, (usize, u32)> = HashMap::default();
    for (number, this) in found.loops.iter().enumerate() {
        for head in &this.heads {
            let resume = add(&mut resumes, BlockId(u32::try_from(*head).unwrap_or(0)));
            head_of.insert(*head, (number, resume.unwrap_or(0)));
        }
    }
    Builder {
        body,
        found,
        head_of,
        nodes: vec![Node {
            kind: Kind::Root,
            next: Vec::new(),
        }],
        of_block: HashMap::default(),
        checks: HashMap::default(),
        dispatch: HashMap::default(),
    }
    .build(&reached, resumes, after_stop)
}

impl Graph {
    /// The loops that threads go through, whether they wait for others on the way or not.
    ///
    /// # Errors
    /// Where loops nest too deep.
    pub(crate) fn loops_with_stops(&self, body: &Body) -> Result<Loops, Unsupported> {
        let of_block = |node: &Node| match node.kind {
            Kind::Block(block) => Some(block.0 as usize),
            _ => None,
        };
        let mut reached: Vec<usize> = self.nodes.iter().filter_map(of_block).collect();
        reached.sort_unstable();
        loops(body.blocks.len(), &reached, &[0], |block| {
            behind(body, block)
        })
    }
}

struct Builder<'b> {
    body: &'b Body,
    found: Loops,
    head_of: HashMap<usize, (usize, u32)>,
    nodes: Vec<Node>,
    of_block: HashMap<usize, NodeId>,
    checks: HashMap<usize, NodeId>,
    /// The dispatching node of each loop that has one.
    dispatch: HashMap<usize, NodeId>,
}

impl Builder<'_> {
    fn node(&mut self, kind: Kind) -> NodeId {
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

    /// The loop that a resume point's node lies in, if any.
    fn place_of(&self, block: usize) -> Option<usize> {
        match self.head_of.get(&block) {
            Some((number, _)) => {
                let own = self.found.loops.get(*number)?;
                if own.heads.len() > 1 {
                    Some(*number)
                } else {
                    own.around
                }
            }
            None => self.found.inside.get(block).copied().flatten(),
        }
    }

    /// The loops around a resume point's node, outermost first.
    fn chain(&self, block: usize) -> Vec<usize> {
        let mut chain = Vec::new();
        let mut at = self.place_of(block);
        while let Some(number) = at {
            chain.push(number);
            at = self.found.loops.get(number).and_then(|this| this.around);
        }
        chain.reverse();
        chain
    }

    fn build(
        mut self,
        reached: &[usize],
        resumes: Vec<BlockId>,
        after_stop: HashMap<u32, u32>,
    ) -> Result<Graph, Unsupported> {
        for block in reached {
            let id = BlockId(u32::try_from(*block).unwrap_or(0));
            let node = self.node(Kind::Block(id));
            self.of_block.insert(*block, node);
        }
        let mut heads: Vec<(usize, u32)> = self
            .head_of
            .iter()
            .map(|(block, (_, resume))| (*block, *resume))
            .collect();
        heads.sort_unstable();
        for (block, resume) in heads {
            let check = self.node(Kind::Check(resume));
            if let Some(node) = self.of_block.get(&block).copied() {
                self.link(check, node);
            }
            self.checks.insert(block, check);
        }
        // Loops that are entered elsewhere than at one head.
        let mut needs = vec![false; self.found.loops.len()];
        for (number, this) in self.found.loops.iter().enumerate() {
            needs[number] |= this.heads.len() > 1;
        }
        for block in &resumes {
            for number in self.chain(block.0 as usize) {
                needs[number] = true;
            }
        }
        for (number, needed) in needs.into_iter().enumerate() {
            if needed {
                let node = self.node(Kind::Dispatch(vec![0]));
                self.dispatch.insert(number, node);
            }
        }
        let first_code = u32::try_from(resumes.len()).unwrap_or(u32::MAX);
        self.dispatch_heads(first_code);
        for (number, block) in resumes.iter().enumerate() {
            let number = u32::try_from(number).unwrap_or(0);
            let resume = self.node(Kind::Resume(number));
            let block = block.0 as usize;
            let target = self.enter(block, true);
            self.link(resume, target);
            // From the root inwards.
            let mut from = 0;
            for number_of_loop in self.chain(block) {
                let Some(inner) = self.dispatch.get(&number_of_loop).copied() else {
                    continue;
                };
                self.send(from, number, inner);
                from = inner;
            }
            self.send(from, number, resume);
        }
        for block in reached {
            let Some(node) = self.of_block.get(block).copied() else {
                continue;
            };
            match self
                .body
                .blocks
                .get(block_id(*block))
                .map(|block| block.end.clone())
            {
                Some(End::Suspend(..) | End::Exit) => self.link(node, 0),
                Some(End::Reconverge(next)) => {
                    self.link(node, 0);
                    let target = self.enter(next.0 as usize, false);
                    self.link(node, target);
                }
                Some(end) => {
                    for next in end.successors() {
                        let target = self.enter(next.0 as usize, false);
                        self.link(node, target);
                    }
                }
                None => {}
            }
        }
        Ok(Graph {
            nodes: self.nodes,
            resumes,
            after_stop,
        })
    }

    /// Lets a node send a thread with this selector on to another one.
    fn send(&mut self, from: NodeId, selector: u32, to: NodeId) {
        let Some(node) = self.nodes.get_mut(from) else {
            return;
        };
        if let Kind::Dispatch(selectors) = &mut node.kind {
            selectors.push(selector);
        }
        node.next.push(to);
    }

    /// The first successor of each dispatching node, and those of loops with several heads.
    fn dispatch_heads(&mut self, first_code: u32) {
        let mut code = first_code;
        let mut dispatches: Vec<(usize, NodeId)> = self
            .dispatch
            .iter()
            .map(|(number, node)| (*number, *node))
            .collect();
        dispatches.sort_unstable();
        for (number, node) in dispatches {
            let heads = self.found.loops.get(number).map(|this| this.heads.clone());
            for (place, head) in heads.unwrap_or_default().into_iter().enumerate() {
                let Some(check) = self.checks.get(&head).copied() else {
                    continue;
                };
                if place == 0 {
                    self.link(node, check);
                    continue;
                }
                let clear = self.node(Kind::Select(0));
                self.link(clear, check);
                self.send(node, code, clear);
                self.codes_insert(head, code, node);
                code += 1;
            }
        }
    }

    /// Remembers, as the node that a jump to a further head goes to, one that sets its selector.
    fn codes_insert(&mut self, head: usize, code: u32, dispatch: NodeId) {
        let select = self.node(Kind::Select(code));
        self.link(select, dispatch);
        self.checks.insert(head, select);
    }

    /// The node that a jump to a block goes to.
    fn enter(&self, block: usize, resuming: bool) -> NodeId {
        let own = self.of_block.get(&block).copied().unwrap_or(0);
        let Some((number, _)) = self.head_of.get(&block) else {
            return own;
        };
        let heads = self
            .found
            .loops
            .get(*number)
            .map(|this| this.heads.as_slice());
        let heads = heads.unwrap_or_default();
        let is_first = heads.first() == Some(&block);
        let check = self.checks.get(&block).copied().unwrap_or(own);
        // In a loop with several heads, a resume point's node lies inside: past the dispatch.
        if resuming && heads.len() > 1 {
            return own;
        }
        match self.dispatch.get(number) {
            Some(dispatch) if is_first => *dispatch,
            _ => check,
        }
    }
}

//! A flow graph: numbered nodes with their successors and predecessors, the input of every analysis
//! of control flow.
//!
//! Edges are kept in compressed rows, in the order in which they were given and as often. Every
//! edge ends at a node of the graph; the constructor sees to that, so that analyses may index their
//! own tables by what they find here.

use crate::compile::Unsupported;
use crate::compile::cfg::inconsistent;
use crate::compile::ir::entity::EntityId;
use crate::compile::ir::{Block, BlockId, Body, End};

/// The targets of each node's edges, one row after another.
#[derive(Debug)]
struct Rows {
    /// Where each row begins; one more than there are nodes.
    starts: Vec<usize>,
    targets: Vec<usize>,
}

impl Rows {
    /// The rows of these edges, sorted by the node from which they lead.
    fn new(count: usize, edges: impl Iterator<Item = (usize, usize)> + Clone) -> Rows {
        let mut starts = vec![0; count + 1];
        for (from, _) in edges.clone() {
            starts[from + 1] += 1;
        }
        for node in 0..count {
            starts[node + 1] += starts[node];
        }
        let mut at = starts.clone();
        let mut targets = vec![0; starts[count]];
        for (from, to) in edges {
            targets[at[from]] = to;
            at[from] += 1;
        }
        Rows { starts, targets }
    }

    fn row(&self, node: usize) -> &[usize] {
        let bounds = self.starts.get(node).zip(self.starts.get(node + 1));
        let row = bounds.and_then(|(start, end)| self.targets.get(*start..*end));
        row.unwrap_or_default()
    }
}

/// Whose control flow it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// Threads that run one by one.
    Single,
    /// Lane groups.
    LaneGroups,
}

impl Threads {
    /// Where these threads go on at the end of a block, without leaving their code at a suspend point.
    /// Lane groups leave it where a block begins that has no vector code.
    fn successors(self, body: &Body, id: BlockId, block: &Block) -> Vec<BlockId> {
        match (self, &block.end) {
            (_, End::Suspend(..)) => Vec::new(),
            (Threads::LaneGroups, _) if body.is_cold(id) => Vec::new(),
            (Threads::LaneGroups, End::WholeWarp(next, _))
            | (Threads::Single, End::WholeWarp(_, next)) => vec![*next],
            (_, end) => end.successors(),
        }
    }
}

/// A flow graph. Its nodes are numbered from 0.
#[derive(Debug)]
pub(crate) struct FlowGraph {
    count: usize,
    successors: Rows,
    predecessors: Rows,
}

impl FlowGraph {
    /// The graph of so many nodes with these edges.
    ///
    /// # Errors
    /// Where an edge begins or ends at no node of the graph.
    pub(crate) fn new(count: usize, edges: &[(usize, usize)]) -> Result<FlowGraph, Unsupported> {
        if edges.iter().any(|(from, to)| *from.max(to) >= count) {
            return Err(inconsistent("a jump to a block that does not exist"));
        }
        let reversed = edges.iter().map(|(from, to)| (*to, *from));
        Ok(FlowGraph {
            count,
            successors: Rows::new(count, edges.iter().copied()),
            predecessors: Rows::new(count, reversed),
        })
    }

    /// The blocks of a kernel, with all edges.
    ///
    /// # Errors
    /// Where a block goes on at one that does not exist.
    pub(crate) fn of(body: &Body) -> Result<FlowGraph, Unsupported> {
        FlowGraph::of_blocks(body, |_, block| block.end.successors())
    }

    /// The blocks of a kernel without the edges at suspend points: where a thread goes on without
    /// leaving its code.
    ///
    /// # Errors
    /// Where a block goes on at one that does not exist.
    pub(crate) fn cut_at_suspend_points(body: &Body) -> Result<FlowGraph, Unsupported> {
        FlowGraph::of_blocks(body, |_, block| successors_without_suspending(&block.end))
    }

    /// The blocks of a kernel with the edges that these threads take without leaving their code.
    ///
    /// # Errors
    /// Where a block goes on at one that does not exist.
    pub(crate) fn taken_by(threads: Threads, body: &Body) -> Result<FlowGraph, Unsupported> {
        FlowGraph::of_blocks(body, |id, block| threads.successors(body, id, block))
    }

    fn of_blocks(
        body: &Body,
        successors: impl Fn(BlockId, &Block) -> Vec<BlockId>,
    ) -> Result<FlowGraph, Unsupported> {
        let mut edges = Vec::with_capacity(2 * body.blocks.len());
        for ((id, block), from) in body.blocks.iter().zip(0..) {
            let next = successors(id, block);
            edges.extend(next.iter().map(|next| (from, next.0 as usize)));
        }
        FlowGraph::new(body.blocks.len(), &edges)
    }

    /// How many nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Where a node goes on, in order; twice where two edges lead there.
    pub(crate) fn successors(&self, node: usize) -> &[usize] {
        self.successors.row(node)
    }

    /// Where a node is reached from.
    pub(crate) fn predecessors(&self, node: usize) -> &[usize] {
        self.predecessors.row(node)
    }

    /// Where a block goes on, in a graph of blocks.
    pub(crate) fn successors_of(&self, block: BlockId) -> impl Iterator<Item = BlockId> {
        self.successors(block.index()).iter().map(block_of)
    }

    /// Where a block is reached from, in a graph of blocks.
    pub(crate) fn predecessors_of(&self, block: BlockId) -> impl Iterator<Item = BlockId> {
        self.predecessors(block.index()).iter().map(block_of)
    }

    /// The nodes that are reached from some roots, in reverse postorder of a depth-first search: each
    /// before those that it leads to, but for edges that close a cycle.
    pub(crate) fn reverse_postorder(&self, roots: &[usize]) -> Vec<usize> {
        let mut seen = vec![false; self.count];
        let mut order = Vec::with_capacity(self.count);
        let mut path: Vec<(usize, usize)> = Vec::new();
        // The last root's nodes come first, and roots in their order before one another's.
        for root in roots.iter().rev() {
            if *root >= self.count || std::mem::replace(&mut seen[*root], true) {
                continue;
            }
            path.push((*root, 0));
            while let Some((node, edge)) = path.last_mut() {
                let Some(next) = self.successors(*node).get(*edge).copied() else {
                    order.push(*node);
                    path.pop();
                    continue;
                };
                *edge += 1;
                if !std::mem::replace(&mut seen[next], true) {
                    path.push((next, 0));
                }
            }
        }
        order.reverse();
        order
    }
}

/// The block that a node of a graph of blocks is: of those, there are no more than there are numbers.
pub(crate) fn block_of(node: &usize) -> BlockId {
    debug_assert!(u32::try_from(*node).is_ok());
    BlockId::new(*node as u32)
}

/// Where a block goes on without leaving its code at a suspend point.
pub(crate) fn successors_without_suspending(end: &End) -> Vec<BlockId> {
    match end {
        End::Suspend(..) => Vec::new(),
        end => end.successors(),
    }
}

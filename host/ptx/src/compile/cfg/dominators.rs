//! Dominators and post-dominators, by the algorithm Semi-NCA (Georgiadis, Tarjan and Werneck,
//! "Finding Dominators in Practice", 2006), which LLVM has too.
//!
//! The simpler iteration of Cooper, Harvey and Kennedy (2001) takes a time that grows with the cube
//! of an irreducible graph's size, and such a graph is a few kilobytes of PTX.

use crate::compile::Unsupported;
use crate::compile::cfg::flow::FlowGraph;
use crate::compile::ir::entity::{EntityId, EntityMap};
use crate::compile::ir::{BlockId, Body, End};

/// The dominator tree of the nodes that a root reaches.
#[derive(Debug)]
pub(crate) struct DominatorTree {
    immediate: Vec<Option<usize>>,
}

/// A node that the search has not found.
const UNSEEN: usize = usize::MAX;

/// What the algorithm keeps of each node, by its number in the preorder of a depth-first search.
struct Forest {
    /// The nearest ancestor that is linked so far, with shortened paths.
    ancestor: Vec<usize>,
    /// The node of least semidominator on the path to that ancestor.
    label: Vec<usize>,
    semidominator: Vec<usize>,
}

impl Forest {
    /// The node of least semidominator among a node and its ancestors from number `last` on.
    fn least(&mut self, node: usize, last: usize, path: &mut Vec<usize>) -> usize {
        if node < last {
            return node;
        }
        let mut at = node;
        while self.ancestor[at] >= last {
            path.push(at);
            at = self.ancestor[at];
        }
        // From the far end: each has the answer of the one before it, and skips it from now on.
        while let Some(below) = path.pop() {
            let above = self.label[at];
            if self.semidominator[above] < self.semidominator[self.label[below]] {
                self.label[below] = above;
            }
            self.ancestor[below] = self.ancestor[at];
            at = below;
        }
        self.label[node]
    }
}

impl DominatorTree {
    /// The tree below a root.
    pub(crate) fn new(graph: &FlowGraph, root: usize) -> DominatorTree {
        DominatorTree::along(
            graph.len(),
            root,
            |node| graph.successors(node),
            |node| graph.predecessors(node),
        )
    }

    /// The tree of a graph whose edges these functions say.
    fn along<'g>(
        count: usize,
        root: usize,
        successors: impl Fn(usize) -> &'g [usize],
        predecessors: impl Fn(usize) -> &'g [usize],
    ) -> DominatorTree {
        let mut tree = DominatorTree {
            immediate: vec![None; count],
        };
        if root >= count {
            return tree;
        }
        // Preorder numbers, and each node's parent in the search's tree, by number.
        let mut number = vec![UNSEEN; count];
        let (mut order, mut parent) = (vec![root], vec![0]);
        number[root] = 0;
        let mut path = vec![(root, 0)];
        while let Some((node, edge)) = path.last_mut() {
            let Some(next) = successors(*node).get(*edge).copied() else {
                path.pop();
                continue;
            };
            *edge += 1;
            if number[next] == UNSEEN {
                number[next] = order.len();
                parent.push(number[*node]);
                order.push(next);
                path.push((next, 0));
            }
        }
        let mut forest = Forest {
            ancestor: parent.clone(),
            label: (0..order.len()).collect(),
            semidominator: (0..order.len()).collect(),
        };
        let mut shortened = Vec::new();
        for this in (1..order.len()).rev() {
            let mut least = parent[this];
            for from in predecessors(order[this]) {
                if number[*from] != UNSEEN {
                    let found = forest.least(number[*from], this + 1, &mut shortened);
                    least = least.min(forest.semidominator[found]);
                }
            }
            forest.semidominator[this] = least;
        }
        // A node's immediate dominator is the nearest common ancestor of its parent and its
        // semidominator, in the part of the tree that is known by then.
        let mut immediate = parent;
        for this in 1..order.len() {
            let mut at = immediate[this];
            while at > forest.semidominator[this] {
                at = immediate[at];
            }
            immediate[this] = at;
            tree.immediate[order[this]] = Some(order[at]);
        }
        tree
    }

    /// The last node through which all paths from the root lead before they come here; `None` for the
    /// root, and for what it does not reach.
    pub(crate) fn immediate(&self, node: usize) -> Option<usize> {
        self.immediate.get(node).copied().flatten()
    }
}

/// For each block, its immediate post-dominator: the first block through which all its paths to the
/// kernel's end lead. `None` where they have none in common, and where no path comes to an end.
///
/// A fault is no end: it ends the launch, and nobody waits for the thread that has it.
///
/// # Errors
/// Where a block goes on at one that does not exist.
pub(crate) fn postdominators(
    body: &Body,
) -> Result<EntityMap<BlockId, Option<BlockId>>, Unsupported> {
    let blocks = FlowGraph::of(body)?;
    // A node behind all ends; the tree is that of the reversed graph, from there.
    let exit = blocks.len();
    let mut edges = Vec::with_capacity(2 * exit);
    for block in 0..exit {
        let next = blocks.successors(block);
        let id = u32::try_from(block).map(BlockId).ok();
        let block_of = id.and_then(|id| body.block(id));
        if block_of.is_some_and(|block| matches!(block.end, End::Exit | End::Nowhere)) {
            edges.push((block, exit));
        }
        edges.extend(next.iter().map(|next| (block, *next)));
    }
    let graph = FlowGraph::new(exit + 1, &edges)?;
    let tree = DominatorTree::along(
        exit + 1,
        exit,
        |node| graph.predecessors(node),
        |node| graph.successors(node),
    );
    Ok(EntityMap::from_fn(&body.blocks, |block, _| {
        let found = tree
            .immediate(block.index())
            .and_then(|found| u32::try_from(found).ok());
        found
            .map(BlockId)
            .filter(|found| body.blocks.contains(*found))
    }))
}

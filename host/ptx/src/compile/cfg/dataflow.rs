//! A worklist solver for data-flow equations (Kildall 1973): a node is computed again while one that
//! it depends on has changed.

use crate::compile::cfg::flow::{FlowGraph, block_of};
use crate::compile::ir::BlockId;

/// From which of its neighbours a node's value is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From its predecessors.
    Forward,
    /// From its successors.
    Backward,
}

/// Computes all blocks of a graph of blocks until none changes; see [`solve`].
pub(crate) fn solve_blocks(
    graph: &FlowGraph,
    direction: Direction,
    mut transfer: impl FnMut(BlockId) -> bool,
) {
    solve(graph, direction, |node| transfer(block_of(&node)));
}

/// Computes all nodes until none changes. `transfer` computes one, and says whether it has changed;
/// it must be monotone, so that this ends.
///
/// Nodes are numbered in the order of a kernel's text, so by their numbers, or from the last one
/// down, most come behind those that they depend on.
pub(crate) fn solve(
    graph: &FlowGraph,
    direction: Direction,
    mut transfer: impl FnMut(usize) -> bool,
) {
    // The last one is taken first.
    let mut waiting: Vec<usize> = match direction {
        Direction::Forward => (0..graph.len()).rev().collect(),
        Direction::Backward => (0..graph.len()).collect(),
    };
    let mut is_waiting = vec![true; graph.len()];
    while let Some(node) = waiting.pop() {
        is_waiting[node] = false;
        if !transfer(node) {
            continue;
        }
        let dependent = match direction {
            Direction::Forward => graph.successors(node),
            Direction::Backward => graph.predecessors(node),
        };
        for next in dependent {
            if !std::mem::replace(&mut is_waiting[*next], true) {
                waiting.push(*next);
            }
        }
    }
}

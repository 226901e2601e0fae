//! Structured control flow as a list: what [structuring](crate::compile::cfg::structure) writes, the
//! [verifier](crate::compile::cfg::verify) proves right, and code is generated from.

use crate::compile::cfg::flow::Threads;
use crate::compile::cfg::graph::{Node, NodeId, NodeKind};
use crate::compile::ir::{Body, End};

/// What is written, in this order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Item {
    Loop,
    Block,
    End,
    /// What a node does. Where it has two successors, it leaves a condition on the stack.
    Node(NodeId),
    If,
    Else,
    /// Goes to the label so many levels further out.
    Branch(u32),
    /// By the number that [`Item::Node`] left, or for a dispatch by the selector: the levels for 0,
    /// 1, ...; the last is for all others.
    Table(NodeId, Vec<u32>),
}

/// How a node chooses its successor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It has none.
    None,
    /// At its successor.
    One,
    /// At its first successor where the condition on the stack is not zero, else at the second.
    Two,
    /// By the number on the stack.
    Table,
    /// At its first successor where the selector is zero, which is on the stack as a condition, else
    /// by a table.
    Dispatch,
}

impl Exit {
    pub(crate) fn of(body: &Body, threads: Threads, node: &Node) -> Exit {
        match &node.kind {
            NodeKind::Root => Exit::Table,
            NodeKind::Dispatch(_) => Exit::Dispatch,
            NodeKind::Resume(_) | NodeKind::Select(_) | NodeKind::InterruptCheck(_) => Exit::One,
            NodeKind::ScalarFallback => Exit::None,
            NodeKind::Block(block) => match (threads, body.block(*block)) {
                (Threads::LaneGroups, _) if body.is_cold(*block) => Exit::None,
                (threads, Some(block)) => Exit::of_end(threads, &block.end),
                (_, None) => Exit::None,
            },
        }
    }

    fn of_end(threads: Threads, end: &End) -> Exit {
        match (end, threads) {
            (End::Reconverge(_), Threads::Single) | (End::Branch(..), _) => Exit::Two,
            (End::Table(..), _) => Exit::Table,
            (End::Jump(_) | End::Suspend(..) | End::Exit | End::WholeWarp(..), _)
            | (End::Reconverge(_), Threads::LaneGroups) => Exit::One,
            (End::Fault(..) | End::Nowhere, _) => Exit::None,
        }
    }
}

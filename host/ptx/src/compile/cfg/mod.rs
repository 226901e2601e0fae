//! Control flow: the analyses of a kernel's blocks as a graph, and their translation to structured
//! control flow. No other module computes predecessors, dominators or loops.
//!
//! | file | |
//! |---|---|
//! | `flow.rs` | flow graphs: successors, predecessors, reverse postorder |
//! | `dominators.rs` | dominators and post-dominators |
//! | `loops.rs` | the loop-nesting forest |
//! | `dataflow.rs` | a worklist solver for data-flow equations |
//! | `graph.rs` | the suspension graph: blocks, resume points, and dispatch nodes |
//! | `structure.rs` | structuring, as blocks and loops of WebAssembly |
//! | `structured.rs` | what structuring writes: blocks and loops as a list |
//! | `verify.rs` | the proof that what was structured is the graph |

pub(crate) mod dataflow;
pub(crate) mod dominators;
pub(crate) mod flow;
pub(crate) mod graph;
pub(crate) mod loops;
pub(crate) mod structure;
pub(crate) mod structured;
mod verify;

use crate::compile::{Unsupported, UnsupportedKind};

/// A mistake of this compiler in control flow. Unlike [`Unsupported::internal`] it asserts nothing, so
/// that tests can make mistakes on purpose.
fn inconsistent(what: impl Into<String>) -> Unsupported {
    Unsupported {
        kind: UnsupportedKind::Internal,
        line: None,
        what: what.into(),
    }
}

#[cfg(test)]
mod tests;

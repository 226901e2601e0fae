//! Control flow: the one place for what is asked of a kernel's blocks as a graph, and the way from
//! there to structured control flow.
//!
//! | file | |
//! |---|---|
//! | `flow.rs` | flow graphs: successors, predecessors, reverse postorder |
//! | `dominators.rs` | dominators and post-dominators |
//! | `loops.rs` | the loop-nesting forest |
//! | `dataflow.rs` | a worklist solver for data-flow equations |
//! | `graph.rs` | the dispatch graph: blocks, resume points, and entries of loops |
//! | `structure.rs` | structuring, as blocks and loops of WebAssembly |
//! | `verify.rs` | the proof that what was structured is the graph |

pub(crate) mod dataflow;
pub(crate) mod dominators;
pub(crate) mod flow;
pub(crate) mod graph;
pub(crate) mod loops;
pub(crate) mod structure;
mod verify;

#[cfg(test)]
mod tests;

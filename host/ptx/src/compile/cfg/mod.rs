//! Control flow of a kernel: its graph with suspension points, and its structure as WebAssembly's
//! blocks and loops.

pub(crate) mod graph;
pub(crate) mod structure;

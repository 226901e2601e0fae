//! The tests of the crate by its public interface.
//!
//! One program for all of them: each one more would link the engine once more.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod accepted;
mod adding_an_instruction;
mod agreement;
mod checks;
mod common;
mod control_flow;
mod corpus;
mod effort;
mod extremes;
mod fault_branches;
mod faults;
mod filetests;
mod float_edges;
mod forms;
mod fuzz;
mod halves;
mod heap;
mod instructions;
mod integer_edges;
mod kernels;
mod lane_groups;
mod layers;
mod lines;
mod matrices;
mod mbarriers;
mod no_system;
mod output;
mod pointers;
mod profile;
mod ptxas;
mod random;
mod recursion;
mod refusals;
mod runs;
mod statements;
mod wgmma;
mod wmma;

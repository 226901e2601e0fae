//! One instance of a component: the data of its store, how it is made, and how it comes
//! and goes under Wasmtime's HTTP handler.

pub(crate) mod factory;
pub(crate) mod linker;
pub(crate) mod state;
pub(crate) mod worker;

//! PTX text and what it means before it runs: lexer, parser, checker, printer, and the one table of
//! instructions that they share.

pub(crate) mod bool_combine;
pub(crate) mod builtin_functions;
pub(crate) mod call_graph;
pub(crate) mod check;
pub(crate) mod diagnostic;
mod footprint;
pub(crate) mod layout;
mod layout_entries;
pub(crate) mod lex;
pub(crate) mod limits;
pub(crate) mod modifier;
pub(crate) mod module;
pub(crate) mod parse;
mod pointers;
mod print;
pub(crate) mod source_lines;
pub(crate) mod table;
#[cfg(test)]
mod table_tests;
pub(crate) mod tree;
pub(crate) mod types;
pub(crate) mod warpgroup;

//! Initialization of a component, once, before its first request: its export `init` of
//! `tensor:lifecycle/initialization` runs in an instance, and what that leaves in linear memories and
//! globals becomes an image, a component in whose place later instances start, copy-on-write
//! (pre-initialization, as by Wizer: <https://github.com/bytecodealliance/wasmtime/tree/main/crates/wizer>).
//!
//! The instance runs the component with exports added that tell its state ([`image::instrumented`]). It is
//! limited, metered, logged and scheduled as one that serves a request ([`run`]). It ends with nothing that an
//! image can't have ([`left_behind`]): a handle to a resource of the host is a number in memory, which
//! means nothing, or something else, in another instance. Then its state is copied ([`state`]), and the
//! image is made of that ([`image`]).

mod compile;
pub(crate) mod image;
mod last_lines;
mod left_behind;
pub(crate) mod run;
pub(crate) mod state;

pub(crate) use compile::compile_unkept;
pub(crate) use left_behind::left_behind;

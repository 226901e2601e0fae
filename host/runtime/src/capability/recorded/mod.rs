//! The calls of a guest whose request is recorded or replayed. They are linked in place of the others
//! for components whose requests are, and for no others. What comes from outside is written into the
//! request's [`Journal`](crate::journal::Journal), and answered from there where that is replayed:
//! clocks ([`clocks`]), what is ready ([`poll`]), what streams give and take ([`streams`], [`splice`]),
//! and responses of other servers ([`http`]). Random numbers follow from a seed ([`random`]), and
//! [`files`] are read again.
//!
//! The calls of `tensor:gpu` are in `gpu/recorded`.

mod clocks;
mod error_code;
mod files;
mod http;
mod poll;
mod random;
mod splice;
mod stream_error;
mod streams;

use super::gpu::{self, GpuView};
use super::http::{HttpAccountView, RespondedView};
use crate::journal::JournalView;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiView;

/// The version of WASI that the engine links, which guests of each earlier one of 0.2 are linked to.
macro_rules! wasi {
    ($interface:literal) => {
        concat!("wasi:", $interface, "@0.2.12")
    };
}
use wasi;

/// Replaces functions in a linker that has all of them.
pub(crate) fn replace<T>(linker: &mut Linker<T>) -> wasmtime::Result<()>
where
    T: WasiView + HttpAccountView + RespondedView + GpuView + JournalView + 'static,
{
    linker.allow_shadowing(true);
    clocks::replace(linker)?;
    random::replace(linker)?;
    poll::replace(linker)?;
    streams::replace(linker)?;
    splice::replace(linker)?;
    files::replace(linker)?;
    http::replace(linker)?;
    gpu::replace_recorded(linker)?;
    linker.allow_shadowing(false);
    Ok(())
}

//! Whether a guest of WASI 0.2 has given its response, which its call of
//! `response-outparam.set` tells.
//!
//! Wasmtime's handler tells only whoever waits for the response. An instance that is reused
//! would have to wait until that task has run, before it takes its next request. So this
//! function is linked by hand, and does what the library's does after it has told the
//! instance.

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::p2::bindings::http::types::{ErrorCode, HostResponseOutparam as Outparam};
use wasmtime_wasi_http::p2::types::{HostOutgoingResponse, HostResponseOutparam};

/// A store whose instance responds to requests.
pub(crate) trait RespondedView: WasiHttpView {
    /// The guest gives the response to the request that it works on.
    fn has_responded(&self);
}

type Set = (
    Resource<HostResponseOutparam>,
    Result<Resource<HostOutgoingResponse>, ErrorCode>,
);

/// Replaces `response-outparam.set` in a linker that has `wasi:http/types`.
pub(super) fn add_to_linker<T: RespondedView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker.instance("wasi:http/types@0.2.12")?.func_wrap(
        "[static]response-outparam.set",
        |mut store: StoreContextMut<'_, T>, (out, response): Set| {
            // An error is no response: whoever waits for one decides what it means.
            if response.is_ok() {
                store.data().has_responded();
            }
            Outparam::set(&mut store.data_mut().http(), out, response)
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

//! The scheme of an incoming request, as a guest of WASI 0.2 is told it.
//!
//! Wasmtime's handler says `http` of each request. So this one function of its interface is
//! replaced. A guest of WASI 0.3 is given the request's URI, and needs nothing.

use http::uri::Scheme;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types;
use wasmtime_wasi_http::p2::types::HostIncomingRequest;

/// A store whose instance is given requests.
pub(crate) trait SchemeView: Send {
    /// The scheme of the request that the instance works on; `None` where its target has
    /// none, as that of CONNECT.
    fn scheme(&self) -> Option<&Scheme>;
}

/// Replaces `incoming-request.scheme` in a linker that has `wasi:http/types`.
pub(super) fn add_to_linker<T: SchemeView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    linker.allow_shadowing(true);
    linker.instance("wasi:http/types@0.2.12")?.func_wrap(
        "[method]incoming-request.scheme",
        |store: StoreContextMut<'_, T>, (_request,): (Resource<HostIncomingRequest>,)| {
            Ok((store.data().scheme().map(to_wit),))
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

fn to_wit(scheme: &Scheme) -> types::Scheme {
    match scheme.as_str() {
        "http" => types::Scheme::Http,
        "https" => types::Scheme::Https,
        other => types::Scheme::Other(other.to_owned()),
    }
}

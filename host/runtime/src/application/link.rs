//! Linking a component, and finding the handler that it exports.

use crate::error::Error;
use crate::instance::linker::linker;
use crate::instance::state::InstanceState;
use wasmtime::component::{Component, InstancePre};
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

/// Links a component. `has_journals` says whether its requests are recorded or replayed.
pub(super) fn link(
    engine: &wasmtime::Engine,
    component: &Component,
    has_journals: bool,
) -> Result<InstancePre<InstanceState>, Error> {
    linker(engine, has_journals)
        .and_then(|linker| linker.instantiate_pre(component))
        .map_err(Error::Link)
}

/// Which handler of a component gets requests.
pub(super) struct Handler {
    /// What the component exports.
    pub(super) exports: Vec<String>,
    /// `None` for an application.
    pub(super) forwards: Option<ForwardedBy>,
}

/// By which versions of WASI a policy forwards requests.
#[derive(Clone, Copy)]
pub(super) struct ForwardedBy {
    pub(super) wasi_0_2: bool,
    pub(super) wasi_0_3: bool,
}

impl Handler {
    /// The handler, ready to be instantiated.
    pub(super) fn of(
        &self,
        pre: InstancePre<InstanceState>,
    ) -> Result<ProxyPre<InstanceState>, Error> {
        match self.forwards {
            Some(forwards) => policy_of(pre, &self.exports, forwards),
            None => handler_of(pre, &self.exports),
        }
    }
}

/// The handler that the component exports; WASI 0.3's where it has both.
fn handler_of(
    pre: InstancePre<InstanceState>,
    exports: &[String],
) -> Result<ProxyPre<InstanceState>, Error> {
    if let Ok(service) = p3::bindings::ServicePre::new(pre.clone()) {
        return Ok(ProxyPre::P3(service));
    }
    p2::bindings::ProxyPre::new(pre)
        .map(ProxyPre::P2)
        .map_err(|_| Error::NoHandler(exports.to_vec()))
}

/// The handler of a policy, of the version of WASI by which it forwards requests: a request of the
/// other version can't be forwarded.
fn policy_of(
    pre: InstancePre<InstanceState>,
    exports: &[String],
    forwards: ForwardedBy,
) -> Result<ProxyPre<InstanceState>, Error> {
    if forwards.wasi_0_3
        && let Ok(service) = p3::bindings::ServicePre::new(pre.clone())
    {
        return Ok(ProxyPre::P3(service));
    }
    if forwards.wasi_0_2
        && let Ok(proxy) = p2::bindings::ProxyPre::new(pre.clone())
    {
        return Ok(ProxyPre::P2(proxy));
    }
    // What exports no handler at all is told that.
    handler_of(pre, exports)?;
    Err(Error::PolicyWithoutNext)
}

//! The capability of requests to other servers: `wasi:http/outgoing-handler` and
//! `wasi:http/client`. They reach the servers that the operator named, and none where
//! none was named.

mod addresses;
mod client;
mod client_span;
mod connections;
mod counted;
mod held;
mod host;
mod limits;
mod responded;
mod scheme;
mod send;
mod settings;
#[cfg(test)]
mod tests;
mod trust;

pub use client::{HttpClient, HttpClientError};
pub use connections::{ConnectionLimits, Connections};
pub(crate) use counted::{HttpAccountView, held_bytes};
pub(crate) use host::Outgoing;
pub(crate) use limits::HttpLimits;
pub(crate) use responded::RespondedView;
pub(crate) use scheme::SchemeView;
pub use settings::{Destination, HttpGrant};
pub use trust::{HttpTrust, HttpTrustError};

use super::interface::{Interface, WASI_02, WASI_03};
use super::shape::CapabilityModule;
use crate::grant::LoadDecision;
use host::OutgoingShared;
use settings::Allowed;
use std::sync::Arc;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;

/// What one application may send to other servers.
pub(crate) struct Http {
    shared: Arc<OutgoingShared>,
    limits: HttpLimits,
}

impl Http {
    pub(crate) fn new(grant: HttpGrant, limits: HttpLimits) -> Http {
        let shared = OutgoingShared {
            trust: grant.trust.clone(),
            connections: grant.connections.clone(),
            allowed: Allowed::of(grant),
        };
        Http {
            shared: Arc::new(shared),
            limits,
        }
    }
}

impl CapabilityModule for Http {
    const INTERFACES: &'static [Interface] = &[
        Interface::new("wasi:http", &["outgoing-handler"], WASI_02),
        Interface::new("wasi:http", &["client"], WASI_03),
    ];

    type InstanceState = Outgoing;

    fn load_decision(&self) -> LoadDecision {
        LoadDecision::granted_if(self.shared.allowed.is_any())
    }

    fn instantiate(&self, _wasi: &mut WasiCtxBuilder) -> wasmtime::Result<Outgoing> {
        Ok(Outgoing::new(self.shared.clone(), self.limits))
    }
}

/// Adds `wasi:http` to a linker: the types that every component has, and the requests.
pub(crate) fn add_to_linker<T: HttpAccountView + RespondedView + SchemeView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    scheme::add_to_linker(linker)?;
    responded::add_to_linker(linker)?;
    wasmtime_wasi_http::p3::add_to_linker(linker)?;
    counted::replace(linker)
}

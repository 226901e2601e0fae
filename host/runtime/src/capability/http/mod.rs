//! The capability of requests to other servers: `wasi:http/outgoing-handler` and
//! `wasi:http/client`. They reach the servers that the operator named, and none where
//! none was named.

mod host;
mod scheme;
mod settings;

pub(crate) use host::Outgoing;
pub(crate) use scheme::SchemeView;
pub use settings::Destination;

use super::interface::{Interface, WASI_02, WASI_03};
use super::shape::CapabilityModule;
use crate::grant::LoadDecision;
use std::sync::Arc;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_http::WasiHttpView;

/// The servers that one application may send requests to.
pub(crate) struct Http {
    destinations: Arc<[Destination]>,
}

impl Http {
    pub(crate) fn new(destinations: Vec<Destination>) -> Http {
        Http {
            destinations: destinations.into(),
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
        LoadDecision::granted_if(!self.destinations.is_empty())
    }

    fn instantiate(&self, _wasi: &mut WasiCtxBuilder) -> wasmtime::Result<Outgoing> {
        Ok(Outgoing::new(self.destinations.clone()))
    }
}

/// Adds `wasi:http` to a linker: the types that every component has, and the requests.
pub(crate) fn add_to_linker<T: WasiHttpView + SchemeView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    scheme::add_to_linker(linker)?;
    wasmtime_wasi_http::p3::add_to_linker(linker)
}

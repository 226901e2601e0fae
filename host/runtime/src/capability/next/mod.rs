//! The component behind a policy: what a policy that is not composed with its application
//! reaches through the handler that it imports, `wasi:http/incoming-handler` of WASI 0.2 or
//! `wasi:http/handler` of WASI 0.3.
//!
//! Policy and application then have instances of their own and share only the request. So
//! the application can't reach what the policy was granted, and the host sees each
//! request that the policy forwards: one that was not admitted goes no further, and of an
//! admitted one the application sees the decision's tenant and no credentials. Between the two
//! a request is one of the crate `http`, so that the versions of their WASI may differ.

mod borrowed_body;
mod context;
mod forward;
mod handler;
mod handler_0_2;
mod handler_0_3;
mod observed_body;

pub(crate) use borrowed_body::BorrowedBody;
pub(crate) use context::{NextContext, NextCtxView, NextView};
pub use handler::{ChainImports, NextHandler, ResponseFuture};

use super::interface::{Interface, WASI_02, WASI_03};
use super::shape::CapabilityModule;
use crate::grant::LoadDecision;
use std::sync::Arc;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;

/// The component behind one application.
pub(crate) struct Next(NextContext);

impl Next {
    /// `decides` says whether the component imports `tensor:policy/decision`: then it has
    /// to admit a request before it can forward it. `keep_authorization` says whether the
    /// application is to see the caller's credentials.
    pub(crate) fn new(
        handler: Option<Arc<dyn NextHandler>>,
        decides: bool,
        keep_authorization: bool,
    ) -> Next {
        Next(NextContext {
            handler,
            decides,
            keep_authorization,
        })
    }

    /// Whether there is a component behind, so that this application is a policy.
    pub(crate) fn is_some(&self) -> bool {
        self.0.handler.is_some()
    }
}

impl CapabilityModule for Next {
    const INTERFACES: &'static [Interface] = &[
        Interface::new("wasi:http", &["incoming-handler"], WASI_02),
        Interface::new("wasi:http", &["handler"], WASI_03),
    ];

    type InstanceState = NextContext;

    fn load_decision(&self) -> LoadDecision {
        LoadDecision::granted_if(true)
    }

    fn unavailable(&self) -> Option<&'static str> {
        (!self.is_some()).then_some(
            "this is a policy without an application: compose them, or give the policy with `--policy`",
        )
    }

    fn instantiate(&self, _wasi: &mut WasiCtxBuilder) -> wasmtime::Result<NextContext> {
        Ok(self.0.clone())
    }
}

/// Adds the handlers of both versions to a linker.
pub(crate) fn add_to_linker<T: NextView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    handler_0_2::add_to_linker(linker)?;
    handler_0_3::add_to_linker(linker)
}

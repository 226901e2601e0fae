//! What a policy can forward requests to, whatever it is.

use crate::request::{HandleError, RequestScope};
use std::pin::Pin;
use std::sync::Arc;
use wasmtime_wasi_http::WasiBody;

/// What a policy can forward requests to: a component, or code of the embedder.
pub trait NextHandler: Send + Sync + 'static {
    /// Whether this tenant may not have what is behind.
    fn refuses(&self, tenant: u64) -> bool;

    /// What the components behind import.
    fn imports(&self) -> ChainImports;

    /// Responds to a request that the policies have let pass.
    fn respond(
        self: Arc<Self>,
        request: http::Request<WasiBody>,
        scope: RequestScope,
    ) -> ResponseFuture;
}

/// The response of what is behind a policy.
pub type ResponseFuture =
    Pin<Box<dyn Future<Output = Result<http::Response<WasiBody>, HandleError>> + Send>>;

/// What the components of a chain import, from one of them on. The default is that of code of
/// the embedder: nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChainImports {
    /// Whether one of them imports `tensor:gpu`.
    pub(crate) gpu: bool,
    /// Whether one of them imports `tensor:policy/decision`.
    pub(crate) decision: bool,
    /// Whether one of them that does is a policy, with a component behind it, and so has to see
    /// the caller's credentials. An application cannot make itself one by an import.
    pub(crate) deciding_policy: bool,
}

//! The way of a request to code of the embedder where no policy stands in front of it.

use crate::capability::next::NextHandler;
use crate::request::{HandleError, RequestContext, RequestInfo, RequestScope, RequestTask};
use crate::server::Handler;
use std::sync::Arc;
use std::time::Duration;
use wasmtime_wasi_http::WasiBody;

/// Serves requests that no policy decides on: each is tenant 0's, and none is recorded.
pub struct Unguarded {
    next: Arc<dyn NextHandler>,
    request_timeout: Duration,
}

impl Unguarded {
    /// Each request may take as long as `request_timeout`.
    pub fn new(next: Arc<dyn NextHandler>, request_timeout: Duration) -> Unguarded {
        Unguarded {
            next,
            request_timeout,
        }
    }
}

impl Handler for Unguarded {
    async fn handle(
        &self,
        request: http::Request<WasiBody>,
        info: RequestInfo,
    ) -> Result<http::Response<WasiBody>, HandleError> {
        let deadline = info.received + self.request_timeout;
        let scheme = request.uri().scheme().cloned();
        let context = RequestContext::new(info.request_id, deadline, false).with_scheme(scheme);
        let scope = RequestScope::of(Arc::new(RequestTask::new(context)));
        self.next.clone().respond(request, scope).await
    }
}

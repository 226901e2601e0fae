//! The way of a request to code of the embedder where no policy stands in front of it.

use super::guest_body::{GuestBody, StopOnDrop};
use super::server_timing;
use crate::capability::next::NextHandler;
use crate::request::{
    HandleError, Observer, RequestContext, RequestInfo, RequestScope, RequestTask,
};
use crate::server::{Handler, has_content};
use http_body_util::BodyExt;
use std::sync::Arc;
use std::time::Duration;
use wasmtime_wasi_http::WasiBody;

/// Serves requests that no policy decides on: each is tenant 0's, and none is recorded.
pub struct Unguarded {
    next: Arc<dyn NextHandler>,
    request_timeout: Duration,
    observer: Option<Arc<dyn Observer>>,
    usage_header: bool,
}

impl Unguarded {
    /// Each request may take as long as `request_timeout`. The observer learns what it uses.
    pub fn new(
        next: Arc<dyn NextHandler>,
        request_timeout: Duration,
        observer: Option<Arc<dyn Observer>>,
    ) -> Unguarded {
        Unguarded {
            next,
            request_timeout,
            observer,
            usage_header: false,
        }
    }

    /// Whether each response says in a header `Server-Timing` what its request has used until
    /// then.
    #[must_use]
    pub fn with_usage_header(mut self, says: bool) -> Unguarded {
        self.usage_header = says;
        self
    }
}

impl Handler for Unguarded {
    async fn handle(
        &self,
        request: http::Request<WasiBody>,
        info: RequestInfo,
    ) -> Result<http::Response<WasiBody>, HandleError> {
        let deadline = info.received + self.request_timeout;
        let context =
            RequestContext::new(info.request_id, info.trace, info.received, deadline, false)
                .of_target(request.uri())
                .observed(info.body, self.observer.clone())
                .counting_guests(info.guests);
        let task = Arc::new(RequestTask::new(context));
        let end = StopOnDrop::new(task.clone());
        let method = request.method().clone();
        let scope = RequestScope::of(task.clone());
        let mut response = self.next.clone().respond(request, scope).await?;
        task.context().name_route(&mut response);
        if self.usage_header {
            let usage = task.context().usage().until_now();
            server_timing::add(response.headers_mut(), &usage);
        }
        let has_content = has_content(&method, response.status());
        // Whether the body is in memory is told by the response's extensions, which stay.
        Ok(GuestBody::wrap(response, end, has_content).map(BodyExt::boxed_unsync))
    }
}

//! The component behind a policy: what stands behind the `wasi:http/incoming-handler`
//! that a policy imports, where the two are not composed into one.
//!
//! Policy and application then have instances of their own. They share nothing but
//! the request, so the application can't reach what the policy was given, and the
//! host sees each request pass from one to the other: what was not admitted does not.

use super::Decision;
use crate::application::Application;
use crate::exchange::Exchange;
use crate::server::HandleError;
use crate::state::InstanceState;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};
use wasmtime_wasi_http::{Error, WasiBody};

/// Adds `wasi:http/incoming-handler` to a linker, for policies.
pub(crate) fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    linker
        .instance("wasi:http/incoming-handler@0.2.12")?
        .func_wrap_async(
            "handle",
            |store: StoreContextMut<'_, InstanceState>,
             (request, out): (
                Resource<HostIncomingRequest>,
                Resource<HostResponseOutparam>,
            )| Box::new(forward(store, request, out)),
        )
}

async fn forward(
    mut store: StoreContextMut<'_, InstanceState>,
    request: Resource<HostIncomingRequest>,
    out: Resource<HostResponseOutparam>,
) -> wasmtime::Result<()> {
    let state = store.data_mut();
    let (Some(exchange), Some(next)) = (&state.policy.exchange, &state.policy.next) else {
        wasmtime::bail!("a policy can pass on a request only while it handles one");
    };
    // Before the policy's own view of it goes, and takes with it what is not passed on.
    let onward = exchange.onward().take();
    // Both are the policy's no longer, as where it calls a component.
    state.table.delete(request)?;
    let out = state.table.delete(out)?;
    let answer = match pass(exchange, onward, next, state.policy.decides).await {
        Ok(response) => Ok(response),
        Err(error) => {
            exchange.fail(error);
            Err(ErrorCode::InternalError(None))
        }
    };
    (out.send)(answer);
    Ok(())
}

/// The answer of the component behind, if the request may reach it.
async fn pass(
    exchange: &Arc<Exchange>,
    request: Option<http::Request<WasiBody>>,
    next: &Arc<Application>,
    decides: bool,
) -> Result<http::Response<WasiBody>, HandleError> {
    let request_id = exchange.request_id.as_str();
    match exchange.decision() {
        Some(Decision::Refused { kind, .. }) => {
            tracing::error!(
                request_id,
                kind,
                "the policy refused the request and then passed it on; it goes no further"
            );
            return Err(HandleError::Undecided);
        }
        None if decides => {
            tracing::error!(
                request_id,
                "the policy passed the request on without a decision; it goes no further"
            );
            return Err(HandleError::Undecided);
        }
        Some(Decision::Admitted { tenant, .. }) if next.refuses(*tenant) => {
            return Err(HandleError::GpuRefused { tenant: *tenant });
        }
        Some(Decision::Admitted { .. }) | None => {}
    }
    let Some(request) = request else {
        tracing::error!(
            request_id,
            "the policy passed on a request whose body it had begun to read, or did so twice; \
             a policy passes requests on untouched"
        );
        return Err(HandleError::Internal);
    };
    next.respond(request, Arc::new(exchange.behind())).await
}

/// The body that a policy sees of a request. It takes the real one only when it is
/// read, so that a request which is passed on is passed on whole.
pub(crate) struct BorrowedBody {
    exchange: Arc<Exchange>,
    taken: Option<WasiBody>,
}

impl BorrowedBody {
    /// The body of the request that the exchange keeps.
    pub(crate) fn of(exchange: &Arc<Exchange>) -> WasiBody {
        BorrowedBody {
            exchange: exchange.clone(),
            taken: None,
        }
        .boxed_unsync()
    }

    fn peek<T>(&self, look: impl FnOnce(&WasiBody) -> T) -> Option<T> {
        match &self.taken {
            Some(body) => Some(look(body)),
            None => self
                .exchange
                .onward()
                .as_ref()
                .map(|request| look(request.body())),
        }
    }
}

impl Drop for BorrowedBody {
    fn drop(&mut self) {
        // The policy answers by itself: nobody will read the body, and the connection
        // should learn that now.
        drop(self.exchange.onward().take());
    }
}

impl Body for BorrowedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if self.taken.is_none() {
            let request = self.exchange.onward().take();
            self.taken = request.map(http::Request::into_body);
        }
        match &mut self.taken {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.peek(WasiBody::is_end_stream).unwrap_or(true)
    }

    fn size_hint(&self) -> SizeHint {
        self.peek(WasiBody::size_hint).unwrap_or_default()
    }
}

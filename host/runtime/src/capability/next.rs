//! The component behind a policy: what a policy that is not composed with its application
//! reaches through `wasi:http/incoming-handler`, which it imports.
//!
//! Policy and application then have instances of their own and share only the request. So
//! the application can't reach what the policy was granted, and the host sees each
//! request that the policy forwards: one that was not admitted goes no further, and of an
//! admitted one the application sees the decision's tenant and no credentials.

use super::interface::{Interface, WASI_02};
use super::shape::CapabilityModule;
use crate::grant::LoadDecision;
use crate::request::{Decision, ForwardedHead, HandleError, RequestScope, RequestTask};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_http::p2::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p2::types::{HostIncomingRequest, HostResponseOutparam};
use wasmtime_wasi_http::{Error, WasiBody};

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

/// The component behind one application.
pub(crate) struct Next(NextContext);

/// What one instance holds of the component behind its own.
#[derive(Clone)]
pub(crate) struct NextContext {
    handler: Option<Arc<dyn NextHandler>>,
    decides: bool,
    keep_authorization: bool,
}

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
    const INTERFACES: &'static [Interface] =
        &[Interface::new("wasi:http", &["incoming-handler"], WASI_02)];

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

/// A store whose instance may have a component behind it.
pub(crate) trait NextView: Send {
    fn next(&mut self) -> NextCtxView<'_>;
}

/// The borrowed view that forwards requests.
pub(crate) struct NextCtxView<'a> {
    pub(crate) context: &'a NextContext,
    pub(crate) table: &'a mut ResourceTable,
    /// The task that calls, and whose request is forwarded.
    pub(crate) task: Option<&'a Arc<RequestTask>>,
}

/// Adds `wasi:http/incoming-handler` to a linker.
pub(crate) fn add_to_linker<T: NextView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    linker
        .instance("wasi:http/incoming-handler@0.2.12")?
        .func_wrap_async(
            "handle",
            |store: StoreContextMut<'_, T>,
             (request, out): (
                Resource<HostIncomingRequest>,
                Resource<HostResponseOutparam>,
            )| Box::new(handle(store, request, out)),
        )
}

async fn handle<T: NextView + 'static>(
    mut store: StoreContextMut<'_, T>,
    request: Resource<HostIncomingRequest>,
    out: Resource<HostResponseOutparam>,
) -> wasmtime::Result<()> {
    let view = store.data_mut().next();
    let (Some(task), Some(next)) = (view.task, &view.context.handler) else {
        wasmtime::bail!("a policy can forward a request only while it handles one");
    };
    // Before the policy's own request is dropped, which drops the held one too.
    let held = task.held.take();
    let forwarding = forward(task, held, next, view.context);
    let (task, response) = (task.clone(), task.forwarded.put(forwarding));
    // The policy has given both handles away, as where it calls a component.
    view.table.delete(request)?;
    let out = view.table.delete(out)?;
    // Whoever runs the policy polls what it has forwarded, beside it.
    let response = match response.await.unwrap_or(Err(HandleError::Internal)) {
        Ok(response) => {
            task.run.mark_responded();
            Ok(response)
        }
        Err(error) => {
            task.fail(error);
            Err(ErrorCode::InternalError(None))
        }
    };
    (out.send)(response);
    Ok(())
}

/// The response of the component behind, if the request may reach it.
fn forward(
    task: &Arc<RequestTask>,
    request: Option<http::Request<WasiBody>>,
    next: &Arc<dyn NextHandler>,
    policy: &NextContext,
) -> Result<ResponseFuture, HandleError> {
    let context = task.context();
    let (request_id, trace_id) = (context.id(), context.trace_id());
    match context.decision() {
        Some(Decision::Refused { kind, .. }) => {
            tracing::error!(
                request_id,
                %trace_id,
                kind,
                "the policy refused the request and then forwarded it; it goes no further"
            );
            return Err(HandleError::Undecided);
        }
        None if policy.decides => {
            tracing::error!(
                request_id,
                %trace_id,
                "the policy forwarded the request without a decision; it goes no further"
            );
            return Err(HandleError::Undecided);
        }
        Some(Decision::Admitted { tenant, .. }) if next.refuses(*tenant) => {
            return Err(HandleError::GpuRefused { tenant: *tenant });
        }
        Some(Decision::Admitted { .. }) | None => {}
    }
    let Some(mut request) = request else {
        tracing::error!(
            request_id,
            %trace_id,
            "the policy forwarded a request whose body it had begun to read, or forwarded it \
             twice; a policy has to forward requests untouched"
        );
        return Err(HandleError::Internal);
    };
    if let Some(Decision::Admitted { tenant, .. }) = context.decision() {
        let keep_authorization = policy.keep_authorization || next.imports().deciding_policy;
        ForwardedHead::new(*tenant, keep_authorization).apply(request.headers_mut());
    }
    let scope = RequestScope::of(Arc::new(task.behind()));
    Ok(next.clone().respond(request, scope))
}

/// The body that a policy sees of a request. It takes the held body only when it is read,
/// so that a request which the policy forwards unread is forwarded whole.
pub(crate) struct BorrowedBody {
    task: Arc<RequestTask>,
    taken: Option<WasiBody>,
}

impl BorrowedBody {
    /// Holds a request back, and returns one that a policy can look at in its stead.
    pub(crate) fn hold(
        request: http::Request<WasiBody>,
        task: &Arc<RequestTask>,
    ) -> http::Request<WasiBody> {
        let body = BorrowedBody {
            task: task.clone(),
            taken: None,
        };
        let mut copy = http::Request::new(body.boxed_unsync());
        *copy.method_mut() = request.method().clone();
        *copy.uri_mut() = request.uri().clone();
        *copy.version_mut() = request.version();
        *copy.headers_mut() = request.headers().clone();
        task.held.hold(request);
        copy
    }

    fn peek<T>(&self, look: impl FnOnce(&WasiBody) -> T) -> Option<T> {
        match &self.taken {
            Some(body) => Some(look(body)),
            None => self.task.held.peek_body(look),
        }
    }
}

impl Drop for BorrowedBody {
    fn drop(&mut self) {
        // The policy has answered by itself: nobody will read the body, and the
        // connection learns it now.
        drop(self.task.held.take());
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
            let request = self.task.held.take();
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

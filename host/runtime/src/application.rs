//! One application: a component that was compiled, checked against its grants
//! and linked, ready to answer requests.

use crate::capability::{self, Asked, Grants};
use crate::exchange::{Exchange, Finish, Stop};
use crate::gpu::{GpuContext, GpuGrant, GpuGrants};
use crate::handler::{StartTimedOut, Workers};
use crate::network::{Destination, Outgoing};
use crate::output::{GuestOutput, Stream};
use crate::policy::{Auditor, BorrowedBody, Mechanisms, PendingRecord, PolicyContext, PolicyGrant};
use crate::server::{HandleError, Handler, RequestInfo};
use crate::state::InstanceState;
use crate::{Engine, Error};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use wasmtime::Store;
use wasmtime::component::{Component, InstancePre};
use wasmtime_wasi::{FsPerms, WasiCtxBuilder};
use wasmtime_wasi_config::WasiConfigVariables;
use wasmtime_wasi_http::WasiBody;
use wasmtime_wasi_http::handler::{InstantiationError, ProxyHandler, ProxyPre};
use wasmtime_wasi_http::{p2, p3};

/// What an application is granted, and its limits.
pub struct ApplicationConfig {
    /// The GPU, by tenant.
    pub gpu: Arc<dyn GpuGrants>,
    /// Environment variables that the guest sees.
    pub environment: Vec<(String, String)>,
    /// Directories that the guest can open, with everything in them.
    pub directories: Vec<Directory>,
    /// Servers that the guest may send HTTP requests to.
    pub destinations: Vec<Destination>,
    /// What stands behind `tensor:policy/*` and `wasi:config/store`.
    pub policy: PolicyGrant,
    /// The application that this component is a policy for, with instances of its
    /// own. Without it, a component that imports the handler is not loaded.
    pub next: Option<Arc<Application>>,
    /// Whether a policy will stand in front of this component, so that requests of
    /// several tenants reach it.
    pub guarded: bool,
    /// How long a request may take, from its head to the end of its answer.
    pub request_timeout: Duration,
    /// How many requests one instance answers, one after another. One is the
    /// strongest isolation: nothing of a request survives it.
    pub reuse: NonZeroUsize,
}

impl Default for ApplicationConfig {
    fn default() -> Self {
        ApplicationConfig {
            gpu: Arc::new(GpuGrant::Denied),
            environment: Vec::new(),
            directories: Vec::new(),
            destinations: Vec::new(),
            policy: PolicyGrant::default(),
            next: None,
            guarded: false,
            request_timeout: Duration::from_secs(30),
            reuse: NonZeroUsize::MIN,
        }
    }
}

/// A directory of the host under a name of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it is on the host.
    pub host: PathBuf,
    /// The guest's name for it.
    pub guest: String,
}

/// A component that is ready to answer requests.
pub struct Application {
    workers: ProxyHandler<Workers>,
    digest: String,
    asked: Asked,
    request_timeout: Duration,
    /// Whether the component imports `tensor:policy/decision`: then no answer
    /// leaves the host for which no decision was made.
    decides: bool,
    /// Who keeps a record of each request, where a policy decides on it.
    auditor: Option<Arc<dyn Auditor>>,
    gpu: Arc<dyn GpuGrants>,
    /// Whether the component, or one behind it, imports `tensor:gpu`.
    asks_gpu: bool,
    /// Whether the component, or one behind it, decides.
    decided: bool,
}

impl Application {
    /// Compiles, checks and links a component.
    ///
    /// Takes as long as compiling takes, unless the engine's cache has it.
    ///
    /// # Errors
    ///
    /// [`Error`] tells what the component lacks, or asks for and is not given.
    pub fn load(
        engine: &Engine,
        component: &[u8],
        config: ApplicationConfig,
    ) -> Result<Application, Error> {
        check_kind(component)?;
        let digest = format!("blake3:{}", blake3::hash(component).to_hex());
        let wasmtime = engine.wasmtime();
        let component = Component::from_binary(wasmtime, component).map_err(Error::Compile)?;
        let ty = component.component_type();
        let imports: Vec<&str> = ty.imports(wasmtime).map(|(name, _)| name).collect();
        let imports_any = |prefix: &str| imports.iter().any(|name| name.starts_with(prefix));
        let decides = imports_any("tensor:policy/decision@");
        let own_gpu = imports_any("tensor:gpu/");
        if config.next.is_some() && !imports_any("wasi:http/incoming-handler@0.2.") {
            return Err(Error::PolicyWithoutNext);
        }
        let gpu = if decides || config.guarded {
            config.gpu.standing()
        } else {
            // Without a policy each request is tenant 0's.
            config.gpu.standing_of(0)
        };
        let asked = capability::sort(
            imports.into_iter(),
            &Grants {
                gpu,
                filesystem: !config.directories.is_empty(),
                environment: !config.environment.is_empty(),
                http: !config.destinations.is_empty(),
                policy: config.policy.authenticator.is_some(),
                settings: config.policy.authenticator.is_some()
                    || !config.policy.settings.is_empty(),
                next: config.next.is_some(),
            },
        )?;
        let exports: Vec<String> = ty
            .exports(wasmtime)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let linker = capability::linker(wasmtime).map_err(Error::Link)?;
        let pre = linker.instantiate_pre(&component).map_err(Error::Link)?;
        let pre = handler_of(pre, exports)?;
        let request_timeout = config.request_timeout;
        let auditor = config.policy.auditor.clone();
        let gpu = config.gpu.clone();
        let next = config.next.as_deref();
        let asks_gpu = own_gpu || next.is_some_and(|next| next.asks_gpu);
        let decided = decides || next.is_some_and(|next| next.decided);
        let own = Own {
            decides,
            asks_gpu: own_gpu,
        };
        let workers = Workers {
            pre,
            reuse: config.reuse,
            start_timeout: request_timeout,
            instances: InstanceFactory::new(engine, config, own)?,
        };
        Ok(Application {
            workers: ProxyHandler::new(workers),
            digest,
            asked,
            request_timeout,
            decides,
            auditor,
            gpu,
            asks_gpu,
            decided,
        })
    }

    /// The component's content: `blake3:` and 64 hexadecimal digits.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// What the component asks for, and what of it was granted.
    pub fn asked(&self) -> &Asked {
        &self.asked
    }

    /// Whether a policy decides on its requests: this component, or one behind it.
    pub fn is_decided_on(&self) -> bool {
        self.decided
    }

    /// Whether this tenant may not have what is behind the policies, since it, or
    /// another component on the way, asks for the GPU.
    pub(crate) fn refuses(&self, tenant: u64) -> bool {
        self.asks_gpu && self.gpu.is_refused(tenant)
    }

    /// Answers a request, and keeps no record of it.
    pub(crate) async fn respond(
        &self,
        mut request: http::Request<WasiBody>,
        exchange: Arc<Exchange>,
    ) -> Result<http::Response<WasiBody>, HandleError> {
        if self.workers.state().instances.has_next() {
            let seen = BorrowedBody::of(&exchange);
            let mut copy = http::Request::new(seen);
            *copy.method_mut() = request.method().clone();
            *copy.uri_mut() = request.uri().clone();
            *copy.version_mut() = request.version();
            *copy.headers_mut() = request.headers().clone();
            *exchange.onward() = Some(std::mem::replace(&mut request, copy));
        }
        let watch = Watch(Some(exchange.clone()));
        let answer = self.workers.handle(exchange.clone(), request);
        // The worker watches the time of a guest that runs; this watches the
        // time of a request that waits for a guest.
        let response = match tokio::time::timeout_at(exchange.deadline.into(), answer).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                return Err(match exchange.failure() {
                    Some(failure) => failure,
                    None => explain(&error, &exchange).await,
                });
            }
            Err(_) => {
                exchange.stop(Stop::TimedOut);
                return Err(timed_out(&exchange));
            }
        };
        if self.decides && exchange.decision().is_none() {
            tracing::error!(
                request_id = exchange.request_id.as_str(),
                "the policy let an answer out without a decision; it is withheld"
            );
            return Err(HandleError::Undecided);
        }
        Ok(response.map(|body| AnswerBody::new(body, watch).boxed_unsync()))
    }
}

/// Tells a component from what else people try to serve.
fn check_kind(bytes: &[u8]) -> Result<(), Error> {
    let what = match bytes.get(..8) {
        Some([0, b'a', b's', b'm', version @ ..]) => match version {
            [_, _, 1, 0] => return Ok(()),
            [1, 0, 0, 0] => "it is a core module".to_string(),
            other => format!("it is WebAssembly of an unknown kind, with version bytes {other:?}"),
        },
        _ if bytes.is_empty() => "it is empty".to_string(),
        _ => "it does not begin with `\\0asm`".to_string(),
    };
    Err(Error::NotAComponent(what))
}

fn handler_of(
    pre: InstancePre<InstanceState>,
    exports: Vec<String>,
) -> Result<ProxyPre<InstanceState>, Error> {
    if let Ok(service) = p3::bindings::ServicePre::new(pre.clone()) {
        return Ok(ProxyPre::P3(service));
    }
    p2::bindings::ProxyPre::new(pre)
        .map(ProxyPre::P2)
        .map_err(|_| Error::NoHandler(exports))
}

/// Makes the stores of an application's instances.
pub(crate) struct InstanceFactory {
    engine: Engine,
    config: ApplicationConfig,
    own: Own,
    destinations: Arc<[Destination]>,
    settings: Arc<WasiConfigVariables>,
}

/// What a component's own imports say of it.
struct Own {
    decides: bool,
    asks_gpu: bool,
}

impl InstanceFactory {
    fn new(
        engine: &Engine,
        mut config: ApplicationConfig,
        own: Own,
    ) -> Result<InstanceFactory, Error> {
        let settings = std::mem::take(&mut config.policy.settings);
        let destinations = std::mem::take(&mut config.destinations);
        let factory = InstanceFactory {
            engine: engine.clone(),
            config,
            own,
            destinations: destinations.into(),
            settings: Arc::new(settings.into_iter().collect()),
        };
        // Once at the start, so that an operator learns of a wrong directory
        // now, not a client with the first request.
        let mut wasi = WasiCtxBuilder::new();
        for directory in &factory.config.directories {
            open(&mut wasi, directory).map_err(|cause| Error::Directory {
                path: directory.host.display().to_string(),
                cause,
            })?;
        }
        Ok(factory)
    }

    /// A store for one instance, with all that it is granted.
    pub(crate) fn store(&self) -> wasmtime::Result<Store<InstanceState>> {
        let output = GuestOutput::default();
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(output.stream(Stream::Out))
            .stderr(output.stream(Stream::Error));
        for (key, value) in &self.config.environment {
            wasi.env(key, value);
        }
        for directory in &self.config.directories {
            open(&mut wasi, directory)?;
        }
        let state = InstanceState::new(
            wasi.build(),
            GpuContext::new(self.config.gpu.clone(), self.own.asks_gpu),
            PolicyContext {
                mechanisms: Mechanisms {
                    authenticator: self.config.policy.authenticator.clone(),
                    limiter: self.config.policy.limiter.clone(),
                },
                settings: self.settings.clone(),
                decides: self.own.decides,
                next: self.config.next.clone(),
                exchange: None,
            },
            Outgoing {
                allowed: self.destinations.clone(),
            },
            output,
            self.engine.instance_memory_bytes(),
        );
        let mut store = Store::new(self.engine.wasmtime(), state);
        store.limiter(|state| &mut state.limits);
        store.epoch_deadline_async_yield_and_update(1);
        store.set_epoch_deadline(1);
        Ok(store)
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether the component is a policy, with another component behind it.
    fn has_next(&self) -> bool {
        self.config.next.is_some()
    }
}

fn open(wasi: &mut WasiCtxBuilder, directory: &Directory) -> wasmtime::Result<()> {
    wasi.preopened_dir(&directory.host, &directory.guest, FsPerms::ReadWrite)?;
    Ok(())
}

impl Handler for Application {
    async fn handle(
        &self,
        request: http::Request<WasiBody>,
        info: RequestInfo,
    ) -> Result<http::Response<WasiBody>, HandleError> {
        let deadline = Instant::now() + self.request_timeout;
        let exchange = Arc::new(Exchange::new(info.request_id.clone(), deadline));
        let Some(auditor) = self.auditor.as_ref().filter(|_| self.decided) else {
            return self.respond(request, exchange).await;
        };
        // Of a method that changes nothing (RFC 9110, section 9.2.1) nothing is lost
        // where the record is.
        let may_go_on = request.method().is_safe() || auditor.ready();
        let pending = PendingRecord::new(auditor.as_ref(), &request, info, exchange.clone());
        let outcome = match may_go_on {
            true => self.respond(request, exchange).await,
            false => Err(HandleError::AuditUnavailable),
        };
        pending.finish(&outcome).wait().await;
        outcome
    }
}

/// What a client is told of a failed request; the rest goes to the log.
async fn explain(error: &wasmtime::Error, exchange: &Exchange) -> HandleError {
    let request_id = exchange.request_id.as_str();
    match exchange.stopped() {
        Some(Stop::TimedOut) => return timed_out(exchange),
        Some(Stop::ClientGone) => return HandleError::NoResponse,
        None => {}
    }
    if let Some(failed) = error.downcast_ref::<InstantiationError<Arc<Exchange>>>() {
        if failed.error.is::<wasmtime::PoolConcurrencyLimitError>() {
            tracing::warn!(
                request_id,
                "no room for another instance: {:#}",
                failed.error
            );
            return HandleError::Overloaded;
        }
        if failed.error.is::<StartTimedOut>() {
            return timed_out(exchange);
        }
        tracing::error!(
            request_id,
            "the guest could not be instantiated: {:?}",
            failed.error
        );
        return HandleError::Trapped;
    }
    match tokio::time::timeout_at(exchange.deadline.into(), exchange.finished()).await {
        // The worker logs the trap, with its backtrace.
        Ok(Finish::Failed) => HandleError::Trapped,
        Err(_) => timed_out(exchange),
        Ok(Finish::Returned) => {
            tracing::error!(request_id, "the guest gave no answer: {error:#}");
            HandleError::NoResponse
        }
    }
}

fn timed_out(exchange: &Exchange) -> HandleError {
    tracing::warn!(
        request_id = exchange.request_id.as_str(),
        "the request ran past its time, and its guest was stopped"
    );
    HandleError::TimedOut
}

/// Stops the guest of a request for which nobody waits any more.
struct Watch(Option<Arc<Exchange>>);

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(exchange) = &self.0 {
            exchange.stop(Stop::ClientGone);
        }
    }
}

/// The body of an answer, as far as the client took it.
struct AnswerBody {
    inner: WasiBody,
    /// Bytes that the head promised and that were not taken yet.
    promised: Option<u64>,
    /// Taken out once the body is complete: then the guest may end in peace.
    watch: Option<Watch>,
}

impl AnswerBody {
    fn new(inner: WasiBody, watch: Watch) -> AnswerBody {
        let mut body = AnswerBody {
            promised: inner.size_hint().exact(),
            watch: Some(watch),
            inner,
        };
        body.complete_if(body.inner.is_end_stream() || body.promised == Some(0));
        body
    }

    fn complete_if(&mut self, complete: bool) {
        if complete && let Some(watch) = self.watch.take() {
            watch.release();
        }
    }
}

impl Watch {
    fn broken(&self) -> bool {
        self.0.as_ref().is_some_and(|exchange| exchange.broken())
    }

    /// The answer is complete: the guest is not stopped for want of a client.
    fn release(mut self) {
        self.0 = None;
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = wasmtime_wasi_http::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                if let (Some(promised), Some(data)) = (self.promised.as_mut(), frame.data_ref()) {
                    *promised = promised.saturating_sub(data.len() as u64);
                }
                let complete = self.promised == Some(0) || self.inner.is_end_stream();
                self.complete_if(complete);
            }
            // A guest that failed in the middle of its answer closes the body as one
            // that finished it does; the client has to see the difference.
            Poll::Ready(None) if self.watch.as_ref().is_some_and(Watch::broken) => {
                return Poll::Ready(Some(Err(wasmtime_wasi_http::Error::HttpResponseIncomplete)));
            }
            Poll::Ready(None) => self.complete_if(true),
            Poll::Ready(Some(Err(_))) | Poll::Pending => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

//! The HTTP API of a node: what its tenants and its operator do with functions.
//!
//! It stands where an application stands with `serve`: behind the policies, which decide who
//! calls, and for which tenant. Each tenant sees its own functions alone.
//!
//! [`routes`] is the one table of routes; [`crate::error`] is the one of errors; [`openapi`] makes the
//! OpenAPI document of both.

mod assets;
mod body;
mod functions;
mod invoke;
mod jobs;
mod logs;
mod metrics;
mod model;
mod node_state;
mod openapi;
mod query;
mod routes;
mod settings;
mod snapshots;
mod usage;

use std::sync::{Arc, OnceLock};

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use tensor_wasm_runtime::server::{Readiness, RequestId, error_body};
use tensor_wasm_runtime::{ChainImports, NextHandler, RequestScope, ResponseFuture};
use wasmtime_wasi_http::WasiBody;

use crate::error::{NOT_FOUND, NodeError};
use crate::functions::Functions;
use crate::jobs::Jobs;
use crate::metrics::Metrics;
use model::Health;
pub(crate) use node_state::OperatorFiles;
use query::Query;
pub(crate) use routes::actions;
use routes::{Endpoint, Found, Operation};

/// The API of a node.
pub(crate) struct Api {
    functions: Arc<Functions>,
    jobs: Arc<Jobs>,
    metrics: Arc<Metrics>,
    /// Whether a policy is in front, which says who calls.
    is_guarded: bool,
    /// Whether the server accepts requests, from the time on that it does.
    readiness: OnceLock<Readiness>,
    /// The tokens and the audit log, once there is one.
    operator_files: OnceLock<OperatorFiles>,
}

/// A request whose route and tenant are known.
struct Call<'a> {
    request: Request<WasiBody>,
    scope: &'a RequestScope,
    tenant: u64,
    query: Query,
    id: String,
    version: String,
    /// The name of a setting.
    name: String,
    /// What follows the route's own path.
    rest: String,
}

impl Api {
    /// `is_guarded` says whether a policy is in front.
    pub(crate) fn new(
        functions: Arc<Functions>,
        jobs: Arc<Jobs>,
        metrics: Arc<Metrics>,
        is_guarded: bool,
    ) -> Api {
        Api {
            functions,
            jobs,
            metrics,
            is_guarded,
            readiness: OnceLock::new(),
            operator_files: OnceLock::new(),
        }
    }

    /// Tells the API of the server that it is behind.
    pub(crate) fn set_readiness(&self, readiness: Readiness) {
        let _ = self.readiness.set(readiness);
    }

    /// Tells the API of the tokens and the audit log, which a backup has a part of.
    pub(crate) fn set_operator_files(&self, files: OperatorFiles) {
        let _ = self.operator_files.set(files);
    }

    async fn answer(
        &self,
        request: Request<WasiBody>,
        scope: &RequestScope,
    ) -> Result<Response<WasiBody>, NodeError> {
        let path = request.uri().path().to_owned();
        let Some(found) = routes::find(&path) else {
            return Err(NodeError::new(
                &NOT_FOUND,
                "there is no such path: GET /openapi.json describes those there are",
            ));
        };
        let Found {
            route,
            id,
            version,
            name,
            rest,
        } = found;
        let operation = route
            .operation(request.method())
            .map_err(|allowed| NodeError::method_not_allowed(&allowed))?;
        scope.set_action(operation.action);
        scope.annotate("http.route", || route.path.into());
        let Some(tenant) = scope.tenant() else {
            tracing::error!(
                request_id = scope.id().as_str(),
                "the policy let the request pass without a decision"
            );
            return Err(NodeError::undecided());
        };
        let call = Call {
            query: operation.query(&request)?,
            request,
            scope,
            tenant,
            id: id.to_owned(),
            version: version.to_owned(),
            name: name.to_owned(),
            rest: rest.to_owned(),
        };
        match operation.endpoint {
            Endpoint::Invoke => self.invoke(call).await,
            // Apart, so that the future of an invocation is not as large as the largest of all.
            endpoint => Box::pin(self.manage(endpoint, call)).await,
        }
    }

    /// Answers what is not an invocation.
    async fn manage(
        &self,
        endpoint: Endpoint,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        match endpoint {
            Endpoint::Deploy => self.deploy(call).await,
            Endpoint::ListFunctions => self.list_functions(call).await,
            Endpoint::ShowFunction => self.show_function(call).await,
            Endpoint::DeleteFunction => self.delete_function(call).await,
            Endpoint::ActivateVersion => self.activate_version(call).await,
            Endpoint::SetTraffic => self.set_traffic(call).await,
            Endpoint::ShowConfig => self.show_config(call).await,
            Endpoint::SetConfig => self.set_config(call).await,
            Endpoint::ShowOutgoingHttp => self.show_outgoing_http(call).await,
            Endpoint::SetOutgoingHttp => self.set_outgoing_http(call).await,
            Endpoint::ListAssets => self.list_assets(call).await,
            Endpoint::PutAsset => self.put_asset(call).await,
            Endpoint::DeleteAsset => self.delete_asset(call).await,
            Endpoint::DeleteAssets => self.delete_assets(call).await,
            Endpoint::SetSecret => self.set_secret(call).await,
            Endpoint::DeleteSecret => self.delete_secret(call).await,
            Endpoint::Logs => self.logs(call).await,
            Endpoint::Invoke => self.invoke(call).await,
            Endpoint::InvokeAsync => self.invoke_async(call).await,
            Endpoint::ListJobs => self.list_jobs(call).await,
            Endpoint::ShowJob => self.show_job(call).await,
            Endpoint::JobResult => self.job_result(call).await,
            Endpoint::CancelJob => self.cancel_job(call).await,
            Endpoint::SaveSnapshot => self.save_snapshot(call).await,
            Endpoint::ListSnapshots => self.list_snapshots(call).await,
            Endpoint::UploadSnapshot => self.upload_snapshot(call).await,
            Endpoint::ShowUpload => self.show_upload(call).await,
            Endpoint::UploadPart => self.upload_part(call).await,
            Endpoint::DownloadSnapshot => self.download_snapshot(call).await,
            Endpoint::RestoreSnapshot => self.restore_snapshot(call).await,
            Endpoint::DeleteSnapshot => self.delete_snapshot(call).await,
            Endpoint::Usage => self.usage(call).await,
            Endpoint::NodeState => self.node_state(call).await,
            Endpoint::ImportNodeState => self.import_node_state(call).await,
            Endpoint::OpenApi => Ok(openapi::response()),
            Endpoint::Healthz => body::json(
                StatusCode::OK,
                &Health {
                    status: "ok",
                    unavailable: Vec::new(),
                },
            ),
            Endpoint::Readyz => self.readyz().await,
            Endpoint::Metrics => self.metrics_page(call),
        }
    }

    async fn readyz(&self) -> Result<Response<WasiBody>, NodeError> {
        let unavailable = match self.readiness.get() {
            Some(readiness) => readiness.unready().await,
            None => vec!["server"],
        };
        let (status, word) = match unavailable.is_empty() {
            true => (StatusCode::OK, "ok"),
            false => (StatusCode::SERVICE_UNAVAILABLE, "unavailable"),
        };
        body::json(
            status,
            &Health {
                status: word,
                unavailable,
            },
        )
    }
}

impl Operation {
    /// The query, where the operation reads it. That of an invocation is the function's.
    fn query(&self, request: &Request<WasiBody>) -> Result<Query, NodeError> {
        if let Endpoint::Invoke | Endpoint::InvokeAsync = self.endpoint {
            return Ok(Query::default());
        }
        let query = request.uri().query();
        let known: Vec<_> = self.query.iter().map(|(name, _)| *name).collect();
        Query::parse(query, &known)
    }
}

impl NextHandler for Api {
    fn refuses(&self, _tenant: u64) -> bool {
        // Each function is granted or refused the device by itself.
        false
    }

    fn imports(&self) -> ChainImports {
        ChainImports::default()
    }

    fn respond(self: Arc<Self>, request: Request<WasiBody>, scope: RequestScope) -> ResponseFuture {
        Box::pin(async move {
            match self.answer(request, &scope).await {
                Ok(response) => Ok(response),
                Err(NodeError {
                    handled: Some(error),
                    ..
                }) => Err(error),
                Err(error) => {
                    scope.set_error_kind(error.word());
                    self.metrics.failed_with(error.kind);
                    Ok(error_response(&error, scope.id()))
                }
            }
        })
    }
}

fn error_response(error: &NodeError, id: &RequestId) -> Response<WasiBody> {
    let kind = error.kind;
    let text = error_body(kind.word, error.message(), error.trap.as_deref(), id);
    let mut response = body::complete(kind.status, text);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(body::JSON));
    if kind.retry {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    let allow = error.allow.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(allow)) = allow {
        headers.insert(ALLOW, allow);
    }
    response
}

//! The routes that deploy functions, show them, and change them.

use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::LOCATION;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use wasmtime_wasi_http::WasiBody;

use super::body::{self, JSON, LONGEST_JSON};
use super::model::{DeployRequest, Function, FunctionList, TrafficRequest};
use super::{Api, Call};
use crate::error::{INVALID_REQUEST, NodeError, UNSUPPORTED_MEDIA_TYPE};
use crate::functions::{Deployment, FunctionName};
use crate::storage::functions;

/// What a component is sent as.
const WASM: &str = "application/wasm";

/// The functions of a page where nothing is said, and at most.
pub(super) const PAGE: u32 = 100;
pub(super) const LARGEST_PAGE: u32 = 1000;

/// The versions that requests are divided among, at most.
const MOST_ACTIVE: usize = 2;

impl Api {
    pub(super) async fn deploy(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        let caller = call.scope.caller().map(|caller| caller.id.clone());
        let (head, body) = call.request.into_parts();
        let (name, deployment) = match body::media_type(&head.headers).as_deref() {
            Some(WASM) => {
                let Some(name) = call.query.get("name") else {
                    return Err(NodeError::new(
                        &INVALID_REQUEST,
                        "name the function: POST /functions?name=NAME",
                    ));
                };
                let name = FunctionName::parse(name)?;
                let place = self.functions.deployment_place(call.tenant)?;
                let mut deployment = self.functions.deploy(call.tenant, place).await?;
                match receive(&mut deployment, body).await {
                    Ok(()) => (name, deployment),
                    Err(error) => {
                        deployment.abort().await;
                        return Err(error);
                    }
                }
            }
            Some(JSON) => {
                if call.query.get("name").is_some() {
                    return Err(NodeError::new(
                        &INVALID_REQUEST,
                        "name the function in the body or in the query, not in both",
                    ));
                }
                let place = self.functions.deployment_place(call.tenant)?;
                let in_memory = self.functions.place_in_memory()?;
                let limit = self.functions.limits().component_bytes;
                // Base64 takes 4 bytes for 3.
                let longest = usize::try_from(limit / 3 * 4).unwrap_or(usize::MAX);
                let longest = longest.saturating_add(LONGEST_JSON);
                let request: DeployRequest = body::read_json(&head.headers, body, longest).await?;
                let name = FunctionName::parse(&request.name)?;
                let component = STANDARD.decode(&request.wasm_b64).map_err(|error| {
                    NodeError::new(
                        &INVALID_REQUEST,
                        format_args!("`wasm_b64` is not base64: {error}"),
                    )
                })?;
                drop(request);
                let mut deployment = self.functions.deploy(call.tenant, place).await?;
                let written = deployment.write(&component).await;
                drop((component, in_memory));
                match written {
                    Ok(()) => (name, deployment),
                    Err(error) => {
                        deployment.abort().await;
                        return Err(error.into());
                    }
                }
            }
            other => {
                return Err(NodeError::new(
                    &UNSUPPORTED_MEDIA_TYPE,
                    format_args!(
                        "send the component with Content-Type: {WASM}, or {JSON} with \
                         {{\"name\", \"wasm_b64\"}}; this is {}",
                        other.unwrap_or("without one")
                    ),
                ));
            }
        };
        let function = deployment.finish(name, caller).await?;
        let mut response = self.whole(StatusCode::CREATED, call.tenant, &function)?;
        let location = format!("/functions/{}", function.id);
        if let Ok(location) = HeaderValue::from_str(&location) {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    }

    pub(super) async fn list_functions(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let limit = call.query.number("limit", (1, LARGEST_PAGE), PAGE)?;
        let after = call.query.get("after").unwrap_or_default();
        // One more than asked for tells whether there is another page.
        let mut found = self.functions.list(call.tenant, after, limit + 1).await?;
        let is_last = found.len() <= limit as usize;
        found.truncate(limit as usize);
        let next = found.last().map(|function| function.name.clone());
        body::json(
            StatusCode::OK,
            &FunctionList {
                functions: found.iter().map(Function::summary).collect(),
                next: next.filter(|_| !is_last),
            },
        )
    }

    pub(super) async fn show_function(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let entry = self.functions.find(call.tenant, &call.id).await?;
        let entry = entry.ok_or_else(|| NodeError::no_function(&call.id))?;
        self.whole(StatusCode::OK, call.tenant, &entry.function)
    }

    pub(super) async fn delete_function(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        match self.functions.delete(call.tenant, &call.id).await? {
            true => Ok(body::complete(StatusCode::NO_CONTENT, "")),
            false => Err(NodeError::no_function(&call.id)),
        }
    }

    pub(super) async fn activate_version(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let version = u32::from_str(&call.version).map_err(|_| {
            NodeError::new(
                &INVALID_REQUEST,
                format_args!("`{}` is not the number of a version", call.version),
            )
        })?;
        let weights = [(version, 100)].into();
        let changed = self.functions.set_traffic(call.tenant, &call.id, &weights);
        let function = changed.await.map_err(|error| named(error, &call.id))?;
        self.whole(StatusCode::OK, call.tenant, &function)
    }

    fn whole(
        &self,
        status: StatusCode,
        tenant: u64,
        function: &functions::Function,
    ) -> Result<Response<WasiBody>, NodeError> {
        let hosts = self.functions.effective_hosts(tenant, function);
        body::json(status, &Function::whole(function, hosts))
    }

    pub(super) async fn set_traffic(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let (head, body) = call.request.into_parts();
        let request: TrafficRequest = body::read_json(&head.headers, body, LONGEST_JSON).await?;
        let weights = request.versions;
        let sum: u32 = weights.values().map(|weight| u32::from(*weight)).sum();
        if sum != 100 || weights.len() > MOST_ACTIVE || weights.values().any(|weight| *weight == 0)
        {
            return Err(NodeError::new(
                &INVALID_REQUEST,
                "`versions` has one or two versions, whose weights are from 1 to 100 and 100 in all",
            ));
        }
        let changed = self.functions.set_traffic(call.tenant, &call.id, &weights);
        let function = changed.await.map_err(|error| named(error, &call.id))?;
        self.whole(StatusCode::OK, call.tenant, &function)
    }
}

pub(super) fn named(error: functions::ChangeError, key: &str) -> NodeError {
    match error {
        functions::ChangeError::NoFunction => NodeError::no_function(key),
        other => other.into(),
    }
}

/// Passes a body on as it comes.
async fn receive(deployment: &mut Deployment, mut body: WasiBody) -> Result<(), NodeError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(body::broken)?;
        if let Some(data) = frame.data_ref() {
            deployment.write(data).await?;
        }
    }
    Ok(())
}

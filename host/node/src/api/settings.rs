//! The routes of a function's settings: values, secrets that are never read back, and the servers
//! that it may send requests to.

use http::{Response, StatusCode};
use wasmtime_wasi_http::WasiBody;

use super::body::{self, LONGEST_JSON};
use super::functions::named;
use super::model::{
    ConfigRequest, FunctionConfig, OutgoingHttp, OutgoingHttpRequest, SecretRequest,
};
use super::{Api, Call};
use crate::error::{HOST_NOT_GRANTED, INVALID_REQUEST, NodeError, SECRET_NOT_FOUND};
use crate::functions::OutgoingError;
use crate::storage::functions::Function;

impl Api {
    pub(super) async fn show_config(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        self.config(call.tenant, &call.id).await
    }

    pub(super) async fn set_config(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        let (tenant, id) = (call.tenant, call.id);
        let (head, body) = call.request.into_parts();
        let request: ConfigRequest = body::read_json(&head.headers, body, LONGEST_JSON).await?;
        let set = self
            .functions
            .set_values(tenant, &id, &request.values)
            .await;
        let set = set.map_err(|error| named(error, &id))?;
        set.map_err(|error| NodeError::new(&INVALID_REQUEST, error))?;
        self.config(tenant, &id).await
    }

    pub(super) async fn set_secret(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        let (tenant, id, name) = (call.tenant, call.id, call.name);
        let (head, body) = call.request.into_parts();
        let request: SecretRequest = body::read_json(&head.headers, body, LONGEST_JSON).await?;
        let set = self
            .functions
            .set_secret(tenant, &id, &name, &request.value);
        let set = set.await.map_err(|error| named(error, &id))?;
        set.map_err(|error| NodeError::new(&INVALID_REQUEST, error))?;
        Ok(body::complete(StatusCode::NO_CONTENT, ""))
    }

    pub(super) async fn delete_secret(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let removed = self
            .functions
            .remove_secret(call.tenant, &call.id, &call.name);
        match removed.await.map_err(|error| named(error, &call.id))? {
            true => Ok(body::complete(StatusCode::NO_CONTENT, "")),
            false => Err(NodeError::new(
                &SECRET_NOT_FOUND,
                format_args!("the function has no secret `{}`", call.name),
            )),
        }
    }

    pub(super) async fn show_outgoing_http(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let entry = self.functions.find(call.tenant, &call.id).await?;
        let entry = entry.ok_or_else(|| NodeError::no_function(&call.id))?;
        self.outgoing_http(call.tenant, &entry.function)
    }

    pub(super) async fn set_outgoing_http(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let (tenant, id) = (call.tenant, call.id);
        let (head, body) = call.request.into_parts();
        let request: OutgoingHttpRequest =
            body::read_json(&head.headers, body, LONGEST_JSON).await?;
        let hosts = request.hosts.as_deref();
        let set = self.functions.set_outgoing_hosts(tenant, &id, hosts).await;
        let set = set.map_err(|error| named(error, &id))?;
        let function = set.map_err(|error| match &error {
            OutgoingError::NotGranted { .. } => NodeError::new(&HOST_NOT_GRANTED, error),
            _ => NodeError::new(&INVALID_REQUEST, error),
        })?;
        self.outgoing_http(tenant, &function)
    }

    fn outgoing_http(
        &self,
        tenant: u64,
        function: &Function,
    ) -> Result<Response<WasiBody>, NodeError> {
        body::json(
            StatusCode::OK,
            &OutgoingHttp {
                hosts: function.outgoing_hosts.clone(),
                granted: self.functions.granted_hosts(tenant),
            },
        )
    }

    async fn config(&self, tenant: u64, id: &str) -> Result<Response<WasiBody>, NodeError> {
        let entry = self.functions.find(tenant, id).await?;
        let entry = entry.ok_or_else(|| NodeError::no_function(id))?;
        let visible = self.functions.settings(&entry.function.id).await?;
        body::json(
            StatusCode::OK,
            &FunctionConfig {
                values: visible.values,
                secrets: visible.secrets,
            },
        )
    }
}

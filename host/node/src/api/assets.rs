//! The routes of a function's assets: files that are staged for its next version.

use http::{Response, StatusCode};
use http_body_util::BodyExt;
use wasmtime_wasi_http::WasiBody;

use super::body;
use super::model::{Asset, AssetList};
use super::{Api, Call};
use crate::error::{INVALID_REQUEST, NodeError};
use crate::functions::{AssetError, AssetPath, AssetUpload};

impl Api {
    pub(super) async fn list_assets(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let version = match call.query.get("version") {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| {
                NodeError::new(&INVALID_REQUEST, "`version` is the number of a version")
            })?),
        };
        let assets = self.functions.assets(call.tenant, &call.id, version).await;
        let assets = assets.map_err(|error| named(error, &call.id))?;
        body::json(StatusCode::OK, &AssetList::of(version, &assets))
    }

    pub(super) async fn put_asset(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        let named = |error| named(error, &call.id);
        let path = AssetPath::of_target(&call.rest).map_err(|error| named(error.into()))?;
        let place = self.functions.deployment_place(call.tenant)?;
        let upload = self
            .functions
            .upload_asset(call.tenant, &call.id, path.clone(), place);
        let mut upload = upload.await.map_err(named)?;
        if let Err(error) = receive(&mut upload, call.request.into_body()).await {
            upload.abort().await;
            return Err(error);
        }
        let asset = upload.finish().await.map_err(named)?;
        body::json(StatusCode::OK, &Asset::of(path.as_str(), &asset))
    }

    pub(super) async fn delete_asset(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let named = |error| named(error, &call.id);
        let path = AssetPath::of_target(&call.rest).map_err(|error| named(error.into()))?;
        let removed = self.functions.remove_asset(call.tenant, &call.id, &path);
        removed.await.map_err(named)?;
        Ok(body::complete(StatusCode::NO_CONTENT, ""))
    }

    pub(super) async fn delete_assets(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let removed = self.functions.remove_assets(call.tenant, &call.id).await;
        removed.map_err(|error| named(error, &call.id))?;
        Ok(body::complete(StatusCode::NO_CONTENT, ""))
    }
}

fn named(error: AssetError, key: &str) -> NodeError {
    match error {
        AssetError::NoFunction => NodeError::no_function(key),
        other => other.into(),
    }
}

/// Passes a body on as it comes.
async fn receive(upload: &mut AssetUpload, mut body: WasiBody) -> Result<(), NodeError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(body::broken)?;
        if let Some(data) = frame.data_ref() {
            upload.write(data).await?;
        }
    }
    Ok(())
}

//! The routes of snapshots: a function is saved, downloaded, uploaded elsewhere, and restored.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt;
use http::header::{
    ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderMap, LOCATION, RANGE,
};
use http::{HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde::de::DeserializeOwned;
use tensor_wasm_snapshot::SecretsKey;
use wasmtime_wasi_http::{Error, WasiBody};
use zeroize::Zeroizing;

use super::body::{self, LONGEST_JSON};
use super::functions::{LARGEST_PAGE, PAGE};
use super::model::{
    Function, RestoreRequest, RestoredFunction, SaveRequest, SavedSnapshot, Snapshot, SnapshotList,
};
use super::{Api, Call, model};
use crate::error::{
    INVALID_REQUEST, NodeError, OPERATOR_ONLY, RANGE_NOT_SATISFIABLE, UNSUPPORTED_MEDIA_TYPE,
};
use crate::functions::{
    FunctionName, RestoreOptions, RestoreTarget, SaveOptions, Saved, SnapshotPart,
    SnapshotProgress, SnapshotUpload,
};

/// What a snapshot is sent as.
pub(super) const SNAPSHOT: &str = "application/vnd.tensor-wasm.snapshot";

/// The longest name of an upload, in bytes.
const LONGEST_UPLOAD_NAME: usize = 64;

impl Api {
    pub(super) async fn save_snapshot(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let created_by = call.scope.caller().map(|caller| caller.id.clone());
        let (head, body) = call.request.into_parts();
        let request: SaveRequest = read(&head.headers, body).await?;
        let options = SaveOptions {
            secrets_key: secrets_key(request.secrets_key)?,
            created_by,
        };
        let place = self.functions.deployment_place(call.tenant)?;
        let saving = self
            .functions
            .save_snapshot(call.tenant, &call.id, options, place);
        let saved = saving.await.map_err(|error| match error {
            crate::functions::SnapshotError::NoFunction => NodeError::no_function(&call.id),
            error => error.into(),
        })?;
        created(&saved)
    }

    pub(super) async fn list_snapshots(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let limit = call.query.number("limit", (1, LARGEST_PAGE), PAGE)?;
        let function = call.query.get("function");
        let after = call.query.get("after");
        // One more than asked for tells whether there is another page.
        let found = self
            .functions
            .snapshots(call.tenant, function, after, limit + 1);
        let mut found = found.await?;
        let is_last = found.len() <= limit as usize;
        found.truncate(limit as usize);
        let next = found.last().map(|snapshot| snapshot.id.clone());
        body::json(
            StatusCode::OK,
            &SnapshotList {
                snapshots: found.iter().map(Snapshot::of).collect(),
                next: next.filter(|_| !is_last),
            },
        )
    }

    pub(super) async fn upload_snapshot(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let created_by = call.scope.caller().map(|caller| caller.id.clone());
        let (head, body) = call.request.into_parts();
        expect_snapshot(&head.headers)?;
        let place = self.functions.deployment_place(call.tenant)?;
        let mut upload = self.functions.upload_snapshot(call.tenant, place);
        if let Err(error) = receive(&mut upload, body).await {
            upload.abort().await;
            return Err(error);
        }
        created(&upload.finish(created_by).await?)
    }

    pub(super) async fn show_upload(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let offset = self.functions.arrived(call.tenant, &call.id).await?;
        body::json(StatusCode::OK, &model::SnapshotUpload { offset })
    }

    pub(super) async fn upload_part(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let created_by = call.scope.caller().map(|caller| caller.id.clone());
        let offset = match call.query.get("offset") {
            None => 0,
            Some(text) => text.parse().map_err(|_| {
                NodeError::new(&INVALID_REQUEST, "`offset` is the number of a byte")
            })?,
        };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if call.id.len() > LONGEST_UPLOAD_NAME || !call.id.bytes().all(is_name) {
            return Err(NodeError::new(
                &INVALID_REQUEST,
                format_args!(
                    "an upload is named by up to {LONGEST_UPLOAD_NAME} letters, digits, - and _"
                ),
            ));
        }
        let (head, mut body) = call.request.into_parts();
        expect_snapshot(&head.headers)?;
        let place = || Ok(self.functions.deployment_place(call.tenant)?);
        let part = self
            .functions
            .snapshot_part(call.tenant, &call.id, offset, place);
        let mut part: SnapshotPart = part.await?;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(body::broken)?;
            if let Ok(data) = frame.into_data() {
                part = part.write(data).await?;
            }
        }
        match part.finish(created_by).await? {
            SnapshotProgress::More(offset) => {
                body::json(StatusCode::OK, &model::SnapshotUpload { offset })
            }
            SnapshotProgress::Whole(saved) => created(&saved),
        }
    }

    /// The file, or what of it follows the byte that `Range` names.
    pub(super) async fn download_snapshot(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let download = self
            .functions
            .download_snapshot(call.tenant, &call.id)
            .await?;
        let length = download.file_bytes;
        let offset = offset(call.request.headers());
        if offset.is_some_and(|offset| offset >= length) {
            return Err(NodeError::new(
                &RANGE_NOT_SATISFIABLE,
                format_args!("the snapshot has {length} bytes"),
            ));
        }
        let from = offset.unwrap_or(0);
        let frames = download.bytes_from(from).map(|part| match part {
            Ok(bytes) => Ok(Frame::data(bytes)),
            // The log says why.
            Err(_) => Err(Error::ConnectionTerminated),
        });
        let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(SNAPSHOT));
        headers.insert(CONTENT_LENGTH, (length - from).into());
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if offset.is_some() {
            let range = format!("bytes {from}-{}/{length}", length - 1);
            if let Ok(range) = HeaderValue::from_str(&range) {
                headers.insert(CONTENT_RANGE, range);
            }
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        Ok(response)
    }

    pub(super) async fn restore_snapshot(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let created_by = call.scope.caller().map(|caller| caller.id.clone());
        let is_operator = self.is_operator(&call);
        let (head, body) = call.request.into_parts();
        let request: RestoreRequest = read(&head.headers, body).await?;
        if request.keep_id && !is_operator {
            return Err(NodeError::new(
                &OPERATOR_ONLY,
                "`keep_id` is for tokens that are valid for all tenants: ids are those of all",
            ));
        }
        let target = match (request.name, request.over) {
            (None, None) => RestoreTarget::AsItWas,
            (Some(name), None) => RestoreTarget::New(FunctionName::parse(&name)?),
            (None, Some(key)) => RestoreTarget::Over(key),
            (Some(_), Some(_)) => {
                return Err(NodeError::new(
                    &INVALID_REQUEST,
                    "give the `name` of a new function, or the one that it is restored `over`, not \
                     both",
                ));
            }
        };
        let is_new = !matches!(target, RestoreTarget::Over(_));
        let options = RestoreOptions {
            target,
            secrets_key: secrets_key(request.secrets_key)?,
            jobs: request.jobs.then(|| self.jobs.limits().of_each_tenant),
            keep_id: request.keep_id,
            created_by,
        };
        let place = self.functions.deployment_place(call.tenant)?;
        let restoring = self
            .functions
            .restore_snapshot(call.tenant, &call.id, options, place);
        let restored = restoring.await?;
        if restored.jobs > 0 {
            self.jobs.added(call.tenant);
        }
        let hosts = self
            .functions
            .effective_hosts(call.tenant, &restored.function);
        let id = restored.function.id.clone();
        let function = Function::whole(&restored.function, hosts);
        let status = match is_new {
            true => StatusCode::CREATED,
            false => StatusCode::OK,
        };
        let mut response = body::json(status, &RestoredFunction::of(function, restored))?;
        if let Ok(location) = HeaderValue::from_str(&format!("/functions/{id}")) {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    }

    pub(super) async fn delete_snapshot(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        self.functions
            .delete_snapshot(call.tenant, &call.id)
            .await?;
        Ok(body::complete(StatusCode::NO_CONTENT, ""))
    }
}

/// What a request asks for, where it has a body; else what is asked for where nothing is said.
async fn read<T: DeserializeOwned + Default>(
    headers: &HeaderMap,
    body: WasiBody,
) -> Result<T, NodeError> {
    match headers.contains_key(CONTENT_TYPE) {
        true => body::read_json(headers, body, LONGEST_JSON).await,
        false => Ok(T::default()),
    }
}

fn secrets_key(text: Option<String>) -> Result<Option<SecretsKey>, NodeError> {
    let Some(text) = text.map(Zeroizing::new) else {
        return Ok(None);
    };
    let key = STANDARD.decode(text.trim()).map(Zeroizing::new);
    let key = key.map_err(|error| {
        NodeError::new(
            &INVALID_REQUEST,
            format_args!("`secrets_key` is not base64: {error}"),
        )
    })?;
    let key = SecretsKey::new(&key);
    key.map(Some)
        .map_err(|error| NodeError::new(&INVALID_REQUEST, error))
}

pub(super) fn expect_snapshot(headers: &HeaderMap) -> Result<(), NodeError> {
    match body::media_type(headers).as_deref() {
        Some(SNAPSHOT) => Ok(()),
        _ => Err(NodeError::new(
            &UNSUPPORTED_MEDIA_TYPE,
            format_args!("send the snapshot with Content-Type: {SNAPSHOT}"),
        )),
    }
}

/// Passes a body on as it comes.
async fn receive(upload: &mut SnapshotUpload, mut body: WasiBody) -> Result<(), NodeError> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(body::broken)?;
        if let Some(data) = frame.data_ref() {
            upload.write(data).await?;
        }
    }
    Ok(())
}

fn created(saved: &Saved) -> Result<Response<WasiBody>, NodeError> {
    let mut response = body::json(StatusCode::CREATED, &SavedSnapshot::of(saved))?;
    let location = format!("/snapshots/{}", saved.snapshot.id);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

/// The byte from which on the rest is asked for. Other ranges are ignored, as RFC 9110 allows
/// (section 14.2).
fn offset(headers: &HeaderMap) -> Option<u64> {
    let range = headers.get(RANGE)?.to_str().ok()?;
    range
        .strip_prefix("bytes=")?
        .strip_suffix('-')?
        .parse()
        .ok()
}

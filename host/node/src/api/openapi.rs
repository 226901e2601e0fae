//! The OpenAPI 3.1 document of the API, made of the table of routes, the table of errors and
//! the types that are sent.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ComponentsBuilder, KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{
    Content, HttpMethod, InfoBuilder, OpenApiBuilder, Paths, Ref, RefOr, Required, Schema,
};
use utoipa::{PartialSchema, ToSchema};
use wasmtime_wasi_http::WasiBody;

use super::body::{self, JSON};
use super::functions::LARGEST_PAGE;
use super::model::{
    Asset, AssetList, ConfigRequest, DeployRequest, ErrorDetail, ErrorResponse, Function,
    FunctionConfig, FunctionList, Health, ImportedState, Imports, Job, JobError, JobId, JobList,
    LogLine, LogPage, OutgoingHttp, OutgoingHttpRequest, RestoreRequest, RestoredFunction,
    SaveRequest, SavedSnapshot, SecretRequest, Snapshot, SnapshotList, SnapshotUpload,
    TrafficRequest, UsageList, UsageRecord, Version,
};
use super::routes::{COMMON_ERRORS, Endpoint, Methods, Operation, ROUTES};
use super::snapshots::SNAPSHOT;
use crate::error::ErrorKind;
use crate::storage::jobs::JobState;

/// What the name of a function matches (ECMA-262).
const NAME_PATTERN: &str = "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$";

/// The document as a response.
pub(super) fn response() -> Response<WasiBody> {
    static TEXT: OnceLock<Bytes> = OnceLock::new();
    let text = TEXT.get_or_init(|| Bytes::from(document()));
    let mut response = body::complete(StatusCode::OK, text.clone());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    response
}

/// The document as JSON.
pub(crate) fn document() -> String {
    let mut paths = Paths::new();
    for route in ROUTES {
        for operation in route.operations {
            let path = route.path.replace("{*path}", "{path}");
            for method in operation.methods.documented() {
                paths.add_path_operation(
                    &path,
                    vec![method.clone()],
                    described(operation, &path, &method),
                );
            }
        }
    }
    let info = InfoBuilder::new()
        .title("TensorWasm node")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Functions of tenants: WebAssembly components that use a GPU as a capability. A \
             policy stands in front of each route and decides who may call; the tenant of a \
             request is the policy's decision, or the header X-TensorWasm-Tenant among those \
             that the token is valid for.",
        ))
        .build();
    let components = ComponentsBuilder::new()
        .schema_from::<Function>()
        .schema_from::<FunctionList>()
        .schema_from::<Imports>()
        .schema_from::<Version>()
        .schema_from::<DeployRequest>()
        .schema_from::<TrafficRequest>()
        .schema_from::<Health>()
        .schema_from::<FunctionConfig>()
        .schema_from::<LogLine>()
        .schema_from::<LogPage>()
        .schema_from::<UsageList>()
        .schema_from::<UsageRecord>()
        .schema_from::<ConfigRequest>()
        .schema_from::<Asset>()
        .schema_from::<AssetList>()
        .schema_from::<OutgoingHttp>()
        .schema_from::<OutgoingHttpRequest>()
        .schema_from::<SecretRequest>()
        .schema_from::<Snapshot>()
        .schema_from::<SnapshotList>()
        .schema_from::<SaveRequest>()
        .schema_from::<SavedSnapshot>()
        .schema_from::<SnapshotUpload>()
        .schema_from::<RestoreRequest>()
        .schema_from::<RestoredFunction>()
        .schema_from::<ImportedState>()
        .schema_from::<Job>()
        .schema_from::<JobId>()
        .schema_from::<JobList>()
        .schema_from::<JobError>()
        .schema_from::<ErrorResponse>()
        .schema_from::<ErrorDetail>()
        .build();
    let document = OpenApiBuilder::new()
        .info(info)
        .paths(paths)
        .components(Some(components))
        .build();
    document.to_pretty_json().unwrap_or_default()
}

impl Methods {
    fn documented(&self) -> Vec<HttpMethod> {
        match self {
            Methods::Get => vec![HttpMethod::Get],
            Methods::Post => vec![HttpMethod::Post],
            Methods::Put => vec![HttpMethod::Put],
            Methods::Delete => vec![HttpMethod::Delete],
            Methods::Any => vec![
                HttpMethod::Get,
                HttpMethod::Post,
                HttpMethod::Put,
                HttpMethod::Patch,
                HttpMethod::Delete,
                HttpMethod::Options,
            ],
        }
    }
}

fn described(
    operation: &Operation,
    path: &str,
    method: &HttpMethod,
) -> utoipa::openapi::path::Operation {
    let method = serde_json::to_value(method).unwrap_or_default();
    let method = method.as_str().unwrap_or_default();
    let place = path.replace(['/', '{', '}'], "_");
    let id = format!("{:?}_{method}{place}", operation.endpoint);
    let mut built = OperationBuilder::new()
        .operation_id(Some(id))
        .summary(Some(operation.summary));
    for (name, meaning) in [
        (
            "id",
            "The id or name of a function, the id of a job or snapshot, or the name of an upload.",
        ),
        ("version", "The number of a version."),
        ("name", "The name of a setting."),
        (
            "path",
            "The path that the function sees, without its first slash; of an asset the path below \
             /assets.",
        ),
    ] {
        if path.contains(&format!("{{{name}}}")) {
            built = built.parameter(
                ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Path)
                    .required(Required::True)
                    .description(Some(meaning))
                    .schema(Some(match name {
                        "version" => number(1, u32::MAX),
                        _ => String::schema(),
                    })),
            );
        }
    }
    for (name, meaning) in operation.query {
        let schema = match *name {
            "limit" => number(1, LARGEST_PAGE),
            "version" => number(1, u32::MAX),
            "state" => words(&JobState::ALL.map(JobState::word)),
            "name" => name_of_a_function(),
            _ => String::schema(),
        };
        built = built.parameter(
            ParameterBuilder::new()
                .name(*name)
                .parameter_in(ParameterIn::Query)
                .required(Required::False)
                .description(Some(*meaning))
                .schema(Some(schema)),
        );
    }
    if let Some(body) = request_body(operation.endpoint) {
        built = built.request_body(Some(body));
    }
    let (status, meaning, content) = success(operation.endpoint);
    let mut success = ResponseBuilder::new().description(meaning);
    if let Some(schema) = content {
        success = success.content(media_type(operation.endpoint), Content::new(Some(schema)));
    }
    built = built.response(status, success);
    for (status, meaning) in errors(operation) {
        let schema = reference::<ErrorResponse>();
        built = built.response(
            status,
            ResponseBuilder::new()
                .description(meaning)
                .content(JSON, Content::new(Some(schema))),
        );
    }
    built.build()
}

/// The errors by status: several kinds can have one.
fn errors(operation: &Operation) -> BTreeMap<String, String> {
    let mut errors: BTreeMap<String, String> = BTreeMap::new();
    let own = operation.errors.iter().chain(COMMON_ERRORS);
    for ErrorKind {
        word,
        status,
        meaning,
        ..
    } in own
    {
        let text = errors.entry(status.as_u16().to_string()).or_default();
        if !text.is_empty() {
            *text += " ";
        }
        *text += &format!("`{word}`: {meaning}");
    }
    errors
}

fn request_body(endpoint: Endpoint) -> Option<utoipa::openapi::request_body::RequestBody> {
    let body = RequestBodyBuilder::new().required(Some(Required::True));
    Some(match endpoint {
        Endpoint::Deploy => body
            .content("application/wasm", Content::new(Some(bytes())))
            .content(JSON, Content::new(Some(reference::<DeployRequest>())))
            .build(),
        Endpoint::SetTraffic => body
            .content(JSON, Content::new(Some(reference::<TrafficRequest>())))
            .build(),
        Endpoint::SetConfig => body
            .content(JSON, Content::new(Some(reference::<ConfigRequest>())))
            .build(),
        Endpoint::SetOutgoingHttp => body
            .content(JSON, Content::new(Some(reference::<OutgoingHttpRequest>())))
            .build(),
        Endpoint::PutAsset => body
            .content("application/octet-stream", Content::new(Some(bytes())))
            .build(),
        Endpoint::SetSecret => body
            .content(JSON, Content::new(Some(reference::<SecretRequest>())))
            .build(),
        Endpoint::SaveSnapshot => body
            .required(Some(Required::False))
            .content(JSON, Content::new(Some(reference::<SaveRequest>())))
            .build(),
        Endpoint::UploadSnapshot | Endpoint::UploadPart | Endpoint::ImportNodeState => {
            body.content(SNAPSHOT, Content::new(Some(bytes()))).build()
        }
        Endpoint::RestoreSnapshot => body
            .required(Some(Required::False))
            .content(JSON, Content::new(Some(reference::<RestoreRequest>())))
            .build(),
        _ => return None,
    })
}

/// Status, meaning and body of a success.
fn success(endpoint: Endpoint) -> (&'static str, &'static str, Option<RefOr<Schema>>) {
    match endpoint {
        Endpoint::Deploy => (
            "201",
            "The function with its new version, where `Location` is.",
            Some(reference::<Function>()),
        ),
        Endpoint::ListFunctions => ("200", "A page.", Some(reference::<FunctionList>())),
        Endpoint::ShowFunction => ("200", "The function.", Some(reference::<Function>())),
        Endpoint::ActivateVersion | Endpoint::SetTraffic => (
            "200",
            "The function as it is from now on.",
            Some(reference::<Function>()),
        ),
        Endpoint::DeleteFunction
        | Endpoint::DeleteSecret
        | Endpoint::DeleteAsset
        | Endpoint::DeleteSnapshot
        | Endpoint::DeleteAssets => ("204", "It is deleted.", None),
        Endpoint::ListAssets => ("200", "The assets.", Some(reference::<AssetList>())),
        Endpoint::PutAsset => ("200", "It is staged.", Some(reference::<Asset>())),
        Endpoint::SetSecret => ("204", "It is set.", None),
        Endpoint::ShowConfig | Endpoint::SetConfig => (
            "200",
            "The settings as they are from now on.",
            Some(reference::<FunctionConfig>()),
        ),
        Endpoint::ShowOutgoingHttp | Endpoint::SetOutgoingHttp => (
            "200",
            "The servers as they are from now on.",
            Some(reference::<OutgoingHttp>()),
        ),
        Endpoint::Invoke | Endpoint::JobResult => ("default", "What the function answers.", None),
        Endpoint::InvokeAsync => (
            "202",
            "The job, where `Location` is.",
            Some(reference::<JobId>()),
        ),
        Endpoint::SaveSnapshot | Endpoint::UploadSnapshot => (
            "201",
            "The snapshot, where `Location` is.",
            Some(reference::<SavedSnapshot>()),
        ),
        Endpoint::ShowUpload => (
            "200",
            "Where the next part begins.",
            Some(reference::<SnapshotUpload>()),
        ),
        Endpoint::UploadPart => (
            "200",
            "Where the next part begins; 201 with the snapshot where it is whole.",
            Some(reference::<SnapshotUpload>()),
        ),
        Endpoint::ListSnapshots => ("200", "A page.", Some(reference::<SnapshotList>())),
        Endpoint::DownloadSnapshot | Endpoint::NodeState => ("200", "The file.", Some(bytes())),
        Endpoint::ImportNodeState => (
            "200",
            "How much was added.",
            Some(reference::<ImportedState>()),
        ),
        Endpoint::RestoreSnapshot => (
            "201",
            "The new function, where `Location` is; 200 where it was restored over one.",
            Some(reference::<RestoredFunction>()),
        ),
        Endpoint::Usage => ("200", "The records.", Some(reference::<UsageList>())),
        Endpoint::Logs => ("200", "The lines.", Some(reference::<LogPage>())),
        Endpoint::ListJobs => ("200", "A page.", Some(reference::<JobList>())),
        Endpoint::ShowJob | Endpoint::CancelJob => ("200", "The job.", Some(reference::<Job>())),
        Endpoint::OpenApi => ("200", "The document.", Some(any())),
        Endpoint::Healthz | Endpoint::Readyz => ("200", "It is so.", Some(reference::<Health>())),
        Endpoint::Metrics => (
            "200",
            "The page, in the format that the client prefers: that of Prometheus, or OpenMetrics.",
            Some(String::schema()),
        ),
    }
}

/// The type of the body of a success.
fn media_type(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::Metrics => "text/plain",
        Endpoint::DownloadSnapshot | Endpoint::NodeState => SNAPSHOT,
        _ => JSON,
    }
}

fn reference<T: ToSchema>() -> RefOr<Schema> {
    RefOr::Ref(Ref::from_schema_name(T::name()))
}

fn bytes() -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
    RefOr::T(Schema::Object(object.build()))
}

fn number(least: u32, most: u32) -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .minimum(Some(least))
        .maximum(Some(most));
    RefOr::T(Schema::Object(object.build()))
}

fn words(words: &[&str]) -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(words.iter().copied()));
    RefOr::T(Schema::Object(object.build()))
}

fn name_of_a_function() -> RefOr<Schema> {
    let object = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(NAME_PATTERN));
    RefOr::T(Schema::Object(object.build()))
}

fn any() -> RefOr<Schema> {
    RefOr::T(Schema::Object(
        ObjectBuilder::new().schema_type(Type::Object).build(),
    ))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_document_has_every_route_and_its_references_lead_somewhere() {
        let text = document();
        let document: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        for route in ROUTES {
            let path = route.path.replace("{*path}", "{path}");
            assert!(document["paths"][&path].is_object(), "{path}");
        }
        for reference in text.split("\"$ref\": \"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer}");
        }
    }

    #[test]
    fn operations_have_ids_of_their_own() {
        let document: serde_json::Value = serde_json::from_str(&document()).unwrap();
        let mut ids = Vec::new();
        for path in document["paths"].as_object().unwrap().values() {
            for operation in path.as_object().unwrap().values() {
                ids.push(operation["operationId"].as_str().unwrap().to_owned());
            }
        }
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all);
    }
}

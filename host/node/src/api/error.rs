//! The errors of the API: kinds, each with its status, in one table, and the response that
//! tells one.

use std::fmt;

use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use tensor_wasm_runtime::server::{HandleError, RequestId, error_body};
use wasmtime_wasi_http::WasiBody;

use super::body;
use crate::functions::{DeployError, InvalidName, InvokeError, trap_name};
use crate::storage::StorageError;
use crate::storage::functions::ChangeError;

/// What went wrong, by the word that a client's code may act on. Stable.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ErrorKind {
    pub(super) word: &'static str,
    pub(super) status: StatusCode,
    /// For the documentation.
    pub(super) meaning: &'static str,
    /// Whether the same request may succeed later.
    pub(super) retry: bool,
}

macro_rules! kinds {
    ($($name:ident = $status:ident $word:literal $retry:literal $meaning:literal;)*) => {
        $(pub(super) const $name: ErrorKind = ErrorKind {
            word: $word,
            status: StatusCode::$status,
            meaning: $meaning,
            retry: $retry,
        };)*

        /// All kinds, by status.
        pub(super) const KINDS: &[&ErrorKind] = &[$(&$name),*];
    };
}

kinds! {
    INVALID_REQUEST = BAD_REQUEST "invalid_request" false
        "The query, a header or the body is not what the route takes.";
    INVALID_NAME = BAD_REQUEST "invalid_name" false
        "The text can't be the name of a function.";
    GPU_REFUSED = FORBIDDEN "gpu_refused" false
        "The component imports `tensor:gpu`, which the operator refuses to the tenant.";
    NOT_FOUND = NOT_FOUND "not_found" false
        "The API has no such path.";
    FUNCTION_NOT_FOUND = NOT_FOUND "function_not_found" false
        "The tenant has no function of this id or name.";
    VERSION_NOT_FOUND = NOT_FOUND "version_not_found" false
        "The function has no version of this number.";
    METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED "method_not_allowed" false
        "The path does not have this method; the header `Allow` lists those that it has.";
    BODY_TOO_LARGE = PAYLOAD_TOO_LARGE "body_too_large" false
        "The body is longer than the route takes.";
    UNSUPPORTED_MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" false
        "The route does not take bodies of this `Content-Type`.";
    INVALID_COMPONENT = UNPROCESSABLE_ENTITY "invalid_component" false
        "The component can't be served: it is damaged, imports what the host does not have, or \
         exports no HTTP handler.";
    TENANT_CAPACITY_EXHAUSTED = TOO_MANY_REQUESTS "tenant_capacity_exhausted" true
        "The tenant has as much as it may have at one time.";
    INTERNAL = INTERNAL_SERVER_ERROR "internal" false
        "The node failed; its log holds the cause under the request id.";
    GUEST_TRAP = BAD_GATEWAY "guest_trap" false
        "The function trapped or exited; `trap` names the trap, where there is one.";
    GUEST_NO_RESPONSE = BAD_GATEWAY "guest_no_response" false
        "The function returned without a response that can be sent.";
    CAPACITY_EXHAUSTED = SERVICE_UNAVAILABLE "capacity_exhausted" true
        "The node has as many instances as it can have at one time.";
    STORAGE_UNAVAILABLE = SERVICE_UNAVAILABLE "storage_unavailable" true
        "The database or the store of components does not answer.";
    INVOKE_TIMEOUT = GATEWAY_TIMEOUT "invoke_timeout" false
        "The function gave no response within the request timeout.";
    STORAGE_FULL = INSUFFICIENT_STORAGE "storage_full" false
        "The disk of the node is full: nothing can be deployed, and functions go on.";
}

/// An error on its way to the client.
#[derive(Debug)]
pub(super) struct ApiError {
    kind: &'static ErrorKind,
    message: String,
    /// What trapped.
    trap: Option<String>,
    /// The methods that the path has.
    allow: Option<HeaderValue>,
    /// Where the server's own error tells it better.
    pub(super) handled: Option<HandleError>,
}

impl ApiError {
    pub(super) fn new(kind: &'static ErrorKind, message: impl fmt::Display) -> ApiError {
        ApiError {
            kind,
            message: message.to_string(),
            trap: None,
            allow: None,
            handled: None,
        }
    }

    pub(super) fn method_not_allowed(allowed: &str) -> ApiError {
        ApiError {
            allow: HeaderValue::from_str(allowed).ok(),
            ..ApiError::new(
                &METHOD_NOT_ALLOWED,
                format_args!("this path has the methods {allowed}"),
            )
        }
    }

    pub(super) fn no_function(key: &str) -> ApiError {
        ApiError::new(
            &FUNCTION_NOT_FOUND,
            format_args!("there is no function `{key}`: GET /functions lists those there are"),
        )
    }

    /// The kind's word.
    pub(super) fn word(&self) -> &'static str {
        self.kind.word
    }

    pub(super) fn response(self, id: &RequestId) -> Response<WasiBody> {
        let text = error_body(self.kind.word, &self.message, self.trap.as_deref(), id);
        let mut response = body::complete(self.kind.status, text);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if self.kind.retry {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

impl From<StorageError> for ApiError {
    fn from(error: StorageError) -> ApiError {
        if let StorageError::Full = error {
            return ApiError::new(
                &STORAGE_FULL,
                "the disk of the node is full: free space on it, or ask its operator to",
            );
        }
        let mut causes = error.to_string();
        let mut cause = std::error::Error::source(&error);
        while let Some(error) = cause {
            causes += &format!(": {error}");
            cause = error.source();
        }
        tracing::error!("storage: {causes}");
        ApiError::new(
            &STORAGE_UNAVAILABLE,
            "the node can't read or write what it keeps: retry later; its log holds the cause",
        )
    }
}

impl From<ChangeError> for ApiError {
    fn from(error: ChangeError) -> ApiError {
        match error {
            ChangeError::NoFunction => {
                ApiError::new(&FUNCTION_NOT_FOUND, "there is no such function")
            }
            ChangeError::NoVersion(number) => ApiError::new(
                &VERSION_NOT_FOUND,
                format_args!("the function has no version {number}"),
            ),
            ChangeError::TooMany { limit } => ApiError::too_many_functions(limit),
            ChangeError::Storage(error) => error.into(),
        }
    }
}

impl From<DeployError> for ApiError {
    fn from(error: DeployError) -> ApiError {
        match error {
            DeployError::TooLarge { limit } => ApiError::new(
                &BODY_TOO_LARGE,
                format_args!("the component is longer than the {limit} bytes that this node takes"),
            ),
            DeployError::Component(error) => ApiError::component(&error),
            DeployError::TooMany { limit } => ApiError::too_many_functions(limit),
            DeployError::Storage(error) => error.into(),
            DeployError::Internal => ApiError::internal(),
        }
    }
}

impl From<InvalidName> for ApiError {
    fn from(error: InvalidName) -> ApiError {
        ApiError::new(&INVALID_NAME, error)
    }
}

impl From<InvokeError> for ApiError {
    fn from(error: InvokeError) -> ApiError {
        let failure = match error {
            InvokeError::NoPlace { limit } => {
                return ApiError::new(
                    &TENANT_CAPACITY_EXHAUSTED,
                    format_args!(
                        "this tenant has {limit} requests running, as many as it may: retry when \
                         one has ended"
                    ),
                );
            }
            InvokeError::Component(error) => return ApiError::component(&error),
            InvokeError::Storage(error) => return error.into(),
            InvokeError::Internal => return ApiError::internal(),
            InvokeError::Failed(failure) => failure,
        };
        let message = failure.error;
        match failure.error {
            HandleError::TimedOut => ApiError::new(
                &INVOKE_TIMEOUT,
                "the function gave no response within the request timeout",
            ),
            HandleError::Overloaded => ApiError::new(
                &CAPACITY_EXHAUSTED,
                "the node has as many instances as it can have: retry after a second",
            ),
            HandleError::Trapped => {
                let trap = failure.trap.map(trap_name);
                let text = match &trap {
                    Some(trap) => format!("the function trapped: {trap}"),
                    None => "the function exited without a response".to_owned(),
                };
                ApiError {
                    trap,
                    ..ApiError::new(&GUEST_TRAP, text)
                }
            }
            HandleError::NoResponse | HandleError::InvalidStatus { .. } => {
                ApiError::new(&GUEST_NO_RESPONSE, message)
            }
            HandleError::GpuRefused { .. } => ApiError::new(&GPU_REFUSED, message),
            other => ApiError {
                handled: Some(other),
                ..ApiError::internal()
            },
        }
    }
}

impl ApiError {
    fn component(error: &tensor_wasm_runtime::Error) -> ApiError {
        let kind = match error {
            tensor_wasm_runtime::Error::GpuRefused { .. } => &GPU_REFUSED,
            _ => &INVALID_COMPONENT,
        };
        ApiError::new(kind, error)
    }

    fn too_many_functions(limit: u32) -> ApiError {
        ApiError::new(
            &TENANT_CAPACITY_EXHAUSTED,
            format_args!("this tenant has {limit} functions, as many as it may: delete one first"),
        )
    }

    /// The policy let the request pass, and did not say whose it is.
    pub(super) fn undecided() -> ApiError {
        ApiError {
            handled: Some(HandleError::Undecided),
            ..ApiError::internal()
        }
    }

    fn internal() -> ApiError {
        ApiError::new(
            &INTERNAL,
            "the node failed: its log holds the cause under this request id",
        )
    }
}

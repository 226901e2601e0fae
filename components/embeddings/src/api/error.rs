//! Errors in OpenAI's form: `{"error":{"message":…,"type":…,"param":…,"code":…}}`, which its clients show.

use serde::Serialize;
use tensor_wasm_guest::Error;
use tensor_wasm_guest::http::{BodyError, Response};

use crate::model::ModelError;

/// Why a request is not answered with what it asks for.
#[derive(Debug)]
pub struct ApiError {
    status: u16,
    message: String,
    /// The field of the request that is wrong.
    param: Option<&'static str>,
    code: Option<&'static str>,
    /// Which method the path takes.
    allow: Option<&'static str>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: Fields<'a>,
}

#[derive(Serialize)]
struct Fields<'a> {
    message: &'a str,
    r#type: &'static str,
    param: Option<&'static str>,
    code: Option<&'static str>,
}

impl ApiError {
    fn new(status: u16, message: impl Into<String>) -> ApiError {
        ApiError {
            status,
            message: message.into(),
            param: None,
            code: None,
            allow: None,
        }
    }

    /// A request that is not as it should be.
    pub fn invalid(message: impl Into<String>) -> ApiError {
        ApiError::new(400, message)
    }

    /// The same, where one field is to blame.
    pub fn field(param: &'static str, message: impl Into<String>) -> ApiError {
        ApiError {
            param: Some(param),
            ..ApiError::new(400, message)
        }
    }

    /// A model that is not there.
    pub fn no_model(id: &str) -> ApiError {
        let message = format!(
            "there is no model {id:?} here; GET /v1/models has the names of those that there are"
        );
        ApiError {
            param: Some("model"),
            code: Some("model_not_found"),
            ..ApiError::new(404, message)
        }
    }

    /// A path that is not there.
    pub fn no_route(method: &str, path: &str) -> ApiError {
        let message = format!(
            "nothing at {method} {path}; there are POST /v1/embeddings, GET /v1/models and GET /v1/models/ID"
        );
        ApiError {
            code: Some("unknown_url"),
            ..ApiError::new(404, message)
        }
    }

    /// A method that a path does not take.
    pub fn method(method: &str, path: &str, expected: &'static str) -> ApiError {
        ApiError {
            code: Some("method_not_supported"),
            allow: Some(expected),
            ..ApiError::new(405, format!("{path} takes {expected}, and not {method}"))
        }
    }

    /// What should not happen.
    pub fn internal(error: &dyn std::error::Error) -> ApiError {
        ApiError::new(500, error.to_string())
    }

    /// The response.
    pub fn response(&self) -> Response {
        let body = Body {
            error: Fields {
                message: &self.message,
                r#type: match self.status {
                    500.. => "server_error",
                    _ => "invalid_request_error",
                },
                param: self.param,
                code: self.code,
            },
        };
        // Texts are always JSON.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let response = Response::new(self.status, "application/json", body);
        match self.allow {
            Some(method) => response.header("allow", method),
            None => response,
        }
    }
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> ApiError {
        let status = match error {
            BodyError::TooLarge { .. } => 413,
            _ => 400,
        };
        ApiError::new(status, error.to_string())
    }
}

impl From<ModelError> for ApiError {
    fn from(error: ModelError) -> ApiError {
        let (status, code) = match &error {
            ModelError::File { .. } => (500, "model_unusable"),
            ModelError::Device(error) => (device_status(error), error.kind()),
        };
        ApiError {
            code: Some(code),
            ..ApiError::new(status, error.to_string())
        }
    }
}

/// As `Response::device_error` has it.
fn device_status(error: &Error) -> u16 {
    match error {
        Error::Denied(_)
        | Error::DeviceLost(_)
        | Error::QuotaExceeded { .. }
        | Error::OutOfMemory { .. } => 503,
        Error::DeadlineExceeded(_) => 504,
        _ => 500,
    }
}

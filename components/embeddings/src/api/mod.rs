//! The interface: routes, and what each answers.

mod embed;
mod error;
mod input;
mod models;
mod response;

use serde::Serialize;
use tensor_wasm_guest::http::{Request, Response};

use error::ApiError;

/// Answers a request.
pub fn handle(request: Request) -> Response {
    match route(&request) {
        Ok(response) => response,
        Err(error) => error.response(),
    }
}

/// What answers a path's requests.
type Answer = fn(&Request) -> Result<Response, ApiError>;

fn route(request: &Request) -> Result<Response, ApiError> {
    let path = request.path();
    let (expected, answer): (_, Answer) = match path {
        "/v1/embeddings" => ("POST", embed::embed),
        "/v1/models" => ("GET", models::list),
        _ if path.starts_with("/v1/models/") => ("GET", models::one),
        _ => return Err(ApiError::no_route(request.method(), path)),
    };
    match request.method() == expected {
        true => answer(request),
        false => Err(ApiError::method(request.method(), path, expected)),
    }
}

/// A response in JSON.
fn json(value: &impl Serialize) -> Result<Response, ApiError> {
    let body = serde_json::to_vec(value).map_err(|error| ApiError::internal(&error))?;
    Ok(Response::new(200, "application/json", body))
}

//! `GET /v1/models`: which models there are.

use serde::Serialize;
use tensor_wasm_guest::http::{Request, Response};

use super::error::ApiError;
use super::json;
use crate::model::Folder;

#[derive(Serialize)]
struct List {
    object: &'static str,
    data: Vec<Model>,
}

#[derive(Serialize)]
struct Model {
    id: String,
    object: &'static str,
    created: u64,
    owned_by: &'static str,
}

impl From<Folder> for Model {
    fn from(folder: Folder) -> Model {
        Model {
            id: folder.id().to_owned(),
            object: "model",
            created: folder.created(),
            owned_by: "tensor-wasm",
        }
    }
}

/// All of them.
pub fn list(_request: &Request) -> Result<Response, ApiError> {
    json(&List {
        object: "list",
        data: Folder::all().into_iter().map(Model::from).collect(),
    })
}

/// One of them.
pub fn one(request: &Request) -> Result<Response, ApiError> {
    let id = request.path().trim_start_matches("/v1/models/");
    let folder = Folder::of(id).ok_or_else(|| ApiError::no_model(id))?;
    json(&Model::from(folder))
}

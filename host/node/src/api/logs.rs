//! The route of what a function writes.

use std::str::FromStr;

use http::{Response, StatusCode};
use wasmtime_wasi_http::WasiBody;

use super::body;
use super::functions::{LARGEST_PAGE, PAGE};
use super::model::{LogLine, LogPage};
use super::{Api, Call};
use crate::error::{INVALID_REQUEST, NodeError};

impl Api {
    pub(super) async fn logs(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        let limit = call.query.number("limit", (1, LARGEST_PAGE), PAGE)?;
        let after = match call.query.get("after") {
            None => 0,
            Some(text) => u64::from_str(text)
                .map_err(|_| NodeError::new(&INVALID_REQUEST, "`after` is the number of a line"))?,
        };
        let entry = self.functions.find(call.tenant, &call.id).await?;
        let entry = entry.ok_or_else(|| NodeError::no_function(&call.id))?;
        let lines = self
            .functions
            .logs(&entry.function.id, after, limit as usize);
        let next = lines.last().map_or(after, |line| line.number);
        body::json(
            StatusCode::OK,
            &LogPage {
                lines: lines.into_iter().map(LogLine::of).collect(),
                next,
            },
        )
    }
}

//! How a stream failed, in a journal and for the guest.

use crate::journal::Journal;
use serde_json::{Value, json};
use wasmtime::Result;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::p2::bindings::io::streams;
use wasmtime_wasi::p2::{StreamError, StreamResult};

/// What a call on a stream gives the guest.
pub(super) type Answer<T> = std::result::Result<T, streams::StreamError>;

/// How an operation ended, for the guest.
pub(super) enum Failed {
    Closed,
    /// The message.
    Operation(String),
}

impl Failed {
    /// As a stream says it.
    ///
    /// # Errors
    ///
    /// Where the guest is to end.
    pub(super) fn of<T>(
        result: StreamResult<T>,
    ) -> Result<std::result::Result<T, (Failed, Option<wasmtime::Error>)>> {
        match result {
            Ok(value) => Ok(Ok(value)),
            Err(StreamError::Closed) => Ok(Err((Failed::Closed, None))),
            Err(StreamError::LastOperationFailed(error)) => {
                let failed = Failed::Operation(format!("{error:#}"));
                Ok(Err((failed, Some(error))))
            }
            Err(StreamError::Trap(error)) => Err(error),
        }
    }

    /// As it was recorded; nothing where it did not fail.
    pub(super) fn read(value: &Value) -> Option<Failed> {
        match value.get("error")? {
            Value::String(text) if text == "closed" => Some(Failed::Closed),
            failed => {
                let text = failed.get("failed").and_then(Value::as_str);
                Some(Failed::Operation(text.unwrap_or_default().to_owned()))
            }
        }
    }

    /// As it is recorded.
    pub(super) fn value(&self, journal_text: impl FnOnce(&str) -> Value) -> Value {
        match self {
            Failed::Closed => json!({ "error": "closed" }),
            Failed::Operation(text) => json!({ "error": { "failed": journal_text(text) } }),
        }
    }

    /// For the guest, with the error itself where there is one.
    pub(super) fn given(
        self,
        error: Option<wasmtime::Error>,
        table: &mut ResourceTable,
    ) -> Result<streams::StreamError> {
        Ok(match self {
            Failed::Closed => streams::StreamError::Closed,
            Failed::Operation(text) => {
                let error = error.unwrap_or_else(|| wasmtime::Error::msg(text));
                streams::StreamError::LastOperationFailed(table.push(error)?)
            }
        })
    }
}

/// The number that a call was answered with when it was recorded, or how it failed.
pub(super) fn number(
    journal: &Journal,
    answered: &Value,
    table: &mut ResourceTable,
) -> Result<Answer<u64>> {
    if let Some(failed) = Failed::read(answered) {
        return Ok(Err(failed.given(None, table)?));
    }
    let number = answered.get("ok").and_then(Value::as_u64);
    number.map(Ok).ok_or_else(|| journal.unreadable())
}

//! Results and errors of the GPU interface as JSON.

use crate::bindings::kernels::{Error, Extent, Fault};
use serde_json::{Value, json};

/// The result of a scenario.
pub type Outcome = Result<Value, Error>;

/// The body of the response for an outcome.
pub fn report(outcome: Outcome) -> String {
    match outcome {
        Ok(value) => json!({ "ok": value }),
        Err(error) => json!({ "error": describe(error) }),
    }
    .to_string()
}

/// An error as JSON: its kind, and all its fields.
pub fn describe(error: Error) -> Value {
    match error {
        Error::Denied(message) => plain("denied", &message),
        Error::DeviceLost(message) => plain("device-lost", &message),
        Error::QuotaExceeded(quota) => json!({
            "kind": "quota-exceeded",
            "resource": quota.resource_name,
            "limit": quota.limit,
            "requested": quota.requested,
        }),
        Error::OutOfMemory(bytes) => json!({ "kind": "out-of-memory", "bytes": bytes }),
        Error::InvalidModule(diagnostics) => json!({
            "kind": "invalid-module",
            "diagnostics": diagnostics
                .into_iter()
                .map(|at| json!({ "line": at.line, "column": at.column, "message": at.message }))
                .collect::<Vec<_>>(),
        }),
        Error::UnknownKernel(message) => plain("unknown-kernel", &message),
        Error::InvalidLaunch(message) => plain("invalid-launch", &message),
        Error::OutOfRange(message) => plain("out-of-range", &message),
        Error::Fault(fault) => self::fault(fault),
        Error::DeadlineExceeded(message) => plain("deadline-exceeded", &message),
    }
}

fn plain(kind: &str, message: &str) -> Value {
    json!({ "kind": kind, "message": message })
}

fn fault(fault: Fault) -> Value {
    json!({
        "kind": "fault",
        "kernel": fault.kernel,
        "block": fault.block.map(coordinates),
        "thread": fault.thread.map(coordinates),
        "line": fault.line,
        "message": fault.message,
    })
}

fn coordinates(at: Extent) -> [u32; 3] {
    [at.x, at.y, at.z]
}

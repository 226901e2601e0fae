//! Why a command of the client failed: what scripts can tell apart by the exit code, and
//! people by the text, which says what to do next.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use tensor_wasm_runtime::HttpTrustError;
use tensor_wasm_snapshot::Error as SnapshotError;
use thiserror::Error;

use super::text::plain;

/// The exit codes, as each command's help lists them.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  another failure, such as an error of the node itself
  2  wrong usage
  3  refused: no valid token, or not for this tenant (401, 403)
  4  not found, or no longer kept (404, 410)
  5  the request is wrong (400, 405, 409, 413, 415, 422)
  6  try again later: the node is busy, full or can't be reached (408, 429, 503, 507)
  7  the function failed (502, 504, or its own status of 400 and more)";

const OTHER: u8 = 1;
const REFUSED: u8 = 3;
const NOT_FOUND: u8 = 4;
const WRONG_REQUEST: u8 = 5;
const TRY_AGAIN: u8 = 6;
const FUNCTION_FAILED: u8 = 7;

/// A failure of a command of the client.
#[derive(Debug, Error)]
pub enum ClientError {
    /// There is no connection to the node.
    #[error("can't reach the node at {address}")]
    Unreachable {
        address: String,
        #[source]
        cause: io::Error,
    },
    /// The node's certificate was not accepted, or what answers speaks no TLS.
    #[error("can't speak TLS with the node at {address}")]
    Tls {
        address: String,
        #[source]
        cause: io::Error,
    },
    /// No authorities to check the node's certificate against.
    #[error(transparent)]
    Trust(#[from] HttpTrustError),
    /// The node says nothing.
    #[error("the node at {address} has said nothing for {}", humantime::format_duration(*.waited))]
    Silent { address: String, waited: Duration },
    /// The connection ended before the answer did.
    #[error("the connection to the node at {address} broke off")]
    Broken {
        address: String,
        #[source]
        cause: hyper::Error,
    },
    /// The node answered with an error.
    #[error("{}: {}", plain(&.0.kind), plain(&.0.message))]
    Node(Box<NodeError>),
    /// What answered speaks another language than a node.
    #[error("what answers at {address} is no node of this version: {problem}")]
    NotANode { address: String, problem: String },
    /// The function answered with an error of its own.
    #[error("the function answered {0}")]
    FunctionStatus(StatusCode),
    /// A job ended in another way than by success.
    #[error("{text}")]
    Job { text: String, is_failure: bool },
    /// A job took longer than the caller would wait.
    #[error("the job {id} is still {state} after {}", humantime::format_duration(*.waited))]
    StillRunning {
        id: String,
        state: String,
        waited: Duration,
    },
    /// A file can't be read.
    #[error("can't read {}", path.display())]
    File {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// A file can't be written.
    #[error("can't write {}", path.display())]
    Write {
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
    /// A file is no snapshot that can be used.
    #[error("can't use {}", path.display())]
    Snapshot {
        path: PathBuf,
        #[source]
        cause: tensor_wasm_snapshot::Error,
    },
    /// A part of the node can't do its work.
    #[error("not ready: {}", plain(.0.trim().trim_start_matches("not ready: ")))]
    NotReady(String),
    /// The node does not do what it should, or not so that it can be seen.
    #[error("{0}")]
    Check(String),
    /// What was asked for makes no request.
    #[error("{0}")]
    Input(String),
    /// The person at the terminal did not say yes.
    #[error("nothing is deleted")]
    Declined,
    /// The result can't be written to standard output.
    #[error("can't write to standard output")]
    Output(#[source] io::Error),
}

/// What a node says in place of a result.
#[derive(Debug)]
pub struct NodeError {
    pub status: StatusCode,
    pub kind: String,
    pub message: String,
    pub request_id: Option<String>,
    /// The name of the trap, where a function trapped.
    pub trap: Option<String>,
    /// When a retry may help, in seconds.
    pub retry_after: Option<String>,
}

#[derive(Deserialize)]
struct Envelope {
    error: EnvelopeBody,
}

#[derive(Deserialize)]
struct EnvelopeBody {
    kind: String,
    message: String,
    request_id: Option<String>,
    trap: Option<String>,
}

impl NodeError {
    /// The error in an answer of this status, where it is one of a node's.
    pub fn from_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let Envelope { error } = serde_json::from_slice(body).ok()?;
        let header = |name: &str| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        Some(Self {
            status,
            kind: error.kind,
            message: error.message,
            request_id: error.request_id,
            trap: error.trap,
            retry_after: header("retry-after"),
        })
    }

    /// What to do about it, where that is known.
    fn advice(&self) -> Option<String> {
        let retry = || match &self.retry_after {
            Some(seconds) => format!("try again in {} s", plain(seconds)),
            None => "try again later".to_owned(),
        };
        let text = match (self.kind.as_str(), self.status.as_u16()) {
            ("tenant_scope_denied", _) => {
                "name a tenant that the token is for: --tenant, or TENSOR_WASM_TENANT"
            }
            ("missing_tenant", _) => "name the tenant: --tenant, or TENSOR_WASM_TENANT",
            (_, 401) => {
                "set TENSOR_WASM_TOKEN to a token of this node, or name a file with --token-from"
            }
            ("gpu_refused", _) => {
                "the operator grants this tenant no GPU: `tensor-wasm inspect FILE` shows what \
                 imports it"
            }
            ("host_not_granted", _) => "`tensor-wasm outgoing ID` shows which are granted",
            ("asset_not_found", _) => "`tensor-wasm assets list ID` lists what is staged",
            ("asset_damaged", _) => "upload the asset again with `tensor-wasm assets put`",
            ("secret_not_found", _) => "`tensor-wasm secrets list ID` lists the function's secrets",
            ("function_not_found", _) => "`tensor-wasm list` shows this tenant's functions",
            ("version_not_found", _) => "`tensor-wasm show ID` lists the function's versions",
            ("job_not_found", _) => "`tensor-wasm jobs list` shows this tenant's jobs",
            ("not_found" | "method_not_allowed", _) => {
                "is a node of this version at this address? --server names another"
            }
            ("snapshot_not_found", _) => {
                "`tensor-wasm snapshot list` shows this tenant's snapshots"
            }
            ("invalid_snapshot", _) => {
                "`tensor-wasm snapshot verify FILE` says what is wrong with it"
            }
            ("function_exists", _) => "restore over it with --over, or name another with --name",
            ("job_not_finished", _) => "`tensor-wasm jobs wait ID` waits for its end",
            ("job_has_no_result", _) => "`tensor-wasm jobs show ID` says why",
            ("idempotency_conflict", _) => {
                "the key stands for another request already: use a new one"
            }
            ("conflict", _) => "something else changed the function at the same time: try again",
            ("job_result_expired", _) => "results are kept for a limited time: run the job again",
            ("body_too_large", _) => {
                "the operator limits sizes: --max-function-bytes and --max-body-bytes of the node"
            }
            ("invalid_component", _) => {
                "`tensor-wasm inspect FILE` shows what the component imports and exports"
            }
            ("init_failed", _) => {
                "`tensor-wasm logs NAME` shows what its `init` wrote, if the function has a version"
            }
            ("storage_full", _) => "the node's operator has to make room on its disk",
            ("guest_trap", _) => "the function's code failed: its log has the cause",
            ("invoke_timeout", _) => "the function took longer than the node's --request-timeout",
            (_, 429 | 503 | 408) => return Some(retry()),
            (_, 500..) if self.request_id.is_some() => {
                "the node's log has more, under this request id"
            }
            _ => return None,
        };
        Some(text.to_owned())
    }
}

/// The exit code for a status that the node answered with.
fn exit_code_of(status: StatusCode) -> u8 {
    match status.as_u16() {
        401 | 403 => REFUSED,
        404 | 410 => NOT_FOUND,
        408 | 429 | 503 | 507 => TRY_AGAIN,
        502 | 504 => FUNCTION_FAILED,
        400..=499 => WRONG_REQUEST,
        _ => OTHER,
    }
}

impl ClientError {
    /// An error of standard output, but for the reader's going away: that ends the
    /// program quietly.
    pub fn output(cause: io::Error) -> Result<(), Self> {
        match cause.kind() {
            io::ErrorKind::BrokenPipe => Ok(()),
            _ => Err(Self::Output(cause)),
        }
    }

    /// Whether the same request may succeed later.
    pub fn may_pass(&self) -> bool {
        self.exit_code() == TRY_AGAIN
    }

    /// What the program ends with.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Unreachable { .. }
            | Self::Silent { .. }
            | Self::Broken { .. }
            | Self::NotReady(_)
            | Self::StillRunning { .. } => TRY_AGAIN,
            Self::Node(error) => exit_code_of(error.status),
            Self::FunctionStatus(_) => FUNCTION_FAILED,
            Self::Job { is_failure, .. } if *is_failure => FUNCTION_FAILED,
            Self::Snapshot {
                cause: SnapshotError::Unsigned | SnapshotError::OtherKey { .. },
                ..
            } => REFUSED,
            Self::Snapshot {
                cause: SnapshotError::Io(_),
                ..
            } => OTHER,
            Self::Input(_) | Self::Snapshot { .. } => WRONG_REQUEST,
            Self::Tls { .. }
            | Self::Trust(_)
            | Self::NotANode { .. }
            | Self::Job { .. }
            | Self::Declined
            | Self::Check(_)
            | Self::File { .. }
            | Self::Write { .. }
            | Self::Output(_) => OTHER,
        }
    }

    /// Lines that follow the error's text: more about it, and what to do.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        match self {
            Self::Node(error) => {
                if let Some(trap) = &error.trap {
                    notes.push(format!("trap: {}", plain(trap)));
                }
                if let Some(id) = &error.request_id {
                    notes.push(format!("request id: {}", plain(id)));
                }
                notes.extend(error.advice());
            }
            Self::Unreachable { .. } => notes.push(
                "start a node with `tensor-wasm node --data-dir DIR`, or name the address of \
                 one with --server or TENSOR_WASM_SERVER"
                    .to_owned(),
            ),
            Self::Tls { .. } => notes.push(
                "--ca names the authority of the node's certificate; a node without TLS is \
                 reached by http://"
                    .to_owned(),
            ),
            Self::Silent { .. } => notes.push("--timeout sets how long to wait".to_owned()),
            Self::Broken { .. } => {
                notes.push("try again; the node's log may say why it hung up".to_owned());
            }
            Self::NotANode { .. } => {
                notes.push("--server or TENSOR_WASM_SERVER names the node".to_owned());
            }
            Self::StillRunning { id, .. } => {
                notes.push(format!("`tensor-wasm jobs wait {id}` waits for it again"));
            }
            _ => {}
        }
        notes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    #[test]
    fn each_status_has_the_exit_code_that_help_lists() {
        let mut listed = 0;
        for line in EXIT_CODES.lines() {
            let Some((code, text)) = line.trim().split_once("  ") else {
                continue;
            };
            let code: u8 = code.parse().unwrap();
            let (_, statuses) = text.rsplit_once('(').unwrap_or_default();
            for status in statuses.split(|c: char| !c.is_ascii_digit()) {
                let Ok(status) = status.parse::<u16>() else {
                    continue;
                };
                if code == FUNCTION_FAILED && status == 400 {
                    continue;
                }
                let status = StatusCode::from_u16(status).unwrap();
                assert_eq!(exit_code_of(status), code, "{status}");
                listed += 1;
            }
        }
        assert_eq!(listed, 16);
        assert_eq!(exit_code_of(StatusCode::INTERNAL_SERVER_ERROR), OTHER);
    }
}

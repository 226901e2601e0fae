//! One attempt of a job: the function is invoked, and what it answers is kept.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tensor_wasm_runtime::server::RequestId;
use tensor_wasm_runtime::{RequestScope, RequestTrace, SpanValue, TraceId};
use tokio::time::timeout_at;
use wasmtime_wasi_http::WasiBody;

use super::Jobs;
use super::request::{restored, stored};
use crate::error::NodeError;
use crate::functions::now_ms;
use crate::storage::jobs::{Attempt, Job, JobState, StoredHeaders};

/// The longest pause between two attempts.
const LONGEST_BACKOFF_MS: i64 = 5 * 60 * 1000;

/// The pause where the node has no place for the job at present, which is no attempt.
const NO_PLACE_MS: i64 = 1000;

/// How often the end of an attempt is written, where the database fails.
const WRITES: u32 = 5;

/// Runs a job once, and writes down how that ended.
pub(super) async fn run(jobs: &Jobs, job: Job) {
    let outcome = match invoke(jobs, &job).await {
        Ok(answer) if answer.status < 500 => Attempt {
            state: JobState::Succeeded,
            due_ms: 0,
            counts: true,
            status: Some(answer.status),
            headers: answer.headers,
            body: Some(answer.body),
            error: None,
        },
        Ok(answer) => Attempt {
            status: Some(answer.status),
            headers: answer.headers,
            body: Some(answer.body),
            ..failed(
                &job,
                "function_error",
                format!("the function answered with status {}", answer.status),
            )
        },
        Err(Failure::NoPlace) => Attempt {
            state: JobState::Pending,
            due_ms: now_ms() + NO_PLACE_MS,
            counts: false,
            ..failed(&job, "", String::new())
        },
        Err(Failure::Error { kind, message }) => failed(&job, kind, message),
    };
    let (state, due) = (outcome.state, outcome.due_ms);
    let error = outcome.error.as_ref().map(|(kind, _)| kind.clone());
    if !written(jobs, &job.id, outcome).await {
        return;
    }
    match state {
        JobState::Pending => jobs.due(job.tenant, due),
        JobState::Succeeded => jobs.record("job.succeeded", &job.id, None),
        _ => jobs.record("job.failed", &job.id, error.as_deref()),
    }
}

/// An attempt that failed: the job waits for the next, or it was the last.
fn failed(job: &Job, kind: &str, message: String) -> Attempt {
    let is_last = job.attempts >= job.max_attempts;
    let doublings = job.attempts.saturating_sub(1).min(20);
    let backoff = job.backoff_ms.saturating_mul(1 << doublings);
    Attempt {
        state: match is_last {
            true => JobState::Failed,
            false => JobState::Pending,
        },
        due_ms: now_ms() + backoff.clamp(0, LONGEST_BACKOFF_MS),
        counts: true,
        status: None,
        headers: StoredHeaders::default(),
        body: None,
        error: Some((kind.to_owned(), message)),
    }
}

/// What a function answered.
struct Answer {
    status: u16,
    headers: StoredHeaders,
    body: Vec<u8>,
}

/// Why there is no whole answer.
enum Failure {
    /// The node, or the tenant, has as many requests running as it may.
    NoPlace,
    /// The attempt failed.
    Error { kind: &'static str, message: String },
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Failure {
        match error.is_for_want_of_place() {
            true => Failure::NoPlace,
            false => Failure::Error {
                kind: error.word(),
                message: error.message().to_owned(),
            },
        }
    }
}

async fn invoke(jobs: &Jobs, job: &Job) -> Result<Answer, Failure> {
    let error = |kind, message: &str| Failure::Error {
        kind,
        message: message.to_owned(),
    };
    let found = jobs.functions.find(job.tenant, &job.function_id).await;
    let Some(entry) = found.map_err(NodeError::from)? else {
        return Err(NodeError::no_function(&job.function_name).into());
    };
    let database = &jobs.storage.database;
    let body = database.job_body(&job.id, "request").await;
    let body = body.map_err(NodeError::from)?.unwrap_or_default();
    let length = body.len();
    let body = Full::new(Bytes::from(body)).map_err(|never| match never {});
    let mut request = restored(job, length, body.boxed_unsync())
        .ok_or_else(|| error("internal", "the job's request can't be restored"))?;
    let deadline = Instant::now() + jobs.limits.timeout;
    let id = http::HeaderValue::from_str(&job.id).ok();
    let id = id.as_ref().and_then(RequestId::from_client);
    // It goes on with the trace of the request that asked for the job.
    let tracer = jobs.functions.tracer();
    let trace = RequestTrace::begin(request.headers_mut(), TraceId::random(), tracer);
    trace.put(request.headers_mut());
    let scope = RequestScope::internal(
        id.unwrap_or_else(RequestId::random),
        trace,
        deadline,
        job.tenant,
        None,
        jobs.functions.observer(),
    );
    scope.annotate("tensor_wasm.job.id", || SpanValue::of_text(&job.id));
    let mut attempt = AttemptSpan {
        scope: scope.clone(),
        failed: true,
    };
    let invoked = jobs.functions.invoke(&entry, request, &scope).await;
    let response = invoked.map_err(NodeError::from)?;
    let (head, body) = response.into_parts();
    // The guest may have failed a little before its deadline, which then tells why.
    let grace = Duration::from_secs(1);
    match timeout_at(
        (deadline + grace).into(),
        whole(body, jobs.limits.body_bytes),
    )
    .await
    {
        Ok(Ok(body)) => {
            attempt.failed = head.status.is_server_error();
            Ok(Answer {
                status: head.status.as_u16(),
                headers: stored(&head.headers),
                body,
            })
        }
        Ok(Err(failure)) => Err(failure),
        Err(_) => Err(error(
            "invoke_timeout",
            "the function did not complete its response in time",
        )),
    }
}

/// The span of an attempt, which ends with it, also where the attempt is stopped.
struct AttemptSpan {
    scope: RequestScope,
    failed: bool,
}

impl Drop for AttemptSpan {
    fn drop(&mut self) {
        self.scope.end_span("job attempt", self.failed);
    }
}

/// The whole body of a response.
async fn whole(body: WasiBody, longest: u64) -> Result<Vec<u8>, Failure> {
    let longest = usize::try_from(longest).unwrap_or(usize::MAX);
    match Limited::new(body, longest).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::Error {
            kind: "result_too_large",
            message: format!("the response is longer than the {longest} bytes that are kept"),
        }),
        Err(_) => Err(Failure::Error {
            kind: "guest_trap",
            message: "the function failed before its response was complete".to_owned(),
        }),
    }
}

/// Writes the end of an attempt. Whether the job still ran. Where the database fails for long,
/// the job stays among those that ran, and is settled at the next start.
async fn written(jobs: &Jobs, id: &str, attempt: Attempt) -> bool {
    let mut pause = Duration::from_millis(100);
    let mut attempt = attempt;
    for _ in 0..WRITES {
        let database = &jobs.storage.database;
        match database.end_attempt(id, &attempt, now_ms()).await {
            Ok(ran) => return ran,
            // A disk that is full has room for the end without the result.
            Err(crate::storage::StorageError::Full) if attempt.body.is_some() => {
                attempt.body = None;
            }
            Err(error) => tracing::error!(job = id, "the end of a job is not written: {error}"),
        }
        tokio::time::sleep(pause).await;
        pause *= 4;
    }
    false
}

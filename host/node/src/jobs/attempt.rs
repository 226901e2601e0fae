//! One attempt of a job: the function is invoked, and what it answers is kept.

use std::pin::pin;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::{Either, select};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tensor_wasm_runtime::server::RequestId;
use tensor_wasm_runtime::{RequestScope, RequestTrace, SpanValue, TraceId};
use wasmtime_wasi_http::WasiBody;

use super::Jobs;
use super::request::{restored, stored};
use crate::error::NodeError;
use crate::storage::StorageError;
use crate::storage::jobs::{Attempt, Job, JobState, LONGEST_PAUSE_MS, StoredHeaders};

/// The pause where the node has no place for the job at present, which is no attempt.
const NO_PLACE_MS: i64 = 1000;

/// How long an attempt may go on after its time, before it is given up.
const GRACE: Duration = Duration::from_secs(1);

/// The pause before the end of an attempt is written again, where the database fails; twice as long
/// each time, up to the longest one.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Runs a job once, and writes down how that ended.
pub(super) async fn run(jobs: &Jobs, job: Job) {
    let answered = invoke(jobs, &job).await;
    let now = jobs.clock().now_ms();
    let outcome = match answered {
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
                now,
                "function_error",
                format!("the function answered with status {}", answer.status),
            )
        },
        Err(Failure::NoPlace) => Attempt {
            state: JobState::Pending,
            due_ms: now + NO_PLACE_MS,
            counts: false,
            ..failed(&job, now, "", String::new())
        },
        Err(Failure::Error { kind, message }) => failed(&job, now, kind, message),
    };
    let (state, due) = (outcome.state, outcome.due_ms);
    let error = outcome.error.as_ref().map(|(kind, _)| kind.clone());
    if !written(jobs, &job, outcome).await {
        return;
    }
    match state {
        JobState::Pending => jobs.due(job.tenant, due),
        JobState::Succeeded => jobs.record("job.succeeded", &job.id, None),
        _ => jobs.record("job.failed", &job.id, error.as_deref()),
    }
}

/// An attempt that failed: the job waits for the next, or it was the last.
fn failed(job: &Job, now_ms: i64, kind: &str, message: String) -> Attempt {
    let is_last = job.attempts >= job.max_attempts;
    let doublings = job.attempts.saturating_sub(1).min(20);
    let backoff = job.backoff_ms.saturating_mul(1 << doublings);
    Attempt {
        state: match is_last {
            true => JobState::Failed,
            false => JobState::Pending,
        },
        due_ms: now_ms + backoff.clamp(0, LONGEST_PAUSE_MS),
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
    let limits = jobs.limits();
    let deadline = Instant::now() + limits.timeout;
    // The guest may have failed a little before its deadline, which then tells why.
    let timeout = jobs.clock().sleep(limits.timeout + GRACE);
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
    let whole = pin!(whole(body, limits.body_bytes));
    match select(whole, timeout).await {
        Either::Left((Ok(body), _)) => {
            attempt.failed = head.status.is_server_error();
            Ok(Answer {
                status: head.status.as_u16(),
                headers: stored(&head.headers),
                body,
            })
        }
        Either::Left((Err(failure), _)) => Err(failure),
        Either::Right(_) => Err(error(
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

/// Writes the end of an attempt, again and again where the database fails: until then the job runs.
/// Whether it had not ended otherwise. When the node ends meanwhile, the job is settled.
async fn written(jobs: &Jobs, job: &Job, mut attempt: Attempt) -> bool {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let now = jobs.clock().now_ms();
        match jobs.storage.database.end_attempt(job, &attempt, now).await {
            Ok(is_written) => return is_written,
            // A disk that is full has room for the end without the result.
            Err(StorageError::Full) if attempt.body.is_some() => attempt.body = None,
            Err(error) => {
                tracing::error!(job = job.id, "the end of a job is not written yet: {error}");
            }
        }
        jobs.clock().sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

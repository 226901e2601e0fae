//! The routes of jobs: invocations that nobody waits for.

use http::header::LOCATION;
use http::{HeaderValue, Response, StatusCode};
use http_body_util::BodyExt;
use wasmtime_wasi_http::WasiBody;

use super::body;
use super::functions::{LARGEST_PAGE, PAGE};
use super::invoke::{for_function, mark_as_response_of};
use super::model::{Job, JobId, JobList};
use super::{Api, Call};
use crate::error::{
    BODY_TOO_LARGE, IDEMPOTENCY_CONFLICT, INVALID_REQUEST, JOB_HAS_NO_RESULT, JOB_NOT_FINISHED,
    JOB_NOT_FOUND, NodeError, TENANT_CAPACITY_EXHAUSTED,
};
use crate::functions::HeldBody;
use crate::jobs::{JobOptions, headers_of, stored};
use crate::storage::jobs::{self, Added, JobState, NewJob};

impl Api {
    pub(super) async fn invoke_async(
        &self,
        call: Call<'_>,
    ) -> Result<Response<WasiBody>, NodeError> {
        let entry = self.functions.find(call.tenant, &call.id).await?;
        let entry = entry.ok_or_else(|| NodeError::no_function(&call.id))?;
        let created_by = call.scope.caller().map(|caller| caller.id.clone());
        let request = for_function(call.request, &call.rest)?;
        let (mut head, body) = request.into_parts();
        let options = JobOptions::take(&mut head.headers);
        let options = options.map_err(|error| NodeError::new(&INVALID_REQUEST, error))?;
        let limits = self.jobs.limits();
        // It is in memory until it is in the database.
        let mut held = self.functions.held_body(call.tenant, limits.body_bytes);
        let body = receive(body, limits.body_bytes, &mut held).await?;
        let uri = head.uri.to_string();
        let digest = digest(&options, &uri, &body);
        let job = NewJob {
            tenant: call.tenant,
            function_id: entry.function.id.clone(),
            function_name: entry.function.name.clone(),
            max_attempts: options.max_attempts,
            backoff_ms: i64::try_from(options.backoff.as_millis()).unwrap_or(i64::MAX),
            on_restart: options.on_restart,
            created_by,
            method: options.method.to_string(),
            uri,
            headers: stored(&head.headers),
            body,
            idempotency_key: options.idempotency_key,
            request_digest: digest,
        };
        let job_id = match self.jobs.add(job).await? {
            Added::New(id) | Added::Known(id) => id,
            Added::Conflict => {
                return Err(NodeError::new(
                    &IDEMPOTENCY_CONFLICT,
                    "another request has been sent with this Idempotency-Key: use a key for one \
                     request alone",
                ));
            }
            Added::TooMuch => {
                return Err(NodeError::too_much_stored(
                    self.functions.limits().stored_bytes,
                ));
            }
            Added::TooMany => {
                return Err(NodeError::new(
                    &TENANT_CAPACITY_EXHAUSTED,
                    format_args!(
                        "this tenant has {} jobs that wait or run, as many as it may: retry when \
                         some have ended",
                        limits.of_each_tenant
                    ),
                ));
            }
        };
        let location = HeaderValue::from_str(&format!("/jobs/{job_id}")).ok();
        let mut response = body::json(StatusCode::ACCEPTED, &JobId { job_id })?;
        if let Some(location) = location {
            response.headers_mut().insert(LOCATION, location);
        }
        Ok(response)
    }

    pub(super) async fn list_jobs(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        let limit = call.query.number("limit", (1, LARGEST_PAGE), PAGE)?;
        let state = match call.query.get("state") {
            None => None,
            Some(word) => Some(JobState::parse(word).ok_or_else(|| {
                let words = JobState::ALL.map(JobState::word).join(", ");
                NodeError::new(&INVALID_REQUEST, format_args!("`state` is one of {words}"))
            })?),
        };
        let function = call.query.get("function");
        let after = call.query.get("after");
        // One more than asked for tells whether there is another page.
        let found = self
            .jobs
            .list(call.tenant, function, state, after, limit + 1);
        let mut found = found.await?;
        let is_last = found.len() <= limit as usize;
        found.truncate(limit as usize);
        let next = found.last().map(|job| job.id.clone());
        body::json(
            StatusCode::OK,
            &JobList {
                jobs: found.iter().map(Job::of).collect(),
                next: next.filter(|_| !is_last),
            },
        )
    }

    pub(super) async fn show_job(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        let job = self.job(call.tenant, &call.id).await?;
        body::json(StatusCode::OK, &Job::of(&job))
    }

    pub(super) async fn cancel_job(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        self.jobs.cancel(call.tenant, &call.id).await?;
        self.show_job(call).await
    }

    pub(super) async fn job_result(&self, call: Call<'_>) -> Result<Response<WasiBody>, NodeError> {
        let job = self.job(call.tenant, &call.id).await?;
        if !job.state.is_final() {
            return Err(NodeError::new(
                &JOB_NOT_FINISHED,
                format_args!("the job is {}: ask again later", job.state.word()),
            ));
        }
        let status = job
            .status
            .and_then(|status| StatusCode::from_u16(status).ok());
        let mut held = self
            .functions
            .held_body(call.tenant, self.jobs.limits().body_bytes);
        let body = self.jobs.result(&job.id).await?;
        let (Some(status), Some(body)) = (status, body) else {
            let why = match &job.error {
                Some((_, message)) => message.as_str(),
                None => "the function did not answer",
            };
            return Err(NodeError::new(
                &JOB_HAS_NO_RESULT,
                format_args!("the job is {}, and has no result: {why}", job.state.word()),
            ));
        };
        held.grow(body.len()).map_err(NodeError::no_memory)?;
        let mut response = body::complete(status, body).map(|body| body::held(body, held));
        *response.headers_mut() = headers_of(&job.result_headers);
        let function_id = HeaderValue::from_str(&job.function_id).ok();
        mark_as_response_of(&mut response, function_id);
        Ok(response)
    }

    async fn job(&self, tenant: u64, id: &str) -> Result<jobs::Job, NodeError> {
        let job = self.jobs.find(tenant, id).await?;
        job.ok_or_else(|| {
            NodeError::new(
                &JOB_NOT_FOUND,
                format_args!("there is no job `{}`: GET /jobs lists those there are", id),
            )
        })
    }
}

/// Reads a whole body of at most so many bytes, whose memory is held as it comes.
async fn receive(
    mut body: WasiBody,
    longest: u64,
    held: &mut HeldBody,
) -> Result<Vec<u8>, NodeError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(body::broken)?;
        let Some(data) = frame.data_ref() else {
            continue;
        };
        if (bytes.len() + data.len()) as u64 > longest {
            return Err(NodeError::new(
                &BODY_TOO_LARGE,
                format_args!("the body is longer than the {longest} bytes of a job's request"),
            ));
        }
        held.grow(data.len()).map_err(NodeError::no_memory)?;
        bytes.extend_from_slice(data);
    }
    Ok(bytes)
}

/// Of all that a client asks for with a job. Headers are not part of it: they differ where the
/// same request is sent again, as by tracing.
fn digest(options: &JobOptions, uri: &str, body: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    let attempts = options.max_attempts.to_string();
    let backoff = options.backoff.as_millis().to_string();
    let texts = [
        options.method.as_str(),
        uri,
        &attempts,
        &backoff,
        options.on_restart.word(),
    ];
    for text in texts {
        hasher.update(text.as_bytes());
        hasher.update(&[0]);
    }
    hasher.update(body);
    hasher.finalize().to_hex().to_string()
}

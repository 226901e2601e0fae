//! Jobs that have ended, as the state of a node has them: for each a line of JSON and, where it has a
//! result, the bytes of that and a line feed. One job is in memory at a time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, Method, Uri};
use serde::{Deserialize, Serialize};
use tensor_wasm_snapshot::Content;

use super::SnapshotError;
use super::node_contents::ContentWriter;
use crate::functions::Functions;
use crate::storage::ended_jobs::{EndedJob, JobAdded};
use crate::storage::functions::{ChangeError, is_function_id};
use crate::storage::jobs::{Job, JobState, OnRestart, StoredHeaders, is_job_id};
use crate::storage::node_state::StateImport;

/// Jobs that are read at one time, without their results.
const PAGE: u32 = 200;

/// The longest line of a job, in bytes: its target and headers are in it.
const LONGEST_LINE: usize = 4 << 20;

/// The longest result of a job, in bytes: more than a node keeps.
const LONGEST_RESULT: u64 = 1 << 30;

/// How far the clock of the node that wrote it may have been ahead, in milliseconds: a year.
const AHEAD_MS: i64 = 366 * 24 * 3_600_000;

/// A line of a job.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JobLine {
    id: String,
    tenant: u64,
    function_id: String,
    function_name: String,
    state: String,
    attempts: u32,
    max_attempts: u32,
    backoff_ms: i64,
    on_restart: String,
    created_by: Option<String>,
    /// Milliseconds since 1970, UTC.
    created_ms: i64,
    started_ms: Option<i64>,
    finished_ms: i64,
    method: String,
    uri: String,
    /// Values in base64.
    headers: Vec<(String, String)>,
    status: Option<u16>,
    result_headers: Vec<(String, String)>,
    /// Kind and message.
    error: Option<(String, String)>,
    idempotency_key: Option<String>,
    request_digest: String,
    /// How many bytes of result follow; `None` where it has none.
    result_bytes: Option<u64>,
}

impl Functions {
    /// Writes all jobs that have ended.
    pub(super) async fn save_jobs(
        &self,
        writer: &mut ContentWriter<'_>,
    ) -> Result<Content, SnapshotError> {
        let database = self.storage.snapshots()?;
        let mut after = String::new();
        loop {
            let page = database.ended_jobs(&after, PAGE).await?;
            let Some(last) = page.last() else {
                return writer.finish().await;
            };
            after.clone_from(&last.job.id);
            for ended in &page {
                let result = self.storage.database.job_body(&ended.job.id, "result");
                let result = result.await?;
                let bytes = result.as_ref().map(|result| result.len() as u64);
                let line = serde_json::to_vec(&JobLine::of(ended, bytes)).unwrap_or_default();
                writer.write(&line).await?;
                writer.write(b"\n").await?;
                if let Some(result) = result {
                    writer.write(&result).await?;
                    writer.write(b"\n").await?;
                }
            }
        }
    }
}

/// Adds jobs as their bytes come.
#[derive(Default)]
pub(super) struct JobReader {
    /// What has come and is not read yet.
    rest: Vec<u8>,
    /// The job whose result is to come, with how long that is.
    waiting: Option<(EndedJob, usize)>,
    pub(super) added: u64,
    pub(super) known: u64,
}

impl JobReader {
    /// Takes the next bytes.
    pub(super) async fn push(
        &mut self,
        bytes: &[u8],
        import: &mut StateImport,
        limits: &ImportLimits,
    ) -> Result<(), SnapshotError> {
        self.rest.extend_from_slice(bytes);
        let mut used = 0;
        loop {
            let rest = self.rest.get(used..).unwrap_or_default();
            match self.waiting.take() {
                None => {
                    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
                        if rest.len() > LONGEST_LINE {
                            return Err(unfit("a line of its jobs is too long"));
                        }
                        break;
                    };
                    let line = rest.get(..end).unwrap_or_default();
                    let line: JobLine = serde_json::from_slice(line)
                        .map_err(|error| unfit(format!("a line of its jobs is none: {error}")))?;
                    used += end + 1;
                    let result = line.result_bytes;
                    let job = line.job(limits.now_ms)?;
                    match result {
                        None => self.add(import, &job, None, limits).await?,
                        Some(bytes) if bytes <= LONGEST_RESULT => {
                            self.waiting = Some((job, bytes as usize));
                        }
                        Some(_) => {
                            return Err(unfit(format!("the result of {} is too long", job.job.id)));
                        }
                    }
                }
                Some((job, bytes)) => {
                    let (Some(result), Some(end)) = (rest.get(..bytes), rest.get(bytes)) else {
                        self.waiting = Some((job, bytes));
                        break;
                    };
                    if *end != b'\n' {
                        let id = &job.job.id;
                        return Err(unfit(format!("the result of {id} has no end")));
                    }
                    let result = result.to_vec();
                    used += bytes + 1;
                    self.add(import, &job, Some(&result), limits).await?;
                }
            }
        }
        self.rest.drain(..used);
        Ok(())
    }

    /// Nothing more comes.
    pub(super) fn finish(&self) -> Result<(), SnapshotError> {
        match self.rest.is_empty() && self.waiting.is_none() {
            true => Ok(()),
            false => Err(unfit("its jobs end within one")),
        }
    }

    async fn add(
        &mut self,
        import: &mut StateImport,
        job: &EndedJob,
        result: Option<&[u8]>,
        limits: &ImportLimits,
    ) -> Result<(), SnapshotError> {
        match import.add_job(job, result, limits.stored_bytes).await? {
            JobAdded::Added => self.added += 1,
            JobAdded::Known => self.known += 1,
            JobAdded::TooMuch => {
                let limit = limits.stored_bytes;
                return Err(ChangeError::TooMuch { limit }.into());
            }
        }
        Ok(())
    }
}

/// What a node takes.
pub(super) struct ImportLimits {
    pub(super) now_ms: i64,
    /// What each tenant may store.
    pub(super) stored_bytes: u64,
}

fn unfit(problem: impl Into<String>) -> SnapshotError {
    SnapshotError::Unfit(problem.into())
}

impl JobLine {
    fn of(ended: &EndedJob, result_bytes: Option<u64>) -> JobLine {
        let job = &ended.job;
        let encoded = |headers: &StoredHeaders| {
            let headers = headers.0.iter();
            headers
                .map(|(name, value)| (name.clone(), STANDARD.encode(value)))
                .collect()
        };
        JobLine {
            id: job.id.clone(),
            tenant: job.tenant,
            function_id: job.function_id.clone(),
            function_name: job.function_name.clone(),
            state: job.state.word().to_owned(),
            attempts: job.attempts,
            max_attempts: job.max_attempts,
            backoff_ms: job.backoff_ms,
            on_restart: job.on_restart.word().to_owned(),
            created_by: job.created_by.clone(),
            created_ms: job.created_ms,
            started_ms: job.started_ms,
            finished_ms: job.finished_ms.unwrap_or(job.created_ms),
            method: job.method.clone(),
            uri: job.uri.clone(),
            headers: encoded(&job.headers),
            status: job.status,
            result_headers: encoded(&job.result_headers),
            error: job.error.clone(),
            idempotency_key: ended.idempotency_key.clone(),
            request_digest: ended.request_digest.clone(),
            result_bytes,
        }
    }

    /// The job.
    ///
    /// # Errors
    /// Where a node has none like it: it has not ended, ended at no time, or its request or response is
    /// none. Where the clock was ahead, it ended now, so that a clean-up reaches it.
    fn job(self, now_ms: i64) -> Result<EndedJob, SnapshotError> {
        let of = |what: &str| unfit(format!("the job {:.80?} of the state has {what}", self.id));
        let state = JobState::parse(&self.state).filter(|state| state.is_final());
        let state = state.ok_or_else(|| of("a state in which it has not ended"))?;
        if !is_job_id(&self.id) || !is_function_id(&self.function_id) {
            return Err(of("an id that no node makes"));
        }
        let latest = now_ms.saturating_add(AHEAD_MS);
        let times = [
            Some(self.created_ms),
            self.started_ms,
            Some(self.finished_ms),
        ];
        if !times
            .iter()
            .flatten()
            .all(|time| (0..=latest).contains(time))
        {
            return Err(of("a time that will not come for a year, or can't be"));
        }
        if Method::from_bytes(self.method.as_bytes()).is_err() || self.uri.parse::<Uri>().is_err() {
            return Err(of("a request that can't be sent"));
        }
        if self
            .status
            .is_some_and(|status| !(100..1000).contains(&status))
        {
            return Err(of("a status that is none"));
        }
        let both = decoded(&self.headers).zip(decoded(&self.result_headers));
        let (headers, result_headers) = both.ok_or_else(|| of("a header that is none"))?;
        Ok(EndedJob {
            job: Job {
                id: self.id,
                tenant: self.tenant,
                function_id: self.function_id,
                function_name: self.function_name,
                state,
                attempts: self.attempts,
                max_attempts: self.max_attempts,
                claims: self.attempts,
                backoff_ms: self.backoff_ms,
                on_restart: match self.on_restart.as_str() {
                    "lost" => OnRestart::Lost,
                    _ => OnRestart::Run,
                },
                created_by: self.created_by,
                created_ms: self.created_ms.min(now_ms),
                started_ms: self.started_ms.map(|time| time.min(now_ms)),
                finished_ms: Some(self.finished_ms.min(now_ms)),
                method: self.method,
                uri: self.uri,
                headers,
                status: self.status,
                result_headers,
                error: self.error,
            },
            idempotency_key: self.idempotency_key,
            request_digest: self.request_digest,
        })
    }
}

fn decoded(encoded: &[(String, String)]) -> Option<StoredHeaders> {
    let mut headers = Vec::with_capacity(encoded.len());
    for (name, value) in encoded {
        let value = STANDARD.decode(value).ok()?;
        HeaderName::from_bytes(name.as_bytes()).ok()?;
        HeaderValue::from_bytes(&value).ok()?;
        headers.push((name.clone(), value));
    }
    Some(StoredHeaders(headers))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    const NOW_MS: i64 = 1_700_000_000_000;

    fn line() -> JobLine {
        JobLine {
            id: "job_0192".to_owned(),
            tenant: 7,
            function_id: format!("fn_{:032x}", 1),
            function_name: "app".to_owned(),
            state: "succeeded".to_owned(),
            attempts: 1,
            max_attempts: 1,
            backoff_ms: 0,
            on_restart: "run".to_owned(),
            created_by: None,
            created_ms: NOW_MS - 5,
            started_ms: Some(NOW_MS - 4),
            finished_ms: NOW_MS,
            method: "POST".to_owned(),
            uri: "/".to_owned(),
            headers: vec![("a".to_owned(), STANDARD.encode(b"\xff"))],
            status: Some(200),
            result_headers: Vec::new(),
            error: None,
            idempotency_key: None,
            request_digest: String::new(),
            result_bytes: Some(3),
        }
    }

    #[test]
    fn a_job_is_written_and_read_as_it_was() {
        let job = line().job(NOW_MS).unwrap();
        let again = JobLine::of(&job, Some(3));
        let text = serde_json::to_string(&line()).unwrap();
        assert_eq!(serde_json::to_string(&again).unwrap(), text);
    }

    #[test]
    fn a_job_of_a_node_whose_clock_was_ahead_ended_now() {
        let ahead = JobLine {
            finished_ms: NOW_MS + AHEAD_MS,
            ..line()
        };
        let job = ahead.job(NOW_MS).unwrap().job;
        assert_eq!(
            (job.created_ms, job.finished_ms),
            (NOW_MS - 5, Some(NOW_MS))
        );
    }

    #[test]
    fn a_job_that_no_node_has_is_refused_by_its_id() {
        let refused: [fn(&mut JobLine); 11] = [
            |line| line.state = "pending".to_owned(),
            |line| line.state = "ended".to_owned(),
            |line| line.id = "snap_1".to_owned(),
            |line| line.id = "job_ 1".to_owned(),
            |line| line.function_id = "x".repeat(65),
            |line| line.finished_ms = NOW_MS + AHEAD_MS + 1,
            |line| line.started_ms = Some(-1),
            |line| line.method = "a b".to_owned(),
            |line| line.uri = "a b".to_owned(),
            |line| line.status = Some(99),
            |line| line.headers[0].1 = "?".to_owned(),
        ];
        for (number, change) in refused.iter().enumerate() {
            let mut wrong = line();
            change(&mut wrong);
            let id = format!("{:?}", wrong.id);
            match wrong.job(NOW_MS) {
                Err(SnapshotError::Unfit(said)) => assert!(said.contains(&id), "{said}"),
                other => panic!("{number}: {other:?}"),
            }
        }
    }
}

//! Jobs in the database: each change of state is one transaction, and a job is in one state.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::StorageError;
use super::database::Database;
use super::ids::ordered_id;
use super::stored;

/// What ids of jobs begin with.
const ID_PREFIX: &str = "job_";

/// What a row of a job counts of what its tenant stores, beside the bodies, in bytes; more where its
/// headers are longer.
pub(crate) const ROW_BYTES: i64 = 1024;

/// What a job stores, whose target and headers, and those of its result, take so many bytes, and its
/// bodies so many.
pub(crate) fn job_bytes(heads: i64, bodies: i64) -> i64 {
    heads.max(ROW_BYTES).saturating_add(bodies)
}

/// The bytes of the target and the headers of a job, as they are stored.
pub(crate) fn head_bytes(uri: &str, headers: &StoredHeaders, of_result: &StoredHeaders) -> i64 {
    let bytes = uri.len() + json(headers).len() + json(of_result).len();
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// The longest pause between two attempts, in milliseconds: no job is due later than that.
pub(crate) const LONGEST_PAUSE_MS: i64 = 5 * 60 * 1000;

/// How often a job is run again whose node ended while it ran. One that ends the node would
/// end it forever.
pub(crate) const MOST_INTERRUPTIONS: i64 = 3;

/// Where a job is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobState {
    /// It waits for its first attempt, or for the next.
    Pending,
    /// It runs.
    Running,
    /// The function answered, and not with a server's error.
    Succeeded,
    /// The last attempt failed.
    Failed,
    /// It was cancelled before its end.
    Cancelled,
    /// The node ended while it ran, and it was not to be run again.
    Lost,
}

impl JobState {
    pub(crate) const ALL: [JobState; 6] = [
        JobState::Pending,
        JobState::Running,
        JobState::Succeeded,
        JobState::Failed,
        JobState::Cancelled,
        JobState::Lost,
    ];

    pub(crate) fn word(self) -> &'static str {
        match self {
            JobState::Pending => "pending",
            JobState::Running => "running",
            JobState::Succeeded => "succeeded",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
            JobState::Lost => "lost",
        }
    }

    pub(crate) fn parse(word: &str) -> Option<JobState> {
        JobState::ALL.into_iter().find(|state| state.word() == word)
    }

    /// Whether nothing happens to it any more.
    pub(crate) fn is_final(self) -> bool {
        !matches!(self, JobState::Pending | JobState::Running)
    }
}

/// What becomes of a job whose node ends while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OnRestart {
    /// It is run again.
    Run,
    /// It is marked as lost.
    Lost,
}

impl OnRestart {
    pub(crate) fn word(self) -> &'static str {
        match self {
            OnRestart::Run => "run",
            OnRestart::Lost => "lost",
        }
    }
}

/// The headers of a request or response, in order.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct StoredHeaders(pub(crate) Vec<(String, Vec<u8>)>);

/// A job that is to be added.
pub(crate) struct NewJob {
    pub(crate) tenant: u64,
    pub(crate) function_id: String,
    pub(crate) function_name: String,
    pub(crate) max_attempts: u32,
    pub(crate) backoff_ms: i64,
    pub(crate) on_restart: OnRestart,
    pub(crate) created_by: Option<String>,
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: StoredHeaders,
    pub(crate) body: Vec<u8>,
    pub(crate) idempotency_key: Option<String>,
    /// Of everything that the client asked for.
    pub(crate) request_digest: String,
}

/// What was added.
pub(crate) enum Added {
    /// The job.
    New(String),
    /// The one that the same request with the same key made before.
    Known(String),
    /// Another request has the key.
    Conflict,
    /// The tenant has as many jobs as it may.
    TooMany,
    /// The tenant has stored as much as it may.
    TooMuch,
}

/// A job, without its bodies.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    pub(crate) tenant: u64,
    pub(crate) function_id: String,
    pub(crate) function_name: String,
    pub(crate) state: JobState,
    pub(crate) attempts: u32,
    pub(crate) max_attempts: u32,
    /// How often it was taken to be run, whether or not that counts as an attempt.
    pub(crate) claims: u32,
    pub(crate) backoff_ms: i64,
    pub(crate) on_restart: OnRestart,
    pub(crate) created_by: Option<String>,
    pub(crate) created_ms: i64,
    pub(crate) started_ms: Option<i64>,
    pub(crate) finished_ms: Option<i64>,
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) headers: StoredHeaders,
    /// Of the function's response, where it gave one.
    pub(crate) status: Option<u16>,
    pub(crate) result_headers: StoredHeaders,
    /// Kind and message.
    pub(crate) error: Option<(String, String)>,
}

/// How an attempt ended.
pub(crate) struct Attempt {
    /// The job's state from now on.
    pub(crate) state: JobState,
    /// Where the state is pending: when the next attempt may begin, in milliseconds since
    /// 1970.
    pub(crate) due_ms: i64,
    /// Whether the attempt counts.
    pub(crate) counts: bool,
    pub(crate) status: Option<u16>,
    pub(crate) headers: StoredHeaders,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) error: Option<(String, String)>,
}

/// A query of jobs without their bodies, from its condition on.
macro_rules! select_jobs {
    ($rest:literal) => {
        concat!(
            "SELECT id, tenant, function_id, function_name, state, attempts, max_attempts, \
             claims, backoff_ms, on_restart, created_by, created_at, started_at, finished_at, method, uri, headers, \
             status, result_headers, error_kind, error_message FROM jobs ",
            $rest
        )
    };
}

/// Jobs, each in one state: each change of it is made as a whole or not at all, names the state
/// that it changes from, and is safe when it is acknowledged.
#[async_trait]
pub(crate) trait JobQueue: Send + Sync {
    /// Adds a job, due at once, where the tenant has fewer than `limit` that are not at their
    /// end, and may store as much.
    async fn add_job(
        &self,
        job: NewJob,
        limit: u32,
        stored_bytes: u64,
        now_ms: i64,
    ) -> Result<Added, StorageError>;

    /// A job of a tenant.
    async fn job(&self, tenant: u64, id: &str) -> Result<Option<Job>, StorageError>;

    /// The jobs of a tenant, newest first, those before `after`, of one function and in one
    /// state where that is said.
    async fn jobs(
        &self,
        tenant: u64,
        function: Option<&str>,
        state: Option<JobState>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Job>, StorageError>;

    /// The body of a job's request or result.
    async fn job_body(&self, id: &str, kind: &str) -> Result<Option<Vec<u8>>, StorageError>;

    /// The tenants with jobs that wait.
    async fn tenants_with_jobs(&self) -> Result<Vec<u64>, StorageError>;

    /// Takes the tenant's job that has been due for longest, which runs from now on. A job that is
    /// due later than any pause is long ([`LONGEST_PAUSE_MS`]) is due: somebody has set the clock
    /// back. Where this fails, a job may run all the same: [`release_jobs`](Self::release_jobs).
    async fn claim_job(&self, tenant: u64, now_ms: i64) -> Result<Option<Job>, StorageError>;

    /// The jobs that run, but for these, wait again, as if they had not been claimed. To be called
    /// by whoever runs all jobs. Returns their tenants.
    async fn release_jobs(&self, but: &[String], now_ms: i64) -> Result<Vec<u64>, StorageError>;

    /// When the tenant's next job is due, in milliseconds since 1970.
    async fn next_due(&self, tenant: u64) -> Result<Option<i64>, StorageError>;

    /// Ends an attempt: that by which the job was claimed. Whether the job is now as the attempt has
    /// left it; a cancelled one stays so. To be called again where it fails.
    async fn end_attempt(
        &self,
        job: &Job,
        attempt: &Attempt,
        now_ms: i64,
    ) -> Result<bool, StorageError>;

    /// Cancels a job that is not at its end. Whether it was not.
    async fn cancel_job(&self, tenant: u64, id: &str, now_ms: i64) -> Result<bool, StorageError>;

    /// What ran when the node ended waits again, or is lost. `graceful` says that the node
    /// ended as it was told to, which is no attempt and no interruption. Returns how many wait
    /// again, and how many are lost.
    async fn settle_interrupted(
        &self,
        graceful: bool,
        now_ms: i64,
    ) -> Result<(u64, u64), StorageError>;

    /// Removes jobs that ended before this time.
    async fn remove_jobs(&self, before_ms: i64) -> Result<u64, StorageError>;
}

#[async_trait]
impl JobQueue for Database {
    async fn add_job(
        &self,
        job: NewJob,
        limit: u32,
        stored_bytes: u64,
        now_ms: i64,
    ) -> Result<Added, StorageError> {
        let mut transaction = self.writer.begin().await?;
        if let Some(key) = &job.idempotency_key {
            let known = sqlx::query(
                "SELECT id, request_digest FROM jobs \
                 WHERE tenant = $1 AND function_id = $2 AND idempotency_key = $3",
            )
            .bind(job.tenant.cast_signed())
            .bind(&job.function_id)
            .bind(key)
            .fetch_optional(&mut *transaction)
            .await?;
            if let Some(known) = known {
                let digest: String = known.try_get("request_digest")?;
                return Ok(match digest == job.request_digest {
                    true => Added::Known(known.try_get("id")?),
                    false => Added::Conflict,
                });
            }
        }
        let open: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM jobs WHERE state IN ('pending', 'running') AND tenant = $1",
        )
        .bind(job.tenant.cast_signed())
        .fetch_one(&mut *transaction)
        .await?;
        if open >= i64::from(limit) {
            return Ok(Added::TooMany);
        }
        let id = insert_job(&mut transaction, None, &job, stored_bytes, now_ms).await?;
        let Some(id) = id else {
            return Ok(Added::TooMuch);
        };
        transaction.commit().await?;
        Ok(Added::New(id))
    }

    async fn job(&self, tenant: u64, id: &str) -> Result<Option<Job>, StorageError> {
        let row = sqlx::query(select_jobs!("WHERE tenant = $1 AND id = $2"))
            .bind(tenant.cast_signed())
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(read).transpose()
    }

    async fn jobs(
        &self,
        tenant: u64,
        function: Option<&str>,
        state: Option<JobState>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Job>, StorageError> {
        let rows = sqlx::query(select_jobs!(
            "WHERE tenant = $1 AND ($2 IS NULL OR function_id = $2 OR function_name = $2) \
             AND ($3 IS NULL OR state = $3) AND ($4 IS NULL OR id < $4) \
             ORDER BY id DESC LIMIT $5"
        ))
        .bind(tenant.cast_signed())
        .bind(function)
        .bind(state.map(JobState::word))
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    async fn job_body(&self, id: &str, kind: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let body =
            sqlx::query_scalar("SELECT body FROM job_bodies WHERE job_id = $1 AND kind = $2")
                .bind(id)
                .bind(kind)
                .fetch_optional(&self.readers)
                .await?;
        Ok(body)
    }

    async fn tenants_with_jobs(&self) -> Result<Vec<u64>, StorageError> {
        let tenants: Vec<i64> =
            sqlx::query_scalar("SELECT DISTINCT tenant FROM jobs WHERE state = 'pending'")
                .fetch_all(&self.readers)
                .await?;
        Ok(tenants.into_iter().map(i64::cast_unsigned).collect())
    }

    async fn claim_job(&self, tenant: u64, now_ms: i64) -> Result<Option<Job>, StorageError> {
        let mut transaction = self.writer.begin().await?;
        let id: Option<String> = sqlx::query_scalar(
            "SELECT id FROM jobs WHERE state = 'pending' AND tenant = $1 \
             AND (due_at <= $2 OR due_at > $3) ORDER BY due_at, id LIMIT 1",
        )
        .bind(tenant.cast_signed())
        .bind(now_ms)
        .bind(now_ms.saturating_add(LONGEST_PAUSE_MS))
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(id) = id else {
            return Ok(None);
        };
        sqlx::query(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, claims = claims + 1, \
             started_at = $2 WHERE id = $1",
        )
        .bind(&id)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        let row = sqlx::query(select_jobs!("WHERE id = $1"))
            .bind(&id)
            .fetch_one(&mut *transaction)
            .await?;
        let job = read(&row)?;
        transaction.commit().await?;
        Ok(Some(job))
    }

    async fn release_jobs(&self, but: &[String], now_ms: i64) -> Result<Vec<u64>, StorageError> {
        let mut transaction = self.writer.begin().await?;
        let running = sqlx::query("SELECT id, tenant FROM jobs WHERE state = 'running'")
            .fetch_all(&mut *transaction)
            .await?;
        let mut tenants = Vec::new();
        for row in running {
            let id: String = row.try_get("id")?;
            if but.contains(&id) {
                continue;
            }
            sqlx::query(
                "UPDATE jobs SET state = 'pending', due_at = $2, attempts = attempts - 1 \
                 WHERE id = $1",
            )
            .bind(&id)
            .bind(now_ms)
            .execute(&mut *transaction)
            .await?;
            tenants.push(row.try_get::<i64, _>("tenant")?.cast_unsigned());
        }
        transaction.commit().await?;
        Ok(tenants)
    }

    async fn next_due(&self, tenant: u64) -> Result<Option<i64>, StorageError> {
        let due = sqlx::query_scalar(
            "SELECT MIN(due_at) FROM jobs WHERE state = 'pending' AND tenant = $1",
        )
        .bind(tenant.cast_signed())
        .fetch_one(&self.writer)
        .await?;
        Ok(due)
    }

    async fn end_attempt(
        &self,
        job: &Job,
        attempt: &Attempt,
        now_ms: i64,
    ) -> Result<bool, StorageError> {
        let mut transaction = self.writer.begin().await?;
        let finished = attempt.state.is_final().then_some(now_ms);
        let (kind, message) = attempt
            .error
            .as_ref()
            .map(|(kind, text)| (kind, text))
            .unzip();
        let changed = sqlx::query(
            "UPDATE jobs SET state = $2, due_at = $3, finished_at = $4, status = $5, \
             result_headers = $6, error_kind = $7, error_message = $8, attempts = attempts - $9 \
             WHERE id = $1 AND state = 'running' AND claims = $10",
        )
        .bind(&job.id)
        .bind(attempt.state.word())
        .bind(attempt.due_ms)
        .bind(finished)
        .bind(attempt.status.map(i64::from))
        .bind(json(&attempt.headers))
        .bind(kind)
        .bind(message)
        .bind(i64::from(!attempt.counts))
        .bind(i64::from(job.claims))
        .execute(&mut *transaction)
        .await?;
        let id = &job.id;
        if changed.rows_affected() == 0 {
            let written: i64 = sqlx::query_scalar(
                "SELECT COUNT(*) FROM jobs WHERE id = $1 AND state = $2 AND claims = $3",
            )
            .bind(id)
            .bind(attempt.state.word())
            .bind(i64::from(job.claims))
            .fetch_one(&mut *transaction)
            .await?;
            return Ok(written > 0);
        }
        sqlx::query("DELETE FROM job_bodies WHERE job_id = $1 AND kind = 'result'")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        if let Some(body) = &attempt.body {
            sqlx::query("INSERT INTO job_bodies (job_id, kind, body) VALUES ($1, 'result', $2)")
                .bind(id)
                .bind(body)
                .execute(&mut *transaction)
                .await?;
        }
        if attempt.state.is_final() {
            drop_request(&mut transaction, id).await?;
        }
        count_stored(&mut transaction, id).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn cancel_job(&self, tenant: u64, id: &str, now_ms: i64) -> Result<bool, StorageError> {
        let mut transaction = self.writer.begin().await?;
        let changed = sqlx::query(
            "UPDATE jobs SET state = 'cancelled', finished_at = $3 \
             WHERE tenant = $1 AND id = $2 AND state IN ('pending', 'running')",
        )
        .bind(tenant.cast_signed())
        .bind(id)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() > 0 {
            drop_request(&mut transaction, id).await?;
            count_stored(&mut transaction, id).await?;
        }
        transaction.commit().await?;
        Ok(changed.rows_affected() > 0)
    }

    async fn settle_interrupted(
        &self,
        graceful: bool,
        now_ms: i64,
    ) -> Result<(u64, u64), StorageError> {
        let mut transaction = self.writer.begin().await?;
        let lost: Vec<String> = sqlx::query_scalar(
            "UPDATE jobs SET state = 'lost', finished_at = $1, error_kind = 'job_lost', \
             error_message = 'the node ended while the job ran' \
             WHERE state = 'running' AND (on_restart = 'lost' OR interruptions >= $2) \
             RETURNING id",
        )
        .bind(now_ms)
        .bind(MOST_INTERRUPTIONS)
        .fetch_all(&mut *transaction)
        .await?;
        for id in &lost {
            drop_request(&mut transaction, id).await?;
            count_stored(&mut transaction, id).await?;
        }
        let again = sqlx::query(
            "UPDATE jobs SET state = 'pending', due_at = $1, attempts = attempts - 1, \
             interruptions = interruptions + $2 WHERE state = 'running'",
        )
        .bind(now_ms)
        .bind(i64::from(!graceful))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok((again.rows_affected(), lost.len() as u64))
    }

    async fn remove_jobs(&self, before_ms: i64) -> Result<u64, StorageError> {
        let mut transaction = self.writer.begin().await?;
        let stored = sqlx::query(
            "SELECT tenant, SUM(stored_bytes) AS bytes FROM jobs WHERE finished_at < $1 \
             GROUP BY tenant",
        )
        .bind(before_ms)
        .fetch_all(&mut *transaction)
        .await?;
        for row in stored {
            let bytes: i64 = row.try_get("bytes")?;
            stored::change(&mut transaction, row.try_get("tenant")?, -bytes).await?;
        }
        let removed = sqlx::query("DELETE FROM jobs WHERE finished_at < $1")
            .bind(before_ms)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(removed.rows_affected())
    }
}

/// A job that has ended needs its request no more.
async fn drop_request(connection: &mut SqliteConnection, id: &str) -> Result<(), StorageError> {
    sqlx::query("DELETE FROM job_bodies WHERE job_id = $1 AND kind = 'request'")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Counts what a job stores now for its tenant.
async fn count_stored(connection: &mut SqliteConnection, id: &str) -> Result<(), StorageError> {
    let row = sqlx::query(
        "SELECT tenant, stored_bytes, \
         LENGTH(uri) + LENGTH(headers) + COALESCE(LENGTH(result_headers), 2) AS heads, \
         (SELECT COALESCE(SUM(LENGTH(body)), 0) FROM job_bodies WHERE job_id = $1) AS bodies \
         FROM jobs WHERE id = $1",
    )
    .bind(id)
    .fetch_one(&mut *connection)
    .await?;
    let before: i64 = row.try_get("stored_bytes")?;
    let now = job_bytes(row.try_get("heads")?, row.try_get("bodies")?);
    stored::change(connection, row.try_get("tenant")?, now - before).await?;
    sqlx::query("UPDATE jobs SET stored_bytes = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

pub(super) fn json(headers: &StoredHeaders) -> String {
    // Texts and bytes always serialize.
    serde_json::to_string(headers).unwrap_or_default()
}

/// Whether it is what a node makes as the id of a job.
pub(crate) fn is_job_id(text: &str) -> bool {
    let digits = text.strip_prefix(ID_PREFIX).unwrap_or_default();
    (1..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The id of what is a job of another function, or has an id of another kind, as a job of this function: the
/// same one each time.
pub(super) fn derived_job_id(known_id: &str, function_id: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(function_id.as_bytes());
    hasher.update(b"\0");
    hasher.update(known_id.as_bytes());
    let digits = hasher.finalize().to_hex();
    format!("{ID_PREFIX}{}", digits.get(..32).unwrap_or_default())
}

/// Adds the rows of a job, due at once, with an id that is free or a new one. Returns the id, or nothing
/// where the tenant may not store as much.
pub(super) async fn insert_job(
    connection: &mut SqliteConnection,
    id: Option<&str>,
    job: &NewJob,
    stored_bytes: u64,
    now_ms: i64,
) -> Result<Option<String>, StorageError> {
    let tenant = job.tenant.cast_signed();
    let heads = head_bytes(&job.uri, &job.headers, &StoredHeaders::default());
    let bytes = i64::try_from(job.body.len()).unwrap_or(i64::MAX);
    let bytes = job_bytes(heads, bytes);
    if !stored::has_room(connection, tenant, bytes, stored_bytes).await? {
        return Ok(None);
    }
    stored::change(connection, tenant, bytes).await?;
    let id = match id {
        Some(id) => id.to_owned(),
        None => ordered_id(ID_PREFIX, now_ms)?,
    };
    sqlx::query(
        "INSERT INTO jobs (id, tenant, function_id, function_name, state, attempts, \
         max_attempts, backoff_ms, interruptions, on_restart, created_by, created_at, due_at, \
         method, uri, headers, idempotency_key, request_digest, stored_bytes) \
         VALUES ($1, $2, $3, $4, 'pending', 0, $5, $6, 0, $7, $8, $9, $9, $10, $11, $12, $13, \
         $14, $15)",
    )
    .bind(&id)
    .bind(job.tenant.cast_signed())
    .bind(&job.function_id)
    .bind(&job.function_name)
    .bind(i64::from(job.max_attempts))
    .bind(job.backoff_ms)
    .bind(job.on_restart.word())
    .bind(&job.created_by)
    .bind(now_ms)
    .bind(&job.method)
    .bind(&job.uri)
    .bind(json(&job.headers))
    .bind(&job.idempotency_key)
    .bind(&job.request_digest)
    .bind(bytes)
    .execute(&mut *connection)
    .await?;
    sqlx::query("INSERT INTO job_bodies (job_id, kind, body) VALUES ($1, 'request', $2)")
        .bind(&id)
        .bind(&job.body)
        .execute(&mut *connection)
        .await?;
    Ok(Some(id))
}

pub(super) fn read(row: &SqliteRow) -> Result<Job, StorageError> {
    let damaged = |what| StorageError::Damaged { what };
    let number = |column: &str| -> Result<u32, StorageError> {
        let number: i64 = row.try_get(column)?;
        u32::try_from(number).map_err(|_| damaged("a number of a job"))
    };
    let headers = |column: &str| -> Result<StoredHeaders, StorageError> {
        let text: Option<String> = row.try_get(column)?;
        match text {
            Some(text) => serde_json::from_str(&text).map_err(|_| damaged("headers of a job")),
            None => Ok(StoredHeaders::default()),
        }
    };
    let state: String = row.try_get("state")?;
    let status: Option<i64> = row.try_get("status")?;
    let kind: Option<String> = row.try_get("error_kind")?;
    let message: Option<String> = row.try_get("error_message")?;
    Ok(Job {
        id: row.try_get("id")?,
        tenant: row.try_get::<i64, _>("tenant")?.cast_unsigned(),
        function_id: row.try_get("function_id")?,
        function_name: row.try_get("function_name")?,
        state: JobState::parse(&state).ok_or_else(|| damaged("a state of a job"))?,
        attempts: number("attempts")?,
        max_attempts: number("max_attempts")?,
        claims: number("claims")?,
        backoff_ms: row.try_get("backoff_ms")?,
        on_restart: match row.try_get::<String, _>("on_restart")?.as_str() {
            "lost" => OnRestart::Lost,
            _ => OnRestart::Run,
        },
        created_by: row.try_get("created_by")?,
        created_ms: row.try_get("created_at")?,
        started_ms: row.try_get("started_at")?,
        finished_ms: row.try_get("finished_at")?,
        method: row.try_get("method")?,
        uri: row.try_get("uri")?,
        headers: headers("headers")?,
        status: status.and_then(|status| u16::try_from(status).ok()),
        result_headers: headers("result_headers")?,
        error: kind.zip(message),
    })
}

//! Jobs in the database: each change of state is one transaction, and a job is in one state.

use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::StorageError;
use super::database::Database;
use super::ids::ordered_id;
use super::stored;

/// What ids of jobs begin with.
const ID_PREFIX: &str = "job_";

/// What a row of a job counts of what its tenant stores, beside the bodies, in bytes.
const ROW_BYTES: i64 = 1024;

/// How often a job is run again whose node ended while it ran. One that ends the node would
/// end it forever.
const MOST_INTERRUPTIONS: i64 = 3;

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
    pub(crate) backoff_ms: i64,
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
             backoff_ms, created_by, created_at, started_at, finished_at, method, uri, headers, \
             status, result_headers, error_kind, error_message FROM jobs ",
            $rest
        )
    };
}

impl Database {
    /// Adds a job, due at once, where the tenant has fewer than `limit` that are not at their
    /// end, and may store as much.
    pub(crate) async fn add_job(
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
        let tenant = job.tenant.cast_signed();
        let bytes = i64::try_from(job.body.len()).unwrap_or(i64::MAX);
        let bytes = bytes.saturating_add(ROW_BYTES);
        if !stored::has_room(&mut transaction, tenant, bytes, stored_bytes).await? {
            return Ok(Added::TooMuch);
        }
        stored::change(&mut transaction, tenant, bytes).await?;
        let id = ordered_id(ID_PREFIX, now_ms)?;
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
        .execute(&mut *transaction)
        .await?;
        sqlx::query("INSERT INTO job_bodies (job_id, kind, body) VALUES ($1, 'request', $2)")
            .bind(&id)
            .bind(&job.body)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Added::New(id))
    }

    /// A job of a tenant.
    pub(crate) async fn job(&self, tenant: u64, id: &str) -> Result<Option<Job>, StorageError> {
        let row = sqlx::query(select_jobs!("WHERE tenant = $1 AND id = $2"))
            .bind(tenant.cast_signed())
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The jobs of a tenant, newest first, those before `after`, of one function and in one
    /// state where that is said.
    pub(crate) async fn jobs(
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

    /// The body of a job's request or result.
    pub(crate) async fn job_body(
        &self,
        id: &str,
        kind: &str,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let body =
            sqlx::query_scalar("SELECT body FROM job_bodies WHERE job_id = $1 AND kind = $2")
                .bind(id)
                .bind(kind)
                .fetch_optional(&self.readers)
                .await?;
        Ok(body)
    }

    /// The tenants with jobs that wait.
    pub(crate) async fn tenants_with_jobs(&self) -> Result<Vec<u64>, StorageError> {
        let tenants: Vec<i64> =
            sqlx::query_scalar("SELECT DISTINCT tenant FROM jobs WHERE state = 'pending'")
                .fetch_all(&self.readers)
                .await?;
        Ok(tenants.into_iter().map(i64::cast_unsigned).collect())
    }

    /// Takes the tenant's job that has been due for longest, which runs from now on.
    pub(crate) async fn claim_job(
        &self,
        tenant: u64,
        now_ms: i64,
    ) -> Result<Option<Job>, StorageError> {
        let mut transaction = self.writer.begin().await?;
        let id: Option<String> = sqlx::query_scalar(
            "SELECT id FROM jobs WHERE state = 'pending' AND tenant = $1 AND due_at <= $2 \
             ORDER BY due_at, id LIMIT 1",
        )
        .bind(tenant.cast_signed())
        .bind(now_ms)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(id) = id else {
            return Ok(None);
        };
        sqlx::query(
            "UPDATE jobs SET state = 'running', attempts = attempts + 1, started_at = $2 \
             WHERE id = $1",
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

    /// When the tenant's next job is due, in milliseconds since 1970.
    pub(crate) async fn next_due(&self, tenant: u64) -> Result<Option<i64>, StorageError> {
        let due = sqlx::query_scalar(
            "SELECT MIN(due_at) FROM jobs WHERE state = 'pending' AND tenant = $1",
        )
        .bind(tenant.cast_signed())
        .fetch_one(&self.writer)
        .await?;
        Ok(due)
    }

    /// Ends an attempt. Whether the job still ran; a cancelled one stays so.
    pub(crate) async fn end_attempt(
        &self,
        id: &str,
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
             WHERE id = $1 AND state = 'running'",
        )
        .bind(id)
        .bind(attempt.state.word())
        .bind(attempt.due_ms)
        .bind(finished)
        .bind(attempt.status.map(i64::from))
        .bind(json(&attempt.headers))
        .bind(kind)
        .bind(message)
        .bind(i64::from(!attempt.counts))
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
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

    /// Cancels a job that is not at its end. Whether it was not.
    pub(crate) async fn cancel_job(
        &self,
        tenant: u64,
        id: &str,
        now_ms: i64,
    ) -> Result<bool, StorageError> {
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

    /// What ran when the node ended waits again, or is lost. `graceful` says that the node
    /// ended as it was told to, which is no attempt and no interruption. Returns how many wait
    /// again, and how many are lost.
    pub(crate) async fn settle_interrupted(
        &self,
        graceful: bool,
        now_ms: i64,
    ) -> Result<(u64, u64), StorageError> {
        let mut transaction = self.writer.begin().await?;
        let lost = sqlx::query(
            "UPDATE jobs SET state = 'lost', finished_at = $1, error_kind = 'job_lost', \
             error_message = 'the node ended while the job ran' \
             WHERE state = 'running' AND (on_restart = 'lost' OR interruptions >= $2)",
        )
        .bind(now_ms)
        .bind(MOST_INTERRUPTIONS)
        .execute(&mut *transaction)
        .await?;
        let again = sqlx::query(
            "UPDATE jobs SET state = 'pending', due_at = $1, attempts = attempts - 1, \
             interruptions = interruptions + $2 WHERE state = 'running'",
        )
        .bind(now_ms)
        .bind(i64::from(!graceful))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok((again.rows_affected(), lost.rows_affected()))
    }

    /// Removes jobs that ended before this time.
    pub(crate) async fn remove_jobs(&self, before_ms: i64) -> Result<u64, StorageError> {
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
         (SELECT COALESCE(SUM(LENGTH(body)), 0) FROM job_bodies WHERE job_id = $1) AS bodies \
         FROM jobs WHERE id = $1",
    )
    .bind(id)
    .fetch_one(&mut *connection)
    .await?;
    let before: i64 = row.try_get("stored_bytes")?;
    let now = row.try_get::<i64, _>("bodies")?.saturating_add(ROW_BYTES);
    stored::change(connection, row.try_get("tenant")?, now - before).await?;
    sqlx::query("UPDATE jobs SET stored_bytes = $2 WHERE id = $1")
        .bind(id)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

fn json(headers: &StoredHeaders) -> String {
    // Texts and bytes always serialize.
    serde_json::to_string(headers).unwrap_or_default()
}

fn read(row: &SqliteRow) -> Result<Job, StorageError> {
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
        backoff_ms: row.try_get("backoff_ms")?,
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use super::*;

    const STORED: u64 = 1 << 20;

    async fn open(folder: &tempfile::TempDir) -> Database {
        Database::open(&folder.path().join("node.db"))
            .await
            .unwrap()
    }

    fn job(tenant: u64, key: Option<&str>, digest: &str) -> NewJob {
        NewJob {
            tenant,
            function_id: "fn_1".to_owned(),
            function_name: "app".to_owned(),
            max_attempts: 2,
            backoff_ms: 1000,
            on_restart: OnRestart::Run,
            created_by: None,
            method: "POST".to_owned(),
            uri: "http://h/".to_owned(),
            headers: StoredHeaders(vec![("a".to_owned(), vec![0xff])]),
            body: b"body".to_vec(),
            idempotency_key: key.map(str::to_owned),
            request_digest: digest.to_owned(),
        }
    }

    async fn add(database: &Database, job: NewJob) -> String {
        match database.add_job(job, 100, STORED, 1).await.unwrap() {
            Added::New(id) => id,
            _ => panic!("not added"),
        }
    }

    fn succeeded() -> Attempt {
        Attempt {
            state: JobState::Succeeded,
            due_ms: 0,
            counts: true,
            status: Some(200),
            headers: StoredHeaders::default(),
            body: Some(b"result".to_vec()),
            error: None,
        }
    }

    #[tokio::test]
    async fn one_key_makes_one_job() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let id = add(&database, job(1, Some("k"), "d")).await;
        let again = database
            .add_job(job(1, Some("k"), "d"), 1, STORED, 2)
            .await
            .unwrap();
        assert!(matches!(again, Added::Known(known) if known == id));
        let other = database
            .add_job(job(1, Some("k"), "e"), 1, STORED, 2)
            .await
            .unwrap();
        assert!(matches!(other, Added::Conflict));
        let full = database
            .add_job(job(1, None, "d"), 1, STORED, 2)
            .await
            .unwrap();
        assert!(matches!(full, Added::TooMany));
        add(&database, job(2, Some("k"), "e")).await;
    }

    #[tokio::test]
    async fn a_job_runs_once_and_ends_once() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let id = add(&database, job(1, None, "d")).await;
        assert!(database.claim_job(2, 5).await.unwrap().is_none());
        assert!(database.claim_job(1, 0).await.unwrap().is_none());
        let claimed = database.claim_job(1, 5).await.unwrap().unwrap();
        assert_eq!((claimed.state, claimed.attempts), (JobState::Running, 1));
        assert_eq!(claimed.headers.0, [("a".to_owned(), vec![0xff])]);
        assert!(database.claim_job(1, 5).await.unwrap().is_none());
        assert!(database.end_attempt(&id, &succeeded(), 6).await.unwrap());
        assert!(!database.end_attempt(&id, &succeeded(), 7).await.unwrap());
        assert!(!database.cancel_job(1, &id, 8).await.unwrap());
        let job = database.job(1, &id).await.unwrap().unwrap();
        assert_eq!((job.state, job.finished_ms), (JobState::Succeeded, Some(6)));
        assert_eq!(
            database.job_body(&id, "result").await.unwrap().unwrap(),
            b"result"
        );
        assert!(database.job_body(&id, "request").await.unwrap().is_none());
        assert!(database.job(2, &id).await.unwrap().is_none());
        assert_eq!(database.remove_jobs(7).await.unwrap(), 1);
        assert!(database.job_body(&id, "result").await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_cancelled_job_stays_cancelled() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let id = add(&database, job(1, None, "d")).await;
        database.claim_job(1, 5).await.unwrap().unwrap();
        assert!(!database.cancel_job(2, &id, 6).await.unwrap());
        assert!(database.cancel_job(1, &id, 6).await.unwrap());
        assert!(!database.end_attempt(&id, &succeeded(), 7).await.unwrap());
        let job = database.job(1, &id).await.unwrap().unwrap();
        assert_eq!(job.state, JobState::Cancelled);
    }

    #[tokio::test]
    async fn what_ran_when_the_node_ended_is_run_again_a_few_times_or_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let id = add(&database, job(1, None, "d")).await;
        for _ in 0..MOST_INTERRUPTIONS {
            database.claim_job(1, 5).await.unwrap().unwrap();
            let settled = database.settle_interrupted(false, 5).await.unwrap();
            assert_eq!(settled, (1, 0));
        }
        database.claim_job(1, 5).await.unwrap().unwrap();
        assert_eq!(database.settle_interrupted(false, 5).await.unwrap(), (0, 1));
        let lost = database.job(1, &id).await.unwrap().unwrap();
        assert_eq!(lost.state, JobState::Lost);
        let once = NewJob {
            on_restart: OnRestart::Lost,
            ..job(1, None, "d")
        };
        add(&database, once).await;
        database.claim_job(1, 5).await.unwrap().unwrap();
        assert_eq!(database.settle_interrupted(true, 5).await.unwrap(), (0, 1));
    }

    #[tokio::test]
    async fn jobs_are_listed_newest_first_by_function_and_state() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let mut ids = Vec::new();
        for time in 1..=3 {
            match database
                .add_job(job(1, None, "d"), 9, STORED, time)
                .await
                .unwrap()
            {
                Added::New(id) => ids.push(id),
                _ => panic!("not added"),
            }
        }
        ids.reverse();
        let list = async |function, state, after| -> Vec<String> {
            let jobs = database.jobs(1, function, state, after, 2).await.unwrap();
            jobs.into_iter().map(|job| job.id).collect()
        };
        assert_eq!(list(None, None, None).await, ids[..2]);
        assert_eq!(list(Some("app"), None, Some(&*ids[1])).await, ids[2..]);
        assert!(list(Some("other"), None, None).await.is_empty());
        assert!(list(None, Some(JobState::Running), None).await.is_empty());
        assert_eq!(list(None, Some(JobState::Pending), None).await, ids[..2]);
    }

    #[tokio::test]
    async fn what_jobs_store_is_given_back_as_they_end_and_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let stored = async || -> i64 {
            let stored = sqlx::query_scalar("SELECT bytes FROM stored WHERE tenant = 1");
            stored.fetch_one(&database.readers).await.unwrap()
        };
        let id = add(&database, job(1, None, "d")).await;
        assert_eq!(stored().await, ROW_BYTES + 4);
        let full = database
            .add_job(job(1, None, "d"), 9, 2000, 1)
            .await
            .unwrap();
        assert!(matches!(full, Added::TooMuch));
        database.claim_job(1, 5).await.unwrap().unwrap();
        database.end_attempt(&id, &succeeded(), 6).await.unwrap();
        assert_eq!(stored().await, ROW_BYTES + 6);
        let other = add(&database, job(1, None, "d")).await;
        assert!(database.cancel_job(1, &other, 6).await.unwrap());
        assert_eq!(stored().await, 2 * ROW_BYTES + 6);
        assert_eq!(database.remove_jobs(7).await.unwrap(), 2);
        assert_eq!(stored().await, 0);
    }
}

//! Jobs that have ended, as a backup of a whole node has them: read in pages, and added with the ids that
//! they had.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::StorageError;
use super::database::Database;
use super::jobs::{self, Job, head_bytes, job_bytes, json};
use super::node_state::StateImport;
use super::stored;

/// A job that has ended, without its result.
#[derive(Debug)]
pub(crate) struct EndedJob {
    pub(crate) job: Job,
    pub(crate) idempotency_key: Option<String>,
    /// Of everything that the client asked for.
    pub(crate) request_digest: String,
}

/// What became of a job that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobAdded {
    Added,
    /// There is one with its id, or of the same function with the same idempotency key.
    Known,
    /// Its tenant would store more than it may.
    TooMuch,
}

impl Database {
    /// Jobs of all tenants that have ended, at most `limit`, by their ids, those after `after`.
    pub(crate) async fn ended_jobs(
        &self,
        after: &str,
        limit: u32,
    ) -> Result<Vec<EndedJob>, StorageError> {
        let rows = sqlx::query(
            "SELECT * FROM jobs WHERE id > $1 AND state NOT IN ('pending', 'running') \
             ORDER BY id LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &SqliteRow) -> Result<EndedJob, StorageError> {
    Ok(EndedJob {
        job: jobs::read(row)?,
        idempotency_key: row.try_get("idempotency_key")?,
        request_digest: row.try_get("request_digest")?,
    })
}

impl StateImport {
    /// Adds a job that has ended, unless it is known, where its tenant may store so many bytes.
    pub(crate) async fn add_job(
        &mut self,
        ended: &EndedJob,
        result: Option<&[u8]>,
        stored_bytes: u64,
    ) -> Result<JobAdded, StorageError> {
        let job = &ended.job;
        let tenant = job.tenant.cast_signed();
        let heads = head_bytes(&job.uri, &job.headers, &job.result_headers);
        let bodies = i64::try_from(result.map_or(0, <[u8]>::len)).unwrap_or(i64::MAX);
        let bytes = job_bytes(heads, bodies);
        let (kind, message) = job.error.as_ref().map(|(kind, text)| (kind, text)).unzip();
        let added = sqlx::query(
            "INSERT INTO jobs (id, tenant, function_id, function_name, state, attempts, \
             max_attempts, backoff_ms, interruptions, on_restart, created_by, created_at, due_at, \
             started_at, finished_at, method, uri, headers, status, result_headers, error_kind, \
             error_message, idempotency_key, request_digest, stored_bytes, claims) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, $10, $11, $11, $12, $13, $14, $15, \
             $16, $17, $18, $19, $20, $21, $22, $23, $6) ON CONFLICT DO NOTHING",
        )
        .bind(&job.id)
        .bind(tenant)
        .bind(&job.function_id)
        .bind(&job.function_name)
        .bind(job.state.word())
        .bind(i64::from(job.attempts))
        .bind(i64::from(job.max_attempts))
        .bind(job.backoff_ms)
        .bind(job.on_restart.word())
        .bind(&job.created_by)
        .bind(job.created_ms)
        .bind(job.started_ms)
        .bind(job.finished_ms)
        .bind(&job.method)
        .bind(&job.uri)
        .bind(json(&job.headers))
        .bind(job.status.map(i64::from))
        .bind(json(&job.result_headers))
        .bind(kind)
        .bind(message)
        .bind(&ended.idempotency_key)
        .bind(&ended.request_digest)
        .bind(bytes)
        .execute(&mut *self.0)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(JobAdded::Known);
        }
        if !stored::has_room(&mut self.0, tenant, bytes, stored_bytes).await? {
            return Ok(JobAdded::TooMuch);
        }
        stored::change(&mut self.0, tenant, bytes).await?;
        if let Some(result) = result {
            sqlx::query("INSERT INTO job_bodies (job_id, kind, body) VALUES ($1, 'result', $2)")
                .bind(&job.id)
                .bind(result)
                .execute(&mut *self.0)
                .await?;
        }
        Ok(JobAdded::Added)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::storage::jobs::{JobQueue, JobState, OnRestart, StoredHeaders};

    fn ended(number: u32, key: Option<&str>) -> EndedJob {
        EndedJob {
            job: Job {
                id: format!("job_{number:04}"),
                tenant: u64::MAX,
                function_id: "fn_1".to_owned(),
                function_name: "app".to_owned(),
                state: JobState::Failed,
                attempts: 2,
                max_attempts: 2,
                claims: 2,
                backoff_ms: 100,
                on_restart: OnRestart::Lost,
                created_by: Some("alice".to_owned()),
                created_ms: 1,
                started_ms: Some(2),
                finished_ms: Some(3),
                method: "POST".to_owned(),
                uri: "/run".to_owned(),
                headers: StoredHeaders(vec![("a".to_owned(), vec![255])]),
                status: Some(500),
                result_headers: StoredHeaders(vec![("b".to_owned(), b"c".to_vec())]),
                error: Some(("guest_trap".to_owned(), "it trapped".to_owned())),
            },
            idempotency_key: key.map(str::to_owned),
            request_digest: "digest".to_owned(),
        }
    }

    #[tokio::test]
    async fn jobs_come_in_pages_and_are_added_once_with_all_that_they_had() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("node.db"))
            .await
            .unwrap();
        let mut import = database.begin_state_import().await.unwrap();
        for (number, key, expected) in [
            (1, Some("key"), JobAdded::Added),
            (2, None, JobAdded::Added),
            (1, None, JobAdded::Known),
            (3, Some("key"), JobAdded::Known),
            (4, None, JobAdded::Added),
        ] {
            let one = ended(number, key);
            let added = import.add_job(&one, Some(b"result"), 5000).await;
            assert_eq!(added.unwrap(), expected, "{number}");
        }
        let added = import
            .add_job(&ended(5, None), Some(&[0; 2000]), 5000)
            .await;
        assert_eq!(added.unwrap(), JobAdded::TooMuch);
        drop(import);
        assert!(database.ended_jobs("", 10).await.unwrap().is_empty());

        let mut import = database.begin_state_import().await.unwrap();
        for number in 1..6 {
            let one = ended(number, None);
            import
                .add_job(&one, Some(b"result"), 1 << 20)
                .await
                .unwrap();
        }
        import.commit().await.unwrap();
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = database.ended_jobs(&after, 2).await.unwrap();
            let Some(last) = page.last() else {
                break;
            };
            after = last.job.id.clone();
            found.extend(page);
        }
        let shown: Vec<_> = found.iter().map(|one| format!("{one:?}")).collect();
        let expected: Vec<_> = (1..6)
            .map(|number| format!("{:?}", ended(number, None)))
            .collect();
        assert_eq!(shown, expected);
        let body = database.job_body("job_0003", "result").await.unwrap();
        assert_eq!(body.unwrap(), b"result");
        let stored: i64 = sqlx::query_scalar("SELECT bytes FROM stored")
            .fetch_one(&database.readers)
            .await
            .unwrap();
        assert_eq!(stored, 5 * (jobs::ROW_BYTES + 6));
        database.remove_jobs(4).await.unwrap();
        let stored: i64 = sqlx::query_scalar("SELECT bytes FROM stored")
            .fetch_one(&database.readers)
            .await
            .unwrap();
        assert_eq!(stored, 0);
    }
}

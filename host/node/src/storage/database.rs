//! The database of a node: SQLite in one file, with the migrations of its schema.
//!
//! The queries keep to what PostgreSQL understands as well. Writes go through one connection,
//! since SQLite has one writer at a time; reads have their own, and see what is committed.

use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, SqlSafeStr, SqlStr};

use super::{Metadata, StorageError};

/// Connections that read at one time.
const READERS: u32 = 4;

/// How long a query may wait for a connection before it fails.
const PATIENCE: Duration = Duration::from_secs(10);

/// The version of the schema of a node's database that this program writes, and the newest that it reads.
pub const DATABASE_VERSION: usize = SCHEMA.len();

/// The versions of the schema. None that was released is ever changed.
const SCHEMA: [(i64, &str, &str); 11] = [
    (
        1,
        "functions",
        include_str!("../../migrations/0001_functions.sql"),
    ),
    (2, "jobs", include_str!("../../migrations/0002_jobs.sql")),
    (
        3,
        "settings",
        include_str!("../../migrations/0003_settings.sql"),
    ),
    (4, "usage", include_str!("../../migrations/0004_usage.sql")),
    (
        5,
        "stored",
        include_str!("../../migrations/0005_stored.sql"),
    ),
    (
        6,
        "outgoing_hosts",
        include_str!("../../migrations/0006_outgoing_hosts.sql"),
    ),
    (
        7,
        "usage_of_processors",
        include_str!("../../migrations/0007_usage_of_processors.sql"),
    ),
    (
        8,
        "assets",
        include_str!("../../migrations/0008_assets.sql"),
    ),
    (
        9,
        "claims",
        include_str!("../../migrations/0009_claims.sql"),
    ),
    (
        10,
        "snapshots",
        include_str!("../../migrations/0010_snapshots.sql"),
    ),
    (
        11,
        "uploads",
        include_str!("../../migrations/0011_uploads.sql"),
    ),
];

/// An open database. Clones are the same one.
#[derive(Clone)]
pub(crate) struct Database {
    pub(super) writer: SqlitePool,
    pub(super) readers: SqlitePool,
}

impl Database {
    /// Whether a function has a secret.
    pub(crate) async fn has_secrets(&self) -> Result<bool, StorageError> {
        let secrets = "SELECT COUNT(*) FROM settings WHERE is_secret = 1";
        let count: i64 = sqlx::query_scalar(secrets).fetch_one(&self.readers).await?;
        Ok(count > 0)
    }

    /// Opens the file, or makes a new one, and brings its schema up to date.
    pub(crate) async fn open(path: &Path) -> Result<Database, StorageError> {
        Database::open_with(path, PATIENCE, false).await
    }

    /// The same, where there are components: a database without tables is not theirs.
    pub(crate) async fn open_filled(path: &Path) -> Result<Database, StorageError> {
        Database::open_with(path, PATIENCE, true).await
    }

    /// The same, where another program may have it locked for so long.
    async fn open_with(
        path: &Path,
        patience: Duration,
        is_filled: bool,
    ) -> Result<Database, StorageError> {
        let error = |cause| StorageError::opening(path, cause);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit is on the disk when it returns, also through a loss of power.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(patience);
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(PATIENCE)
                // Where a commit fails, as on a full disk, SQLite has rolled back, and the connection
                // still counts the transaction. The next one would be a savepoint in it, whose end
                // writes nothing: such a connection is closed, and another one is opened.
                .before_acquire(|connection, _| {
                    let is_free = !connection.is_in_transaction();
                    Box::pin(async move { Ok(is_free) })
                })
        };
        let writer = pool(1).connect_with(options.clone()).await.map_err(error)?;
        let has_tables = refuse_newer(&writer, path).await?;
        if is_filled && !has_tables {
            return Err(StorageError::EmptyDatabase {
                path: path.to_owned(),
            });
        }
        migrator().run(&writer).await.map_err(|cause| match cause {
            MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _) => error(cause),
            other => error(sqlx::Error::Migrate(Box::new(other))),
        })?;
        let readers = pool(READERS)
            .connect_with(options.read_only(true))
            .await
            .map_err(error)?;
        Ok(Database { writer, readers })
    }
}

#[async_trait]
impl Metadata for Database {
    async fn check(&self) -> Result<(), StorageError> {
        // Of a table, so that the file has to be there.
        sqlx::query("SELECT id FROM functions LIMIT 1")
            .execute(&self.readers)
            .await?;
        Ok(())
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }
}

fn migrator() -> Migrator {
    migrator_to(SCHEMA.len())
}

/// Brings a database to one of the versions of the schema.
fn migrator_to(version: usize) -> Migrator {
    let migration = |(version, name, sql): (i64, &'static str, &'static str)| {
        let sql: SqlStr = sql.into_sql_str();
        Migration::new(version, name.into(), MigrationType::Simple, sql, false)
    };
    let versions = SCHEMA.into_iter().take(version);
    Migrator::with_migrations(versions.map(migration).collect())
}

/// Refuses a database that a newer version of the program has changed. Reads it only. Returns whether
/// there are tables.
async fn refuse_newer(pool: &SqlitePool, path: &Path) -> Result<bool, StorageError> {
    let error = |cause| StorageError::opening(path, cause);
    let tables: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'",
    )
    .fetch_one(pool)
    .await
    .map_err(error)?;
    if tables == 0 {
        return Ok(false);
    }
    let found: Option<i64> = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
        .fetch_one(pool)
        .await
        .map_err(error)?;
    let known = SCHEMA.iter().map(|(version, ..)| *version).max();
    match (found, known) {
        (Some(found), Some(known)) if found > known => Err(StorageError::NewerVersion {
            path: path.to_owned(),
            found,
            known,
        }),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use sqlx::SqliteConnection;

    use super::*;
    use crate::storage::jobs::JobQueue;

    #[tokio::test]
    async fn a_database_of_a_newer_version_is_refused_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.db");
        let database = Database::open(&path).await.unwrap();
        sqlx::query(
            "INSERT INTO _sqlx_migrations \
             (version, description, success, checksum, execution_time) VALUES (999, 'x', 1, X'', 0)",
        )
        .execute(&database.writer)
        .await
        .unwrap();
        database.close().await;
        let before = std::fs::read(&path).unwrap();
        let Err(StorageError::NewerVersion { found, known, .. }) = Database::open(&path).await
        else {
            panic!("it is newer");
        };
        assert_eq!((found, known), (999, SCHEMA[SCHEMA.len() - 1].0));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    /// What a program does at its start that knows the schema before the newest one.
    async fn start_older(path: &Path) -> Result<SqliteConnection, MigrateError> {
        let options = SqliteConnectOptions::new().filename(path);
        let options = options.create_if_missing(true);
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let older = migrator_to(SCHEMA.len() - 1);
        older.run_direct(None, &mut connection, false).await?;
        Ok(connection)
    }

    #[tokio::test]
    async fn a_database_of_the_schema_before_is_upgraded_and_its_copy_can_be_put_back() {
        const ROWS: &str = "\
            INSERT INTO functions (id, tenant, name, created_at, updated_at) \
            VALUES ('fn_1', 7, 'app', 1, 2); \
            INSERT INTO jobs (id, tenant, function_id, function_name, state, attempts, max_attempts, \
            backoff_ms, interruptions, on_restart, created_at, due_at, finished_at, method, uri, \
            headers, request_digest) VALUES ('job_1', 7, 'fn_1', 'app', 'succeeded', 1, 1, 0, 0, \
            'run', 1, 1, 2, 'POST', '/', '[]', ''); \
            INSERT INTO job_bodies (job_id, kind, body) VALUES ('job_1', 'result', X'0102')";
        let folder = tempfile::tempdir().unwrap();
        let (path, copy) = (folder.path().join("node.db"), folder.path().join("copy.db"));
        let mut older = start_older(&path).await.unwrap();
        sqlx::raw_sql(ROWS).execute(&mut older).await.unwrap();
        older.close().await.unwrap();
        std::fs::copy(&path, &copy).unwrap();

        // The newer program, twice: also where its first start was cut short after that.
        for _ in 0..2 {
            let database = Database::open(&path).await.unwrap();
            let job = database.job(7, "job_1").await.unwrap().unwrap();
            assert_eq!(
                (job.function_name.as_str(), job.finished_ms),
                ("app", Some(2))
            );
            let body = database.job_body("job_1", "result").await.unwrap();
            assert_eq!(body.unwrap(), [1, 2]);
            let functions = database.all_functions().await.unwrap();
            assert_eq!(functions, [(7, "fn_1".to_owned(), "app".to_owned())]);
            database.close().await;
        }

        // The older one does not take what the newer one has changed; the copy it does.
        assert!(matches!(
            start_older(&path).await,
            Err(MigrateError::VersionMissing(_))
        ));
        std::fs::rename(&copy, &path).unwrap();
        let mut older = start_older(&path).await.unwrap();
        let states: Vec<String> = sqlx::query_scalar("SELECT state FROM jobs")
            .fetch_all(&mut older)
            .await
            .unwrap();
        assert_eq!(states, ["succeeded"]);
        older.close().await.unwrap();
        Database::open(&path).await.unwrap().close().await;
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_named_and_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.db");
        let bytes = vec![7; 8192];
        std::fs::write(&path, &bytes).unwrap();
        let error = Database::open(&path).await.err().unwrap();
        assert!(matches!(error, StorageError::Open { .. }), "{error:?}");
        assert!(error.to_string().contains("node.db"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }

    #[tokio::test]
    async fn a_database_that_another_program_writes_is_read_and_written_again_later() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.db");
        let patience = Duration::from_millis(20);
        let database = Database::open_with(&path, patience, false).await.unwrap();
        let options = SqliteConnectOptions::new().filename(&path);
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql("BEGIN IMMEDIATE")
            .execute(&mut other)
            .await
            .unwrap();
        let error = database.remove_jobs(0).await.err().unwrap();
        assert!(matches!(error, StorageError::Database(_)), "{error:?}");
        database.check().await.unwrap();
        sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        database.remove_jobs(0).await.unwrap();
        database.close().await;
        assert!(database.check().await.is_err());
        other.close().await.unwrap();

        let options = options.pragma("locking_mode", "EXCLUSIVE");
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql("BEGIN EXCLUSIVE")
            .execute(&mut other)
            .await
            .unwrap();
        let error = Database::open_with(&path, patience, false)
            .await
            .err()
            .unwrap();
        assert!(matches!(error, StorageError::Locked { .. }), "{error:?}");
        assert!(error.to_string().contains("node.db"), "{error}");
        other.close().await.unwrap();
        Database::open_with(&path, patience, false).await.unwrap();
    }

    #[tokio::test]
    async fn what_was_committed_is_there_after_the_next_start() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.db");
        for _ in 0..2 {
            let database = Database::open(&path).await.unwrap();
            database.check().await.unwrap();
            // Not closed, as where the process is killed.
            drop(database);
        }
    }
}

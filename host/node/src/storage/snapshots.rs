//! Snapshots in the database: which contents of the store each is made of.
//!
//! A tenant is charged once for each content, however many of its snapshots have it.

use std::collections::BTreeMap;

use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::StorageError;
use super::change_error::ChangeError;
use super::database::Database;
use super::ids::ordered_id;
use super::stored;

/// What ids of snapshots begin with.
const ID_PREFIX: &str = "snap_";

/// A snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) id: String,
    pub(crate) function_id: String,
    pub(crate) function_name: String,
    /// Milliseconds since 1970, UTC.
    pub(crate) created_ms: i64,
    /// The name of the token that saved or uploaded it, where it is known.
    pub(crate) created_by: Option<String>,
    /// Header and manifest, by content.
    pub(crate) head: String,
    /// Of all contents, before they are compressed.
    pub(crate) bytes: u64,
    /// Of the file that is downloaded.
    pub(crate) file_bytes: u64,
    pub(crate) buffers: u64,
    pub(crate) jobs: u64,
    pub(crate) signed_by: Option<String>,
}

/// The contents of a snapshot by their digests, with their sizes in bytes.
pub(crate) type Contents = BTreeMap<String, u64>;

/// What a tenant may have of snapshots.
#[derive(Clone, Copy)]
pub(crate) struct SnapshotLimits {
    pub(crate) snapshots: u32,
    pub(crate) stored_bytes: u64,
}

/// An id for a snapshot that is to be added.
pub(crate) fn new_snapshot_id(now_ms: i64) -> Result<String, StorageError> {
    ordered_id(ID_PREFIX, now_ms)
}

/// A query of snapshots, from its condition on.
macro_rules! select_snapshots {
    ($rest:literal) => {
        concat!(
            "SELECT id, function_id, function_name, created_at, created_by, head, bytes, \
             file_bytes, buffers, jobs, signed_by FROM snapshots ",
            $rest
        )
    };
}

impl Database {
    /// Adds a snapshot, whose contents are in the store. Returns how many bytes of them the tenant
    /// did not have in another one.
    pub(crate) async fn add_snapshot(
        &self,
        tenant: u64,
        snapshot: &Snapshot,
        contents: &Contents,
        limits: SnapshotLimits,
    ) -> Result<u64, ChangeError> {
        let signed = tenant.cast_signed();
        let mut transaction = self.writer.begin().await?;
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM snapshots WHERE tenant = $1")
            .bind(signed)
            .fetch_one(&mut *transaction)
            .await?;
        if count >= i64::from(limits.snapshots) {
            let limit = limits.snapshots;
            return Err(ChangeError::TooManySnapshots { limit });
        }
        let mut new_bytes = 0;
        for (digest, size) in contents {
            if !has(&mut transaction, signed, digest).await? {
                new_bytes += size;
            }
        }
        let limit = limits.stored_bytes;
        let change = new_bytes.cast_signed();
        if !stored::has_room(&mut transaction, signed, change, limit).await? {
            return Err(ChangeError::TooMuch { limit });
        }
        stored::change(&mut transaction, signed, change).await?;
        sqlx::query(
            "INSERT INTO snapshots (id, tenant, function_id, function_name, created_at, created_by, \
             head, bytes, file_bytes, buffers, jobs, signed_by) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&snapshot.id)
        .bind(signed)
        .bind(&snapshot.function_id)
        .bind(&snapshot.function_name)
        .bind(snapshot.created_ms)
        .bind(&snapshot.created_by)
        .bind(&snapshot.head)
        .bind(snapshot.bytes.cast_signed())
        .bind(snapshot.file_bytes.cast_signed())
        .bind(snapshot.buffers.cast_signed())
        .bind(snapshot.jobs.cast_signed())
        .bind(&snapshot.signed_by)
        .execute(&mut *transaction)
        .await?;
        for (digest, size) in contents {
            sqlx::query(
                "INSERT INTO snapshot_contents (snapshot_id, digest, size_bytes) \
                 VALUES ($1, $2, $3)",
            )
            .bind(&snapshot.id)
            .bind(digest)
            .bind(size.cast_signed())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(new_bytes)
    }

    /// A snapshot of a tenant.
    pub(crate) async fn snapshot(
        &self,
        tenant: u64,
        id: &str,
    ) -> Result<Option<Snapshot>, StorageError> {
        let row = sqlx::query(select_snapshots!("WHERE tenant = $1 AND id = $2"))
            .bind(tenant.cast_signed())
            .bind(id)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The snapshots of a tenant, newest first, those before `after`, at most `limit`; of one
    /// function, by id or name, where that is said.
    pub(crate) async fn snapshots(
        &self,
        tenant: u64,
        function: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Snapshot>, StorageError> {
        let rows = sqlx::query(select_snapshots!(
            "WHERE tenant = $1 AND ($2 IS NULL OR function_id = $2 OR function_name = $2) \
             AND ($3 IS NULL OR id < $3) ORDER BY id DESC LIMIT $4"
        ))
        .bind(tenant.cast_signed())
        .bind(function)
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&self.readers)
        .await?;
        rows.iter().map(read).collect()
    }

    /// Deletes a snapshot. Returns its contents, which others may have, if it was there.
    pub(crate) async fn delete_snapshot(
        &self,
        tenant: u64,
        id: &str,
    ) -> Result<Option<Vec<String>>, StorageError> {
        let signed = tenant.cast_signed();
        let mut transaction = self.writer.begin().await?;
        let rows = sqlx::query(
            "SELECT digest, size_bytes FROM snapshot_contents \
             JOIN snapshots ON snapshots.id = snapshot_id WHERE tenant = $1 AND snapshot_id = $2",
        )
        .bind(signed)
        .bind(id)
        .fetch_all(&mut *transaction)
        .await?;
        let deleted = sqlx::query("DELETE FROM snapshots WHERE tenant = $1 AND id = $2")
            .bind(signed)
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        if deleted.rows_affected() == 0 {
            return Ok(None);
        }
        let (mut digests, mut freed) = (Vec::with_capacity(rows.len()), 0);
        for row in rows {
            let digest: String = row.try_get("digest")?;
            if !has(&mut transaction, signed, &digest).await? {
                freed += row.try_get::<i64, _>("size_bytes")?;
            }
            digests.push(digest);
        }
        stored::change(&mut transaction, signed, -freed).await?;
        transaction.commit().await?;
        Ok(Some(digests))
    }
}

/// Whether a tenant has a snapshot with this content.
async fn has(
    connection: &mut SqliteConnection,
    tenant: i64,
    digest: &str,
) -> Result<bool, StorageError> {
    let found: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM snapshot_contents JOIN snapshots ON snapshots.id = snapshot_id \
         WHERE digest = $1 AND tenant = $2 LIMIT 1",
    )
    .bind(digest)
    .bind(tenant)
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

fn read(row: &SqliteRow) -> Result<Snapshot, StorageError> {
    let number = |name: &str| row.try_get::<i64, _>(name).map(i64::cast_unsigned);
    Ok(Snapshot {
        id: row.try_get("id")?,
        function_id: row.try_get("function_id")?,
        function_name: row.try_get("function_name")?,
        created_ms: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
        head: row.try_get("head")?,
        bytes: number("bytes")?,
        file_bytes: number("file_bytes")?,
        buffers: number("buffers")?,
        jobs: number("jobs")?,
        signed_by: row.try_get("signed_by")?,
    })
}

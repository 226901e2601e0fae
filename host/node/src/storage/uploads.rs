//! Snapshots that arrive in several requests, in the database: which contents of the store have come.

use sqlx::Row;

use super::StorageError;
use super::database::Database;

/// A snapshot of which a part has arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredUpload {
    pub(crate) id: String,
    pub(crate) tenant: u64,
    /// The name that the client gave it.
    pub(crate) name: String,
    /// Header and manifest, by content.
    pub(crate) head: String,
    /// How many chunks of its manifest are in the store, from the first on.
    pub(crate) chunks: u64,
}

impl Database {
    /// Keeps what has arrived of a snapshot: these contents, which are in the store, beside those that
    /// were kept before. One of the same name and another id goes.
    pub(crate) async fn keep_upload(
        &self,
        upload: &StoredUpload,
        contents: &[String],
        now_ms: i64,
    ) -> Result<(), StorageError> {
        let tenant = upload.tenant.cast_signed();
        let mut transaction = self.writer.begin().await?;
        sqlx::query("DELETE FROM uploads WHERE tenant = $1 AND name = $2 AND id <> $3")
            .bind(tenant)
            .bind(&upload.name)
            .bind(&upload.id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO uploads (id, tenant, name, head, chunks, updated_at) \
             VALUES ($1, $2, $3, $4, $5, $6) \
             ON CONFLICT (id) DO UPDATE SET chunks = $5, updated_at = $6",
        )
        .bind(&upload.id)
        .bind(tenant)
        .bind(&upload.name)
        .bind(&upload.head)
        .bind(upload.chunks.cast_signed())
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        for digest in contents {
            sqlx::query(
                "INSERT INTO upload_contents (upload_id, digest) VALUES ($1, $2) \
                 ON CONFLICT (upload_id, digest) DO NOTHING",
            )
            .bind(&upload.id)
            .bind(digest)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// What has arrived of a snapshot of this name.
    pub(crate) async fn stored_upload(
        &self,
        tenant: u64,
        name: &str,
    ) -> Result<Option<StoredUpload>, StorageError> {
        let row =
            sqlx::query("SELECT id, head, chunks FROM uploads WHERE tenant = $1 AND name = $2")
                .bind(tenant.cast_signed())
                .bind(name)
                .fetch_optional(&self.writer)
                .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(StoredUpload {
            id: row.try_get("id")?,
            tenant,
            name: name.to_owned(),
            head: row.try_get("head")?,
            chunks: row.try_get::<i64, _>("chunks")?.cast_unsigned(),
        }))
    }

    /// Forgets what has arrived of a snapshot. Its contents are for the caller to remove.
    pub(crate) async fn forget_upload(&self, id: &str) -> Result<(), StorageError> {
        sqlx::query("DELETE FROM uploads WHERE id = $1")
            .bind(id)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    /// Forgets those of which nothing came since this time. Returns their contents, which others may
    /// have.
    pub(crate) async fn forget_uploads_before(
        &self,
        before_ms: i64,
    ) -> Result<Vec<String>, StorageError> {
        let mut transaction = self.writer.begin().await?;
        let digests = sqlx::query_scalar(
            "SELECT DISTINCT digest FROM upload_contents \
             JOIN uploads ON uploads.id = upload_id WHERE updated_at < $1",
        )
        .bind(before_ms)
        .fetch_all(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM uploads WHERE updated_at < $1")
            .bind(before_ms)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(digests)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::storage::functions::FunctionStore;

    #[tokio::test]
    async fn what_has_arrived_is_used_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.db");
        let database = Database::open(&path).await.unwrap();
        let upload = |id: &str, chunks| StoredUpload {
            id: id.to_owned(),
            tenant: u64::MAX,
            name: "one".to_owned(),
            head: "blake3:head".to_owned(),
            chunks,
        };
        let digests = ["blake3:head", "blake3:a", "blake3:b"].map(str::to_owned);
        let first = upload("up_1", 1);
        database
            .keep_upload(&first, &digests[..2], 10)
            .await
            .unwrap();
        let second = upload("up_1", 2);
        database
            .keep_upload(&second, &digests[1..], 20)
            .await
            .unwrap();
        let found = database.stored_upload(u64::MAX, "one").await.unwrap();
        assert_eq!(found, Some(second));
        assert_eq!(database.stored_upload(0, "one").await.unwrap(), None);
        assert_eq!(database.digests().await.unwrap(), digests.clone().into());
        // Another one of the name takes its place.
        let other = upload("up_2", 0);
        database
            .keep_upload(&other, &digests[..1], 30)
            .await
            .unwrap();
        assert!(!database.is_used(&digests[1]).await.unwrap());
        assert_eq!(database.forget_uploads_before(30).await.unwrap(), [""; 0]);
        let forgotten = database.forget_uploads_before(31).await.unwrap();
        assert_eq!(forgotten, digests[..1]);
        assert!(!database.is_used(&digests[0]).await.unwrap());
        database
            .keep_upload(&other, &digests[..1], 30)
            .await
            .unwrap();
        database.forget_upload("up_2").await.unwrap();
        assert!(database.digests().await.unwrap().is_empty());
    }
}

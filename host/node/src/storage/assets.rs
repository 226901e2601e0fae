//! The assets of functions in the database: which file has which content. What is staged under a
//! function's name is copied into each version that is deployed, and a version's never change.
//!
//! A tenant is charged once for each content, however many of its functions and versions have it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::StorageError;
use super::change_error::ChangeError;
use super::database::Database;
use super::stored;

/// The version of what is staged.
const STAGED: i64 = 0;

/// One file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asset {
    /// `blake3:` and hexadecimal digits.
    pub(crate) digest: String,
    pub(crate) size_bytes: u64,
}

/// Files by their paths.
pub(crate) type Assets = BTreeMap<String, Asset>;

/// The function whose assets are meant, by name: assets may be staged before it is there.
#[derive(Clone, Copy)]
pub(crate) struct AssetOwner<'a> {
    pub(crate) tenant: u64,
    pub(crate) function_name: &'a str,
}

/// Why an asset was not staged.
#[derive(Debug)]
pub(crate) enum StageError {
    /// A path is a file there and a folder here.
    Conflict {
        /// The path that is staged.
        with: String,
    },
    /// As many files are staged as may be.
    TooMany {
        /// How many may be.
        limit: u32,
    },
    /// The tenant may store no more, or the storage failed.
    Change(ChangeError),
}

impl<E: Into<StorageError>> From<E> for StageError {
    fn from(error: E) -> StageError {
        StageError::Change(ChangeError::Storage(error.into()))
    }
}

/// What staging is limited by.
#[derive(Clone, Copy)]
pub(crate) struct StageLimits {
    /// Files of one function.
    pub(crate) files: u32,
    /// Bytes that the tenant may store.
    pub(crate) stored_bytes: u64,
}

/// The assets of functions. Each change is made as a whole or not at all, and is safe when it is
/// acknowledged.
#[async_trait]
pub(crate) trait AssetStore: Send + Sync {
    /// What is staged under a name.
    async fn staged_assets(&self, owner: AssetOwner<'_>) -> Result<Assets, StorageError>;

    /// The assets of a version.
    async fn assets_of_version(
        &self,
        owner: AssetOwner<'_>,
        version: u32,
    ) -> Result<Assets, StorageError>;

    /// Stages a file, in place of one that is staged at its path. Returns that one's digest.
    async fn stage_asset(
        &self,
        owner: AssetOwner<'_>,
        path: &str,
        asset: &Asset,
        limits: StageLimits,
    ) -> Result<Option<String>, StageError>;

    /// Takes a file from what is staged. Returns its digest, if it was there.
    async fn unstage_asset(
        &self,
        owner: AssetOwner<'_>,
        path: &str,
    ) -> Result<Option<String>, StorageError>;

    /// Takes everything from what is staged. Returns the digests.
    async fn unstage_assets(&self, owner: AssetOwner<'_>)
    -> Result<BTreeSet<String>, StorageError>;
}

#[async_trait]
impl AssetStore for Database {
    async fn staged_assets(&self, owner: AssetOwner<'_>) -> Result<Assets, StorageError> {
        let mut connection = self.readers.acquire().await?;
        list(&mut connection, owner, STAGED).await
    }

    async fn assets_of_version(
        &self,
        owner: AssetOwner<'_>,
        version: u32,
    ) -> Result<Assets, StorageError> {
        let mut connection = self.readers.acquire().await?;
        list(&mut connection, owner, i64::from(version)).await
    }

    async fn stage_asset(
        &self,
        owner: AssetOwner<'_>,
        path: &str,
        asset: &Asset,
        limits: StageLimits,
    ) -> Result<Option<String>, StageError> {
        let mut transaction = self.writer.begin().await?;
        let mut staged = list(&mut transaction, owner, STAGED).await?;
        let replaced = staged.remove(path);
        if let Some(with) = conflict(&staged, path) {
            return Err(StageError::Conflict { with });
        }
        if staged.len() >= limits.files as usize {
            return Err(StageError::TooMany {
                limit: limits.files,
            });
        }
        if replaced.is_some() {
            delete(&mut transaction, owner, UNSTAGE_ONE, Some(path)).await?;
        }
        let tenant = owner.tenant.cast_signed();
        if !has(&mut transaction, owner.tenant, &asset.digest).await? {
            let size = asset.size_bytes.cast_signed();
            let limit = limits.stored_bytes;
            if !stored::has_room(&mut transaction, tenant, size, limit).await? {
                return Err(StageError::Change(ChangeError::TooMuch { limit }));
            }
            stored::change(&mut transaction, tenant, size).await?;
        }
        sqlx::query(
            "INSERT INTO assets (tenant, function_name, version, path, digest, size_bytes) \
             VALUES ($1, $2, 0, $3, $4, $5)",
        )
        .bind(tenant)
        .bind(owner.function_name)
        .bind(path)
        .bind(&asset.digest)
        .bind(asset.size_bytes.cast_signed())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(replaced.map(|asset| asset.digest))
    }

    async fn unstage_asset(
        &self,
        owner: AssetOwner<'_>,
        path: &str,
    ) -> Result<Option<String>, StorageError> {
        let mut transaction = self.writer.begin().await?;
        let deleted = delete(&mut transaction, owner, UNSTAGE_ONE, Some(path)).await?;
        transaction.commit().await?;
        Ok(deleted.into_iter().next())
    }

    async fn unstage_assets(
        &self,
        owner: AssetOwner<'_>,
    ) -> Result<BTreeSet<String>, StorageError> {
        let mut transaction = self.writer.begin().await?;
        let deleted = delete(&mut transaction, owner, UNSTAGE_ALL, None).await?;
        transaction.commit().await?;
        Ok(deleted)
    }
}

/// How many assets are staged under a name.
pub(super) async fn count_staged(
    connection: &mut SqliteConnection,
    owner: AssetOwner<'_>,
) -> Result<usize, StorageError> {
    Ok(list(connection, owner, STAGED).await?.len())
}

/// Whether a tenant may have another version with so many assets, where its functions may have so many
/// in all.
pub(super) async fn has_room_for(
    connection: &mut SqliteConnection,
    tenant: i64,
    assets: usize,
    limit: u32,
) -> Result<bool, StorageError> {
    if assets == 0 {
        return Ok(true);
    }
    let all: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM assets WHERE tenant = $1")
        .bind(tenant)
        .fetch_one(connection)
        .await?;
    let all = usize::try_from(all).unwrap_or(usize::MAX);
    Ok(all.saturating_add(assets) <= limit as usize)
}

/// Gives a new version what is staged.
pub(super) async fn copy_staged(
    connection: &mut SqliteConnection,
    owner: AssetOwner<'_>,
    function_id: &str,
    version: i64,
) -> Result<(), StorageError> {
    sqlx::query(
        "INSERT INTO assets (tenant, function_name, version, path, digest, size_bytes) \
         SELECT tenant, function_name, $3, path, digest, size_bytes FROM assets \
         WHERE tenant = $1 AND function_name = $2 AND version = 0",
    )
    .bind(owner.tenant.cast_signed())
    .bind(owner.function_name)
    .bind(version)
    .execute(&mut *connection)
    .await?;
    let copied = list(connection, owner, version).await?;
    count(connection, function_id, version, &copied).await
}

/// Gives a new version these assets. Whether the tenant may store as much.
pub(super) async fn add(
    connection: &mut SqliteConnection,
    owner: AssetOwner<'_>,
    function_id: &str,
    version: i64,
    added: &Assets,
    stored_bytes: u64,
) -> Result<bool, StorageError> {
    let tenant = owner.tenant.cast_signed();
    for (path, asset) in added {
        let size = asset.size_bytes.cast_signed();
        if !has(connection, owner.tenant, &asset.digest).await? {
            if !stored::has_room(connection, tenant, size, stored_bytes).await? {
                return Ok(false);
            }
            stored::change(connection, tenant, size).await?;
        }
        sqlx::query(
            "INSERT INTO assets (tenant, function_name, version, path, digest, size_bytes) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(tenant)
        .bind(owner.function_name)
        .bind(version)
        .bind(path)
        .bind(&asset.digest)
        .bind(size)
        .execute(&mut *connection)
        .await?;
    }
    count(connection, function_id, version, added).await?;
    Ok(true)
}

/// Has a version's row say what assets it has.
async fn count(
    connection: &mut SqliteConnection,
    function_id: &str,
    version: i64,
    assets: &Assets,
) -> Result<(), StorageError> {
    let bytes: u64 = assets.values().map(|asset| asset.size_bytes).sum();
    sqlx::query(
        "UPDATE versions SET asset_files = $3, asset_bytes = $4 \
         WHERE function_id = $1 AND version = $2",
    )
    .bind(function_id)
    .bind(version)
    .bind(assets.len() as i64)
    .bind(bytes.cast_signed())
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes the assets of versions that the function does not have any more. Returns their digests.
pub(super) async fn remove_of_gone_versions(
    connection: &mut SqliteConnection,
    owner: AssetOwner<'_>,
    function_id: &str,
) -> Result<BTreeSet<String>, StorageError> {
    delete(
        connection,
        owner,
        REMOVE_OF_GONE_VERSIONS,
        Some(function_id),
    )
    .await
}

/// Removes all assets under a name. Returns their digests.
pub(super) async fn remove_all(
    connection: &mut SqliteConnection,
    owner: AssetOwner<'_>,
) -> Result<BTreeSet<String>, StorageError> {
    delete(connection, owner, REMOVE_ALL, None).await
}

const UNSTAGE_ONE: &str = "DELETE FROM assets WHERE tenant = $1 AND function_name = $2 \
                           AND version = 0 AND path = $3 RETURNING digest, size_bytes";
const UNSTAGE_ALL: &str = "DELETE FROM assets WHERE tenant = $1 AND function_name = $2 \
                           AND version = 0 RETURNING digest, size_bytes";
const REMOVE_OF_GONE_VERSIONS: &str = "DELETE FROM assets WHERE tenant = $1 \
     AND function_name = $2 AND version > 0 \
     AND version NOT IN (SELECT version FROM versions WHERE function_id = $3) \
     RETURNING digest, size_bytes";
const REMOVE_ALL: &str = "DELETE FROM assets WHERE tenant = $1 AND function_name = $2 \
                          RETURNING digest, size_bytes";

/// Deletes assets of an owner by one of the queries above, and no longer charges the tenant for
/// contents that it has no more. Returns the contents of what was deleted.
async fn delete(
    connection: &mut SqliteConnection,
    owner: AssetOwner<'_>,
    query: &'static str,
    parameter: Option<&str>,
) -> Result<BTreeSet<String>, StorageError> {
    let tenant = owner.tenant.cast_signed();
    let mut query = sqlx::query(query).bind(tenant).bind(owner.function_name);
    if let Some(parameter) = parameter {
        query = query.bind(parameter);
    }
    let rows = query.fetch_all(&mut *connection).await?;
    let mut deleted = BTreeMap::new();
    for row in rows {
        let size: i64 = row.try_get("size_bytes")?;
        deleted.insert(row.try_get::<String, _>("digest")?, size);
    }
    let mut freed = 0;
    for (digest, size) in &deleted {
        if !has(connection, owner.tenant, digest).await? {
            freed += size;
        }
    }
    stored::change(connection, tenant, -freed).await?;
    Ok(deleted.into_keys().collect())
}

/// Whether a tenant has an asset of this content.
async fn has(
    connection: &mut SqliteConnection,
    tenant: u64,
    digest: &str,
) -> Result<bool, StorageError> {
    let count: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM assets WHERE digest = $1 AND tenant = $2")
            .bind(digest)
            .bind(tenant.cast_signed())
            .fetch_one(connection)
            .await?;
    Ok(count > 0)
}

async fn list(
    connection: &mut SqliteConnection,
    owner: AssetOwner<'_>,
    version: i64,
) -> Result<Assets, StorageError> {
    let rows = sqlx::query(
        "SELECT path, digest, size_bytes FROM assets \
         WHERE tenant = $1 AND function_name = $2 AND version = $3",
    )
    .bind(owner.tenant.cast_signed())
    .bind(owner.function_name)
    .bind(version)
    .fetch_all(connection)
    .await?;
    rows.iter().map(asset).collect()
}

fn asset(row: &SqliteRow) -> Result<(String, Asset), StorageError> {
    let asset = Asset {
        digest: row.try_get("digest")?,
        size_bytes: row.try_get::<i64, _>("size_bytes")?.cast_unsigned(),
    };
    Ok((row.try_get("path")?, asset))
}

/// A path that is a folder where the other one is a file.
fn conflict(staged: &Assets, path: &str) -> Option<String> {
    let is_below = |path: &str, folder: &str| {
        let rest = path.strip_prefix(folder);
        rest.is_some_and(|rest| rest.starts_with('/'))
    };
    let mut paths = staged.keys();
    let found = paths.find(|other| is_below(path, other) || is_below(other, path));
    found.cloned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::storage::functions::{
        FunctionStore, Imports, NewVersion, TenantLimits, new_function_id,
    };

    const LIMITS: StageLimits = StageLimits {
        files: 3,
        stored_bytes: 100,
    };

    fn file(digest: &str, size_bytes: u64) -> Asset {
        Asset {
            digest: digest.to_owned(),
            size_bytes,
        }
    }

    fn owner(tenant: u64, function_name: &str) -> AssetOwner<'_> {
        AssetOwner {
            tenant,
            function_name,
        }
    }

    async fn open(folder: &tempfile::TempDir) -> Database {
        Database::open(&folder.path().join("node.db"))
            .await
            .unwrap()
    }

    async fn stored(database: &Database, tenant: i64) -> i64 {
        sqlx::query_scalar("SELECT COALESCE(SUM(bytes), 0) FROM stored WHERE tenant = $1")
            .bind(tenant)
            .fetch_one(&database.readers)
            .await
            .unwrap()
    }

    async fn deploy(database: &Database, name: &str) -> Vec<String> {
        let version = NewVersion {
            digest: "blake3:component".to_owned(),
            size_bytes: 0,
            imports: Imports::default(),
            created_by: None,
        };
        let limits = TenantLimits {
            functions: 9,
            versions: 2,
            stored_bytes: 100,
            assets: 100,
        };
        let id = new_function_id().unwrap();
        let added = database.add_version(1, name, &id, version, &limits, 1);
        added.await.unwrap().pruned
    }

    #[tokio::test]
    async fn a_version_keeps_what_was_staged_when_it_was_deployed() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let a = owner(1, "a");
        let stage = async |path, asset| database.stage_asset(a, path, &asset, LIMITS).await;
        assert_eq!(stage("w", file("blake3:1", 10)).await.unwrap(), None);
        stage("d/x", file("blake3:2", 5)).await.unwrap();
        deploy(&database, "a").await;
        let replaced = stage("w", file("blake3:3", 20)).await.unwrap();
        assert_eq!(replaced.as_deref(), Some("blake3:1"));
        let gone = database.unstage_asset(a, "d/x").await.unwrap();
        assert_eq!(gone.as_deref(), Some("blake3:2"));
        assert_eq!(database.unstage_asset(a, "d/x").await.unwrap(), None);
        deploy(&database, "a").await;
        let of = async |version| database.assets_of_version(a, version).await.unwrap();
        assert_eq!(
            of(1).await,
            Assets::from([
                ("d/x".to_owned(), file("blake3:2", 5)),
                ("w".to_owned(), file("blake3:1", 10)),
            ])
        );
        assert_eq!(
            of(2).await,
            Assets::from([("w".to_owned(), file("blake3:3", 20))])
        );
        let function = database.function(1, "a").await.unwrap().unwrap();
        let shown = |number| {
            let version: &crate::storage::functions::Version = &function.versions[&number];
            (version.asset_files, version.asset_bytes)
        };
        assert_eq!((shown(1), shown(2)), ((2, 15), (1, 20)));
        assert_eq!(stored(&database, 1).await, 35);
        // With a third version the first one goes, and what nobody else has.
        let pruned = deploy(&database, "a").await;
        assert!(pruned.contains(&"blake3:1".to_owned()), "{pruned:?}");
        assert_eq!(stored(&database, 1).await, 20);
        assert!(!database.is_used("blake3:1").await.unwrap());
        assert!(database.is_used("blake3:3").await.unwrap());
        let deleted = database.delete_function(1, "a").await.unwrap().unwrap();
        assert_eq!(deleted.assets, BTreeSet::from(["blake3:3".to_owned()]));
        assert_eq!(stored(&database, 1).await, 0);
        assert!(database.staged_assets(a).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_tenant_pays_once_for_a_content_and_only_for_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let same = file("blake3:1", 60);
        for (tenant, name, path) in [(1, "a", "w"), (1, "a", "v"), (1, "b", "w"), (2, "a", "w")] {
            let staged = database.stage_asset(owner(tenant, name), path, &same, LIMITS);
            assert_eq!(staged.await.unwrap(), None);
        }
        assert_eq!(
            (stored(&database, 1).await, stored(&database, 2).await),
            (60, 60)
        );
        let more = file("blake3:2", 41);
        let error = database
            .stage_asset(owner(1, "a"), "x", &more, LIMITS)
            .await;
        let error = error.unwrap_err();
        let is_limit = matches!(
            error,
            StageError::Change(ChangeError::TooMuch { limit: 100 })
        );
        assert!(is_limit, "{error:?}");
        database.unstage_assets(owner(1, "a")).await.unwrap();
        assert_eq!(stored(&database, 1).await, 60, "b has it");
        database.unstage_assets(owner(1, "b")).await.unwrap();
        assert_eq!(
            (stored(&database, 1).await, stored(&database, 2).await),
            (0, 60)
        );
        assert!(database.is_used("blake3:1").await.unwrap());
    }

    #[tokio::test]
    async fn a_path_is_a_file_or_a_folder_and_there_are_not_too_many() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(&folder).await;
        let stage = async |path: &str| {
            let stored = file("blake3:1", 1);
            let staged = database.stage_asset(owner(1, "a"), path, &stored, LIMITS);
            staged.await.map(|_| ())
        };
        stage("a/b").await.unwrap();
        stage("ab").await.unwrap();
        for path in ["a", "a/b/c"] {
            let error = stage(path).await.unwrap_err();
            let is_conflict = matches!(&error, StageError::Conflict { with } if with == "a/b");
            assert!(is_conflict, "{path}: {error:?}");
        }
        stage("a/c").await.unwrap();
        stage("a/c").await.unwrap();
        let error = stage("d").await.unwrap_err();
        assert!(
            matches!(error, StageError::TooMany { limit: 3 }),
            "{error:?}"
        );
    }
}

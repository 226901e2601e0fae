//! Functions and their versions in the database.
//!
//! All changes of one function happen in one transaction, so that each reader sees all of a
//! deployment, or nothing of it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

use super::StorageError;
use super::assets::{self, AssetOwner};
pub(crate) use super::change_error::ChangeError;
use super::database::Database;
use super::ids::random_id;
use super::stored;

/// What ids of functions begin with. No name has an underscore.
pub(crate) const ID_PREFIX: &str = "fn_";

/// A function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Function {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Milliseconds since 1970, UTC.
    pub(crate) created_ms: i64,
    /// When it was last deployed or its traffic was changed.
    pub(crate) updated_ms: i64,
    /// The only servers that it may send HTTP requests to, of those that the operator grants;
    /// `None` for all of these.
    pub(crate) outgoing_hosts: Option<Vec<String>>,
    /// By number, each at least once deployed.
    pub(crate) versions: BTreeMap<u32, Version>,
}

/// One deployment of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Version {
    /// Of the component: `blake3:` and hexadecimal digits.
    pub(crate) digest: String,
    pub(crate) size_bytes: u64,
    pub(crate) imports: Imports,
    pub(crate) created_ms: i64,
    /// The name of the token that deployed it, where it is known.
    pub(crate) created_by: Option<String>,
    /// Percent of the requests.
    pub(crate) weight: u8,
    /// Files that are mounted for it.
    pub(crate) asset_files: u64,
    /// The bytes of these, together.
    pub(crate) asset_bytes: u64,
}

/// What a component imports, by whether it was granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Imports {
    pub(crate) granted: Vec<String>,
    pub(crate) denied: Vec<String>,
}

/// A version that is to be added.
pub(crate) struct NewVersion {
    pub(crate) digest: String,
    pub(crate) size_bytes: u64,
    pub(crate) imports: Imports,
    pub(crate) created_by: Option<String>,
}

/// What one tenant may have.
pub(crate) struct TenantLimits {
    pub(crate) functions: u32,
    /// Of one function.
    pub(crate) versions: u32,
    pub(crate) stored_bytes: u64,
    /// Assets of all versions of its functions, what is staged included.
    pub(crate) assets: u32,
}

/// A function with a version more.
#[derive(Debug)]
pub(crate) struct AddedVersion {
    pub(crate) function: Function,
    /// The components and assets of versions that went, since there were too many. Others may have
    /// them.
    pub(crate) pruned: Vec<String>,
}

/// A function that was deleted.
#[derive(Debug)]
pub(crate) struct DeletedFunction {
    /// As it was.
    pub(crate) function: Function,
    /// The contents of its assets. Others may have them.
    pub(crate) assets: BTreeSet<String>,
}

/// An id for a function that is to be made.
pub(crate) fn new_function_id() -> Result<String, StorageError> {
    random_id(ID_PREFIX)
}

/// Whether this can be the id of a function.
pub(crate) fn is_function_id(id: &str) -> bool {
    let digits = id.strip_prefix(ID_PREFIX).unwrap_or_default();
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digits.len() == 32 && digits.bytes().all(is_digit)
}

const FUNCTION: &str = "SELECT id, name, created_at, updated_at, outgoing_hosts FROM functions \
                        WHERE tenant = $1 AND (id = $2 OR name = $2)";
const VERSIONS: &str = "SELECT version, digest, size_bytes, imports, created_at, created_by, weight, \
                        asset_files, asset_bytes FROM versions WHERE function_id = $1";

/// Functions and their versions. Each change is made as a whole or not at all, and is safe when it
/// is acknowledged; whoever reads sees all of it, or nothing.
#[async_trait]
pub(crate) trait FunctionStore: Send + Sync {
    /// A function of a tenant, by id or name.
    async fn function(&self, tenant: u64, key: &str) -> Result<Option<Function>, StorageError>;

    /// The functions of a tenant by name, those after `after`, at most `limit`.
    async fn functions(
        &self,
        tenant: u64,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Function>, StorageError>;

    /// Adds a version to the function of this name, which gets all requests from now on. Makes
    /// the function, with the id `new_id`, where it is not there. Versions that are too many go,
    /// oldest first, but for those that got requests until now.
    async fn add_version(
        &self,
        tenant: u64,
        name: &str,
        new_id: &str,
        version: NewVersion,
        limits: &TenantLimits,
        now_ms: i64,
    ) -> Result<AddedVersion, ChangeError>;

    /// Divides the requests of a function among versions, by percent.
    async fn set_traffic(
        &self,
        tenant: u64,
        key: &str,
        weights: &BTreeMap<u32, u8>,
        now_ms: i64,
    ) -> Result<Function, ChangeError>;

    /// The only servers that a function may send HTTP requests to, of those that the operator
    /// grants; `None` for all of these, and where there is no such function.
    async fn outgoing_hosts(&self, function_id: &str) -> Result<Option<Vec<String>>, StorageError>;

    /// Sets the only servers that a function may send HTTP requests to, of those that the
    /// operator grants; `None` for all of these.
    async fn set_outgoing_hosts(
        &self,
        tenant: u64,
        key: &str,
        hosts: Option<&[String]>,
        now_ms: i64,
    ) -> Result<Function, ChangeError>;

    /// Deletes a function with all of its versions and assets.
    async fn delete_function(
        &self,
        tenant: u64,
        key: &str,
    ) -> Result<Option<DeletedFunction>, StorageError>;

    /// Whether a version of any function has this component, any function this asset, or any
    /// snapshot this content.
    async fn is_used(&self, digest: &str) -> Result<bool, StorageError>;

    /// The components of all versions, and the contents of all assets and snapshots.
    async fn digests(&self) -> Result<BTreeSet<String>, StorageError>;
}

#[async_trait]
impl FunctionStore for Database {
    async fn function(&self, tenant: u64, key: &str) -> Result<Option<Function>, StorageError> {
        let mut connection = self.readers.begin().await?;
        find(&mut connection, tenant, key).await
    }

    async fn functions(
        &self,
        tenant: u64,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Function>, StorageError> {
        let mut connection = self.readers.begin().await?;
        let rows = sqlx::query(
            "SELECT id, name, created_at, updated_at, outgoing_hosts FROM functions \
             WHERE tenant = $1 AND name > $2 ORDER BY name LIMIT $3",
        )
        .bind(tenant.cast_signed())
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(&mut *connection)
        .await?;
        let mut functions = Vec::with_capacity(rows.len());
        for row in rows {
            functions.push(with_versions(&mut connection, &row).await?);
        }
        Ok(functions)
    }

    async fn add_version(
        &self,
        tenant: u64,
        name: &str,
        new_id: &str,
        version: NewVersion,
        limits: &TenantLimits,
        now_ms: i64,
    ) -> Result<AddedVersion, ChangeError> {
        let mut transaction = self.writer.begin().await?;
        let id: Option<String> =
            sqlx::query_scalar("SELECT id FROM functions WHERE tenant = $1 AND name = $2")
                .bind(tenant.cast_signed())
                .bind(name)
                .fetch_optional(&mut *transaction)
                .await?;
        let id = match id {
            Some(id) => id,
            None => {
                let id = new_id.to_owned();
                let count: i64 =
                    sqlx::query_scalar("SELECT COUNT(*) FROM functions WHERE tenant = $1")
                        .bind(tenant.cast_signed())
                        .fetch_one(&mut *transaction)
                        .await?;
                if count >= i64::from(limits.functions) {
                    let limit = limits.functions;
                    return Err(ChangeError::TooMany { limit });
                }
                sqlx::query(
                    "INSERT INTO functions (id, tenant, name, created_at, updated_at) \
                     VALUES ($1, $2, $3, $4, $4)",
                )
                .bind(&id)
                .bind(tenant.cast_signed())
                .bind(name)
                .bind(now_ms)
                .execute(&mut *transaction)
                .await?;
                id
            }
        };
        let size = version.size_bytes.cast_signed();
        let limit = limits.stored_bytes;
        if !stored::has_room(&mut transaction, tenant.cast_signed(), size, limit).await? {
            return Err(ChangeError::TooMuch { limit });
        }
        stored::change(&mut transaction, tenant.cast_signed(), size).await?;
        let owner = AssetOwner {
            tenant,
            function_name: name,
        };
        let staged = assets::count_staged(&mut transaction, owner).await?;
        let limit = limits.assets;
        let of = tenant.cast_signed();
        if !assets::has_room_for(&mut transaction, of, staged, limit).await? {
            return Err(ChangeError::TooManyAssets { limit });
        }
        let imports = serde_json::to_string(&version.imports).unwrap_or_default();
        sqlx::query(
            "INSERT INTO versions (function_id, version, digest, size_bytes, imports, \
             created_at, created_by, weight) \
             SELECT $1, COALESCE(MAX(version), 0) + 1, $2, $3, $4, $5, $6, 0 \
             FROM versions WHERE function_id = $1",
        )
        .bind(&id)
        .bind(&version.digest)
        .bind(version.size_bytes.cast_signed())
        .bind(&imports)
        .bind(now_ms)
        .bind(&version.created_by)
        .execute(&mut *transaction)
        .await?;
        let number: i64 =
            sqlx::query_scalar("SELECT MAX(version) FROM versions WHERE function_id = $1")
                .bind(&id)
                .fetch_one(&mut *transaction)
                .await?;
        assets::copy_staged(&mut transaction, owner, &id, number).await?;
        // Before the requests go to the new version: the one that had them can be gone back to.
        let pruned = prune(&mut transaction, owner, &id, limits.versions).await?;
        set_weights(
            &mut transaction,
            &id,
            &BTreeMap::from([(number, 100)]),
            now_ms,
        )
        .await?;
        let function = find(&mut transaction, tenant, &id).await?;
        transaction.commit().await?;
        let function = function.ok_or(ChangeError::NoFunction)?;
        Ok(AddedVersion { function, pruned })
    }

    async fn set_traffic(
        &self,
        tenant: u64,
        key: &str,
        weights: &BTreeMap<u32, u8>,
        now_ms: i64,
    ) -> Result<Function, ChangeError> {
        let mut transaction = self.writer.begin().await?;
        let function = find(&mut transaction, tenant, key)
            .await?
            .ok_or(ChangeError::NoFunction)?;
        for number in weights.keys() {
            if !function.versions.contains_key(number) {
                return Err(ChangeError::NoVersion(*number));
            }
        }
        let weights = weights
            .iter()
            .map(|(number, weight)| (i64::from(*number), i64::from(*weight)))
            .collect();
        set_weights(&mut transaction, &function.id, &weights, now_ms).await?;
        let function = find(&mut transaction, tenant, &function.id).await?;
        transaction.commit().await?;
        function.ok_or(ChangeError::NoFunction)
    }

    async fn outgoing_hosts(&self, function_id: &str) -> Result<Option<Vec<String>>, StorageError> {
        let row = sqlx::query("SELECT outgoing_hosts FROM functions WHERE id = $1")
            .bind(function_id)
            .fetch_optional(&self.readers)
            .await?;
        row.as_ref().map_or(Ok(None), outgoing_hosts)
    }

    async fn set_outgoing_hosts(
        &self,
        tenant: u64,
        key: &str,
        hosts: Option<&[String]>,
        now_ms: i64,
    ) -> Result<Function, ChangeError> {
        let text = hosts.map(serde_json::to_string).transpose();
        let text = text.map_err(|_| StorageError::Damaged {
            what: "outgoing hosts",
        })?;
        let mut transaction = self.writer.begin().await?;
        sqlx::query(
            "UPDATE functions SET outgoing_hosts = $3, updated_at = $4 \
             WHERE tenant = $1 AND (id = $2 OR name = $2)",
        )
        .bind(tenant.cast_signed())
        .bind(key)
        .bind(text)
        .bind(now_ms)
        .execute(&mut *transaction)
        .await?;
        let function = find(&mut transaction, tenant, key).await?;
        transaction.commit().await?;
        function.ok_or(ChangeError::NoFunction)
    }

    async fn delete_function(
        &self,
        tenant: u64,
        key: &str,
    ) -> Result<Option<DeletedFunction>, StorageError> {
        let mut transaction = self.writer.begin().await?;
        let Some(function) = find(&mut transaction, tenant, key).await? else {
            return Ok(None);
        };
        sqlx::query("DELETE FROM functions WHERE id = $1")
            .bind(&function.id)
            .execute(&mut *transaction)
            .await?;
        let versions = function.versions.values();
        let size: u64 = versions.map(|version| version.size_bytes).sum();
        stored::change(&mut transaction, tenant.cast_signed(), -size.cast_signed()).await?;
        let owner = AssetOwner {
            tenant,
            function_name: &function.name,
        };
        let assets = assets::remove_all(&mut transaction, owner).await?;
        transaction.commit().await?;
        Ok(Some(DeletedFunction { function, assets }))
    }

    async fn is_used(&self, digest: &str) -> Result<bool, StorageError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT (SELECT COUNT(*) FROM versions WHERE digest = $1) + \
             (SELECT COUNT(*) FROM assets WHERE digest = $1) + \
             (SELECT COUNT(*) FROM snapshot_contents WHERE digest = $1) + \
             (SELECT COUNT(*) FROM upload_contents WHERE digest = $1)",
        )
        .bind(digest)
        .fetch_one(&self.writer)
        .await?;
        Ok(count > 0)
    }

    async fn digests(&self) -> Result<BTreeSet<String>, StorageError> {
        let all = "SELECT digest FROM versions UNION SELECT digest FROM assets \
                   UNION SELECT digest FROM snapshot_contents \
                   UNION SELECT digest FROM upload_contents";
        let digests = sqlx::query_scalar(all).fetch_all(&self.readers).await?;
        Ok(digests.into_iter().collect())
    }
}

/// Removes the oldest versions that get no requests, until there are as many as may be. Returns
/// their components and assets.
pub(super) async fn prune(
    connection: &mut SqliteConnection,
    owner: AssetOwner<'_>,
    id: &str,
    most: u32,
) -> Result<Vec<String>, StorageError> {
    let rows = sqlx::query(
        "DELETE FROM versions WHERE function_id = $1 AND weight = 0 AND version <= \
         (SELECT MAX(version) FROM versions WHERE function_id = $1) - $2 \
         RETURNING digest, size_bytes",
    )
    .bind(id)
    .bind(i64::from(most))
    .fetch_all(&mut *connection)
    .await?;
    let mut size = 0;
    let mut digests: Vec<String> = Vec::with_capacity(rows.len());
    for row in rows {
        size += row.try_get::<i64, _>("size_bytes")?;
        digests.push(row.try_get("digest")?);
    }
    if !digests.is_empty() {
        stored::change(connection, owner.tenant.cast_signed(), -size).await?;
        digests.extend(assets::remove_of_gone_versions(connection, owner, id).await?);
    }
    Ok(digests)
}

pub(super) async fn set_weights(
    connection: &mut SqliteConnection,
    id: &str,
    weights: &BTreeMap<i64, i64>,
    now_ms: i64,
) -> Result<(), StorageError> {
    sqlx::query("UPDATE versions SET weight = 0 WHERE function_id = $1")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    for (number, weight) in weights {
        sqlx::query("UPDATE versions SET weight = $3 WHERE function_id = $1 AND version = $2")
            .bind(id)
            .bind(number)
            .bind(weight)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("UPDATE functions SET updated_at = $2 WHERE id = $1")
        .bind(id)
        .bind(now_ms)
        .execute(&mut *connection)
        .await?;
    Ok(())
}

pub(super) async fn find(
    connection: &mut SqliteConnection,
    tenant: u64,
    key: &str,
) -> Result<Option<Function>, StorageError> {
    let row = sqlx::query(FUNCTION)
        .bind(tenant.cast_signed())
        .bind(key)
        .fetch_optional(&mut *connection)
        .await?;
    match row {
        Some(row) => Ok(Some(with_versions(connection, &row).await?)),
        None => Ok(None),
    }
}

async fn with_versions(
    connection: &mut SqliteConnection,
    row: &SqliteRow,
) -> Result<Function, StorageError> {
    let id: String = row.try_get("id")?;
    let rows = sqlx::query(VERSIONS)
        .bind(&id)
        .fetch_all(&mut *connection)
        .await?;
    let versions = rows.iter().map(version).collect::<Result<_, _>>()?;
    Ok(Function {
        id,
        name: row.try_get("name")?,
        created_ms: row.try_get("created_at")?,
        updated_ms: row.try_get("updated_at")?,
        outgoing_hosts: outgoing_hosts(row)?,
        versions,
    })
}

fn outgoing_hosts(row: &SqliteRow) -> Result<Option<Vec<String>>, StorageError> {
    let text: Option<String> = row.try_get("outgoing_hosts")?;
    let hosts = text.map(|text| serde_json::from_str(&text)).transpose();
    hosts.map_err(|_| StorageError::Damaged {
        what: "the outgoing hosts of a function",
    })
}

fn version(row: &SqliteRow) -> Result<(u32, Version), StorageError> {
    let damaged = |what| StorageError::Damaged { what };
    let number: i64 = row.try_get("version")?;
    let weight: i64 = row.try_get("weight")?;
    let imports: String = row.try_get("imports")?;
    let version = Version {
        digest: row.try_get("digest")?,
        size_bytes: row.try_get::<i64, _>("size_bytes")?.cast_unsigned(),
        imports: serde_json::from_str(&imports).map_err(|_| damaged("imports of a version"))?,
        created_ms: row.try_get("created_at")?,
        created_by: row.try_get("created_by")?,
        weight: u8::try_from(weight).map_err(|_| damaged("a weight of a version"))?,
        asset_files: row.try_get::<i64, _>("asset_files")?.cast_unsigned(),
        asset_bytes: row.try_get::<i64, _>("asset_bytes")?.cast_unsigned(),
    };
    let number = u32::try_from(number).map_err(|_| damaged("a number of a version"))?;
    Ok((number, version))
}

impl Function {
    /// The newest of the versions that get requests.
    pub(crate) fn active(&self) -> Option<(u32, &Version)> {
        let mut active = self.versions.iter().rev();
        let found = active.find(|(_, version)| version.weight > 0);
        found.map(|(number, version)| (*number, version))
    }
}

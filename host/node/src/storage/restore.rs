//! A function that comes back from a snapshot: all that the database has of it, in one transaction.

use std::collections::BTreeMap;

use sqlx::SqliteConnection;

use super::StorageError;
use super::assets::{self, AssetOwner, Assets};
use super::change_error::ChangeError;
use super::database::Database;
use super::functions::{AddedVersion, NewVersion, TenantLimits, find, prune, set_weights};
use super::jobs::{NewJob, derived_job_id, insert_job, is_job_id};
use super::stored;

/// A function as it is to be.
pub(crate) struct Restoration {
    pub(crate) tenant: u64,
    /// The function whose next versions these are, or the new one's id.
    pub(crate) id: String,
    /// The name of a new function; `None` where the function is there.
    pub(crate) new_name: Option<String>,
    pub(crate) outgoing_hosts: Option<Vec<String>>,
    /// Its versions, with which part of the requests each gets, in percent.
    pub(crate) versions: Vec<(NewVersion, Assets, u8)>,
    /// All values that it has from then on.
    pub(crate) values: BTreeMap<String, String>,
    /// Secrets that it gets, sealed, beside those that it has.
    pub(crate) secrets: BTreeMap<String, Vec<u8>>,
    /// Jobs, with their ids in the snapshot.
    pub(crate) jobs: Vec<(String, NewJob)>,
}

/// What there is from then on.
pub(crate) struct RestoredFunction {
    /// The function, and what went of it.
    pub(crate) added: AddedVersion,
    /// The numbers of the versions that were added, in the order of the restoration.
    pub(crate) numbers: Vec<u32>,
    /// How many jobs were added: not those that the function has.
    pub(crate) jobs: u32,
}

impl Database {
    /// Makes a function, or the next versions of one, from a snapshot: all of it or nothing.
    pub(crate) async fn restore_function(
        &self,
        restoration: &Restoration,
        limits: &TenantLimits,
        most_jobs: u32,
        now_ms: i64,
    ) -> Result<RestoredFunction, ChangeError> {
        let Restoration { tenant, id, .. } = restoration;
        let mut transaction = self.writer.begin().await?;
        let name = match &restoration.new_name {
            Some(name) => {
                make(&mut transaction, *tenant, id, name, limits, now_ms).await?;
                name.clone()
            }
            None => {
                let function = find(&mut transaction, *tenant, id).await?;
                let function = function.filter(|function| function.id == *id);
                function.ok_or(ChangeError::NoFunction)?.name
            }
        };
        let owner = AssetOwner {
            tenant: *tenant,
            function_name: &name,
        };
        let mut numbers = Vec::new();
        let mut weights = BTreeMap::new();
        for (version, assets, weight) in &restoration.versions {
            let number = add(&mut transaction, owner, id, version, assets, limits, now_ms).await?;
            weights.insert(number, i64::from(*weight));
            numbers.push(u32::try_from(number).unwrap_or(u32::MAX));
        }
        set_weights(&mut transaction, id, &weights, now_ms).await?;
        // Afterwards, for it leaves those alone that get requests.
        let pruned = prune(&mut transaction, owner, id, limits.versions).await?;
        set_settings(&mut transaction, restoration).await?;
        let mut jobs = 0;
        for (known_id, job) in &restoration.jobs {
            // A job of the function that is there has run since, or will. It has the id that it had, or one
            // that follows from that, so that it is found whenever the snapshot is restored again.
            let own_id = match function_of_job(&mut transaction, known_id).await? {
                Some(function) if function == *id => continue,
                None if is_job_id(known_id) => known_id.clone(),
                _ => derived_job_id(known_id, id),
            };
            if own_id != *known_id && function_of_job(&mut transaction, &own_id).await?.is_some() {
                continue;
            }
            if !has_place(&mut transaction, *tenant, most_jobs).await? {
                return Err(ChangeError::TooManyJobs { limit: most_jobs });
            }
            let limit = limits.stored_bytes;
            let added = insert_job(&mut transaction, Some(&own_id), job, limit, now_ms).await?;
            added.ok_or(ChangeError::TooMuch { limit })?;
            jobs += 1;
        }
        let function = find(&mut transaction, *tenant, id).await?;
        transaction.commit().await?;
        let function = function.ok_or(ChangeError::NoFunction)?;
        Ok(RestoredFunction {
            added: AddedVersion { function, pruned },
            numbers,
            jobs,
        })
    }
}

/// Whose job has an id.
async fn function_of_job(
    connection: &mut SqliteConnection,
    id: &str,
) -> Result<Option<String>, ChangeError> {
    let function = sqlx::query_scalar("SELECT function_id FROM jobs WHERE id = $1");
    Ok(function.bind(id).fetch_optional(connection).await?)
}

async fn make(
    connection: &mut SqliteConnection,
    tenant: u64,
    id: &str,
    name: &str,
    limits: &TenantLimits,
    now_ms: i64,
) -> Result<(), ChangeError> {
    if find(connection, tenant, name).await?.is_some() {
        return Err(ChangeError::Exists(name.to_owned()));
    }
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM functions WHERE tenant = $1")
        .bind(tenant.cast_signed())
        .fetch_one(&mut *connection)
        .await?;
    if count >= i64::from(limits.functions) {
        let limit = limits.functions;
        return Err(ChangeError::TooMany { limit });
    }
    let same: Option<i64> = sqlx::query_scalar("SELECT 1 FROM functions WHERE id = $1")
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
    if same.is_some() {
        return Err(ChangeError::Exists(id.to_owned()));
    }
    sqlx::query(
        "INSERT INTO functions (id, tenant, name, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $4)",
    )
    .bind(id)
    .bind(tenant.cast_signed())
    .bind(name)
    .bind(now_ms)
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds a version that gets no requests, with its assets. Returns its number.
async fn add(
    connection: &mut SqliteConnection,
    owner: AssetOwner<'_>,
    id: &str,
    version: &NewVersion,
    of_version: &Assets,
    limits: &TenantLimits,
    now_ms: i64,
) -> Result<i64, ChangeError> {
    let tenant = owner.tenant.cast_signed();
    let size = version.size_bytes.cast_signed();
    let limit = limits.stored_bytes;
    if !stored::has_room(connection, tenant, size, limit).await? {
        return Err(ChangeError::TooMuch { limit });
    }
    let most = limits.assets;
    if !assets::has_room_for(connection, tenant, of_version.len(), most).await? {
        return Err(ChangeError::TooManyAssets { limit: most });
    }
    stored::change(connection, tenant, size).await?;
    let imports = serde_json::to_string(&version.imports).unwrap_or_default();
    let number: i64 = sqlx::query_scalar(
        "INSERT INTO versions (function_id, version, digest, size_bytes, imports, created_at, \
         created_by, weight) SELECT $1, COALESCE(MAX(version), 0) + 1, $2, $3, $4, $5, $6, 0 \
         FROM versions WHERE function_id = $1 RETURNING version",
    )
    .bind(id)
    .bind(&version.digest)
    .bind(size)
    .bind(&imports)
    .bind(now_ms)
    .bind(&version.created_by)
    .fetch_one(&mut *connection)
    .await?;
    if assets::add(connection, owner, id, number, of_version, limit).await? {
        Ok(number)
    } else {
        Err(ChangeError::TooMuch { limit })
    }
}

async fn set_settings(
    connection: &mut SqliteConnection,
    restoration: &Restoration,
) -> Result<(), ChangeError> {
    let Restoration { tenant, id, .. } = restoration;
    let hosts = restoration.outgoing_hosts.as_ref();
    let hosts = hosts.map(serde_json::to_string).transpose();
    let hosts = hosts.map_err(|_| StorageError::Damaged {
        what: "outgoing hosts",
    })?;
    sqlx::query("UPDATE functions SET outgoing_hosts = $3 WHERE tenant = $1 AND id = $2")
        .bind(tenant.cast_signed())
        .bind(id)
        .bind(hosts)
        .execute(&mut *connection)
        .await?;
    sqlx::query("DELETE FROM settings WHERE function_id = $1 AND is_secret = 0")
        .bind(id)
        .execute(&mut *connection)
        .await?;
    let values = restoration.values.iter();
    let values = values.map(|(name, value)| (name, value.as_bytes(), 0));
    let secrets = restoration.secrets.iter();
    let secrets = secrets.map(|(name, sealed)| (name, sealed.as_slice(), 1));
    for (name, value, is_secret) in values.chain(secrets) {
        sqlx::query(
            "INSERT INTO settings (function_id, name, value, is_secret) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (function_id, name) DO UPDATE SET value = $3, is_secret = $4",
        )
        .bind(id)
        .bind(name)
        .bind(value)
        .bind(is_secret)
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Whether a tenant may have a job more.
async fn has_place(
    connection: &mut SqliteConnection,
    tenant: u64,
    most: u32,
) -> Result<bool, StorageError> {
    let open: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM jobs WHERE state IN ('pending', 'running') AND tenant = $1",
    )
    .bind(tenant.cast_signed())
    .fetch_one(connection)
    .await?;
    Ok(open < i64::from(most))
}

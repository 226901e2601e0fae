//! The database of a simulated node: tables in memory, each of whose changes may fail, be slow, or
//! be the last thing that the process does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::tables::{STAGED, Tables};
use super::world::World;
use crate::lock::ignore_poison;
use crate::storage::assets::{Asset, AssetOwner, AssetStore, Assets, StageError, StageLimits};
use crate::storage::functions::{
    AddedVersion, ChangeError, DeletedFunction, Function, FunctionStore, NewVersion, TenantLimits,
};
use crate::storage::jobs::{Added, Attempt, Job, JobQueue, JobState, NewJob};
use crate::storage::settings::{SettingStore, Settings};
use crate::storage::usage::{Amounts, UsageKey, UsageStore};
use crate::storage::{Metadata, StorageError};

/// The database as one process has it open. The tables outlive the process.
pub(super) struct SimulatedDatabase {
    pub(super) world: Arc<World>,
    pub(super) tables: Arc<Mutex<Tables>>,
}

impl SimulatedDatabase {
    async fn read<T>(&self, ask: impl FnOnce(&Tables) -> T) -> Result<T, StorageError> {
        self.world.before_read().await?;
        let tables = ignore_poison(self.tables.lock());
        Ok(ask(&tables))
    }

    async fn write<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Tables) -> T,
    ) -> Result<T, StorageError> {
        self.world.before_write().await?;
        let changed = {
            let mut tables = ignore_poison(self.tables.lock());
            change(&mut tables)
        };
        self.world.note(|| format!("written: {name}"));
        self.world.after_write().await?;
        Ok(changed)
    }
}

#[async_trait]
impl Metadata for SimulatedDatabase {
    async fn check(&self) -> Result<(), StorageError> {
        self.read(|_| ()).await
    }

    async fn close(&self) {}
}

#[async_trait]
impl FunctionStore for SimulatedDatabase {
    async fn function(&self, tenant: u64, key: &str) -> Result<Option<Function>, StorageError> {
        self.read(|tables| tables.function(tenant, key)).await
    }

    async fn functions(
        &self,
        tenant: u64,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Function>, StorageError> {
        self.read(|tables| tables.functions(tenant, after, limit))
            .await
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
        let added = self.write("add_version", |tables| {
            tables.add_version(tenant, name, new_id, version, limits, now_ms)
        });
        added.await?
    }

    async fn set_traffic(
        &self,
        tenant: u64,
        key: &str,
        weights: &BTreeMap<u32, u8>,
        now_ms: i64,
    ) -> Result<Function, ChangeError> {
        let set = self.write("set_traffic", |tables| {
            tables.set_traffic(tenant, key, weights, now_ms)
        });
        set.await?
    }

    async fn outgoing_hosts(&self, function_id: &str) -> Result<Option<Vec<String>>, StorageError> {
        self.read(|tables| tables.outgoing_hosts(function_id)).await
    }

    async fn set_outgoing_hosts(
        &self,
        tenant: u64,
        key: &str,
        hosts: Option<&[String]>,
        now_ms: i64,
    ) -> Result<Function, ChangeError> {
        let set = self.write("set_outgoing_hosts", |tables| {
            tables.set_outgoing_hosts(tenant, key, hosts, now_ms)
        });
        set.await?
    }

    async fn delete_function(
        &self,
        tenant: u64,
        key: &str,
    ) -> Result<Option<DeletedFunction>, StorageError> {
        self.write("delete_function", |tables| {
            tables.delete_function(tenant, key)
        })
        .await
    }

    async fn is_used(&self, digest: &str) -> Result<bool, StorageError> {
        self.read(|tables| tables.digests().contains(digest)).await
    }

    async fn digests(&self) -> Result<BTreeSet<String>, StorageError> {
        self.read(Tables::digests).await
    }
}

#[async_trait]
impl SettingStore for SimulatedDatabase {
    async fn settings(&self, function_id: &str) -> Result<Settings, StorageError> {
        self.read(|tables| tables.settings(function_id)).await
    }

    async fn set_values(
        &self,
        function_id: &str,
        values: &BTreeMap<String, String>,
    ) -> Result<(), StorageError> {
        self.write("set_values", |tables| {
            tables.set_values(function_id, values);
        })
        .await
    }

    async fn set_secret(
        &self,
        function_id: &str,
        name: &str,
        sealed: &[u8],
    ) -> Result<(), StorageError> {
        self.write("set_secret", |tables| {
            tables.set_secret(function_id, name, sealed);
        })
        .await
    }

    async fn remove_secret(&self, function_id: &str, name: &str) -> Result<bool, StorageError> {
        self.write("remove_secret", |tables| {
            tables.remove_secret(function_id, name)
        })
        .await
    }
}

#[async_trait]
impl AssetStore for SimulatedDatabase {
    async fn staged_assets(&self, owner: AssetOwner<'_>) -> Result<Assets, StorageError> {
        self.read(|tables| tables.assets_of(owner, STAGED)).await
    }

    async fn assets_of_version(
        &self,
        owner: AssetOwner<'_>,
        version: u32,
    ) -> Result<Assets, StorageError> {
        self.read(|tables| tables.assets_of(owner, version)).await
    }

    async fn stage_asset(
        &self,
        owner: AssetOwner<'_>,
        path: &str,
        asset: &Asset,
        limits: StageLimits,
    ) -> Result<Option<String>, StageError> {
        let staged = self.write("stage_asset", |tables| {
            tables.stage_asset(owner, path, asset, limits)
        });
        staged.await?
    }

    async fn unstage_asset(
        &self,
        owner: AssetOwner<'_>,
        path: &str,
    ) -> Result<Option<String>, StorageError> {
        let unstaged = self.write("unstage_asset", |tables| {
            tables.unstage(owner, |staged| staged == path)
        });
        Ok(unstaged.await?.pop_first())
    }

    async fn unstage_assets(
        &self,
        owner: AssetOwner<'_>,
    ) -> Result<BTreeSet<String>, StorageError> {
        self.write("unstage_assets", |tables| tables.unstage(owner, |_| true))
            .await
    }
}

#[async_trait]
impl UsageStore for SimulatedDatabase {
    async fn add_usage(&self, usage: &[(UsageKey, Amounts)]) -> Result<(), StorageError> {
        self.write("add_usage", |tables| tables.add_usage(usage))
            .await
    }

    async fn remove_usage_before(&self, hour: i64) -> Result<(), StorageError> {
        self.write("remove_usage_before", |tables| {
            tables.remove_usage_before(hour);
        })
        .await
    }

    async fn usage(
        &self,
        tenant: u64,
        from_hour: i64,
        to_hour: i64,
        limit: u32,
    ) -> Result<Vec<(UsageKey, Amounts)>, StorageError> {
        self.read(|tables| tables.usage(tenant, from_hour, to_hour, limit))
            .await
    }
}

#[async_trait]
impl JobQueue for SimulatedDatabase {
    async fn add_job(
        &self,
        job: NewJob,
        limit: u32,
        stored_bytes: u64,
        now_ms: i64,
    ) -> Result<Added, StorageError> {
        self.write("add_job", |tables| {
            tables.add_job(job, limit, stored_bytes, now_ms)
        })
        .await
    }

    async fn job(&self, tenant: u64, id: &str) -> Result<Option<Job>, StorageError> {
        self.read(|tables| tables.job(tenant, id)).await
    }

    async fn jobs(
        &self,
        tenant: u64,
        function: Option<&str>,
        state: Option<JobState>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Job>, StorageError> {
        self.read(|tables| tables.jobs(tenant, function, state, after, limit))
            .await
    }

    async fn job_body(&self, id: &str, kind: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.read(|tables| tables.job_body(id, kind)).await
    }

    async fn tenants_with_jobs(&self) -> Result<Vec<u64>, StorageError> {
        self.read(Tables::tenants_with_jobs).await
    }

    async fn claim_job(&self, tenant: u64, now_ms: i64) -> Result<Option<Job>, StorageError> {
        self.write("claim_job", |tables| tables.claim_job(tenant, now_ms))
            .await
    }

    async fn release_jobs(&self, but: &[String], now_ms: i64) -> Result<Vec<u64>, StorageError> {
        self.write("release_jobs", |tables| tables.release_jobs(but, now_ms))
            .await
    }

    async fn next_due(&self, tenant: u64) -> Result<Option<i64>, StorageError> {
        self.read(|tables| tables.next_due(tenant)).await
    }

    async fn end_attempt(
        &self,
        job: &Job,
        attempt: &Attempt,
        now_ms: i64,
    ) -> Result<bool, StorageError> {
        self.write("end_attempt", |tables| {
            tables.end_attempt(job, attempt, now_ms)
        })
        .await
    }

    async fn cancel_job(&self, tenant: u64, id: &str, now_ms: i64) -> Result<bool, StorageError> {
        self.write("cancel_job", |tables| tables.cancel_job(tenant, id, now_ms))
            .await
    }

    async fn settle_interrupted(
        &self,
        graceful: bool,
        now_ms: i64,
    ) -> Result<(u64, u64), StorageError> {
        self.write("settle_interrupted", |tables| {
            tables.settle_interrupted(graceful, now_ms)
        })
        .await
    }

    async fn remove_jobs(&self, before_ms: i64) -> Result<u64, StorageError> {
        self.write("remove_jobs", |tables| tables.remove_jobs(before_ms))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::conformance::{conformance, random};
    use crate::storage::database::Database;

    async fn open() -> (SimulatedDatabase, ()) {
        let database = SimulatedDatabase {
            world: World::without_faults(),
            tables: Arc::default(),
        };
        (database, ())
    }

    conformance!(open());

    #[tokio::test]
    async fn it_says_what_sqlite_says() {
        let folder = tempfile::tempdir().unwrap();
        for seed in 0..8 {
            let path = folder.path().join(format!("{seed}.db"));
            let sqlite = Database::open(&path).await.unwrap();
            let (simulated, ()) = open().await;
            random::both_say_the_same(&sqlite, &simulated, seed, 300).await;
        }
    }
}

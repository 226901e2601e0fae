//! What a node's database holds, as plain tables in memory: the model that SQLite is held against,
//! and what simulations keep. Each change is made as a whole or not at all.

use std::collections::{BTreeMap, BTreeSet};

use crate::storage::assets::{Asset, AssetOwner, Assets, StageError, StageLimits};
use crate::storage::functions::{
    AddedVersion, ChangeError, DeletedFunction, Function, Imports, NewVersion, TenantLimits,
    Version,
};
use crate::storage::jobs::{
    Added, Attempt, Job, JobState, LONGEST_PAUSE_MS, MOST_INTERRUPTIONS, NewJob, OnRestart,
    StoredHeaders, head_bytes, job_bytes,
};
use crate::storage::settings::{Setting, Settings};
use crate::storage::usage::{Amounts, UsageKey};

/// The version of assets that are staged.
pub(super) const STAGED: u32 = 0;

/// All tables.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) functions: BTreeMap<String, FunctionRow>,
    pub(super) settings: BTreeMap<String, Settings>,
    pub(super) jobs: BTreeMap<String, JobRow>,
    pub(super) usage: BTreeMap<UsageKey, Amounts>,
    /// By tenant, function's name, version ([`STAGED`]) and path.
    pub(super) assets: BTreeMap<(u64, String, u32, String), Asset>,
    /// By tenant, in bytes.
    pub(super) stored: BTreeMap<u64, i64>,
    /// Counts the jobs that were made, for their ids.
    jobs_made: u64,
}

/// A function.
#[derive(Clone)]
pub(super) struct FunctionRow {
    pub(super) tenant: u64,
    pub(super) function: Function,
}

/// A job.
#[derive(Clone)]
pub(super) struct JobRow {
    pub(super) job: Job,
    pub(super) on_restart: OnRestart,
    pub(super) interruptions: i64,
    pub(super) due_ms: i64,
    pub(super) idempotency_key: Option<String>,
    pub(super) request_digest: String,
    pub(super) request: Option<Vec<u8>>,
    pub(super) result: Option<Vec<u8>>,
    pub(super) stored_bytes: i64,
}

impl Tables {
    fn id_of(&self, tenant: u64, key: &str) -> Option<String> {
        let row = self.functions.values().find(|row| {
            row.tenant == tenant && (row.function.id == key || row.function.name == key)
        });
        row.map(|row| row.function.id.clone())
    }

    pub(super) fn function(&self, tenant: u64, key: &str) -> Option<Function> {
        let id = self.id_of(tenant, key)?;
        Some(self.functions[&id].function.clone())
    }

    pub(super) fn functions(&self, tenant: u64, after: &str, limit: u32) -> Vec<Function> {
        let mut found: Vec<_> = self
            .functions
            .values()
            .filter(|row| row.tenant == tenant && row.function.name.as_str() > after)
            .map(|row| row.function.clone())
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found.truncate(limit as usize);
        found
    }

    fn has_room(&self, tenant: u64, bytes: i64, limit: u64) -> bool {
        let stored = self.stored.get(&tenant).copied().unwrap_or(0);
        u64::try_from(stored + bytes).is_ok_and(|sum| sum <= limit)
    }

    fn change_stored(&mut self, tenant: u64, bytes: i64) {
        *self.stored.entry(tenant).or_default() += bytes;
    }

    pub(super) fn add_version(
        &mut self,
        tenant: u64,
        name: &str,
        new_id: &str,
        version: NewVersion,
        limits: &TenantLimits,
        now_ms: i64,
    ) -> Result<AddedVersion, ChangeError> {
        let known = self.id_of(tenant, name);
        if known.is_none() {
            let count = self
                .functions
                .values()
                .filter(|row| row.tenant == tenant)
                .count();
            if count >= limits.functions as usize {
                let limit = limits.functions;
                return Err(ChangeError::TooMany { limit });
            }
        }
        let size = version.size_bytes.cast_signed();
        if !self.has_room(tenant, size, limits.stored_bytes) {
            let limit = limits.stored_bytes;
            return Err(ChangeError::TooMuch { limit });
        }
        let owner = AssetOwner {
            tenant,
            function_name: name,
        };
        let staged = self.assets_of(owner, STAGED);
        let own = self.assets.keys().filter(|(of, ..)| *of == tenant).count();
        if !staged.is_empty() && own + staged.len() > limits.assets as usize {
            let limit = limits.assets;
            return Err(ChangeError::TooManyAssets { limit });
        }
        self.change_stored(tenant, size);
        let id = known.unwrap_or_else(|| new_id.to_owned());
        let row = self
            .functions
            .entry(id.clone())
            .or_insert_with(|| FunctionRow {
                tenant,
                function: Function {
                    id,
                    name: name.to_owned(),
                    created_ms: now_ms,
                    updated_ms: now_ms,
                    outgoing_hosts: None,
                    versions: BTreeMap::new(),
                },
            });
        let function = &mut row.function;
        let newest = function.versions.keys().last().copied().unwrap_or(0) + 1;
        function.versions.insert(
            newest,
            Version {
                digest: version.digest,
                size_bytes: version.size_bytes,
                imports: Imports {
                    granted: version.imports.granted,
                    denied: version.imports.denied,
                },
                created_ms: now_ms,
                created_by: version.created_by,
                weight: 0,
                asset_files: staged.len() as u64,
                asset_bytes: staged.values().map(|asset| asset.size_bytes).sum(),
            },
        );
        let mut pruned = Vec::new();
        let mut freed = 0;
        function.versions.retain(|number, version| {
            let goes = version.weight == 0 && *number + limits.versions <= newest;
            if goes {
                pruned.push(version.digest.clone());
                freed += version.size_bytes.cast_signed();
            }
            !goes
        });
        set_weights(function, &BTreeMap::from([(newest, 100)]), now_ms);
        let function = function.clone();
        self.change_stored(tenant, -freed);
        for (path, asset) in staged {
            let key = (tenant, name.to_owned(), newest, path);
            self.assets.insert(key, asset);
        }
        pruned.extend(self.remove_assets(owner, |version, _| {
            version != STAGED && !function.versions.contains_key(&version)
        }));
        Ok(AddedVersion { function, pruned })
    }

    pub(super) fn set_traffic(
        &mut self,
        tenant: u64,
        key: &str,
        weights: &BTreeMap<u32, u8>,
        now_ms: i64,
    ) -> Result<Function, ChangeError> {
        let id = self.id_of(tenant, key).ok_or(ChangeError::NoFunction)?;
        let row = self.functions.get_mut(&id).ok_or(ChangeError::NoFunction)?;
        for number in weights.keys() {
            if !row.function.versions.contains_key(number) {
                return Err(ChangeError::NoVersion(*number));
            }
        }
        set_weights(&mut row.function, weights, now_ms);
        Ok(row.function.clone())
    }

    pub(super) fn outgoing_hosts(&self, function_id: &str) -> Option<Vec<String>> {
        let row = self.functions.get(function_id)?;
        row.function.outgoing_hosts.clone()
    }

    pub(super) fn set_outgoing_hosts(
        &mut self,
        tenant: u64,
        key: &str,
        hosts: Option<&[String]>,
        now_ms: i64,
    ) -> Result<Function, ChangeError> {
        let id = self.id_of(tenant, key).ok_or(ChangeError::NoFunction)?;
        let row = self.functions.get_mut(&id).ok_or(ChangeError::NoFunction)?;
        row.function.outgoing_hosts = hosts.map(<[String]>::to_vec);
        row.function.updated_ms = now_ms;
        Ok(row.function.clone())
    }

    pub(super) fn assets_of(&self, owner: AssetOwner<'_>, version: u32) -> Assets {
        let rows = self.assets.iter().filter(|((tenant, name, of, _), _)| {
            *tenant == owner.tenant && name == owner.function_name && *of == version
        });
        rows.map(|((_, _, _, path), asset)| (path.clone(), asset.clone()))
            .collect()
    }

    pub(super) fn stage_asset(
        &mut self,
        owner: AssetOwner<'_>,
        path: &str,
        asset: &Asset,
        limits: StageLimits,
    ) -> Result<Option<String>, StageError> {
        let mut staged = self.assets_of(owner, STAGED);
        staged.remove(path);
        let is_below = |path: &str, folder: &str| path.starts_with(&format!("{folder}/"));
        let mut others = staged.keys();
        if let Some(with) = others.find(|other| is_below(path, other) || is_below(other, path)) {
            return Err(StageError::Conflict { with: with.clone() });
        }
        if staged.len() >= limits.files as usize {
            let limit = limits.files;
            return Err(StageError::TooMany { limit });
        }
        let before = (self.assets.clone(), self.stored.clone());
        let replaced = self.unstage(owner, |other| other == path).pop_first();
        if !self.has_asset(owner.tenant, &asset.digest) {
            let size = asset.size_bytes.cast_signed();
            let limit = limits.stored_bytes;
            if !self.has_room(owner.tenant, size, limit) {
                (self.assets, self.stored) = before;
                return Err(StageError::Change(ChangeError::TooMuch { limit }));
            }
            self.change_stored(owner.tenant, size);
        }
        let name = owner.function_name.to_owned();
        let key = (owner.tenant, name, STAGED, path.to_owned());
        self.assets.insert(key, asset.clone());
        Ok(replaced)
    }

    pub(super) fn unstage(
        &mut self,
        owner: AssetOwner<'_>,
        is_meant: impl Fn(&str) -> bool,
    ) -> BTreeSet<String> {
        self.remove_assets(owner, |version, path| version == STAGED && is_meant(path))
    }

    fn has_asset(&self, tenant: u64, digest: &str) -> bool {
        let mut assets = self.assets.iter();
        assets.any(|((of, ..), asset)| *of == tenant && asset.digest == digest)
    }

    /// Removes assets by version and path, and no longer charges the tenant for contents that it has
    /// no more. Returns the contents.
    fn remove_assets(
        &mut self,
        owner: AssetOwner<'_>,
        is_meant: impl Fn(u32, &str) -> bool,
    ) -> BTreeSet<String> {
        let mut removed = BTreeMap::new();
        self.assets.retain(|(tenant, name, version, path), asset| {
            let goes =
                *tenant == owner.tenant && name == owner.function_name && is_meant(*version, path);
            if goes {
                removed.insert(asset.digest.clone(), asset.size_bytes.cast_signed());
            }
            !goes
        });
        for (digest, size) in &removed {
            if !self.has_asset(owner.tenant, digest) {
                self.change_stored(owner.tenant, -size);
            }
        }
        removed.into_keys().collect()
    }

    pub(super) fn delete_function(&mut self, tenant: u64, key: &str) -> Option<DeletedFunction> {
        let id = self.id_of(tenant, key)?;
        let row = self.functions.remove(&id)?;
        self.settings.remove(&id);
        let versions = row.function.versions.values();
        let size: u64 = versions.map(|version| version.size_bytes).sum();
        self.change_stored(tenant, -size.cast_signed());
        let owner = AssetOwner {
            tenant,
            function_name: &row.function.name,
        };
        let assets = self.remove_assets(owner, |_, _| true);
        let function = row.function;
        Some(DeletedFunction { function, assets })
    }

    pub(super) fn digests(&self) -> BTreeSet<String> {
        let functions = self.functions.values();
        let versions = functions.flat_map(|row| row.function.versions.values());
        let components = versions.map(|version| version.digest.clone());
        let assets = self.assets.values().map(|asset| asset.digest.clone());
        components.chain(assets).collect()
    }

    pub(super) fn settings(&self, function_id: &str) -> Settings {
        self.settings.get(function_id).cloned().unwrap_or_default()
    }

    pub(super) fn set_values(&mut self, function_id: &str, values: &BTreeMap<String, String>) {
        let settings = self.settings.entry(function_id.to_owned()).or_default();
        settings.retain(|_, setting| matches!(setting, Setting::Secret(_)));
        for (name, value) in values {
            settings.insert(name.clone(), Setting::Value(value.clone()));
        }
    }

    pub(super) fn set_secret(&mut self, function_id: &str, name: &str, sealed: &[u8]) {
        let settings = self.settings.entry(function_id.to_owned()).or_default();
        settings.insert(name.to_owned(), Setting::Secret(sealed.to_vec()));
    }

    pub(super) fn remove_secret(&mut self, function_id: &str, name: &str) -> bool {
        let Some(settings) = self.settings.get_mut(function_id) else {
            return false;
        };
        let is_secret = matches!(settings.get(name), Some(Setting::Secret(_)));
        is_secret && settings.remove(name).is_some()
    }

    pub(super) fn add_usage(&mut self, usage: &[(UsageKey, Amounts)]) {
        for (key, amounts) in usage {
            self.usage.entry(key.clone()).or_default().add(*amounts);
        }
    }

    pub(super) fn remove_usage_before(&mut self, hour: i64) {
        self.usage.retain(|key, _| key.hour >= hour);
    }

    pub(super) fn usage(
        &self,
        tenant: u64,
        from_hour: i64,
        to_hour: i64,
        limit: u32,
    ) -> Vec<(UsageKey, Amounts)> {
        let mut found: Vec<_> = self
            .usage
            .iter()
            .filter(|(key, _)| key.tenant == tenant && (from_hour..to_hour).contains(&key.hour))
            .map(|(key, amounts)| (key.clone(), *amounts))
            .collect();
        found.sort_by(|(a, _), (b, _)| {
            (a.hour, &a.function_name, &a.function_id).cmp(&(
                b.hour,
                &b.function_name,
                &b.function_id,
            ))
        });
        found.truncate(limit as usize);
        found
    }

    pub(super) fn add_job(
        &mut self,
        job: NewJob,
        limit: u32,
        stored_bytes: u64,
        now_ms: i64,
    ) -> Added {
        if let Some(key) = &job.idempotency_key {
            let known = self.jobs.values().find(|row| {
                row.job.tenant == job.tenant
                    && row.job.function_id == job.function_id
                    && row.idempotency_key.as_ref() == Some(key)
            });
            if let Some(known) = known {
                return match known.request_digest == job.request_digest {
                    true => Added::Known(known.job.id.clone()),
                    false => Added::Conflict,
                };
            }
        }
        let open = self
            .jobs
            .values()
            .filter(|row| row.job.tenant == job.tenant && !row.job.state.is_final())
            .count();
        if open >= limit as usize {
            return Added::TooMany;
        }
        let heads = head_bytes(&job.uri, &job.headers, &StoredHeaders::default());
        let bytes = job_bytes(heads, i64::try_from(job.body.len()).unwrap_or(i64::MAX));
        if !self.has_room(job.tenant, bytes, stored_bytes) {
            return Added::TooMuch;
        }
        self.change_stored(job.tenant, bytes);
        self.jobs_made += 1;
        let id = format!("job_{:012x}{:020x}", now_ms.max(0), self.jobs_made);
        let row = JobRow {
            job: Job {
                id: id.clone(),
                tenant: job.tenant,
                function_id: job.function_id,
                function_name: job.function_name,
                state: JobState::Pending,
                attempts: 0,
                max_attempts: job.max_attempts,
                claims: 0,
                backoff_ms: job.backoff_ms,
                on_restart: job.on_restart,
                created_by: job.created_by,
                created_ms: now_ms,
                started_ms: None,
                finished_ms: None,
                method: job.method,
                uri: job.uri,
                headers: job.headers,
                status: None,
                result_headers: Default::default(),
                error: None,
            },
            on_restart: job.on_restart,
            interruptions: 0,
            due_ms: now_ms,
            idempotency_key: job.idempotency_key,
            request_digest: job.request_digest,
            request: Some(job.body),
            result: None,
            stored_bytes: bytes,
        };
        self.jobs.insert(id.clone(), row);
        Added::New(id)
    }

    pub(super) fn job(&self, tenant: u64, id: &str) -> Option<Job> {
        let row = self.jobs.get(id)?;
        (row.job.tenant == tenant).then(|| row.job.clone())
    }

    pub(super) fn jobs(
        &self,
        tenant: u64,
        function: Option<&str>,
        state: Option<JobState>,
        after: Option<&str>,
        limit: u32,
    ) -> Vec<Job> {
        let rows = self.jobs.values().rev().map(|row| &row.job);
        let rows = rows.filter(|job| {
            job.tenant == tenant
                && function.is_none_or(|key| job.function_id == key || job.function_name == key)
                && state.is_none_or(|state| job.state == state)
                && after.is_none_or(|after| job.id.as_str() < after)
        });
        rows.take(limit as usize).cloned().collect()
    }

    pub(super) fn job_body(&self, id: &str, kind: &str) -> Option<Vec<u8>> {
        let row = self.jobs.get(id)?;
        match kind {
            "request" => row.request.clone(),
            "result" => row.result.clone(),
            _ => None,
        }
    }

    pub(super) fn tenants_with_jobs(&self) -> Vec<u64> {
        let pending = self.pending().map(|row| row.job.tenant);
        pending.collect::<BTreeSet<_>>().into_iter().collect()
    }

    fn pending(&self) -> impl Iterator<Item = &JobRow> {
        let rows = self.jobs.values();
        rows.filter(|row| row.job.state == JobState::Pending)
    }

    pub(super) fn claim_job(&mut self, tenant: u64, now_ms: i64) -> Option<Job> {
        let due = self
            .pending()
            .filter(|row| row.job.tenant == tenant)
            .filter(|row| row.due_ms <= now_ms || row.due_ms > now_ms + LONGEST_PAUSE_MS);
        let next = due.min_by_key(|row| (row.due_ms, row.job.id.clone()));
        let id = next?.job.id.clone();
        let row = self.jobs.get_mut(&id)?;
        row.job.state = JobState::Running;
        row.job.attempts += 1;
        row.job.claims += 1;
        row.job.started_ms = Some(now_ms);
        Some(row.job.clone())
    }

    pub(super) fn release_jobs(&mut self, but: &[String], now_ms: i64) -> Vec<u64> {
        let rows = self.jobs.values_mut();
        let released =
            rows.filter(|row| row.job.state == JobState::Running && !but.contains(&row.job.id));
        let released = released.map(|row| {
            row.job.state = JobState::Pending;
            row.due_ms = now_ms;
            row.job.attempts -= 1;
            row.job.tenant
        });
        released.collect()
    }

    pub(super) fn next_due(&self, tenant: u64) -> Option<i64> {
        let waiting = self.pending().filter(|row| row.job.tenant == tenant);
        waiting.map(|row| row.due_ms).min()
    }

    pub(super) fn end_attempt(&mut self, job: &Job, attempt: &Attempt, now_ms: i64) -> bool {
        let id = job.id.as_str();
        let row = self.jobs.get_mut(id);
        let Some(row) = row.filter(|row| row.job.claims == job.claims) else {
            return false;
        };
        if row.job.state != JobState::Running {
            return row.job.state == attempt.state;
        }
        row.job.state = attempt.state;
        row.due_ms = attempt.due_ms;
        row.job.finished_ms = attempt.state.is_final().then_some(now_ms);
        row.job.status = attempt.status;
        row.job.result_headers = attempt.headers.clone();
        row.job.error = attempt.error.clone();
        row.job.attempts -= u32::from(!attempt.counts);
        row.result = attempt.body.clone();
        if attempt.state.is_final() {
            row.request = None;
        }
        self.count_stored(id);
        true
    }

    pub(super) fn cancel_job(&mut self, tenant: u64, id: &str, now_ms: i64) -> bool {
        let row = self.jobs.get_mut(id);
        let row = row.filter(|row| row.job.tenant == tenant && !row.job.state.is_final());
        let Some(row) = row else {
            return false;
        };
        row.job.state = JobState::Cancelled;
        row.job.finished_ms = Some(now_ms);
        row.request = None;
        self.count_stored(id);
        true
    }

    fn count_stored(&mut self, id: &str) {
        let Some(row) = self.jobs.get_mut(id) else {
            return;
        };
        let before = row.stored_bytes;
        row.stored_bytes = row.bytes();
        let (tenant, change) = (row.job.tenant, row.stored_bytes - before);
        self.change_stored(tenant, change);
    }

    /// The ids of the jobs that are not at their end.
    pub(super) fn open_jobs(&self) -> Vec<String> {
        let rows = self.jobs.values();
        let open = rows.filter(|row| !row.job.state.is_final());
        open.map(|row| row.job.id.clone()).collect()
    }

    pub(super) fn settle_interrupted(&mut self, graceful: bool, now_ms: i64) -> (u64, u64) {
        let (mut again, mut lost) = (0, Vec::new());
        for row in self.jobs.values_mut() {
            if row.job.state != JobState::Running {
                continue;
            }
            if row.on_restart == OnRestart::Lost || row.interruptions >= MOST_INTERRUPTIONS {
                lost.push(row.job.id.clone());
                row.request = None;
                row.job.state = JobState::Lost;
                row.job.finished_ms = Some(now_ms);
                row.job.error = Some((
                    "job_lost".to_owned(),
                    "the node ended while the job ran".to_owned(),
                ));
            } else {
                again += 1;
                row.job.state = JobState::Pending;
                row.due_ms = now_ms;
                row.job.attempts -= 1;
                row.interruptions += i64::from(!graceful);
            }
        }
        for id in &lost {
            self.count_stored(id);
        }
        (again, lost.len() as u64)
    }

    pub(super) fn remove_jobs(&mut self, before_ms: i64) -> u64 {
        let ended = self.jobs.values().filter(|row| {
            let finished = row.job.finished_ms;
            finished.is_some_and(|finished| finished < before_ms)
        });
        let ended: Vec<_> = ended.map(|row| row.job.id.clone()).collect();
        for id in &ended {
            if let Some(row) = self.jobs.remove(id) {
                self.change_stored(row.job.tenant, -row.stored_bytes);
            }
        }
        ended.len() as u64
    }
}

impl JobRow {
    /// What it stores, in bytes.
    pub(super) fn bytes(&self) -> i64 {
        let bodies = [&self.request, &self.result].into_iter().flatten();
        let bytes: usize = bodies.map(Vec::len).sum();
        let heads = head_bytes(&self.job.uri, &self.job.headers, &self.job.result_headers);
        job_bytes(heads, i64::try_from(bytes).unwrap_or(i64::MAX))
    }
}

fn set_weights(function: &mut Function, weights: &BTreeMap<u32, u8>, now_ms: i64) {
    for (number, version) in &mut function.versions {
        version.weight = weights.get(number).copied().unwrap_or(0);
    }
    function.updated_ms = now_ms;
}

//! What holds of a node's storage whenever no process runs, and what holds when all has come to
//! rest.

use std::collections::{BTreeMap, BTreeSet};

use futures::{FutureExt, TryStreamExt};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};

use super::model::Model;
use super::tables::Tables;
use super::worker::Runs;
use crate::storage::assets::AssetOwner;
use crate::storage::jobs::JobState;

/// The names of all objects, and what they hold.
fn objects(store: &InMemory) -> BTreeMap<String, Vec<u8>> {
    let read = async {
        let listed: Vec<_> = store.list(None).try_collect().await.unwrap_or_default();
        let mut objects = BTreeMap::new();
        for object in listed {
            let Ok(found) = store.get(&object.location).await else {
                continue;
            };
            let bytes = found.bytes().await.unwrap_or_default();
            objects.insert(object.location.to_string(), bytes.to_vec());
        }
        objects
    };
    // Nothing in memory has to be waited for.
    read.now_or_never().unwrap_or_default()
}

/// Each version has its component, sums are what they count, and nothing is half there.
pub(super) fn between_processes(tables: &Tables, store: &InMemory, faults: &mut Vec<String>) {
    let objects = objects(store);
    let mut stored: BTreeMap<u64, i64> = BTreeMap::new();
    for row in tables.functions.values() {
        let function = &row.function;
        let versions = &function.versions;
        let weights: u32 = versions
            .values()
            .map(|version| u32::from(version.weight))
            .sum();
        if weights != 100 {
            faults.push(format!(
                "{}: the weights are {weights} in all",
                function.name
            ));
        }
        let owner = AssetOwner {
            tenant: row.tenant,
            function_name: &function.name,
        };
        for (number, version) in versions {
            let assets = tables.assets_of(owner, *number);
            let bytes: u64 = assets.values().map(|asset| asset.size_bytes).sum();
            if (assets.len() as u64, bytes) != (version.asset_files, version.asset_bytes) {
                faults.push(format!("{}: {version:?} has {assets:?}", function.name));
            }
            *stored.entry(row.tenant).or_default() += version.size_bytes.cast_signed();
            let hex = version.digest.trim_start_matches("blake3:");
            let object = objects.get(&format!("blake3/{hex}"));
            let found = object.map(|bytes| blake3::hash(bytes).to_hex().to_string());
            if found.as_deref() != Some(hex) {
                faults.push(format!("{}: {hex} is {found:?}", function.name));
            }
        }
    }
    // Whoever has one content several times is charged once.
    for (tenant, digest, size) in contents(tables) {
        *stored.entry(tenant).or_default() += size;
        let hex = digest.trim_start_matches("blake3:");
        if !objects.contains_key(&format!("blake3/{hex}")) {
            faults.push(format!("tenant {tenant}: the asset {hex} is not there"));
        }
    }
    let mut keys = BTreeSet::new();
    for row in tables.jobs.values() {
        let job = &row.job;
        *stored.entry(job.tenant).or_default() += row.bytes();
        if let Some(key) = &row.idempotency_key
            && !keys.insert((&job.function_id, key))
        {
            faults.push(format!("{}: a second job of its key", job.id));
        }
        if job.state.is_final() == row.request.is_some() {
            let state = job.state;
            faults.push(format!("{}: {state:?}, and its request is wrong", job.id));
        }
        if job.state.is_final() != job.finished_ms.is_some() {
            faults.push(format!("{}: {:?} since never", job.id, job.state));
        }
    }
    for (tenant, sum) in &tables.stored {
        let counted = stored.get(tenant).copied().unwrap_or(0);
        if *sum != counted {
            faults.push(format!("tenant {tenant} stores {counted} bytes, not {sum}"));
        }
    }
}

/// The contents of assets that each tenant has, with their sizes.
fn contents(tables: &Tables) -> BTreeSet<(u64, &str, i64)> {
    let assets = tables.assets.iter();
    assets
        .map(|((tenant, ..), asset)| {
            let size = asset.size_bytes.cast_signed();
            (*tenant, asset.digest.as_str(), size)
        })
        .collect()
}

/// No job ran more often than it may, and each end is one that its worker made.
pub(super) fn runs(tables: &Tables, model: &Model, runs: &Runs, faults: &mut Vec<String>) {
    for (id, known) in &model.jobs {
        let begun = runs.begun.get(id).copied().unwrap_or(0);
        // Where a process ends, what it ran is not counted.
        let allowed = match known.is_run_again {
            true => known.max_attempts + model.ends,
            false => known.max_attempts,
        };
        if begun > allowed {
            faults.push(format!("{id} ran {begun} times, not {allowed}"));
        }
        let Some(row) = tables.jobs.get(id) else {
            continue;
        };
        if row.job.state == JobState::Succeeded && begun == 0 {
            faults.push(format!("{id} succeeded, and never ran"));
        }
        let responses = runs.responses.get(id);
        if let Some(result) = &row.result
            && responses.is_none_or(|responses| !responses.contains(result))
        {
            faults.push(format!("{id} has a result that no run made"));
        }
    }
    let mut counted = 0;
    for amounts in tables.usage.values() {
        counted += amounts.requests - amounts.failures;
    }
    if counted > runs.invocations {
        let made = runs.invocations;
        faults.push(format!("{counted} responses are counted of {made}"));
    }
}

/// Nothing is left of what nobody has, and no job waits.
pub(super) fn at_rest(tables: &Tables, store: &InMemory, faults: &mut Vec<String>) {
    let expected: BTreeSet<_> = tables
        .digests()
        .iter()
        .map(|digest| format!("blake3/{}", digest.trim_start_matches("blake3:")))
        .collect();
    let found: BTreeSet<_> = objects(store).into_keys().collect();
    if expected != found {
        faults.push(format!("{found:?} are stored, not {expected:?}"));
    }
}

/// No job is left, and none is counted.
pub(super) fn after_retention(tables: &Tables, faults: &mut Vec<String>) {
    if !tables.jobs.is_empty() {
        faults.push(format!("{} jobs stay", tables.jobs.len()));
    }
    let mut components: BTreeMap<u64, i64> = BTreeMap::new();
    for row in tables.functions.values() {
        for version in row.function.versions.values() {
            *components.entry(row.tenant).or_default() += version.size_bytes.cast_signed();
        }
    }
    for (tenant, _, size) in contents(tables) {
        *components.entry(tenant).or_default() += size;
    }
    for (tenant, stored) in &tables.stored {
        let counted = components.get(tenant).copied().unwrap_or(0);
        if *stored != counted {
            faults.push(format!(
                "tenant {tenant} keeps {stored} bytes of jobs, not {counted}"
            ));
        }
    }
}

//! Saving a function: its rows are read, its buffers are captured at one moment, and where the rows are
//! the same after that, all of it is stored.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use tensor_wasm_device::Capture;
use tensor_wasm_snapshot as file;
use tensor_wasm_snapshot::{Chunker, Content, Manifest, SecretsKey};

use super::contents::{Pins, digest_of};
use super::{MOST, SaveOptions, Saved, SnapshotError};
use crate::functions::Functions;
use crate::functions::places::FunctionPlace;
use crate::storage::StorageError;
use crate::storage::assets::{AssetOwner, Assets};
use crate::storage::functions::{Function, Version};
use crate::storage::jobs::{Job, JobState};
use crate::storage::settings::{Setting, Settings};
use crate::storage::snapshots::{Snapshot, SnapshotLimits, new_snapshot_id};
use crate::to_its_end::to_its_end;

/// How often a function may change while it is captured.
const ATTEMPTS: usize = 3;

/// Jobs that are read at one time.
const PAGE: u32 = 1000;

/// A function as it was at one moment.
struct Moment {
    function: Function,
    settings: Settings,
    jobs: Vec<Job>,
    /// The versions whose buffers were captured, in the order of the capture.
    captured: Vec<u32>,
    capture: Option<Capture>,
    created_ms: i64,
}

impl Functions {
    /// Saves a function. Requests to it go on; its tenant's work on the device is held back for as long
    /// as it takes to copy its named buffers there.
    pub(crate) async fn save_snapshot(
        self: &Arc<Self>,
        tenant: u64,
        key: &str,
        options: SaveOptions,
        place: FunctionPlace,
    ) -> Result<Saved, SnapshotError> {
        let (functions, key) = (self.clone(), key.to_owned());
        to_its_end(async move {
            let _place = place;
            let pins = Pins::new(functions.clone());
            let saved = save(&pins, tenant, &key, options).await;
            pins.release(saved.is_ok()).await;
            saved
        })
        .await
    }

    async fn moment(&self, tenant: u64, key: &str) -> Result<Moment, SnapshotError> {
        let database = &self.storage.database;
        for _ in 0..ATTEMPTS {
            let function = database.function(tenant, key).await?;
            let function = function.ok_or(SnapshotError::NoFunction)?;
            let settings = database.settings(&function.id).await?;
            // Before the buffers: a job that ends meanwhile runs again, and none is lost.
            let jobs = self.waiting_jobs(tenant, &function.id).await?;
            let (captured, capture) = self.capture(&function).await?;
            let created_ms = self.clock().now_ms();
            let is_same = database.function(tenant, &function.id).await?.as_ref()
                == Some(&function)
                && database.settings(&function.id).await? == settings;
            if is_same {
                return Ok(Moment {
                    function,
                    settings,
                    jobs,
                    captured,
                    capture,
                    created_ms,
                });
            }
        }
        Err(SnapshotError::Changing)
    }

    async fn waiting_jobs(&self, tenant: u64, id: &str) -> Result<Vec<Job>, StorageError> {
        let mut jobs = Vec::new();
        for state in [JobState::Pending, JobState::Running] {
            let mut after: Option<String> = None;
            loop {
                let database = &self.storage.database;
                let page = database.jobs(tenant, Some(id), Some(state), after.as_deref(), PAGE);
                let page = page.await?;
                let is_last = page.len() < PAGE as usize;
                after = page.last().map(|job| job.id.clone());
                jobs.extend(page);
                if is_last {
                    break;
                }
            }
        }
        // Oldest first; one that began to run between the two is there once.
        jobs.sort_by(|one: &Job, other| one.id.cmp(&other.id));
        jobs.dedup_by(|one, other| one.id == other.id);
        Ok(jobs)
    }

    /// Captures what the versions that get requests keep on the device: of those that are loaded, since
    /// others keep nothing.
    async fn capture(
        &self,
        function: &Function,
    ) -> Result<(Vec<u32>, Option<Capture>), SnapshotError> {
        let mut numbers = Vec::new();
        let mut accesses = Vec::new();
        for (number, _) in active(function) {
            let loaded = self.loaded.peek(&function.id, number);
            let access = loaded.and_then(|loaded| loaded.grants.opened());
            if let Some(access) = access.filter(|access| !access.residency().is_empty()) {
                numbers.push(number);
                accesses.push(access);
            }
        }
        let Some(first) = accesses.first() else {
            return Ok((numbers, None));
        };
        let residencies: Vec<_> = accesses.iter().map(|access| access.residency()).collect();
        let capture = first.session().capture(&residencies).await?;
        Ok((numbers, Some(capture)))
    }
}

/// The versions that get requests.
fn active(function: &Function) -> impl Iterator<Item = (u32, &Version)> {
    let versions = function.versions.iter();
    let active = versions.filter(|(_, version)| version.weight > 0);
    active.map(|(number, version)| (*number, version))
}

async fn save(
    pins: &Pins,
    tenant: u64,
    key: &str,
    options: SaveOptions,
) -> Result<Saved, SnapshotError> {
    let functions = pins.functions();
    let mut moment = functions.moment(tenant, key).await?;
    let mut chunker = Chunker::default();
    // First, since they may hold the tenant's work back.
    let (mut buffers, paused) = save_buffers(pins, &mut chunker, &mut moment).await?;
    let function = &moment.function;
    let mut versions = Vec::new();
    for (number, version) in active(function) {
        let owner = AssetOwner {
            tenant,
            function_name: &function.name,
        };
        let database = &functions.storage.database;
        let assets = database.assets_of_version(owner, number).await?;
        versions.push(file::Version {
            number,
            weight: version.weight,
            granted: version.imports.granted.clone(),
            denied: version.imports.denied.clone(),
            component: stored(pins, &mut chunker, &version.digest, version.size_bytes).await?,
            assets: save_assets(pins, &mut chunker, assets).await?,
            buffers: buffers.remove(&number).unwrap_or_default(),
        });
    }
    let jobs = save_jobs(pins, &mut chunker, &moment.jobs).await?;
    let (settings, secrets) = save_settings(functions, &moment, options.secrets_key.as_ref())?;
    let manifest = Manifest {
        program: format!("tensor-wasm {}", env!("CARGO_PKG_VERSION")),
        created_ms: moment.created_ms,
        tenant,
        function: file::Function {
            id: function.id.clone(),
            name: function.name.clone(),
            outgoing_hosts: function.outgoing_hosts.clone(),
        },
        versions,
        settings,
        secrets,
        jobs,
        chunks: chunker.into_entries(),
    };
    let keys = &functions.host.snapshot_keys;
    let head = manifest.head(keys)?;
    add(pins, tenant, &manifest, &head, options.created_by, paused).await
}

/// Stores the head of a snapshot, whose chunks are stored, and then its row.
pub(super) async fn add(
    pins: &Pins,
    tenant: u64,
    manifest: &Manifest,
    head: &[u8],
    created_by: Option<String>,
    paused: Duration,
) -> Result<Saved, SnapshotError> {
    let functions = pins.functions();
    let digest = digest_of(head);
    pins.put(&digest, Bytes::copy_from_slice(head)).await?;
    // Before a row refers to any of it.
    functions.storage.components.synchronise().await?;
    let keys = &functions.host.snapshot_keys;
    let mut decoder = file::Decoder::new(&**keys);
    decoder.push(head);
    decoder.next_event()?;
    let signed_by = decoder.signature().and_then(|signature| signature.key());
    let buffers = manifest.versions.iter().map(|one| one.buffers.len());
    let snapshot = Snapshot {
        id: new_snapshot_id(functions.clock().now_ms())?,
        function_id: manifest.function.id.clone(),
        function_name: manifest.function.name.clone(),
        created_ms: manifest.created_ms,
        created_by,
        head: digest,
        bytes: manifest.bytes(),
        file_bytes: manifest.file_bytes(head.len()),
        buffers: buffers.sum::<usize>() as u64,
        jobs: manifest.jobs.len() as u64,
        signed_by: signed_by.map(str::to_owned),
    };
    let limits = SnapshotLimits {
        snapshots: MOST,
        stored_bytes: functions.limits().stored_bytes,
    };
    let database = functions.storage.snapshots()?;
    let contents = pins.contents();
    let added = database.add_snapshot(tenant, &snapshot, &contents, limits);
    let new_bytes = added.await.map_err(SnapshotError::of_change)?;
    Ok(Saved {
        snapshot,
        new_bytes,
        paused,
    })
}

/// The buffers of each version, and how long the tenant's work was held back.
async fn save_buffers(
    pins: &Pins,
    chunker: &mut Chunker,
    moment: &mut Moment,
) -> Result<(BTreeMap<u32, Vec<file::Buffer>>, Duration), SnapshotError> {
    let mut buffers: BTreeMap<u32, Vec<file::Buffer>> = BTreeMap::new();
    let Some(capture) = moment.capture.take() else {
        return Ok((buffers, Duration::ZERO));
    };
    for (place, captured) in capture.buffers().iter().enumerate() {
        let read = |offset, bytes| {
            let part = capture.read(place, offset, bytes);
            async { Ok(Bytes::from(part.await?)) }
        };
        let content = pins.put_content(chunker, captured.bytes(), read).await?;
        let number = moment.captured.get(captured.residency).copied();
        let of_version = buffers.entry(number.unwrap_or_default()).or_default();
        of_version.push(file::Buffer {
            name: captured.name.clone(),
            content,
        });
    }
    Ok((buffers, capture.finish()))
}

/// A content of the store, in chunks.
async fn stored(
    pins: &Pins,
    chunker: &mut Chunker,
    digest: &str,
    bytes: u64,
) -> Result<Content, SnapshotError> {
    // The version that has it may go meanwhile.
    pins.pin(digest).await;
    let components = &pins.functions().storage.components;
    let read = |offset: u64, bytes: u64| {
        let part = components.read_part(digest, offset..offset + bytes);
        async { Ok(part.await?) }
    };
    let content = pins.put_content(chunker, bytes, read).await?;
    match content.digest == digest {
        true => Ok(content),
        false => Err(SnapshotError::damaged("a component or an asset")),
    }
}

async fn save_assets(
    pins: &Pins,
    chunker: &mut Chunker,
    assets: Assets,
) -> Result<Vec<file::Asset>, SnapshotError> {
    let mut saved = Vec::with_capacity(assets.len());
    for (path, asset) in assets {
        let content = stored(pins, chunker, &asset.digest, asset.size_bytes).await?;
        saved.push(file::Asset { path, content });
    }
    Ok(saved)
}

async fn save_jobs(
    pins: &Pins,
    chunker: &mut Chunker,
    jobs: &[Job],
) -> Result<Vec<file::Job>, SnapshotError> {
    let mut saved = Vec::with_capacity(jobs.len());
    for job in jobs {
        let database = &pins.functions().storage.database;
        // One that was removed since has ended.
        let Some(body) = database.job_body(&job.id, "request").await? else {
            continue;
        };
        let body = Bytes::from(body);
        let read = |offset: u64, bytes: u64| {
            let part = body.slice(offset as usize..(offset + bytes) as usize);
            async { Ok(part) }
        };
        let body = pins.put_content(chunker, body.len() as u64, read).await?;
        let headers = job.headers.0.iter();
        saved.push(file::Job {
            id: job.id.clone(),
            method: job.method.clone(),
            uri: job.uri.clone(),
            headers: headers
                .map(|(name, value)| (name.clone(), STANDARD.encode(value)))
                .collect(),
            body,
            max_attempts: job.max_attempts,
            backoff_ms: job.backoff_ms,
            on_restart: job.on_restart.word().to_owned(),
            created_by: job.created_by.clone(),
        });
    }
    Ok(saved)
}

type SavedSettings = (BTreeMap<String, String>, BTreeMap<String, file::Secret>);

fn save_settings(
    functions: &Functions,
    moment: &Moment,
    key: Option<&SecretsKey>,
) -> Result<SavedSettings, SnapshotError> {
    let (mut values, mut secrets) = (BTreeMap::new(), BTreeMap::new());
    let id = &moment.function.id;
    for (name, setting) in &moment.settings {
        match setting {
            Setting::Value(value) => {
                values.insert(name.clone(), value.clone());
            }
            Setting::Secret(sealed) => {
                let sealed = match key {
                    Some(key) => {
                        let text = functions.storage.seal.open_secret(id, name, sealed)?;
                        Some(key.seal(id, name, &text)?)
                    }
                    None => None,
                };
                secrets.insert(name.clone(), file::Secret { sealed });
            }
        }
    }
    Ok((values, secrets))
}

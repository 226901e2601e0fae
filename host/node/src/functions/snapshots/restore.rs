//! Restoring: a function, or the next versions of one, as a snapshot has it. All is made and loaded, its
//! buffers included, before one transaction makes it the function's; what fails before leaves nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderName, HeaderValue, Method, Uri};
use tensor_wasm_runtime::{GpuGrants, Grant};
use tensor_wasm_snapshot::{Content, Job, Manifest, SecretsKey, Version};

use super::contents::{AT_ONCE, Pins};
use super::download::manifest_of;
use super::{Restored, SnapshotError};
use crate::functions::assets::{MOST_FOLDERS, folders};
use crate::functions::deploy::{ASSETS_OF_VERSIONS, LoadInputs, Owner};
use crate::functions::loaded::LoadedVersion;
use crate::functions::places::FunctionPlace;
use crate::functions::settings::check_restored;
use crate::functions::{AssetPath, DeployError, FunctionName, Functions};
use crate::storage::assets::{Asset, Assets};
use crate::storage::functions::{
    Function, Imports, NewVersion, TenantLimits, is_function_id, new_function_id,
};
use crate::storage::jobs::{NewJob, OnRestart, StoredHeaders};
use crate::storage::restore::Restoration;
use crate::storage::settings::{Setting, Settings};
use crate::to_its_end::to_its_end;

/// The bodies of all jobs that are restored at one time, in bytes: they are in memory.
const JOB_BYTES: u64 = 256 << 20;

/// As what a snapshot is restored.
#[derive(Clone, Debug)]
pub(crate) enum RestoreTarget {
    /// A new function of this name.
    New(FunctionName),
    /// The next versions of this function, by id or name.
    Over(String),
    /// A new function of the name that the snapshot has.
    AsItWas,
}

/// How a snapshot is restored.
pub(crate) struct RestoreOptions {
    pub(crate) target: RestoreTarget,
    /// What its secrets were sealed by; without it the function gets none of them.
    pub(crate) secrets_key: Option<SecretsKey>,
    /// Whether its jobs wait again, and how many the tenant may have.
    pub(crate) jobs: Option<u32>,
    /// Whether a new function has the id that it had.
    pub(crate) keep_id: bool,
    /// The name of the token that restores it.
    pub(crate) created_by: Option<String>,
}

/// The function that is restored, and what it has already.
struct Target {
    id: String,
    name: String,
    known: Option<Function>,
    settings: Settings,
}

impl Functions {
    /// Restores a snapshot.
    pub(crate) async fn restore_snapshot(
        self: &Arc<Self>,
        tenant: u64,
        id: &str,
        options: RestoreOptions,
        place: FunctionPlace,
    ) -> Result<Restored, SnapshotError> {
        let (functions, id) = (self.clone(), id.to_owned());
        to_its_end(async move {
            let _place = place;
            let pins = Pins::new(functions.clone());
            let restored = restore(&pins, tenant, &id, &options).await;
            // Versions refer to what they need, and the rest goes.
            pins.release(false).await;
            restored
        })
        .await
    }

    async fn target(
        &self,
        tenant: u64,
        options: &RestoreOptions,
        manifest: &Manifest,
    ) -> Result<Target, SnapshotError> {
        let database = &self.storage.database;
        let name = match &options.target {
            RestoreTarget::Over(key) => {
                let function = database.function(tenant, key).await?;
                let function = function.ok_or(SnapshotError::NoFunction)?;
                return Ok(Target {
                    id: function.id.clone(),
                    name: function.name.clone(),
                    settings: database.settings(&function.id).await?,
                    known: Some(function),
                });
            }
            RestoreTarget::New(name) => name.clone(),
            RestoreTarget::AsItWas => FunctionName::parse(&manifest.function.name)
                .map_err(|error| SnapshotError::Unfit(error.to_string()))?,
        };
        match database.function(tenant, name.as_str()).await? {
            Some(function) => Err(SnapshotError::Exists(function.name)),
            None => Ok(Target {
                id: match options.keep_id {
                    true => known_function_id(&manifest.function.id)?,
                    false => new_function_id()?,
                },
                name: name.as_str().to_owned(),
                known: None,
                settings: Settings::new(),
            }),
        }
    }
}

/// An id that a node has made.
fn known_function_id(id: &str) -> Result<String, SnapshotError> {
    match is_function_id(id) {
        true => Ok(id.to_owned()),
        false => Err(SnapshotError::Unfit(
            "the id of its function is none that a node makes".to_owned(),
        )),
    }
}

async fn restore(
    pins: &Pins,
    tenant: u64,
    id: &str,
    options: &RestoreOptions,
) -> Result<Restored, SnapshotError> {
    let functions = pins.functions();
    let snapshot = functions.snapshot(tenant, id).await?;
    // Also where the snapshot is deleted meanwhile.
    pins.pin(&snapshot.head).await;
    let head = functions.storage.components.read(&snapshot.head).await?;
    let manifest = manifest_of(&head, &functions.host.snapshot_keys)?;
    if manifest.tenant != tenant {
        return Err(SnapshotError::OtherTenant {
            tenant: manifest.tenant,
        });
    }
    for chunk in &manifest.chunks {
        pins.pin(&chunk.digest).await;
    }
    let target = functions.target(tenant, options, &manifest).await?;
    let RestoredSettings {
        settings,
        secrets,
        missing,
    } = settings(functions, &target, &manifest, options)?;
    let inputs = LoadInputs {
        grants_changed: functions.grants_changed.load(Ordering::Relaxed),
        settings,
        outgoing_hosts: manifest.function.outgoing_hosts.clone(),
    };
    let jobs = jobs(functions, tenant, &target, &manifest, options).await?;
    let mut versions = Vec::new();
    let mut loaded = Vec::new();
    let mut buffers = BTreeMap::new();
    for version in &manifest.versions {
        let assets = assets(pins, &manifest, version).await?;
        let limit = functions.limits().component_bytes;
        if version.component.bytes > limit {
            return Err(DeployError::TooLarge { limit }.into());
        }
        let digest = whole(pins, &manifest, &version.component).await?;
        let owner = Owner {
            tenant,
            id: &target.id,
            name: &target.name,
        };
        let loading = functions.load_as(&functions.compilers, owner, &digest, &assets, &inputs);
        let made = loading.await?;
        fill(functions, tenant, &made, &manifest, version).await?;
        for buffer in &version.buffers {
            buffers.insert(buffer.name.clone(), buffer.content.bytes);
        }
        let imports = made.component.imports();
        let new = NewVersion {
            digest,
            size_bytes: version.component.bytes,
            imports: Imports {
                granted: imports.granted.clone(),
                denied: imports.denied.clone(),
            },
            created_by: options.created_by.clone(),
        };
        versions.push((new, assets, version.weight));
        loaded.push(made);
    }
    let restoration = Restoration {
        tenant,
        new_name: target.known.is_none().then(|| target.name.clone()),
        id: target.id,
        outgoing_hosts: inputs.outgoing_hosts,
        versions,
        values: manifest.settings.clone(),
        secrets,
        jobs,
    };
    let most_jobs = options.jobs.unwrap_or_default();
    let loaded = LoadedAs {
        versions: loaded,
        settings_before: target.settings,
        grants_changed: inputs.grants_changed,
    };
    let (function, jobs) = commit(functions, &restoration, loaded, most_jobs).await?;
    Ok(Restored {
        function,
        buffers,
        missing_secrets: missing,
        jobs,
    })
}

/// The versions, loaded, and what was so when that was done.
struct LoadedAs {
    versions: Vec<LoadedVersion>,
    settings_before: Settings,
    grants_changed: u64,
}

/// Makes it the function's: from then on requests find it.
async fn commit(
    functions: &Functions,
    restoration: &Restoration,
    loaded: LoadedAs,
    most_jobs: u32,
) -> Result<(Function, u32), SnapshotError> {
    let Restoration { tenant, id, .. } = restoration;
    let limits = functions.limits();
    let limits = TenantLimits {
        functions: limits.functions,
        versions: limits.versions,
        stored_bytes: limits.stored_bytes,
        assets: ASSETS_OF_VERSIONS,
    };
    let mut change = functions.index.change_of(*tenant, &functions.turns).await;
    let now = functions.clock().now_ms();
    // What was set or granted meanwhile is not in what was loaded.
    let database = &functions.storage.database;
    let granted = functions.grants_changed.load(Ordering::Relaxed);
    if database.settings(id).await? != loaded.settings_before || granted != loaded.grants_changed {
        change.unchanged();
        return Err(SnapshotError::Changing);
    }
    let database = functions.storage.snapshots()?;
    let restored = database.restore_function(restoration, &limits, most_jobs, now);
    let restored = match restored.await {
        Ok(restored) => restored,
        Err(error) => {
            if !matches!(error, crate::storage::functions::ChangeError::Storage(_)) {
                change.unchanged();
            }
            return Err(SnapshotError::of_change(error));
        }
    };
    let function = restored.added.function;
    // They have other settings.
    for number in function.versions.keys() {
        functions.loaded.remove(id, *number);
    }
    for (number, loaded) in restored.numbers.iter().zip(loaded.versions) {
        functions.loaded.insert(*tenant, id, *number, loaded);
    }
    change.replaced(*tenant, &function);
    functions.release_images_of_idle_versions(&function);
    drop(change);
    functions.remove_unused(&restored.added.pruned).await;
    Ok((function, restored.jobs))
}

/// The settings of a function that is restored.
struct RestoredSettings {
    /// All that it is loaded with.
    settings: Settings,
    /// The secrets among them that come from the snapshot, sealed.
    secrets: BTreeMap<String, Vec<u8>>,
    /// The names of secrets that it had, and has not.
    missing: Vec<String>,
}

fn settings(
    functions: &Functions,
    target: &Target,
    manifest: &Manifest,
    options: &RestoreOptions,
) -> Result<RestoredSettings, SnapshotError> {
    let (mut secrets, mut missing) = (BTreeMap::new(), Vec::new());
    for (name, secret) in &manifest.secrets {
        match (&options.secrets_key, &secret.sealed) {
            (Some(key), Some(sealed)) => {
                let text = key.open(&manifest.function.id, name, sealed)?;
                let sealed = functions.storage.seal.seal(&target.id, name, &text)?;
                secrets.insert(name.clone(), sealed);
            }
            _ if target.settings.get(name).is_some_and(Setting::is_secret) => {}
            _ => missing.push(name.clone()),
        }
    }
    let mut settings = target.settings.clone();
    settings.retain(|_, setting| setting.is_secret());
    check_restored(&manifest.settings, &secrets, &settings)
        .map_err(|error| SnapshotError::Unfit(error.to_string()))?;
    let sealed = secrets.iter();
    settings.extend(sealed.map(|(name, sealed)| (name.clone(), Setting::Secret(sealed.clone()))));
    let values = manifest.settings.iter();
    settings.extend(values.map(|(name, value)| (name.clone(), Setting::Value(value.clone()))));
    Ok(RestoredSettings {
        settings,
        secrets,
        missing,
    })
}

/// Puts a content together, and stores it as a whole. Returns its digest.
async fn whole(
    pins: &Pins,
    manifest: &Manifest,
    content: &Content,
) -> Result<String, SnapshotError> {
    let functions = pins.functions();
    pins.pin(&content.digest).await;
    let mut upload = functions.storage.components.upload().await?;
    let mut chunks = std::pin::pin!(chunks(functions, manifest, content));
    let written = async {
        while let Some(bytes) = chunks.try_next().await? {
            upload.write(&bytes).await?;
        }
        Ok::<_, SnapshotError>(())
    };
    let written = written.await;
    if written.is_ok() && upload.digest() == content.digest {
        return Ok(upload.complete().await?);
    }
    upload.abort().await;
    written?;
    Err(SnapshotError::Unfit(
        "a component or an asset is not what its chunks make up".to_owned(),
    ))
}

/// The chunks of a content, in order, some of them read at one time.
fn chunks<'a>(
    functions: &'a Functions,
    manifest: &'a Manifest,
    content: &'a Content,
) -> impl futures::Stream<Item = Result<Vec<u8>, SnapshotError>> + 'a {
    let places = stream::iter(&content.chunks);
    let read = move |place: &'a u32| async move {
        let entry = manifest.chunks.get(*place as usize);
        functions
            .unpacked(entry.ok_or(SnapshotError::damaged("a snapshot"))?)
            .await
    };
    places.map(read).buffered(AT_ONCE)
}

async fn assets(
    pins: &Pins,
    manifest: &Manifest,
    version: &Version,
) -> Result<Assets, SnapshotError> {
    let paths = version.assets.iter().map(|asset| asset.path.as_str());
    if folders(paths) > MOST_FOLDERS {
        let text = format!("the assets of a function may be in {MOST_FOLDERS} folders in all");
        return Err(SnapshotError::Unfit(text));
    }
    let mut assets = Assets::new();
    for asset in &version.assets {
        let path = AssetPath::parse(&asset.path);
        let path = path.map_err(|error| SnapshotError::Unfit(error.to_string()))?;
        let content = Asset {
            digest: whole(pins, manifest, &asset.content).await?,
            size_bytes: asset.content.bytes,
        };
        assets.insert(path.as_str().to_owned(), content);
    }
    Ok(assets)
}

/// Gives a version that is loaded its named buffers.
async fn fill(
    functions: &Functions,
    tenant: u64,
    loaded: &LoadedVersion,
    manifest: &Manifest,
    version: &Version,
) -> Result<(), SnapshotError> {
    if version.buffers.is_empty() {
        return Ok(());
    }
    let Grant::Granted(access) = loaded.grants.of(tenant) else {
        return Err(SnapshotError::NoDevice);
    };
    let lease = access.lease();
    let queue = lease.create_queue().await?;
    for buffer in &version.buffers {
        let target = lease.allocate(buffer.content.bytes).await?;
        let mut offset = 0;
        let mut chunks = std::pin::pin!(chunks(functions, manifest, &buffer.content));
        while let Some(bytes) = chunks.try_next().await? {
            let length = bytes.len() as u64;
            queue.write(&target, offset, bytes).await?;
            offset += length;
        }
        queue.synchronize().await?;
        // What the component's `init` has kept is what it was before anything was restored.
        access.residency().release(&buffer.name)?;
        access.residency().keep(&buffer.name, target)?;
    }
    Ok(())
}

/// The jobs that are to wait again.
async fn jobs(
    functions: &Functions,
    tenant: u64,
    target: &Target,
    manifest: &Manifest,
    options: &RestoreOptions,
) -> Result<Vec<(String, NewJob)>, SnapshotError> {
    if options.jobs.is_none() {
        return Ok(Vec::new());
    }
    let bytes: u64 = manifest.jobs.iter().map(|job| job.body.bytes).sum();
    if bytes > JOB_BYTES {
        return Err(SnapshotError::Unfit(format!(
            "the requests of its jobs have {bytes} bytes, and {JOB_BYTES} are restored at one time: \
             restore it without jobs"
        )));
    }
    let mut jobs = Vec::with_capacity(manifest.jobs.len());
    for job in &manifest.jobs {
        let mut body = Vec::new();
        let mut chunks = std::pin::pin!(chunks(functions, manifest, &job.body));
        while let Some(bytes) = chunks.try_next().await? {
            body.extend_from_slice(&bytes);
        }
        let new = NewJob {
            tenant,
            function_id: target.id.clone(),
            function_name: target.name.clone(),
            ..request_of(job, body).ok_or_else(|| {
                SnapshotError::Unfit("a job's request can't be sent again".to_owned())
            })?
        };
        jobs.push((job.id.clone(), new));
    }
    Ok(jobs)
}

/// A job with the request of another, if that can be sent.
fn request_of(job: &Job, body: Vec<u8>) -> Option<NewJob> {
    Method::from_bytes(job.method.as_bytes()).ok()?;
    job.uri.parse::<Uri>().ok()?;
    let mut headers = Vec::with_capacity(job.headers.len());
    for (name, value) in &job.headers {
        let value = STANDARD.decode(value).ok()?;
        HeaderName::from_bytes(name.as_bytes()).ok()?;
        HeaderValue::from_bytes(&value).ok()?;
        headers.push((name.clone(), value));
    }
    Some(NewJob {
        tenant: 0,
        function_id: String::new(),
        function_name: String::new(),
        max_attempts: job.max_attempts.clamp(1, 20),
        backoff_ms: job.backoff_ms.clamp(0, 300_000),
        on_restart: match job.on_restart.as_str() {
            "lost" => OnRestart::Lost,
            _ => OnRestart::Run,
        },
        created_by: job.created_by.clone(),
        method: job.method.clone(),
        uri: job.uri.clone(),
        headers: StoredHeaders(headers),
        body,
        idempotency_key: None,
        request_digest: String::new(),
    })
}

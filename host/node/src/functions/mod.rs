//! Functions: components that tenants deploy and invoke. [`deploy`] makes versions of them,
//! [`index`] finds the version that a request is for, [`loaded`] keeps their compiled
//! components, [`invoke`] runs them.
//!
//! A function belongs to one tenant, and nobody else sees it. Its versions have instances of
//! their own: neither memory nor device buffers are shared between functions or tenants.

mod admission;
mod asset_path;
mod assets;
mod bodies;
mod collection;
mod compilers;
mod deploy;
mod device_memory;
mod index;
mod invoke;
mod loaded;
mod loader;
mod logs;
mod mount;
mod name;
mod outgoing;
mod places;
mod settings;
mod snapshots;
mod turns;
mod usage;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tensor_wasm_runtime::{GuestScheduler, HttpGrant, Observer, TenantMemory, Tracer, Trap};
use tensor_wasm_snapshot::Keys;
use tokio::sync::Semaphore;

use crate::clock::Clock;
use crate::grants::TenantGrants;
use crate::invocations::InvocationSource;
use crate::recordings::Recordings;
use crate::storage::functions::{ChangeError, DeletedFunction, Function};
use crate::storage::usage::{Amounts, UsageKey};
use crate::storage::{Storage, StorageError};
use crate::to_its_end::to_its_end;

pub(crate) use admission::NoPlace;
pub(crate) use asset_path::AssetPath;
pub(crate) use assets::{AssetError, AssetUpload};
pub(crate) use bodies::HeldBody;
#[cfg(test)]
pub(crate) use compilers::CompilePermits;
pub(crate) use deploy::{DeployError, Deployment};
pub(crate) use index::Entry;
pub(crate) use invoke::InvokeError;
#[cfg(test)]
pub(crate) use loader::LoadedComponent;
pub(crate) use loader::{LoadError, Loader};
pub(crate) use logs::LogLine;
#[cfg(test)]
pub(crate) use mount::GUEST_PATH;
pub(crate) use mount::{MountAssets, Mounts};
pub(crate) use name::{FunctionName, InvalidName};
pub(crate) use outgoing::OutgoingError;
pub(crate) use snapshots::{
    NodeFacts, Progress as SnapshotProgress, RestoreOptions, RestoreTarget, Restored, SaveOptions,
    Saved, SnapshotError, SnapshotPart, SnapshotUpload,
};

use admission::{Admission, AdmissionLimits};
use bodies::BodyMemory;
use collection::Collection;
use compilers::Compilers;
use index::Index;
use loaded::Loaded;
use logs::Logs;
use places::Places;
use snapshots::PartialUploads;
use turns::TenantTurns;
use usage::Usage;

/// How long it is kept what has arrived of a snapshot, where nothing more comes and the node has ended
/// since, in milliseconds.
const UPLOADS_KEPT_MS: i64 = 60 * 60 * 1000;

/// Deployments of one tenant that run at one time.
const DEPLOYMENTS: NonZeroUsize = NonZeroUsize::new(4).unwrap();

/// What one tenant may have, and how its functions are run.
#[derive(Clone, Debug)]
pub struct FunctionLimits {
    /// The longest component, in bytes.
    pub component_bytes: u64,
    /// Functions of one tenant.
    pub functions: u32,
    /// Versions of one function that are kept: with one more the oldest goes that gets no
    /// requests.
    pub versions: u32,
    /// What one tenant may store, in bytes: the components and assets of its functions, and the
    /// requests and results of its jobs.
    pub stored_bytes: u64,
    /// How long what functions used is kept.
    pub usage_retention: Duration,
    /// Requests that run at one time. Others wait, and tenants take turns.
    pub running: NonZeroUsize,
    /// Requests that run or wait at one time. Past it, those of the tenant are refused that has
    /// most for its share.
    pub held: NonZeroUsize,
    /// Requests of one tenant that run or wait at one time.
    pub concurrency: NonZeroUsize,
    /// Components that are kept loaded at one time. Others are loaded again, from their
    /// compiled form, when they are next invoked.
    pub loaded: NonZeroUsize,
    /// How long a request may take, from its head to the end of its response.
    pub request_timeout: Duration,
    /// How many requests one instance answers, one after another.
    pub reuse: NonZeroUsize,
}

impl Default for FunctionLimits {
    fn default() -> FunctionLimits {
        FunctionLimits {
            component_bytes: 64 << 20,
            functions: 1000,
            versions: 100,
            stored_bytes: 4 << 30,
            usage_retention: Duration::from_secs(400 * 24 * 60 * 60),
            running: NonZeroUsize::new(192).unwrap_or(NonZeroUsize::MIN),
            held: NonZeroUsize::new(224).unwrap_or(NonZeroUsize::MIN),
            concurrency: NonZeroUsize::new(128).unwrap_or(NonZeroUsize::MIN),
            loaded: NonZeroUsize::new(256).unwrap_or(NonZeroUsize::MIN),
            request_timeout: Duration::from_secs(30),
            reuse: NonZeroUsize::MIN,
        }
    }
}

/// What all functions of a node share.
pub(crate) struct FunctionHost {
    /// Who compiles and loads components.
    pub(crate) loader: Arc<dyn Loader>,
    /// Who mounts their assets.
    pub(crate) mounts: Arc<dyn MountAssets>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) grants: Arc<TenantGrants>,
    /// What all instances of each tenant have of this machine's memory.
    pub(crate) memory: Arc<TenantMemory>,
    /// Whether a policy decides on requests.
    pub(crate) is_guarded: bool,
    /// The HTTP requests that functions may send to other servers, by tenant.
    pub(crate) http: ArcSwap<HttpGrant>,
    /// Who learns what invocations use.
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// Who takes the spans of jobs.
    pub(crate) tracer: Option<Arc<dyn Tracer>>,
    /// Whose guest runs next. Simulations run none.
    pub(crate) scheduler: Option<Arc<GuestScheduler>>,
    /// What snapshots are signed by, and whose signatures are trusted.
    pub(crate) snapshot_keys: Arc<Keys>,
    /// Who keeps recordings of requests.
    pub(crate) recordings: Option<Recordings>,
}

/// The functions of a node.
pub(crate) struct Functions {
    storage: Arc<Storage>,
    host: FunctionHost,
    limits: ArcSwap<FunctionLimits>,
    /// Counts how often what tenants are granted has changed.
    grants_changed: AtomicU64,
    index: Index,
    loaded: Loaded,
    /// Requests and results of jobs that are on their way.
    bodies: Arc<BodyMemory>,
    /// Who changes what is stored.
    pub(crate) turns: TenantTurns,
    /// Invocations that run or wait.
    admission: Arc<Admission>,
    logs: Logs,
    usage: Usage,
    /// Who compiles what is deployed.
    compilers: Compilers,
    /// Who loads what was compiled before: apart, so that an invocation does not wait for
    /// deployments.
    loaders: Compilers,
    /// Deployments that run.
    deployments: Places,
    /// Those whose components are in memory until they are complete.
    in_memory: Arc<Semaphore>,
    collection: Collection,
    /// Snapshots that arrive in parts.
    partial_uploads: PartialUploads,
}

impl Functions {
    pub(crate) fn new(
        storage: Arc<Storage>,
        host: FunctionHost,
        limits: FunctionLimits,
    ) -> Functions {
        let grants = host.grants.clone();
        Functions {
            index: Index::default(),
            loaded: Loaded::new(limits.loaded),
            bodies: Arc::default(),
            turns: TenantTurns::default(),
            admission: Arc::new(Admission::new(
                AdmissionLimits::of(&limits),
                move |tenant| grants.processors(tenant).weight,
            )),
            grants_changed: AtomicU64::new(0),
            logs: Logs::new(host.clock.clone()),
            usage: Usage::new(host.clock.clone()),
            compilers: Compilers::default(),
            loaders: Compilers::default(),
            deployments: Places::default(),
            in_memory: Arc::new(Semaphore::new(deploy::IN_MEMORY)),
            collection: Collection::default(),
            partial_uploads: PartialUploads::default(),
            storage,
            host,
            limits: ArcSwap::from_pointee(limits),
        }
    }

    /// Who learns what invocations use.
    pub(crate) fn observer(&self) -> Option<Arc<dyn Observer>> {
        self.host.observer.clone()
    }

    /// Who takes the spans of jobs.
    pub(crate) fn tracer(&self) -> Option<&Arc<dyn Tracer>> {
        self.host.tracer.as_ref()
    }

    /// What tells the node the time.
    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.host.clock
    }

    pub(crate) fn limits(&self) -> Arc<FunctionLimits> {
        self.limits.load_full()
    }

    /// Other limits, from the next request on. How functions are run, how many are loaded, and how
    /// many requests run or wait in all, stays.
    pub(crate) fn set_limits(&self, limits: FunctionLimits) {
        let now = self.limits();
        let limits = FunctionLimits {
            running: limits.running.min(now.held),
            held: now.held,
            loaded: now.loaded,
            request_timeout: now.request_timeout,
            reuse: now.reuse,
            ..limits
        };
        self.admission.set_limits(AdmissionLimits::of(&limits));
        self.limits.store(Arc::new(limits));
    }

    /// The servers that functions may send requests to from now on, by tenant. The connections that
    /// there may be stay as they were. Returns whether anything has changed.
    pub(crate) fn set_outgoing(&self, grant: HttpGrant) -> bool {
        let now = self.host.http.load_full();
        if (&grant.destinations, &grant.tenants) == (&now.destinations, &now.tenants) {
            return false;
        }
        self.host.http.store(Arc::new(HttpGrant {
            connections: now.connections.clone(),
            ..grant
        }));
        true
    }

    /// What tenants are granted has changed. Functions are loaded with it when they are next
    /// invoked, and requests that run end as they began.
    pub(crate) async fn apply_grants(&self) {
        self.admission.refresh_weights();
        let mut change = self.index.change().await;
        change.unchanged();
        self.grants_changed.fetch_add(1, Ordering::Relaxed);
        self.loaded.clear();
    }

    /// The invocations that run and wait now.
    pub(crate) fn invocations(&self) -> InvocationSource {
        let admission = self.admission.clone();
        Box::new(move || admission.held())
    }

    /// The memory of a request or a result of a job of a tenant that is on its way, of nothing yet. One
    /// may be as long as this.
    pub(crate) fn held_body(&self, tenant: u64, longest: u64) -> HeldBody {
        self.bodies.begin(tenant, longest)
    }

    /// A function of a tenant, by id or name.
    pub(crate) async fn find(
        &self,
        tenant: u64,
        key: &str,
    ) -> Result<Option<Arc<Entry>>, StorageError> {
        self.index.find(&*self.storage.database, tenant, key).await
    }

    /// The functions of a tenant by name, those after `after`, at most `limit`.
    pub(crate) async fn list(
        &self,
        tenant: u64,
        after: &str,
        limit: u32,
    ) -> Result<Vec<Function>, StorageError> {
        self.storage.database.functions(tenant, after, limit).await
    }

    /// Divides the requests of a function among its versions, by percent.
    pub(crate) async fn set_traffic(
        self: &Arc<Self>,
        tenant: u64,
        key: &str,
        weights: &BTreeMap<u32, u8>,
    ) -> Result<Function, ChangeError> {
        let (functions, key, weights) = (self.clone(), key.to_owned(), weights.clone());
        to_its_end(async move {
            let mut change = functions.index.change_of(tenant, &functions.turns).await;
            let database = &functions.storage.database;
            let now = functions.clock().now_ms();
            let changed = database.set_traffic(tenant, &key, &weights, now).await;
            match &changed {
                Ok(function) => {
                    change.replaced(tenant, function);
                    functions.release_images_of_idle_versions(function);
                }
                Err(ChangeError::Storage(_)) => {}
                Err(_) => change.unchanged(),
            }
            changed
        })
        .await
    }

    /// Forgets images of versions that get no requests, but for the one that had some last: whoever takes a
    /// version back has it at once.
    fn release_images_of_idle_versions(&self, function: &Function) {
        let versions = function.versions.iter();
        let idle = versions.filter(|(_, version)| version.weight == 0);
        let idle = idle.map(|(number, _)| *number);
        self.loaded.forget_images(&function.id, idle);
    }

    /// Deletes a function. Requests that run are not affected. Whether it was there.
    pub(crate) async fn delete(
        self: &Arc<Self>,
        tenant: u64,
        key: &str,
    ) -> Result<bool, StorageError> {
        let (functions, key) = (self.clone(), key.to_owned());
        to_its_end(async move { functions.delete_to_its_end(tenant, &key).await }).await
    }

    async fn delete_to_its_end(&self, tenant: u64, key: &str) -> Result<bool, StorageError> {
        let deleted = {
            let mut change = self.index.change_of(tenant, &self.turns).await;
            let deleted = self.storage.database.delete_function(tenant, key).await?;
            match &deleted {
                Some(deleted) => change.removed(tenant, &deleted.function),
                None => change.unchanged(),
            }
            deleted
        };
        let Some(DeletedFunction { function, assets }) = deleted else {
            return Ok(false);
        };
        for number in function.versions.keys() {
            self.loaded.remove(&function.id, *number);
        }
        self.logs.remove(&function.id);
        let digests = function.versions.into_values();
        let digests: Vec<_> = digests.map(|version| version.digest).collect();
        self.remove_unused(&digests).await;
        self.remove_all_unused(assets).await;
        Ok(true)
    }

    /// The lines that a function wrote after this one, at most `limit`, oldest first.
    pub(crate) fn logs(&self, function_id: &str, after: u64, limit: usize) -> Vec<LogLine> {
        self.logs.after(function_id, after, limit)
    }

    /// What a tenant's functions used in these hours since 1970, the last one left out.
    pub(crate) async fn usage(
        self: &Arc<Self>,
        tenant: u64,
        from_hour: i64,
        to_hour: i64,
        limit: u32,
    ) -> Result<Vec<(UsageKey, Amounts)>, StorageError> {
        self.store_usage().await?;
        let database = &self.storage.database;
        database.usage(tenant, from_hour, to_hour, limit).await
    }

    /// Adds what was used to the database, and removes what is kept no longer.
    pub(crate) async fn store_usage(self: &Arc<Self>) -> Result<(), StorageError> {
        let functions = self.clone();
        to_its_end(async move {
            let database = &*functions.storage.database;
            functions.usage.store(database).await?;
            let retention = functions.limits().usage_retention;
            if functions.usage.remove_old(database, retention).await? {
                functions.forget_old_uploads(UPLOADS_KEPT_MS).await?;
            }
            Ok(())
        })
        .await
    }

    /// Whether the storage answers.
    pub(crate) async fn is_ready(&self) -> bool {
        self.storage.is_ready().await
    }
}

/// What a trap is called in error responses: its name in the WebAssembly engine, in snake
/// case.
pub(crate) fn trap_name(trap: Trap) -> String {
    let mut name = String::new();
    for letter in format!("{trap:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

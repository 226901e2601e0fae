//! Deployments: a component arrives, is stored, checked and compiled, and only then becomes
//! the version that requests get.
//!
//! What a deployment takes is bounded: so many of a tenant at one time, one compilation of a tenant,
//! and no component is in memory while it waits for its turn. A component that arrives as a stream is
//! written to the disk as it comes, so that slow clients of some tenants take nothing of the others;
//! those that are in memory until they are complete have places of their own.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tensor_wasm_runtime::policy::PolicyGrant;
use tensor_wasm_runtime::{ApplicationConfig, InitConfig, JournalConfig};
use tokio::sync::OwnedSemaphorePermit;

use super::compilers::{CompilePermits, Compilers};
use super::loaded::LoadedVersion;
use super::loader::LoadError;
use super::places::FunctionPlace;
use super::{DEPLOYMENTS, FunctionName, Functions};
use crate::grants::FunctionGrants;
use crate::storage::StorageError;
use crate::storage::assets::{AssetOwner, Assets};
use crate::storage::components::Upload;
use crate::storage::functions::{
    AddedVersion, ChangeError, Function, Imports, NewVersion, TenantLimits, new_function_id,
};
use crate::storage::settings::Settings;

/// Deployments of all tenants whose components are in memory at one time, since they arrive in JSON.
pub(super) const IN_MEMORY: usize = 16;

/// How often what is staged may change while a deployment begins, before it takes what it found.
const TRIES: u32 = 8;

/// Assets of all versions of all functions of one tenant, at most, also where they are equal.
pub(super) const ASSETS_OF_VERSIONS: u32 = 100_000;

/// Why a deployment failed. Nothing of it is left.
#[derive(Debug)]
pub(crate) enum DeployError {
    /// The component is longer than the limit.
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The component can't be loaded, or is not granted what it imports.
    Component(tensor_wasm_runtime::Error),
    /// The tenant has as many functions as it may.
    TooMany {
        /// How many it may have.
        limit: u32,
    },
    /// The versions of the tenant's functions have as many assets as they may.
    TooManyAssets {
        /// How many they may have.
        limit: u32,
    },
    /// The tenant has stored as much as it may.
    TooMuch {
        /// How much it may store, in bytes.
        limit: u64,
    },
    /// As many deployments of the tenant run as may.
    NoPlace {
        /// How many may run.
        limit: usize,
    },
    /// As many components that arrive in JSON are in memory as may be.
    Busy,
    /// The storage failed.
    Storage(StorageError),
    /// The host failed; the log says why.
    Internal,
}

impl From<StorageError> for DeployError {
    fn from(error: StorageError) -> DeployError {
        DeployError::Storage(error)
    }
}

/// A deployment whose component is arriving.
pub(crate) struct Deployment {
    functions: Arc<Functions>,
    tenant: u64,
    upload: Upload,
    _place: FunctionPlace,
}

impl Functions {
    /// A place for a component in memory, to be held from before anything of it arrives until it is
    /// written.
    pub(crate) fn place_in_memory(&self) -> Result<OwnedSemaphorePermit, DeployError> {
        let place = self.in_memory.clone().try_acquire_owned();
        place.map_err(|_| DeployError::Busy)
    }

    /// A place for a deployment of a tenant.
    pub(crate) fn deployment_place(&self, tenant: u64) -> Result<FunctionPlace, DeployError> {
        let limit = DEPLOYMENTS;
        let place = self.deployments.take(tenant, limit);
        place.ok_or(DeployError::NoPlace { limit: limit.get() })
    }

    /// Begins a deployment.
    pub(crate) async fn deploy(
        self: &Arc<Self>,
        tenant: u64,
        place: FunctionPlace,
    ) -> Result<Deployment, DeployError> {
        Ok(Deployment {
            functions: self.clone(),
            tenant,
            upload: self.storage.components.upload().await?,
            _place: place,
        })
    }

    /// Loads a component as a version of a function, compiling it if that has not been done
    /// yet, when it is its turn among `compilers`.
    pub(super) async fn load(
        &self,
        compilers: &Compilers,
        owner: Owner<'_>,
        digest: &str,
        assets: &Assets,
    ) -> Result<(LoadedVersion, LoadInputs), LoadError> {
        let permits = compilers.permits(owner.tenant).await;
        let inputs = self.load_inputs(owner.id).await?;
        let loading = self.load_permitted(permits, owner, digest, assets, &inputs);
        Ok((loading.await?, inputs))
    }

    /// As [`load`](Functions::load), with these settings in place of those that the function has.
    pub(super) async fn load_as(
        &self,
        compilers: &Compilers,
        owner: Owner<'_>,
        digest: &str,
        assets: &Assets,
        inputs: &LoadInputs,
    ) -> Result<LoadedVersion, LoadError> {
        let permits = compilers.permits(owner.tenant).await;
        let loading = self.load_permitted(permits, owner, digest, assets, inputs);
        loading.await
    }

    async fn load_permitted(
        &self,
        permits: CompilePermits,
        owner: Owner<'_>,
        digest: &str,
        assets: &Assets,
        inputs: &LoadInputs,
    ) -> Result<LoadedVersion, LoadError> {
        let (tenant, function_id) = (owner.tenant, owner.id);
        let settings = self.opened(function_id, &inputs.settings)?;
        let recordings = self.host.recordings.as_ref();
        let recorder = recordings.and_then(|recordings| {
            let secrets = inputs.settings.iter();
            let secrets = secrets.filter(|(_, setting)| setting.is_secret());
            let secrets = secrets.map(|(name, _)| name.clone()).collect();
            recordings.of_function(function_id, owner.name, secrets)
        });
        let http = self.http_grant(tenant, inputs.outgoing_hosts.as_deref())?;
        let component = self.storage.components.read(digest).await?;
        let memory = self.usage.memory_meter(tenant, function_id, owner.name);
        let limits = self.limits();
        let grants = FunctionGrants::new(self.host.grants.clone(), tenant, memory);
        let grants = Arc::new(grants);
        let mut config = ApplicationConfig {
            gpu: grants.clone(),
            tenant_memory: self.host.memory.clone(),
            scheduler: self.host.scheduler.clone(),
            output: Some(self.logs.of(tenant, function_id)),
            http,
            policy: PolicyGrant {
                settings: settings.into(),
                ..PolicyGrant::default()
            },
            guarded: self.host.is_guarded,
            init: InitConfig {
                tenant,
                account: Some(self.usage.account(tenant, function_id, owner.name)),
                timeout: limits.request_timeout,
                image_bytes: limits.component_bytes,
            },
            request_timeout: limits.request_timeout,
            reuse: limits.reuse,
            observer: self.host.observer.clone(),
            journal: recorder
                .map(Box::new)
                .map_or(JournalConfig::Off, JournalConfig::Record),
            ..ApplicationConfig::default()
        };
        if !assets.is_empty() {
            let mounted = self.host.mounts.mount(&self.storage, assets).await?;
            config.directories.push(mounted);
        }
        let component = self.host.loader.load(component, config, permits).await?;
        Ok(LoadedVersion { component, grants })
    }

    /// What is staged, and the contents of it and of the component, which stay from here on, also
    /// where they are taken from the stage, until they are unpinned.
    async fn pin_staged(
        &self,
        owner: AssetOwner<'_>,
        component: &str,
    ) -> Result<(Assets, Vec<String>), StorageError> {
        let database = &self.storage.database;
        let mut assets = database.staged_assets(owner).await?;
        let mut tries = 0;
        loop {
            tries += 1;
            let mut digests = vec![component.to_owned()];
            digests.extend(assets.values().map(|asset| asset.digest.clone()));
            for digest in &digests {
                self.collection.pin(digest).await;
            }
            // What was taken from the stage before it was pinned may be gone.
            match database.staged_assets(owner).await {
                Ok(now) if now == assets || tries == TRIES => return Ok((assets, digests)),
                Ok(now) => {
                    self.unpin(&digests).await;
                    self.remove_unused(&digests).await;
                    assets = now;
                }
                Err(error) => {
                    self.unpin(&digests).await;
                    self.remove_unused(&digests).await;
                    return Err(error);
                }
            }
        }
    }

    async fn unpin(&self, digests: &[String]) {
        for digest in digests {
            self.collection.unpin(digest).await;
        }
    }

    /// What a function is loaded with, as it is now.
    async fn load_inputs(&self, function_id: &str) -> Result<LoadInputs, StorageError> {
        let database = &self.storage.database;
        Ok(LoadInputs {
            grants_changed: self.grants_changed.load(Ordering::Relaxed),
            settings: database.settings(function_id).await?,
            outgoing_hosts: database.outgoing_hosts(function_id).await?,
        })
    }
}

/// The function that a component is loaded as.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub(super) tenant: u64,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
}

/// What a function is loaded with, beside its component. Where it changes, the function is loaded
/// again.
#[derive(PartialEq, Eq)]
pub(super) struct LoadInputs {
    pub(super) settings: Settings,
    pub(super) outgoing_hosts: Option<Vec<String>>,
    /// How often the grants of tenants had changed.
    pub(super) grants_changed: u64,
}

impl From<LoadError> for DeployError {
    fn from(error: LoadError) -> DeployError {
        match error {
            LoadError::Component(error) => DeployError::Component(error),
            LoadError::Storage(error) => DeployError::Storage(error),
            LoadError::Internal => DeployError::Internal,
        }
    }
}

impl From<ChangeError> for DeployError {
    fn from(error: ChangeError) -> DeployError {
        match error {
            ChangeError::TooMany { limit } => DeployError::TooMany { limit },
            ChangeError::TooManyAssets { limit } => DeployError::TooManyAssets { limit },
            ChangeError::TooMuch { limit } => DeployError::TooMuch { limit },
            ChangeError::Storage(error) => DeployError::Storage(error),
            // A deployment makes what is not there.
            ChangeError::NoFunction
            | ChangeError::NoVersion(_)
            | ChangeError::Exists(_)
            | ChangeError::TooManyJobs { .. }
            | ChangeError::TooManySnapshots { .. } => DeployError::Internal,
        }
    }
}

impl Deployment {
    /// Takes the next bytes of the component.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), DeployError> {
        let limit = self.functions.limits.load().component_bytes;
        if self.upload.bytes() + bytes.len() as u64 > limit {
            return Err(DeployError::TooLarge { limit });
        }
        Ok(self.upload.write(bytes).await?)
    }

    /// Removes what has arrived.
    pub(crate) async fn abort(self) {
        self.upload.abort().await;
    }

    /// Checks and compiles the component, and makes it the version of the function of this
    /// name that gets all requests. Goes on where nobody waits for it any more, so that nothing
    /// is left half done.
    pub(crate) async fn finish(
        self,
        name: FunctionName,
        created_by: Option<String>,
    ) -> Result<Function, DeployError> {
        let finishing = tokio::spawn(async move {
            let functions = self.functions.clone();
            let owner = AssetOwner {
                tenant: self.tenant,
                function_name: name.as_str(),
            };
            let (assets, digests) = match functions.pin_staged(owner, &self.upload.digest()).await {
                Ok(pinned) => pinned,
                Err(error) => {
                    self.upload.abort().await;
                    return Err(error.into());
                }
            };
            let deployed = self.make_version(&name, created_by, &assets).await;
            functions.unpin(&digests).await;
            let mut digests = digests;
            if let Ok(deployed) = &deployed {
                digests.extend_from_slice(&deployed.pruned);
            }
            functions.remove_unused(&digests).await;
            deployed.map(|deployed| deployed.function)
        });
        finishing.await.unwrap_or_else(|error| {
            tracing::error!("a deployment failed: {error}");
            Err(DeployError::Internal)
        })
    }

    async fn make_version(
        self,
        name: &FunctionName,
        created_by: Option<String>,
        assets: &Assets,
    ) -> Result<AddedVersion, DeployError> {
        let (functions, tenant) = (self.functions, self.tenant);
        let database = &functions.storage.database;
        let size_bytes = self.upload.bytes();
        let digest = self.upload.complete().await?;
        let known = database.function(tenant, name.as_str()).await?;
        let id = match known {
            Some(function) => function.id,
            None => new_function_id()?,
        };
        let compilers = &functions.compilers;
        let owner = Owner {
            tenant,
            id: &id,
            name: name.as_str(),
        };
        let assets_of = AssetOwner {
            tenant,
            function_name: name.as_str(),
        };
        let loading = functions.load(compilers, owner, &digest, assets);
        let (loaded, inputs) = loading.await?;
        let imports = loaded.component.imports();
        let version = NewVersion {
            digest,
            size_bytes,
            imports: Imports {
                granted: imports.granted.clone(),
                denied: imports.denied.clone(),
            },
            created_by,
        };
        let limits = functions.limits();
        let limits = TenantLimits {
            functions: limits.functions,
            versions: limits.versions,
            stored_bytes: limits.stored_bytes,
            assets: ASSETS_OF_VERSIONS,
        };
        let mut change = functions.index.change_of(tenant, &functions.turns).await;
        let now = functions.clock().now_ms();
        let added = database.add_version(tenant, name.as_str(), &id, version, &limits, now);
        let added = match added.await {
            Ok(added) => added,
            Err(error) => {
                if !matches!(error, ChangeError::Storage(_)) {
                    change.unchanged();
                }
                return Err(error.into());
            }
        };
        let function = &added.function;
        // Where another deployment made the function, or its settings or what is staged have
        // changed meanwhile, the next request loads it as it is now.
        let mut is_current = function.id == id
            && functions
                .load_inputs(&id)
                .await
                .is_ok_and(|now| now == inputs);
        if let Some((number, _)) = function.active() {
            let of_version = database.assets_of_version(assets_of, number).await;
            is_current &= of_version.is_ok_and(|of_version| of_version == *assets);
        }
        if let Some((number, _)) = function.active().filter(|_| is_current) {
            functions.loaded.insert(tenant, &id, number, loaded);
        }
        change.replaced(tenant, function);
        functions.release_images_of_idle_versions(function);
        Ok(added)
    }
}

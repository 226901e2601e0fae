//! Deployments: a component arrives, is stored, checked and compiled, and only then becomes
//! the version that requests get.
//!
//! What a deployment takes is bounded: so many of a tenant and of all tenants at one time, one
//! compilation of a tenant, and no component is in memory while it waits for its turn.

use std::sync::Arc;

use tensor_wasm_runtime::policy::PolicyGrant;
use tensor_wasm_runtime::{Application, ApplicationConfig};

use super::compilers::Compilers;
use super::places::FunctionPlace;
use super::{FunctionName, Functions, now_ms};
use crate::grants::FunctionGrants;
use crate::storage::StorageError;
use crate::storage::assets::{AssetOwner, Assets};
use crate::storage::components::Upload;
use crate::storage::functions::{
    AddedVersion, ChangeError, Function, Imports, NewVersion, TenantLimits, new_function_id,
};
use crate::storage::settings::Settings;

/// Deployments of all tenants that run at one time. Each may have a component in memory.
const MOST_DEPLOYMENTS: usize = 16;

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
    /// As many deployments of all tenants run as may.
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
    /// A place for a deployment of a tenant, to be taken before anything of its component is in
    /// memory.
    pub(crate) fn deployment_place(&self, tenant: u64) -> Result<FunctionPlace, DeployError> {
        if self.deployments.taken() >= MOST_DEPLOYMENTS {
            return Err(DeployError::Busy);
        }
        let limit = self.deployments.of_each();
        let place = self.deployments.take(tenant);
        place.ok_or(DeployError::NoPlace { limit })
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
    ) -> Result<(Application, LoadInputs), LoadError> {
        let (tenant, function_id) = (owner.tenant, owner.id);
        let permits = compilers.permits(tenant).await;
        let inputs = self.load_inputs(function_id).await?;
        let settings = self.opened(function_id, &inputs.settings)?;
        let http = self.http_grant(tenant, inputs.outgoing_hosts.as_deref())?;
        let component = self.storage.components.read(digest).await?;
        let memory = self.usage.memory_meter(tenant, function_id, owner.name);
        let mut config = ApplicationConfig {
            gpu: Arc::new(FunctionGrants::new(
                self.host.grants.clone(),
                tenant,
                memory,
            )),
            tenant_memory: self.host.memory.clone(),
            scheduler: Some(self.host.scheduler.clone()),
            output: Some(self.logs.of(function_id)),
            http,
            policy: PolicyGrant {
                settings,
                ..PolicyGrant::default()
            },
            guarded: self.host.is_guarded,
            request_timeout: self.limits.request_timeout,
            reuse: self.limits.reuse,
            observer: self.host.observer.clone(),
            ..ApplicationConfig::default()
        };
        let engine = self.host.engine.clone();
        let (mounts, storage, assets) = (self.mounts.clone(), self.storage.clone(), assets.clone());
        let loading = tokio::task::spawn_blocking(move || {
            // Compiling goes on where nobody waits for it any more.
            let _permits = permits;
            if !assets.is_empty() {
                let mounted = mounts.mount(&storage.components, &assets)?;
                config.directories.push(mounted);
            }
            Application::load(&engine, &component, config).map_err(LoadError::Component)
        });
        match loading.await {
            Ok(loaded) => loaded.map(|application| (application, inputs)),
            Err(error) => {
                tracing::error!("loading a component failed: {error}");
                Err(LoadError::Internal)
            }
        }
    }

    /// What a function is loaded with, as it is now.
    async fn load_inputs(&self, function_id: &str) -> Result<LoadInputs, StorageError> {
        let database = &self.storage.database;
        Ok(LoadInputs {
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
    settings: Settings,
    outgoing_hosts: Option<Vec<String>>,
}

/// Why a component was not loaded.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// It can't be, or is not granted what it imports.
    Component(tensor_wasm_runtime::Error),
    /// The storage failed.
    Storage(StorageError),
    /// The host failed; the log says why.
    Internal,
}

impl From<StorageError> for LoadError {
    fn from(error: StorageError) -> LoadError {
        LoadError::Storage(error)
    }
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
            ChangeError::TooMuch { limit } => DeployError::TooMuch { limit },
            ChangeError::Storage(error) => DeployError::Storage(error),
            // A deployment makes what is not there.
            ChangeError::NoFunction | ChangeError::NoVersion(_) => DeployError::Internal,
        }
    }
}

impl Deployment {
    /// Takes the next bytes of the component.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), DeployError> {
        let limit = self.functions.limits.component_bytes;
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
            let assets = match functions.storage.database.staged_assets(owner).await {
                Ok(assets) => assets,
                Err(error) => {
                    self.upload.abort().await;
                    return Err(error.into());
                }
            };
            // What is taken from the stage meanwhile stays until the version has it.
            let mut digests = vec![self.upload.digest()];
            digests.extend(assets.values().map(|asset| asset.digest.clone()));
            for digest in &digests {
                functions.collection.pin(digest).await;
            }
            let deployed = self.make_version(&name, created_by, &assets).await;
            for digest in &digests {
                functions.collection.unpin(digest).await;
            }
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
        let (application, inputs) = loading.await?;
        let imports = application.imports();
        let version = NewVersion {
            digest,
            size_bytes,
            imports: Imports {
                granted: imports.granted.clone(),
                denied: imports.denied.clone(),
            },
            created_by,
        };
        let limits = TenantLimits {
            functions: functions.limits.functions,
            versions: functions.limits.versions,
            stored_bytes: functions.limits.stored_bytes,
        };
        let change = functions.index.change().await;
        let added = database
            .add_version(tenant, name.as_str(), &id, version, &limits, now_ms())
            .await?;
        let function = &added.function;
        // Where another deployment made the function, or its settings or what is staged have
        // changed meanwhile, the next request loads it as it is now.
        let mut is_current = function.id == id && functions.load_inputs(&id).await? == inputs;
        if let Some((number, _)) = function.active() {
            let of_version = database.assets_of_version(assets_of, number).await?;
            is_current &= of_version == *assets;
        }
        if let Some((number, _)) = function.active().filter(|_| is_current) {
            let application = Arc::new(application);
            functions.loaded.insert(tenant, &id, number, application);
        }
        change.replaced(tenant, function);
        Ok(added)
    }
}

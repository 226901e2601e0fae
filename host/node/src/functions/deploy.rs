//! Deployments: a component arrives, is stored, checked and compiled, and only then becomes
//! the version that requests get.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::thread::available_parallelism;

use bytes::Bytes;
use tensor_wasm_runtime::policy::PolicyGrant;
use tensor_wasm_runtime::{Application, ApplicationConfig};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{FunctionName, Functions, now_ms};
use crate::grants::FunctionGrants;
use crate::lock::ignore_poison;
use crate::storage::StorageError;
use crate::storage::components::Upload;
use crate::storage::functions::{ChangeError, Function, Imports, NewVersion, new_function_id};

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
pub(crate) struct Deployment<'a> {
    functions: &'a Arc<Functions>,
    upload: Upload<'a>,
}

impl Functions {
    /// Begins a deployment.
    pub(crate) async fn deploy(self: &Arc<Self>) -> Result<Deployment<'_>, DeployError> {
        Ok(Deployment {
            functions: self,
            upload: self.storage.components.upload().await?,
        })
    }

    /// Loads a component as a function of this tenant, compiling it if that has not been done
    /// yet.
    pub(super) async fn load(
        &self,
        tenant: u64,
        function_id: &str,
        component: Bytes,
        settings: Vec<(String, String)>,
    ) -> Result<Application, LoadError> {
        let permits = self.compilers.permits(tenant).await;
        let config = ApplicationConfig {
            gpu: Arc::new(FunctionGrants::new(self.host.grants.clone(), tenant)),
            tenant_memory: self.host.memory.clone(),
            output: Some(self.logs.of(function_id)),
            http: self.host.http.clone(),
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
        let loading = tokio::task::spawn_blocking(move || {
            // Compiling goes on where nobody waits for it any more.
            let _permits = permits;
            Application::load(&engine, &component, config)
        });
        match loading.await {
            Ok(loaded) => loaded.map_err(LoadError::Component),
            Err(error) => {
                tracing::error!("loading a component failed: {error}");
                Err(LoadError::Internal)
            }
        }
    }
}

/// Why a component was not loaded.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// It can't be, or is not granted what it imports.
    Component(tensor_wasm_runtime::Error),
    /// The host failed; the log says why.
    Internal,
}

impl Deployment<'_> {
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
    /// name that gets all requests.
    pub(crate) async fn finish(
        self,
        tenant: u64,
        name: &FunctionName,
        created_by: Option<String>,
    ) -> Result<Function, DeployError> {
        let functions = self.functions;
        let storage = &functions.storage;
        // From here on the component has a name by which it could be removed.
        let _shared = functions.collection.read().await;
        let size_bytes = self.upload.bytes();
        let digest = self.upload.complete().await?;
        let component = storage.components.read(&digest).await?;
        let deployed = async {
            let known = storage.database.function(tenant, name.as_str()).await?;
            let id = match known {
                Some(function) => function.id,
                None => new_function_id()?,
            };
            let settings = storage.database.settings(&id).await?;
            let opened = functions.opened(&id, &settings)?;
            let application = match functions.load(tenant, &id, component, opened).await {
                Ok(application) => application,
                Err(LoadError::Component(error)) => return Err(DeployError::Component(error)),
                Err(LoadError::Internal) => return Err(DeployError::Internal),
            };
            let imports = application.imports();
            let version = NewVersion {
                digest: digest.clone(),
                size_bytes,
                imports: Imports {
                    granted: imports.granted.clone(),
                    denied: imports.denied.clone(),
                },
                created_by,
            };
            let limit = functions.limits.functions;
            let change = functions.index.change().await;
            let function = storage
                .database
                .add_version(tenant, name.as_str(), &id, version, limit, now_ms())
                .await
                .map_err(|error| match error {
                    ChangeError::TooMany { limit } => DeployError::TooMany { limit },
                    ChangeError::Storage(error) => DeployError::Storage(error),
                    // It is made here.
                    ChangeError::NoFunction | ChangeError::NoVersion(_) => DeployError::Internal,
                })?;
            // Where another deployment made the function, or its settings have changed
            // meanwhile, the next request loads it as it is now.
            let is_current =
                function.id == id && storage.database.settings(&function.id).await? == settings;
            if let Some((number, _)) = function.active().filter(|_| is_current) {
                let application = Arc::new(application);
                functions.loaded.insert(&function.id, number, application);
            }
            change.replaced(tenant, &function);
            Ok(function)
        }
        .await;
        drop(_shared);
        if deployed.is_err() {
            functions.remove_unused(&digest).await;
        }
        deployed
    }
}

impl Functions {
    /// Removes a component that no version refers to. Where that fails, the next start does it.
    async fn remove_unused(&self, digest: &str) {
        let _exclusive = self.collection.write().await;
        let removed = match self.storage.database.is_used(digest).await {
            Ok(true) => return,
            Ok(false) => self.storage.components.remove(digest).await,
            Err(error) => Err(error),
        };
        if let Err(error) = removed {
            tracing::warn!(
                digest,
                "a component that is not used stays for now: {error}"
            );
        }
    }
}

/// Who may compile: as many as half of the processors at one time, and one of each tenant.
#[derive(Default)]
pub(super) struct Compilers {
    all: OnceSemaphore,
    /// Tenants that do not compile have no entry.
    of_tenants: Mutex<HashMap<u64, Arc<Semaphore>>>,
}

struct OnceSemaphore(Arc<Semaphore>);

impl Default for OnceSemaphore {
    fn default() -> OnceSemaphore {
        let processors = available_parallelism().map_or(1, NonZeroUsize::get);
        OnceSemaphore(Arc::new(Semaphore::new(processors.div_ceil(2))))
    }
}

impl Compilers {
    /// Waits for the tenant's turn, and then for a processor.
    async fn permits(&self, tenant: u64) -> Vec<OwnedSemaphorePermit> {
        let own = {
            let mut of_tenants = ignore_poison(self.of_tenants.lock());
            of_tenants.retain(|_, own| Arc::strong_count(own) > 1);
            let own = of_tenants.entry(tenant);
            own.or_insert_with(|| Arc::new(Semaphore::new(1))).clone()
        };
        let mut permits = Vec::with_capacity(2);
        for semaphore in [own, self.all.0.clone()] {
            // None of them is ever closed.
            permits.extend(semaphore.acquire_owned().await.ok());
        }
        permits
    }
}

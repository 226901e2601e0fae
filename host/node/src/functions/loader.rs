//! Who compiles, loads and runs components: the engine. A trait, so that a simulation of a node's
//! storage can do without compiling anything.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tensor_wasm_runtime::{
    Application, ApplicationConfig, Engine, ImportReport, InvokeFailure, RequestScope,
};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime_wasi_http::WasiBody;

use crate::storage::StorageError;

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

/// Loads components.
#[async_trait]
pub(crate) trait Loader: Send + Sync {
    /// Checks a component, compiles it if that has not been done yet, and links it. The permits
    /// are held until that is done, also where nobody waits for it any more.
    async fn load(
        &self,
        component: Bytes,
        config: ApplicationConfig,
        permits: Vec<OwnedSemaphorePermit>,
    ) -> Result<Arc<dyn LoadedComponent>, LoadError>;
}

/// A component that can answer requests.
#[async_trait]
pub(crate) trait LoadedComponent: Send + Sync {
    /// Its imports, by whether they were granted.
    fn imports(&self) -> &ImportReport;

    /// Has it answer a request.
    async fn invoke(
        &self,
        request: http::Request<WasiBody>,
        scope: &RequestScope,
    ) -> Result<http::Response<WasiBody>, InvokeFailure>;
}

#[async_trait]
impl Loader for Engine {
    async fn load(
        &self,
        component: Bytes,
        config: ApplicationConfig,
        permits: Vec<OwnedSemaphorePermit>,
    ) -> Result<Arc<dyn LoadedComponent>, LoadError> {
        let engine = self.clone();
        let loading = tokio::task::spawn_blocking(move || {
            // Compiling goes on where nobody waits for it any more.
            let _permits = permits;
            Application::load(&engine, &component, config)
        });
        match loading.await {
            Ok(Ok(application)) => Ok(Arc::new(application)),
            Ok(Err(error)) => Err(LoadError::Component(error)),
            Err(error) => {
                tracing::error!("loading a component failed: {error}");
                Err(LoadError::Internal)
            }
        }
    }
}

#[async_trait]
impl LoadedComponent for Application {
    fn imports(&self) -> &ImportReport {
        self.imports()
    }

    async fn invoke(
        &self,
        request: http::Request<WasiBody>,
        scope: &RequestScope,
    ) -> Result<http::Response<WasiBody>, InvokeFailure> {
        self.invoke(request, scope).await
    }
}

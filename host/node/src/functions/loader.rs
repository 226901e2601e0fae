//! Who compiles, loads and runs components: the engine. A trait, so that a simulation of a node's
//! storage can do without compiling anything.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tensor_wasm_runtime::{
    Application, ApplicationConfig, Engine, ImportReport, InvokeFailure, RequestScope,
};
use wasmtime_wasi_http::WasiBody;

use super::compilers::CompilePermits;
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
    /// Checks a component, compiles it if that has not been done yet, links it, and initializes it,
    /// where it has an `init`. The permits are held while it is compiled, also where nobody waits for it any
    /// more.
    async fn load(
        &self,
        component: Bytes,
        config: ApplicationConfig,
        permits: CompilePermits,
    ) -> Result<Arc<dyn LoadedComponent>, LoadError>;
}

/// A component that can answer requests.
#[async_trait]
pub(crate) trait LoadedComponent: Send + Sync {
    /// Its imports, by whether they were granted.
    fn imports(&self) -> &ImportReport;

    /// Whether it holds memory of its tenant without answering requests: what its `init` has left.
    fn holds_memory(&self) -> bool;

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
        permits: CompilePermits,
    ) -> Result<Arc<dyn LoadedComponent>, LoadError> {
        let engine = self.clone();
        // Compiling goes on where nobody waits for it any more, and the permits with it.
        let preparing = move || {
            let prepared = Application::prepare(&engine, &component, config);
            prepared.map(|prepared| (prepared, permits))
        };
        let (mut prepared, mut permits) = blocking(preparing).await?;
        if prepared.is_uninitialized() {
            permits.pause();
            let initialized = prepared.initialize().await;
            initialized.map_err(LoadError::Component)?;
            permits.resume().await;
        }
        let completing = move || {
            let _permits = permits;
            prepared.complete()
        };
        Ok(Arc::new(blocking(completing).await?))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, tensor_wasm_runtime::Error> + Send + 'static,
) -> Result<T, LoadError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(LoadError::Component),
        Err(error) => {
            tracing::error!("loading a component failed: {error}");
            Err(LoadError::Internal)
        }
    }
}

#[async_trait]
impl LoadedComponent for Application {
    fn imports(&self) -> &ImportReport {
        self.imports()
    }

    fn holds_memory(&self) -> bool {
        self.holds_image()
    }

    async fn invoke(
        &self,
        request: http::Request<WasiBody>,
        scope: &RequestScope,
    ) -> Result<http::Response<WasiBody>, InvokeFailure> {
        self.invoke(request, scope).await
    }
}

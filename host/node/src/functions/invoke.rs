//! Invocations: a request goes to the version of a function that it is for.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use tensor_wasm_runtime::{InvokeFailure, RequestScope, SpanValue};
use wasmtime_wasi_http::{Error, WasiBody};

use super::admission::{NoPlace, Permit};
use super::deploy::Owner;
use super::loaded::Cell;
use super::loader::{LoadError, LoadedComponent};
use super::usage::Invocation;
use super::{Entry, Functions};
use crate::storage::StorageError;
use crate::storage::assets::{AssetOwner, Assets};
use crate::storage::functions::Version;

/// Which part of the time that a request has left it may wait for its turn to run.
const PATIENCE: u32 = 4;

/// Why an invocation has no response of the function.
#[derive(Debug)]
pub(crate) enum InvokeError {
    /// The tenant, or the node, has as many requests as it can.
    NoPlace(NoPlace),
    /// The function of this name was deleted since it was found.
    Deleted(String),
    /// The function gave none.
    Failed(InvokeFailure),
    /// The component can't be loaded any more, for example since a grant was taken away.
    Load(Arc<LoadError>),
    /// The host failed; the log says why.
    Internal,
}

impl Functions {
    /// Has a function answer a request.
    pub(crate) async fn invoke(
        self: &Arc<Self>,
        entry: &Entry,
        request: http::Request<WasiBody>,
        scope: &RequestScope,
    ) -> Result<http::Response<WasiBody>, InvokeError> {
        let left = scope.deadline().saturating_duration_since(Instant::now());
        let admitted = self.admission.admit(entry.tenant, left / PATIENCE);
        let permit = Arc::new(admitted.await.map_err(InvokeError::NoPlace)?);
        // A guest that works on after its response counts as one that runs: it has an instance, of which
        // there are no more for all tenants than there may be requests.
        scope.keep_for_guest(permit.clone());
        let function = &entry.function;
        let mut invocation = self.usage.begin(&entry.counted);
        scope.attribute_to(invocation.account());
        let request = request.map(|body| match body.is_end_stream() {
            true => body,
            false => invocation.request(body).boxed_unsync(),
        });
        scope.annotate("tensor_wasm.tenant", || SpanValue::of_number(entry.tenant));
        scope.annotate("tensor_wasm.function.id", || {
            SpanValue::of_text(&function.id)
        });
        scope.annotate("tensor_wasm.function.name", || {
            SpanValue::of_text(&function.name)
        });
        let application = self.current(entry, scope).await?;
        let response = application.invoke(request, scope).await;
        let response = response.map_err(InvokeError::Failed)?;
        invocation.responded();
        Ok(response.map(|body| {
            PlacedBody {
                body,
                invocation,
                _permit: permit,
            }
            .boxed_unsync()
        }))
    }

    /// The component that answers the next request.
    async fn current(
        self: &Arc<Self>,
        entry: &Entry,
        scope: &RequestScope,
    ) -> Result<Arc<dyn LoadedComponent>, InvokeError> {
        let (number, cell) = self.next_version(entry, scope)?;
        match cell.get() {
            Some(loaded) => Ok(loaded.component.clone()),
            // Apart, so that the future of an invocation is small: it is moved several times.
            None => Box::pin(self.load_current(entry, number, cell, scope)).await,
        }
    }

    /// Loads the component that answers the next request. Where it is not there, the function or its
    /// version may have been deleted since the entry was found.
    async fn load_current(
        self: &Arc<Self>,
        entry: &Entry,
        number: u32,
        cell: Cell,
        scope: &RequestScope,
    ) -> Result<Arc<dyn LoadedComponent>, InvokeError> {
        let error = match self.load_version(entry, number, cell).await {
            Err(InvokeError::Load(error)) if matches!(&*error, LoadError::Storage(_)) => error,
            loaded => return loaded,
        };
        let function = &entry.function;
        match self.find(entry.tenant, &function.id).await {
            Ok(None) => Err(InvokeError::Deleted(function.name.clone())),
            Ok(Some(now)) if !std::ptr::eq(&*now, entry) => {
                let (number, cell) = self.next_version(&now, scope)?;
                self.load_version(&now, number, cell).await
            }
            _ => Err(InvokeError::Load(error)),
        }
    }

    /// The version that the next request is for.
    fn next_version(
        &self,
        entry: &Entry,
        scope: &RequestScope,
    ) -> Result<(u32, Cell), InvokeError> {
        let Some((number, _)) = entry.next_version() else {
            tracing::error!(function = entry.function.id, "the function has no version");
            return Err(InvokeError::Internal);
        };
        scope.annotate("tensor_wasm.function.version", || {
            SpanValue::Integer(number.into())
        });
        let cell = self.loaded.cell(entry.tenant, &entry.function.id, number);
        Ok((number, cell))
    }

    /// The component of a version.
    async fn load_version(
        self: &Arc<Self>,
        entry: &Entry,
        number: u32,
        cell: Cell,
    ) -> Result<Arc<dyn LoadedComponent>, InvokeError> {
        let function = &entry.function;
        let Some(version) = function.versions.get(&number) else {
            return Err(InvokeError::Internal);
        };
        let loading = cell.load(|| {
            let (functions, version) = (self.clone(), version.clone());
            let (tenant, id, name) = (entry.tenant, function.id.clone(), function.name.clone());
            async move {
                let owner = Owner {
                    tenant,
                    id: &id,
                    name: &name,
                };
                let assets = functions.assets_of(owner, number, &version).await?;
                let (loaders, digest) = (&functions.loaders, &version.digest);
                let loading = functions.load(loaders, owner, digest, &assets);
                loading.await.map(|(loaded, _)| loaded)
            }
        });
        let loaded = loading.await.map_err(InvokeError::Load)?;
        Ok(loaded.component)
    }
}

impl Functions {
    /// The assets that a version is loaded with.
    async fn assets_of(
        &self,
        owner: Owner<'_>,
        number: u32,
        version: &Version,
    ) -> Result<Assets, StorageError> {
        if version.asset_files == 0 {
            return Ok(Assets::new());
        }
        let owner = AssetOwner {
            tenant: owner.tenant,
            function_name: owner.name,
        };
        let database = &self.storage.database;
        database.assets_of_version(owner, number).await
    }
}

/// The body of a response, which has a place, and whose invocation is counted, until it is sent
/// or dropped.
struct PlacedBody {
    body: WasiBody,
    invocation: Invocation,
    _permit: Arc<Permit>,
}

impl Body for PlacedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if let Poll::Ready(Some(Ok(frame))) = &polled
            && let Some(data) = frame.data_ref()
        {
            self.invocation.sent(data.len());
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

//! What a tenant has on its worker: memory, and loaded modules.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::worker::{Holding, PendingRequest, RemoteModule, Worker};
use crate::Error;
use crate::channel::AreaSlice;
use crate::channel::wire::{EntryShape, Request};
use crate::identity::{BufferId, ModuleId};
use crate::sync::lock;

/// Modules without variables that a worker keeps loaded for the next load of the same text.
const KEPT_MODULES: usize = 32;

type Awaited<T> = oneshot::Receiver<Result<T, Error>>;

/// The error of a module whose kernels take too much room in a message to a worker.
fn too_many(entries: usize) -> Error {
    refused(format!(
        "the module has {entries} kernels, and their names and parameters are too many for this \
         device: split it into several modules"
    ))
}

fn refused(message: String) -> Error {
    Error::InvalidModule(vec![tensor_wasm_ptx::Diagnostic {
        line: 1,
        column: 1,
        message,
        excerpt: String::new(),
    }])
}

impl Worker {
    /// Memory on the device, filled with zeros: its number and address.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`] where the device is full.
    pub(crate) async fn allocate(
        self: &Arc<Self>,
        bytes: u64,
        holding: Holding,
    ) -> Result<(BufferId, u64), Error> {
        let (id, answer) = self.ask_for_memory(bytes, holding)?;
        let address = answer.await.map_err(|_| self.lost())??;
        Ok((id, address))
    }

    fn ask_for_memory(
        &self,
        bytes: u64,
        holding: Holding,
    ) -> Result<(BufferId, Awaited<u64>), Error> {
        let (reply, answer) = oneshot::channel();
        let mut state = self.open()?;
        let id = state.identifiers.next();
        let pending = PendingRequest {
            reply,
            since: Instant::now(),
            holding: Some(holding),
            _area: None,
        };
        state.allocating.insert(id, pending);
        self.send(&mut state, &Request::Allocate { id, bytes });
        Ok((id, answer))
    }

    /// Gives memory back. Nothing that is queued uses it any more.
    pub(crate) fn free(&self, id: BufferId) {
        let mut state = lock(&self.state);
        let holding = state.allocations.remove(&id);
        self.send(&mut state, &Request::Free { id });
        state.idle_since = Instant::now();
        drop(state);
        drop(holding);
    }

    /// Loads a module. The host has parsed and checked its text.
    ///
    /// # Errors
    /// [`Error::InvalidModule`] where the device's own compiler refuses it.
    pub(crate) async fn load(
        self: &Arc<Self>,
        parsed: &tensor_wasm_ptx::Module,
        text: &[u8],
        hash: blake3::Hash,
    ) -> Result<Arc<RemoteModule>, Error> {
        let stateless = parsed.globals().is_empty();
        if stateless && let Some(loaded) = self.kept(&hash) {
            return Ok(loaded);
        }
        let Some(area) = self.staging.take(text.len()).await else {
            return Err(if self.is_lost() {
                self.lost()
            } else {
                self.too_long(text.len())
            });
        };
        area.write(text, 1);
        let (id, answer) = self.ask_for_module(parsed, area)?;
        let max_threads = answer.await.map_err(|_| self.lost())??;
        let loaded = Arc::new(RemoteModule {
            worker: Arc::clone(self),
            id,
            max_threads,
        });
        if stateless {
            self.keep(hash, &loaded);
        }
        Ok(loaded)
    }

    fn ask_for_module(
        &self,
        parsed: &tensor_wasm_ptx::Module,
        area: AreaSlice,
    ) -> Result<(ModuleId, Awaited<Vec<u32>>), Error> {
        let (reply, answer) = oneshot::channel();
        let entries = parsed.entries().iter().map(shape).collect();
        let mut state = self.open()?;
        let id = state.identifiers.next();
        let request = Request::Load {
            id,
            text: area.span(),
            entries,
        };
        if !Worker::can_send(&state, &request) {
            return Err(too_many(parsed.entries().len()));
        }
        self.send(&mut state, &request);
        let pending = PendingRequest {
            reply,
            since: Instant::now(),
            holding: None,
            _area: Some(area),
        };
        state.loading.insert(id, pending);
        Ok((id, answer))
    }

    fn too_long(&self, bytes: usize) -> Error {
        let most = self.staging.largest();
        refused(format!(
            "the module's text has {bytes} bytes, and this device takes {most} at most"
        ))
    }

    fn kept(&self, hash: &blake3::Hash) -> Option<Arc<RemoteModule>> {
        let mut state = lock(&self.state);
        let index = state.kept.iter().position(|(kept, _)| kept == hash)?;
        let found = state.kept.remove(index)?;
        let loaded = Arc::clone(&found.1);
        state.kept.push_back(found);
        Some(loaded)
    }

    fn keep(&self, hash: blake3::Hash, loaded: &Arc<RemoteModule>) {
        let mut state = lock(&self.state);
        if state.lost.is_some() {
            return;
        }
        let oldest = (state.kept.len() >= KEPT_MODULES)
            .then(|| state.kept.pop_front())
            .flatten();
        state.kept.push_back((hash, Arc::clone(loaded)));
        drop(state);
        drop(oldest);
    }
}

/// An entry as the worker needs to know it.
fn shape(entry: &tensor_wasm_ptx::Entry) -> EntryShape<'_> {
    EntryShape {
        name: entry.name(),
        parameters: entry
            .params()
            .iter()
            .map(|parameter| (parameter.offset, parameter.bytes))
            .collect(),
    }
}

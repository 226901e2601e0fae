//! A request that is held back while a policy looks at it, to be forwarded whole to
//! the component behind.

use crate::lock::ignore_poison;
use std::sync::{Mutex, MutexGuard};
use wasmtime_wasi_http::WasiBody;

/// The request as it came, until the policy forwards it or begins to read its body.
#[derive(Default)]
pub(crate) struct HeldRequest(Mutex<Option<http::Request<WasiBody>>>);

impl HeldRequest {
    /// Holds a request back.
    pub(crate) fn hold(&self, request: http::Request<WasiBody>) {
        *self.lock() = Some(request);
    }

    /// Takes the request out, if it is still there.
    pub(crate) fn take(&self) -> Option<http::Request<WasiBody>> {
        self.lock().take()
    }

    /// Looks at the body of the request, if it is still there.
    pub(crate) fn peek_body<T>(&self, look: impl FnOnce(&WasiBody) -> T) -> Option<T> {
        self.lock().as_ref().map(|request| look(request.body()))
    }

    fn lock(&self) -> MutexGuard<'_, Option<http::Request<WasiBody>>> {
        ignore_poison(self.0.lock())
    }
}

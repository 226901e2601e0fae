//! What one instance of a policy holds of the component behind, and the view that its calls have.

use super::handler::NextHandler;
use crate::request::RequestTask;
use std::sync::Arc;
use wasmtime_wasi_http::WasiHttpView;

/// What one instance holds of the component behind its own.
#[derive(Clone)]
pub(crate) struct NextContext {
    pub(super) handler: Option<Arc<dyn NextHandler>>,
    pub(super) decides: bool,
    pub(super) keep_authorization: bool,
}

/// A store whose instance may have a component behind it.
pub(crate) trait NextView: WasiHttpView {
    fn next(&mut self) -> NextCtxView<'_>;
}

/// The borrowed view that forwards requests.
pub(crate) struct NextCtxView<'a> {
    pub(crate) context: &'a NextContext,
    /// The task that calls, and whose request is forwarded.
    pub(crate) task: Option<&'a Arc<RequestTask>>,
}

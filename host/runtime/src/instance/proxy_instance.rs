//! One instance of a component that answers requests.

use super::state::InstanceState;
use crate::engine::Activity;
use wasmtime::Store;
use wasmtime_wasi_http::handler::Proxy;

/// One instance, while it serves no request.
pub(super) struct Instance {
    pub(super) store: Store<InstanceState>,
    pub(super) proxy: Proxy,
    /// Requests that it has had.
    pub(super) served: usize,
    _activity: Activity,
}

impl Instance {
    pub(super) fn new(store: Store<InstanceState>, proxy: Proxy, activity: Activity) -> Instance {
        Instance {
            store,
            proxy,
            served: 0,
            _activity: activity,
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.store.data().capabilities.output.flush();
    }
}

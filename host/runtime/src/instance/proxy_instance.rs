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

    /// The instance is to wait for its next request. Returns whether its guest has given back what
    /// it had of the last one: resources of the host, and streams, futures and tasks of the
    /// component model.
    pub(super) fn rest(&mut self) -> bool {
        let has_given_back = self.store.data_mut().rest();
        let concurrent = self.store.concurrent_resource_table();
        has_given_back && concurrent.is_none_or(|table| table.is_empty())
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.store.data().capabilities.output.flush();
    }
}

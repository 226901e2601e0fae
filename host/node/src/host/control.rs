//! What an operator can change while a host serves, without a request dropped.

use std::collections::BTreeMap;
use std::sync::Arc;

use tensor_wasm_runtime::GuestThreads;
use tensor_wasm_runtime::policy::ConfigValues;

use crate::grants::{Tenant, TenantGrants};

/// Changes a running host.
pub struct HostControl {
    pub(super) grants: Arc<TenantGrants>,
    pub(super) guests: Arc<GuestThreads>,
    pub(super) policy_settings: ConfigValues,
}

impl HostControl {
    /// What tenants have from now on: `listed` by number, and all others. Requests that run end
    /// as they began. Returns whether anything has changed.
    ///
    /// There is no other device than at the start: where there is none, tenants that are granted
    /// it are denied.
    pub fn set_tenants(&self, others: Tenant, listed: BTreeMap<u64, Tenant>) -> bool {
        let has_changed = self.grants.set_tenants(others, listed);
        if has_changed {
            self.guests.refresh_shares();
        }
        has_changed
    }

    /// What policies find in `wasi:config/store` from now on, as pairs of key and value.
    pub fn set_policy_settings(&self, settings: Vec<(String, String)>) {
        self.policy_settings.replace(settings);
    }
}

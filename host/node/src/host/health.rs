//! Which parts of a host can't do their work at present: what `/readyz` names beside the server.
//! A policy is not among them: without it a host does not start, and it stays loaded.

use std::sync::Arc;

use tensor_wasm_device::Device;

use crate::audit::AuditLog;

/// The parts of every host that can fail while it serves.
#[derive(Clone)]
pub(crate) struct Health {
    pub(super) device: Option<Device>,
    pub(super) audit: Option<Arc<AuditLog>>,
}

impl Health {
    /// The parts that can't do their work now, by name.
    pub(crate) fn unready(&self) -> Vec<&'static str> {
        let device = self.device.as_ref();
        let audit = self.audit.as_ref();
        let parts = [
            (
                "device",
                device.is_some_and(|device| !device.is_available()),
            ),
            ("audit", audit.is_some_and(|audit| audit.refuses())),
        ];
        let unready = parts.into_iter().filter(|(_, is_unready)| *is_unready);
        unready.map(|(name, _)| name).collect()
    }
}

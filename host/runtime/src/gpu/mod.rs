//! The capability `tensor:gpu`: what a function is granted, and what one
//! instance holds of it. The guest-facing calls are in `host.rs`.

mod convert;
mod grants;
mod host;
mod write;

pub use grants::{GpuGrants, Standing};

use crate::bindings::gpu::Capability;
use crate::output::GuestOutput;
use crate::state::InstanceState;
use std::sync::Arc;
use tensor_wasm_device::{Lease, Residency, Session};
use wasmtime::component::{HasData, Linker, ResourceTable};

/// What a function may do with the GPU.
#[derive(Clone)]
pub enum GpuGrant {
    /// Use it, within the session's limits.
    Granted(GpuAccess),
    /// Link against it; every call answers `error.denied`.
    Denied,
    /// Not even that: a component that imports `tensor:gpu/*` is not loaded.
    Refused,
}

/// A function's own part of its tenant's session.
#[derive(Clone)]
pub struct GpuAccess {
    session: Session,
    residency: Arc<Residency>,
}

impl GpuAccess {
    /// Grants a function the use of its tenant's session, with a residency of
    /// its own.
    pub fn new(session: Session) -> GpuAccess {
        let residency = Arc::new(session.residency());
        GpuAccess { session, residency }
    }

    /// The tenant's session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Whether nothing would be lost with it: no instance has the device open by way
    /// of it or a clone, and nothing is kept on the device.
    pub fn is_idle(&self) -> bool {
        Arc::strong_count(&self.residency) == 1 && self.session.is_idle()
    }
}

/// What one instance holds of the GPU. Its work ends with it.
pub(crate) struct GpuContext {
    pub(crate) grants: Arc<dyn GpuGrants>,
    /// Whether the component imports `tensor:gpu` at all.
    pub(crate) asked: bool,
    /// Made by the first `device.open`, so that an instance that uses no GPU
    /// costs nothing.
    opened: Option<Opened>,
}

/// A device in use.
struct Opened {
    /// On whose account. An instance that is reused may serve another tenant's
    /// request next, which must not go on with what this one opened.
    tenant: u64,
    access: GpuAccess,
    lease: Lease,
}

impl GpuContext {
    pub(crate) fn new(grants: Arc<dyn GpuGrants>, asked: bool) -> GpuContext {
        GpuContext {
            grants,
            asked,
            opened: None,
        }
    }

    /// Begins to serve a tenant. What an instance that is reused holds for another
    /// one is lost: its queues stop, and their handles answer that the device is gone.
    pub(crate) fn serve(&mut self, tenant: u64) {
        self.opened.take_if(|opened| opened.tenant != tenant);
    }
}

/// What `device` resources stand for: a guest can hold one only where the
/// instance has a lease.
pub struct DeviceHandle(());

/// The borrowed view that implements the generated traits.
pub(crate) struct GpuView<'a> {
    context: &'a mut GpuContext,
    table: &'a mut ResourceTable,
    output: &'a GuestOutput,
    /// The tenant that the request at hand is for.
    tenant: u64,
}

struct Gpu;

impl HasData for Gpu {
    type Data<'a> = GpuView<'a>;
}

/// Adds `tensor:gpu/kernels` and `tensor:gpu/residency` to a linker.
pub(crate) fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    Capability::add_to_linker::<_, Gpu>(linker, |state| GpuView {
        tenant: state.policy.tenant(),
        context: &mut state.gpu,
        table: &mut state.table,
        output: &state.output,
    })?;
    write::replace(linker)
}

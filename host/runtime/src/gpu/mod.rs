//! The capability `tensor:gpu`: what a function is granted, and what one
//! instance holds of it. The guest-facing calls are in `host.rs`.

mod convert;
mod host;

use crate::bindings::gpu::Capability;
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
}

/// What one instance holds of the GPU. Its work ends with it.
pub(crate) struct GpuContext {
    access: Option<GpuAccess>,
    /// Made by the first `device.open`, so that an instance that uses no GPU
    /// costs nothing.
    lease: Option<Lease>,
}

impl GpuContext {
    pub(crate) fn new(grant: &GpuGrant) -> GpuContext {
        GpuContext {
            access: match grant {
                GpuGrant::Granted(access) => Some(access.clone()),
                GpuGrant::Denied | GpuGrant::Refused => None,
            },
            lease: None,
        }
    }
}

/// What `device` resources stand for: a guest can hold one only where the
/// instance has a lease.
pub struct DeviceHandle(());

/// The borrowed view that implements the generated traits.
pub(crate) struct GpuView<'a> {
    context: &'a mut GpuContext,
    table: &'a mut ResourceTable,
}

struct Gpu;

impl HasData for Gpu {
    type Data<'a> = GpuView<'a>;
}

/// Adds `tensor:gpu/kernels` and `tensor:gpu/residency` to a linker.
pub(crate) fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    Capability::add_to_linker::<_, Gpu>(linker, |state| GpuView {
        context: &mut state.gpu,
        table: &mut state.table,
    })
}

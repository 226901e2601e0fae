//! The capability `tensor:gpu`: kernels on a device. Files in the order in which they are
//! read: the shape (here), what an instance holds ([`context`]), the guest-facing calls
//! ([`host`], [`linear`], [`write`]; [`recorded`] for requests that are recorded), and what an operator sets ([`settings`]).

pub(crate) mod bindings;
mod context;
mod convert;
mod host;
mod linear;
mod recorded;
mod settings;
mod write;

pub(crate) use context::{GpuContext, GpuCtxView, GpuView};
pub(crate) use recorded::replace_recorded;
pub use settings::{GpuAccess, GpuGrant, GpuGrants};

use super::interface::{Interface, TENSOR};
use super::shape::CapabilityModule;
use crate::grant::LoadDecision;
use bindings::Capability;
use context::HasGpu;
use std::sync::Arc;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;

/// The tenant of an application that no policy decides for.
const ONLY_TENANT: u64 = 0;

/// The GPU, as one application has it.
pub(crate) struct Gpu {
    grants: Arc<dyn GpuGrants>,
    imported: bool,
    many_tenants: bool,
}

impl Gpu {
    /// `imported` says whether the component imports `tensor:gpu`, and `many_tenants`
    /// whether a policy decides which tenant a request is for.
    pub(crate) fn new(grants: Arc<dyn GpuGrants>, imported: bool, many_tenants: bool) -> Gpu {
        Gpu {
            grants,
            imported,
            many_tenants,
        }
    }
}

impl CapabilityModule for Gpu {
    const INTERFACES: &'static [Interface] = &[Interface::new(
        "tensor:gpu",
        &["kernels", "linear-algebra", "residency"],
        TENSOR,
    )];

    type InstanceState = GpuContext;

    fn load_decision(&self) -> LoadDecision {
        match self.many_tenants {
            true => self.grants.load_decision(),
            false => self.grants.load_decision_of(ONLY_TENANT),
        }
    }

    fn instantiate(&self, _wasi: &mut WasiCtxBuilder) -> wasmtime::Result<GpuContext> {
        Ok(GpuContext::new(self.grants.clone(), self.imported))
    }
}

/// Adds the interfaces of `tensor:gpu` to a linker.
pub(crate) fn add_to_linker<T: GpuView + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    Capability::add_to_linker::<_, HasGpu>(linker, T::gpu)?;
    write::replace(linker)
}

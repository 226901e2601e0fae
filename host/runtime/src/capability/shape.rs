//! The shape that all capabilities have, after the factors of Spin: what a component
//! imports, and one verb for each lifetime. What an operator sets is the argument of
//! each capability's constructor. Beside this trait each capability has a free function
//! `add_to_linker`, as the WASI crates of Wasmtime do, over any store whose data has the
//! capability's view.

use super::interface::Interface;
use crate::grant::LoadDecision;
use wasmtime_wasi::WasiCtxBuilder;

/// A capability, as one application has it.
pub(crate) trait CapabilityModule {
    /// The interfaces of the capability. A component asks for it by importing one.
    const INTERFACES: &'static [Interface];

    /// What one instance holds of the capability.
    type InstanceState;

    /// Once per application, when its component is loaded: whether the imports work. All
    /// capabilities are linked in any case, so a denied one has to answer so itself.
    fn load_decision(&self) -> LoadDecision;

    /// Once per application, when its component is loaded: why the host doesn't have
    /// these interfaces for this application, whatever the operator grants.
    fn unavailable(&self) -> Option<&'static str> {
        None
    }

    /// Once per instance, before the guest's first instruction. On the path of every
    /// request: may not block.
    ///
    /// # Errors
    ///
    /// Where what the operator granted can't be opened.
    fn instantiate(&self, wasi: &mut WasiCtxBuilder) -> wasmtime::Result<Self::InstanceState>;
}

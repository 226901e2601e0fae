//! The linker of all applications: every capability, whatever a component imports and is
//! granted. The table of interfaces is in [`crate::capability::registry`].

use super::state::InstanceState;
use crate::capability::{config, gpu, http, next, policy, recorded, wasi};
use wasmtime::component::Linker;

/// Builds the linker. `has_journals` says whether requests of the component are recorded or replayed.
pub(crate) fn linker(
    engine: &wasmtime::Engine,
    has_journals: bool,
) -> wasmtime::Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    http::add_to_linker(&mut linker)?;
    config::add_to_linker(&mut linker)?;
    gpu::add_to_linker(&mut linker)?;
    policy::add_to_linker(&mut linker)?;
    next::add_to_linker(&mut linker)?;
    if has_journals {
        recorded::replace(&mut linker)?;
    }
    Ok(linker)
}

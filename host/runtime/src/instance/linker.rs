//! The linker of all applications: every capability, whatever a component imports and is
//! granted. The table of interfaces is in [`crate::capability::registry`].

use super::state::InstanceState;
use crate::capability::{config, gpu, http, next, policy, wasi};
use wasmtime::component::Linker;

/// Builds the linker.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<InstanceState>> {
    let mut linker = Linker::new(engine);
    wasi::add_to_linker(&mut linker)?;
    http::add_to_linker(&mut linker)?;
    config::add_to_linker(&mut linker)?;
    gpu::add_to_linker(&mut linker)?;
    policy::add_to_linker(&mut linker)?;
    next::add_to_linker(&mut linker)?;
    Ok(linker)
}

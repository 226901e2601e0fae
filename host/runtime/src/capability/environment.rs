//! The capability of environment variables: `wasi:cli/environment`. An instance sees the
//! variables that the operator named, and none of the host's. [`super::wasi`] links it.

use super::interface::{Interface, WASI_02, WASI_03};
use super::shape::CapabilityModule;
use crate::grant::LoadDecision;
use wasmtime_wasi::WasiCtxBuilder;

/// The variables of one application.
pub(crate) struct Environment {
    variables: Vec<(String, String)>,
}

impl Environment {
    pub(crate) fn new(variables: Vec<(String, String)>) -> Environment {
        Environment { variables }
    }
}

impl CapabilityModule for Environment {
    const INTERFACES: &'static [Interface] = &[
        Interface::new("wasi:cli", &["environment"], WASI_02),
        Interface::new("wasi:cli", &["environment"], WASI_03),
    ];

    type InstanceState = ();

    fn load_decision(&self) -> LoadDecision {
        LoadDecision::granted_if(!self.variables.is_empty())
    }

    fn instantiate(&self, wasi: &mut WasiCtxBuilder) -> wasmtime::Result<()> {
        for (key, value) in &self.variables {
            wasi.env(key, value);
        }
        Ok(())
    }
}

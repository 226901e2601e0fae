//! The capability of settings: `wasi:config/store`, where a policy finds what the
//! operator set for it.

use super::interface::{Interface, WASI_CONFIG};
use super::policy::{ConfigReader, ConfigValues, PolicyGrant};
use super::shape::CapabilityModule;
use crate::grant::LoadDecision;
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi_config::{WasiConfig, WasiConfigVariables};

/// The settings of one application.
pub(crate) struct Config {
    values: ConfigValues,
    granted: bool,
}

impl Config {
    /// Takes the settings out of what a policy is granted. They count as granted also
    /// where there are none and the policy has an authenticator: the defaults hold then.
    pub(crate) fn new(grant: &mut PolicyGrant) -> Config {
        let settings = std::mem::take(&mut grant.settings);
        Config {
            granted: grant.authenticator.is_some() || !settings.is_empty(),
            values: settings,
        }
    }

    /// The settings as they are now.
    pub(crate) fn pairs(&self) -> Vec<(String, String)> {
        self.values.pairs()
    }
}

impl CapabilityModule for Config {
    const INTERFACES: &'static [Interface] =
        &[Interface::new("wasi:config", &["store"], WASI_CONFIG)];

    type InstanceState = ConfigReader;

    fn load_decision(&self) -> LoadDecision {
        LoadDecision::granted_if(self.granted)
    }

    fn instantiate(&self, _wasi: &mut WasiCtxBuilder) -> wasmtime::Result<Self::InstanceState> {
        Ok(self.values.reader())
    }
}

/// A store whose instance has settings.
pub(crate) trait ConfigView {
    fn config(&mut self) -> &WasiConfigVariables;
}

/// Adds `wasi:config/store` to a linker.
pub(crate) fn add_to_linker<T: ConfigView + 'static>(
    linker: &mut Linker<T>,
) -> wasmtime::Result<()> {
    wasmtime_wasi_config::add_to_linker(linker, |state: &mut T| WasiConfig::from(state.config()))
}

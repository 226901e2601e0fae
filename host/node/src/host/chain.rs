//! The chain of components: policies, outermost first, and the application.

use std::io;
use std::path::Path;
use std::sync::Arc;

use tensor_wasm_runtime::policy::PolicyGrant;
use tensor_wasm_runtime::{Application, ApplicationConfig, Engine, Grant, inspect, plug};

use super::HostError;

/// A component, and what messages call it.
#[derive(Clone, Debug)]
pub struct ComponentSource {
    /// What messages call it, for example the path of its file.
    pub label: String,
    /// The component.
    pub bytes: Vec<u8>,
}

impl ComponentSource {
    /// Reads a component's file.
    ///
    /// # Errors
    ///
    /// Where the file can't be read.
    pub fn read(path: &Path) -> io::Result<ComponentSource> {
        Ok(ComponentSource {
            label: path.display().to_string(),
            bytes: std::fs::read(path)?,
        })
    }

    /// The component with its imports satisfied by the exports of each provider in turn.
    /// Logs what is odd about how the result is composed.
    pub(super) fn plugged(mut self, providers: &[ComponentSource]) -> Result<Self, HostError> {
        for provider in providers {
            self.bytes = plug(&provider.bytes, &self.bytes).map_err(|cause| HostError::Plug {
                provider: provider.label.clone(),
                component: self.label.clone(),
                cause: Box::new(cause),
            })?;
        }
        // Loading reports bytes that are not a component.
        if let Ok(inspection) = inspect(&self.bytes) {
            for warning in inspection.warnings {
                tracing::warn!(component = self.label, "{warning}");
            }
        }
        Ok(self)
    }
}

/// A policy of a chain.
pub struct Policy {
    /// What messages call it.
    pub label: String,
    /// The component that decides.
    pub component: Arc<Application>,
}

/// The chain that a request passes.
pub(super) struct Chain {
    /// Outermost first.
    pub(super) policies: Vec<Policy>,
    pub(super) application: Arc<Application>,
}

impl Chain {
    /// Loads the application, then each policy in front of the component before it.
    /// `config` is the application's; `policy` is what the component is granted that
    /// decides.
    pub(super) fn load(
        engine: &Engine,
        component: &ComponentSource,
        policies: &[ComponentSource],
        config: ApplicationConfig,
        policy: &PolicyGrant,
    ) -> Result<Chain, HostError> {
        let guarded = !policies.is_empty();
        let (request_timeout, reuse) = (config.request_timeout, config.reuse);
        let tenant_memory = config.tenant_memory.clone();
        let application = Application::load(
            engine,
            &component.bytes,
            ApplicationConfig {
                // What is granted to the policies in front is not the application's.
                policy: match guarded {
                    true => PolicyGrant {
                        keep_authorization: policy.keep_authorization,
                        ..PolicyGrant::default()
                    },
                    false => policy.clone(),
                },
                next: None,
                guarded,
                ..config
            },
        )
        .map_err(|cause| HostError::Application {
            component: component.label.clone(),
            cause,
        })?;
        let mut chain = Chain {
            policies: Vec::new(),
            application: Arc::new(application),
        };
        for source in policies.iter().rev() {
            let config = ApplicationConfig {
                gpu: Arc::new(Grant::Denied),
                policy: policy.clone(),
                next: Some(chain.outermost()),
                guarded: true,
                tenant_memory: tenant_memory.clone(),
                request_timeout,
                reuse,
                ..ApplicationConfig::default()
            };
            let loaded = Application::load(engine, &source.bytes, config).map_err(|cause| {
                HostError::Policy {
                    policy: source.label.clone(),
                    component: component.label.clone(),
                    cause,
                }
            })?;
            let policy = Policy {
                label: source.label.clone(),
                component: Arc::new(loaded),
            };
            chain.policies.insert(0, policy);
        }
        Ok(chain)
    }

    /// What a request reaches first.
    pub(super) fn outermost(&self) -> Arc<Application> {
        match self.policies.first() {
            Some(policy) => policy.component.clone(),
            None => self.application.clone(),
        }
    }
}

//! The chain of components: policies, outermost first, and the application.

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tensor_wasm_runtime::policy::PolicyGrant;
use tensor_wasm_runtime::{
    Application, ApplicationConfig, Engine, Grant, NextHandler, Observer, TenantMemory, inspect,
    plug,
};

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

/// What the policies of a chain are loaded with.
pub(crate) struct PolicyConfig {
    /// What each of them is granted.
    pub(crate) grant: PolicyGrant,
    /// What all instances of each tenant have of this machine's memory.
    pub(crate) memory: Arc<TenantMemory>,
    /// How long a request may take, from its head to the end of its response.
    pub(crate) request_timeout: Duration,
    /// How many requests one instance answers, one after another.
    pub(crate) reuse: NonZeroUsize,
    /// Who learns what happens to requests.
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// Whether responses say what their requests used.
    pub(crate) usage_header: bool,
}

/// Loads each policy in front of the one behind it, the last one in front of `behind`, which
/// messages call `label`. Outermost first.
pub(crate) fn load_policies(
    engine: &Engine,
    policies: &[ComponentSource],
    behind: Arc<dyn NextHandler>,
    label: &str,
    config: &PolicyConfig,
) -> Result<Vec<Policy>, HostError> {
    let mut loaded: Vec<Policy> = Vec::new();
    let mut behind = behind;
    for source in policies.iter().rev() {
        let config = ApplicationConfig {
            gpu: Arc::new(Grant::Denied),
            policy: config.grant.clone(),
            next: Some(behind),
            guarded: true,
            tenant_memory: config.memory.clone(),
            request_timeout: config.request_timeout,
            reuse: config.reuse,
            observer: config.observer.clone(),
            usage_header: config.usage_header,
            ..ApplicationConfig::default()
        };
        let policy = Application::load(engine, &source.bytes, config);
        let component = Arc::new(policy.map_err(|cause| HostError::Policy {
            policy: source.label.clone(),
            component: label.to_owned(),
            cause,
        })?);
        behind = component.clone();
        let policy = Policy {
            label: source.label.clone(),
            component,
        };
        loaded.insert(0, policy);
    }
    Ok(loaded)
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
    /// decides, and `policy_reuse` how many requests an instance of a policy gets.
    pub(super) fn load(
        engine: &Engine,
        component: &ComponentSource,
        policies: &[ComponentSource],
        config: ApplicationConfig,
        policy: &PolicyGrant,
        policy_reuse: NonZeroUsize,
    ) -> Result<Chain, HostError> {
        let guarded = !policies.is_empty();
        let request_timeout = config.request_timeout;
        let memory = config.tenant_memory.clone();
        let (observer, usage_header) = (config.observer.clone(), config.usage_header);
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
        let application = Arc::new(application);
        let config = PolicyConfig {
            grant: policy.clone(),
            memory,
            request_timeout,
            reuse: policy_reuse,
            observer,
            usage_header,
        };
        let behind = application.clone();
        Ok(Chain {
            policies: load_policies(engine, policies, behind, &component.label, &config)?,
            application,
        })
    }

    /// What a request reaches first.
    pub(super) fn outermost(&self) -> Arc<Application> {
        match self.policies.first() {
            Some(policy) => policy.component.clone(),
            None => self.application.clone(),
        }
    }
}

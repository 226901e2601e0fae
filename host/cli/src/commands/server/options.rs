//! The options that all commands share which serve: each command flattens them beside its
//! own, and so one configuration file serves all of them.

use std::collections::BTreeMap;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;

use clap::Args;
use tensor_wasm_node::grants::Tenant;
use tensor_wasm_node::host::ComponentSource;

use super::audit::AuditOptions;
use super::cache::CacheOptions;
use super::device::DeviceOptions;
use super::http::HttpOptions;
use super::limits::LimitOptions;
use super::listener::ListenerOptions;
use super::policy::PolicyOptions;
use super::requests::RequestOptions;
use super::tenants;
use super::tls::TlsOptions;
use crate::commands;
use crate::config::Settings;
use crate::log::LogOptions;

// No documentation: it would become that of the command.
#[derive(Args)]
pub struct ServerOptions {
    #[command(flatten)]
    pub listener: ListenerOptions,
    #[command(flatten)]
    pub policy: PolicyOptions,
    #[command(flatten)]
    pub audit: AuditOptions,
    #[command(flatten)]
    pub device: DeviceOptions,
    #[command(flatten)]
    pub http: HttpOptions,
    #[command(flatten)]
    pub requests: RequestOptions,
    #[command(flatten)]
    pub limits: LimitOptions,
    /// How many requests one instance answers, one after another. With more than 1
    /// it keeps what it remembers between requests, and serves faster
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    pub reuse: NonZeroUsize,
    #[command(flatten)]
    pub tls: TlsOptions,
    #[command(flatten)]
    pub cache: CacheOptions,
    #[command(flatten)]
    pub log: LogOptions,
}

impl ServerOptions {
    /// What each tenant may have of which the configuration says nothing else.
    fn tenant(&self) -> Tenant {
        Tenant {
            gpu: self.device.gpu.decision(),
            limits: self.limits.device(self.requests.instances()),
            memory_bytes: self.limits.tenant_memory_bytes(),
            ..Tenant::default()
        }
    }

    /// What the tenants may do that have a table of their own in the configuration.
    pub fn listed_tenants(&self, settings: &Settings) -> BTreeMap<u64, Tenant> {
        tenants::listed(&settings.tenants, &self.tenant())
    }

    /// What each other tenant may do.
    pub fn other_tenants(&self, settings: &Settings) -> Tenant {
        tenants::others(&settings.tenants, &self.tenant())
    }

    /// Instances at one time of what is served and of each policy in front of it.
    pub fn all_instances(&self) -> NonZeroU32 {
        let policies = u32::try_from(self.policy.policies.len()).unwrap_or(u32::MAX);
        self.requests
            .instances()
            .saturating_mul(NonZeroU32::MIN.saturating_add(policies))
    }
}

/// A component, named after its file.
pub fn source(path: &Path) -> anyhow::Result<ComponentSource> {
    Ok(ComponentSource {
        label: path.display().to_string(),
        bytes: commands::read(path)?,
    })
}

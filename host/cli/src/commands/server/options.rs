//! The options that all commands share which serve: each command flattens them beside its
//! own, and so one configuration file serves all of them.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::Path;
use std::sync::Arc;

use clap::Args;
use tensor_wasm_device::Limits;
use tensor_wasm_node::grants::Tenant;
use tensor_wasm_node::host::{ComponentSource, HostBuilder};
use tensor_wasm_node::metrics::Metrics;
use tensor_wasm_node::traces::Traces;

use super::audit::AuditOptions;
use super::cache::CacheOptions;
use super::device::DeviceOptions;
use super::http::HttpOptions;
use super::limits::LimitOptions;
use super::listener::ListenerOptions;
use super::policy::PolicyOptions;
use super::record::RecordOptions;
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
    pub record: RecordOptions,
    #[command(flatten)]
    pub tls: TlsOptions,
    #[command(flatten)]
    pub cache: CacheOptions,
    #[command(flatten)]
    pub log: LogOptions,
}

/// Who learns what happens to requests.
#[derive(Clone, Default)]
pub struct Telemetry {
    /// Who counts, where somebody reads it.
    pub metrics: Option<Arc<Metrics>>,
    /// Who takes the spans of requests, where they are exported.
    pub traces: Option<Arc<Traces>>,
}

impl ServerOptions {
    /// What each tenant may have of which the configuration says nothing else.
    pub fn tenant(&self) -> Tenant {
        Tenant {
            gpu: self.device.gpu.decision(),
            limits: self.limits.device(self.requests.instances()),
            memory_bytes: self.limits.tenant_memory_bytes(),
            processors: self.limits.processors(),
            ..Tenant::default()
        }
    }

    /// The same where the server was started with other options, by which what can't change while
    /// it runs stays: the device, and limits that follow from the number of requests.
    pub fn changed_tenant(&self, at_start: &Tenant) -> Tenant {
        let now = self.tenant();
        Tenant {
            gpu: at_start.gpu,
            limits: Limits {
                memory_bytes: now.limits.memory_bytes,
                kernel_time: now.limits.kernel_time,
                ..at_start.limits.clone()
            },
            ..now
        }
    }

    /// The builder of a host with all that these options and the configuration say.
    ///
    /// # Errors
    ///
    /// Where a file that they name can't be used, or a number is too large for this machine.
    pub fn applied_to<S>(
        &self,
        builder: HostBuilder<S>,
        settings: &Settings,
        telemetry: Telemetry,
    ) -> anyhow::Result<HostBuilder<S>> {
        let mut builder = builder
            .http(self.http.grant(&settings.tenants)?)
            .reuse(self.reuse)
            .policy_reuse(self.policy.policy_reuse)
            .request_timeout(self.requests.request_timeout)
            .policy_settings(self.policy.settings())
            .keep_authorization(self.policy.keep_authorization)
            .tokens(Arc::new(self.policy.tokens()?))
            .audit(self.audit.config())
            .device(self.device.gpu)
            .device_options(self.device.for_host())
            .other_tenants(tenants::others(&settings.tenants, &self.tenant()))
            .tenants(tenants::listed(&settings.tenants, &self.tenant()))
            .instances(self.all_instances())
            .instance_memory_bytes(self.limits.instance_memory_bytes()?)
            .cache(self.cache.directory()?)
            .metrics(telemetry.metrics)
            .traces(telemetry.traces)
            .usage_header(self.listener.usage_header)
            .recordings(self.record.options());
        for path in &self.policy.policies {
            builder = builder.policy(source(path)?);
        }
        Ok(builder)
    }

    /// Instances at one time of what is served and of each policy in front of it.
    fn all_instances(&self) -> NonZeroU32 {
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

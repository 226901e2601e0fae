//! SIGHUP: the configuration is read again. Settings that can change while the server runs count from
//! then on; of others that changed, the log says that they count after a restart. Where anything in
//! the configuration is wrong, all of it stays as it was.

use std::env;
use std::mem;

use tensor_wasm_node::grants::Tenant;
use tensor_wasm_node::host::{HostControl, Reloader, Served};
use tensor_wasm_runtime::server::Tls;

use super::{ServerCommand, ServerOptions, systemd, tenants};
use crate::config::{self, Loaded, Setting, Settings, Tenants};
use crate::log::LogControl;

/// The settings that every server can change.
const CHANGEABLE: [&str; 11] = [
    "log-level",
    "insecure-no-auth",
    "require-tenant",
    RATES[0],
    RATES[1],
    RATES[2],
    "setting",
    "tenant-memory-bytes",
    "tenant-cpu",
    "gpu-memory-bytes",
    "kernel-timeout",
];

/// The settings of how often each token may call.
const RATES: [&str; 3] = ["rate-limit-qps", "rate-limit-burst", "rate-limit-by"];

/// What SIGHUP reads again.
pub struct Reload<C: ServerCommand> {
    /// The settings that were read last.
    effective: Vec<Setting>,
    tenants: Tenants,
    /// What each tenant had at the start of which the configuration said nothing else.
    tenant_at_start: Tenant,
    log: LogControl,
    host: HostControl,
    control: C::Control,
    /// Reads the other files.
    files: Reloader,
    tls: Option<Tls>,
}

impl<C: ServerCommand> Reload<C> {
    pub fn new(
        settings: Settings,
        log: LogControl,
        host: &C::Host,
        tenant_at_start: Tenant,
        tls: Option<Tls>,
    ) -> Reload<C> {
        Reload {
            effective: settings.effective,
            tenants: settings.tenants,
            tenant_at_start,
            log,
            host: host.parts().control(),
            control: C::control(host),
            files: host.parts().reloader(),
            tls,
        }
    }

    /// Reads all files again, and tells the supervisor.
    pub fn run(&mut self) {
        systemd::notify_reloading();
        let configured = self.configure();
        self.files.reload(self.tls.as_ref());
        // After that, so that it is in a log that was opened anew.
        self.files.record_configuration(configured.is_ok());
        if let Err(error) = configured {
            tracing::error!("the configuration stays as it was: {error:#}");
        }
        systemd::notify(systemd::READY);
    }

    /// Reads the configuration again.
    fn configure(&mut self) -> anyhow::Result<()> {
        let loaded = config::load(env::args_os().collect());
        let Loaded { cli, settings } =
            loaded.map_err(|error| anyhow::anyhow!("{}", error.on_one_line()))?;
        let Some(command) = C::of(cli.command) else {
            anyhow::bail!("the command line has another command");
        };
        let options = command.options();
        // First what may be refused.
        let outgoing = options.http.grant(&settings.tenants)?;
        self.log.set_level(&options.log)?;
        let tenant = options.changed_tenant(&self.tenant_at_start);
        let tenants_changed = self.host.set_tenants(
            tenants::others(&settings.tenants, &tenant),
            tenants::listed(&settings.tenants, &tenant),
        );
        self.host.set_policy_settings(command.policy_settings());
        command.change(&self.control, outgoing, tenants_changed);
        for warning in &settings.warnings {
            tracing::warn!("{warning}");
        }
        self.tell(settings, options);
        Ok(())
    }

    /// Logs which settings have changed, and remembers the new ones.
    fn tell(&mut self, settings: Settings, options: &ServerOptions) {
        let before = mem::replace(&mut self.effective, settings.effective);
        let changed: Vec<_> = self
            .effective
            .iter()
            .filter(|setting| {
                let mut before = before.iter();
                let before = before.find(|before| before.name == setting.name);
                before.is_none_or(|before| before.values != setting.values)
            })
            .map(|setting| setting.name.as_str())
            .collect();
        let (mut counts, mut waits): (Vec<_>, Vec<_>) = changed
            .into_iter()
            .partition(|name| CHANGEABLE.contains(name) || C::CHANGEABLE.contains(name));
        let tenants = mem::replace(&mut self.tenants, settings.tenants);
        if tenants.without_outgoing() != self.tenants.without_outgoing() {
            counts.push("tenants");
        }
        if tenants.outgoing() != self.tenants.outgoing() {
            match C::CHANGES_OUTGOING {
                true => counts.push("allow-http of tenants"),
                false => waits.push("allow-http of tenants"),
            }
        }
        match counts.is_empty() {
            true => tracing::info!("the configuration was read again"),
            false => tracing::info!("the configuration was read again: {}", counts.join(", ")),
        }
        if counts.iter().any(|name| RATES.contains(name)) {
            options.log_rate();
        }
        if counts.contains(&"insecure-no-auth") && options.policy.insecure_no_auth {
            options.warn_of_no_auth();
        }
        if !waits.is_empty() {
            tracing::warn!(
                "changed, and in effect after a restart: {}",
                waits.join(", ")
            );
        }
    }
}

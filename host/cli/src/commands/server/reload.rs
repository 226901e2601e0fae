//! SIGHUP: the configuration is read again. Settings that can change while the server runs count from
//! then on; of others that changed, the log says that they count after a restart. Where anything in
//! the configuration is wrong, all of it stays as it was.

use std::env;
use std::mem;

use tensor_wasm_node::host::Reloader;
use tensor_wasm_runtime::server::Tls;

use super::{ServerCommand, systemd};
use crate::config::{self, Loaded, Setting, Settings, Tenants};
use crate::log::LogControl;

/// The setting of what is logged, which every server can change.
const LOG_LEVEL: &str = "log-level";

/// What SIGHUP reads again.
pub struct Reload<C: ServerCommand> {
    /// The settings that were read last.
    effective: Vec<Setting>,
    tenants: Tenants,
    log: LogControl,
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
        files: Reloader,
        tls: Option<Tls>,
    ) -> Reload<C> {
        Reload {
            effective: settings.effective,
            tenants: settings.tenants,
            log,
            control: C::control(host),
            files,
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
        // First what may be refused.
        self.log.set_level(&command.options().log)?;
        command.change(&self.control);
        for warning in &settings.warnings {
            tracing::warn!("{warning}");
        }
        self.tell(settings);
        Ok(())
    }

    /// Logs which settings have changed, and remembers the new ones.
    fn tell(&mut self, settings: Settings) {
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
        let (counts, mut waits): (Vec<_>, Vec<_>) = changed
            .into_iter()
            .partition(|name| *name == LOG_LEVEL || C::CHANGEABLE.contains(name));
        let tenants = mem::replace(&mut self.tenants, settings.tenants);
        if tenants != self.tenants {
            waits.push("tenants");
        }
        match counts.is_empty() {
            true => tracing::info!("the configuration was read again"),
            false => tracing::info!("the configuration was read again: {}", counts.join(", ")),
        }
        if !waits.is_empty() {
            tracing::warn!(
                "changed, and in effect after a restart: {}",
                waits.join(", ")
            );
        }
    }
}

//! `tensor-wasm serve`: one application behind its policies, over HTTP. The options become
//! a [`Host`], which is then run; what it does is in `tensor_wasm_node::host`.

mod audit;
mod cache;
mod device;
mod files;
mod http;
mod options;
mod policy;
mod protection;
mod report;
mod signals;
mod supervisor;
mod systemd;
mod tenants;
mod tls;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tensor_wasm_node::grants::Tenant;
use tensor_wasm_node::host::{ComponentSource, Host};
use tensor_wasm_node::tokens::Tokens;
use tensor_wasm_runtime::server::{Admin, Drained, Server};
use tokio::runtime::Runtime;

use crate::config::Settings;
pub use options::Serve;
use supervisor::Supervisor;

/// How long what still runs may delay the end of the process.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// How long the last records may take to reach the disk.
const LAST_RECORDS: Duration = Duration::from_secs(5);

impl Serve {
    pub fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        self.log.start()?;
        settings.log();
        files::raise_descriptor_limit();
        let supervisor = Supervisor::start(self.longest_end());
        let runtime = Runtime::new().context("can't start the threads that serve HTTP")?;
        {
            let _context = runtime.enter();
            signals::survive_file_size_limit()?;
        }
        // First the address, which fails fast, then what takes long: nobody should
        // wait for a compilation to learn that a port is in use.
        let server = self.listen(&runtime)?;
        let tls = self.tls.load()?;
        let server = server
            .with_tls(tls.clone())
            .with_trusted_forwarded(self.trust_forwarded)
            .with_drain_delay(self.drain_delay);
        let admin = match self.admin {
            Some(address) => Some(Admin::start(address, server.readiness())?),
            None => None,
        };
        let host = {
            let _context = runtime.enter();
            self.host(&settings)?
        };
        if host
            .device()
            .is_some_and(|device| self.device.is_in_workers(device))
        {
            protection::hide_memory();
        }
        if host.is_decided_on() {
            self.log_policy(&host);
        }
        let signals = signals::listen({
            let reloader = host.reloader();
            move || reloader.reload(tls.as_ref())
        })?;
        if let Err(error) = super::print(&self.report(&host, &server, admin.as_ref())) {
            // As with the log: whoever does not hear of the server can still use it.
            tracing::warn!("the lines about what is served are lost: {error:#}");
        }
        systemd::notify(systemd::READY);
        let lost = supervisor.lost();
        let shutdown = async {
            tokio::select! {
                () = signals => {}
                () = lost => {}
            }
            systemd::notify(systemd::STOPPING);
        };

        let Drained { cut_off } =
            runtime.block_on(host.serve(server, shutdown, self.drain_timeout));
        match cut_off {
            0 => tracing::info!("drained: every request was answered"),
            _ => tracing::warn!(
                cut_off,
                "the time for draining is over: requests were cut off"
            ),
        }
        runtime.shutdown_timeout(LAST_WAIT);
        let lost = host.close(LAST_RECORDS);
        if lost > 0 {
            tracing::error!(lost, "records could not be written to the audit log");
        }
        Ok(match supervisor.has_lost() {
            true => ExitCode::FAILURE,
            false => ExitCode::SUCCESS,
        })
    }

    /// Listens on the socket that the program was passed, or else on the address.
    fn listen(&self, runtime: &Runtime) -> anyhow::Result<Server> {
        let limits = self.limits();
        let Some(socket) = systemd::passed_socket()? else {
            let listening = Server::listen(&self.addr, self.socket_mode, limits);
            return Ok(runtime.block_on(listening)?);
        };
        tracing::info!("serving on the socket that was passed to this program");
        let _context = runtime.enter();
        Ok(Server::on(socket, limits)?)
    }

    /// How long the end of the process may take, from the signal on.
    fn longest_end(&self) -> Duration {
        self.drain_delay
            .saturating_add(self.drain_timeout)
            .saturating_add(LAST_WAIT)
            .saturating_add(LAST_RECORDS)
            .saturating_add(LAST_WAIT)
    }

    /// Assembles the host that the options describe.
    fn host(&self, settings: &Settings) -> anyhow::Result<Host> {
        let options = Tenant {
            gpu: self.device.gpu.decision(),
            limits: self.device_limits(),
            memory_bytes: self.tenant_memory_bytes(),
            ..Tenant::default()
        };
        let memory = usize::try_from(self.max_memory_bytes)
            .context("--max-memory-bytes is more than this machine can address")?;
        let mut builder = Host::builder(source(&self.component)?)
            .environment(self.variables.clone())
            .directories(self.directories.clone())
            .http(self.http.grant()?)
            .request_timeout(self.request_timeout)
            .reuse(self.reuse)
            .policy_settings(self.policy.settings())
            .keep_authorization(self.policy.keep_authorization)
            .tokens(Arc::new(self.tokens()?))
            .audit(self.audit.config())
            .device(self.device.gpu)
            .device_options(self.device.for_host())
            .other_tenants(tenants::others(&settings.tenants, &options))
            .tenants(tenants::listed(&settings.tenants, &options))
            .instances(self.all_instances())
            .instance_memory_bytes(memory)
            .cache(self.cache.directory()?);
        for path in &self.policy.policies {
            builder = builder.policy(source(path)?);
        }
        for path in &self.plug {
            builder = builder.plug(source(path)?);
        }
        Ok(builder.build()?)
    }

    /// Who may call.
    fn tokens(&self) -> anyhow::Result<Tokens> {
        let options = &self.policy;
        let (text, file) = (&options.api_tokens, &options.token_file);
        Tokens::new(text.as_deref(), file.as_deref()).with_context(|| {
            let variable = text.as_ref().map(|_| policy::TOKENS_VARIABLE.to_owned());
            let file = file.as_ref().map(|path| path.display().to_string());
            let sources: Vec<_> = variable.into_iter().chain(file).collect();
            format!("can't use the tokens of {}", sources.join(" and "))
        })
    }
}

/// A component, named after its file.
fn source(path: &Path) -> anyhow::Result<ComponentSource> {
    Ok(ComponentSource {
        label: path.display().to_string(),
        bytes: super::read(path)?,
    })
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().display().to_string()
}

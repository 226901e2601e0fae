//! `tensor-wasm serve`: one application, behind its policies, over HTTP.

mod audit;
mod cache;
mod device;
mod files;
mod options;
mod policy;
mod reload;
mod signals;
mod tenants;
mod tls;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tensor_wasm_node::audit::{AuditLog, Outcome};
use tensor_wasm_node::grants::TenantGrants;
use tensor_wasm_node::limiter::Buckets;
use tensor_wasm_node::tokens::Tokens;
use tensor_wasm_runtime::policy::{Auditor, PolicyGrant};
use tensor_wasm_runtime::server::{Admin, Drained, Server};
use tensor_wasm_runtime::{
    Application, ApplicationConfig, Engine, EngineConfig, Grant, inspect, plug,
};
use tokio::runtime::Runtime;

use crate::config::Settings;
use device::Chosen;
pub use options::Serve;
use reload::Reloadable;

/// How long what still runs may hold up the end of the process.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// How long the last records may take to reach the disk.
const LAST_RECORDS: Duration = Duration::from_secs(5);

impl Serve {
    pub fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        self.log.start()?;
        settings.log();
        files::allow_as_many_as_possible();
        let runtime = Runtime::new().context("can't start the threads that serve HTTP")?;
        // First the address, which fails fast, then what takes long: nobody should
        // wait for a compilation to learn that a port is busy.
        let server = runtime.block_on(Server::bind(self.addr, self.limits()))?;
        let tls = self.tls.load()?;
        let server = server.with_tls(tls.clone());
        let admin = match self.admin {
            Some(address) => Some(Admin::start(address, server.readiness())?),
            None => None,
        };
        let tokens = Arc::new(self.tokens()?);
        let audit = self.audit.open()?.map(Arc::new);
        let (grants, device) = self.gpu(&settings)?;
        let grants = Arc::new(grants);
        // Connections to the guests' world are made on the runtime's threads.
        let chain = {
            let _context = runtime.enter();
            self.load(&grants, &tokens, audit.as_ref())?
        };
        // Where nothing decides there is nothing to record but the server's own end,
        // which nobody expects on standard output.
        let decides = chain.outermost.is_decided_on();
        let audit = audit.filter(|_| decides || !self.audit.is_stdout());
        if decides {
            self.tell(&tokens, audit.is_some());
        }
        let reloadable = Reloadable {
            tokens,
            tls,
            audit: audit.clone(),
        };
        let signals = signals::listen(move || reloadable.reload())?;

        let mut lines = format!("listening on {}\n", server.url());
        if let Some(admin) = &admin {
            lines += &format!("admin on http://{}\n", admin.address());
        }
        lines += &self.describe(&chain, &grants, &device);
        super::print(&lines)?;
        let resource = chain.application.digest().to_owned();
        record(audit.as_deref(), "server.start", &resource);
        let Drained { cut_off } =
            runtime.block_on(server.serve(chain.outermost, signals, self.drain_timeout));
        match cut_off {
            0 => tracing::info!("drained: every request was answered"),
            _ => tracing::warn!(
                cut_off,
                "the time for draining is over: requests were cut off"
            ),
        }
        runtime.shutdown_timeout(LAST_WAIT);
        record(audit.as_deref(), "server.stop", &resource);
        if let Some(lost) = audit.map(|audit| audit.close(LAST_RECORDS))
            && lost > 0
        {
            tracing::error!(lost, "records could not be written to the audit log");
        }
        Ok(ExitCode::SUCCESS)
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

    /// Logs what policies go by; loudly where that lets everybody in, or nobody.
    fn tell(&self, tokens: &Tokens, audited: bool) {
        let options = &self.policy;
        if options.insecure_no_auth {
            tracing::warn!(
                "--insecure-no-auth: WHOEVER REACHES {} IS LET IN WITHOUT A TOKEN",
                self.addr
            );
        } else if tokens.current().is_empty() {
            tracing::warn!(
                "there is no token, so policies that ask for one refuse every request: \
                 name some with --token-file or {}",
                policy::TOKENS_VARIABLE
            );
        }
        match options.rate() {
            Some((qps, burst)) => {
                tracing::info!("rate limit: {qps} requests/s for each token, burst {burst}");
            }
            None => tracing::info!("rate limit: none"),
        }
        self.audit.tell(audited);
    }

    /// The grants of the GPU, and what to say of the device.
    fn gpu(&self, settings: &Settings) -> anyhow::Result<(TenantGrants, String)> {
        let Chosen {
            grant,
            device,
            description,
        } = self.device.open(&self.cache)?;
        let limits = self.device_limits();
        let grants = tenants::grants(device, &settings.tenants, grant, &limits);
        Ok((grants, description))
    }

    /// Loads the application, and each policy in front of the one before it.
    fn load(
        &self,
        grants: &Arc<TenantGrants>,
        tokens: &Arc<Tokens>,
        audit: Option<&Arc<AuditLog>>,
    ) -> anyhow::Result<Chain> {
        let policies = super::compose::read_all(&self.policy.policies)?;
        let providers = super::compose::read_all(&self.plug)?;
        let mut component = super::read(&self.component)?;
        for (path, provider) in &providers {
            component = plug(provider, &component).with_context(|| {
                format!(
                    "can't plug {} into {}",
                    path.display(),
                    self.component.display()
                )
            })?;
        }
        // What other tools let pass. What is no component is told of when it is loaded.
        for warning in inspect(&component).map_or_else(|_| Vec::new(), |seen| seen.warnings) {
            tracing::warn!(component = %self.component.display(), "{warning}");
        }
        let engine = Engine::new(EngineConfig {
            instances: self.all_instances(),
            instance_memory_bytes: usize::try_from(self.max_memory_bytes)
                .context("--max-memory-bytes is more than this machine can address")?,
            // A folder of its own: the engine deletes whatever else is in it.
            cache_directory: self
                .cache
                .directory()?
                .map(|folder| folder.join("components")),
        })?;
        let policy = PolicyGrant {
            authenticator: Some(tokens.clone()),
            limiter: Some(Arc::new(Buckets::new()?)),
            auditor: audit.map(|log| log.clone() as Arc<dyn Auditor>),
            settings: self.policy.settings(),
        };
        let behind_policies = !policies.is_empty();
        let application = Application::load(
            &engine,
            &component,
            ApplicationConfig {
                gpu: grants.clone(),
                environment: self.variables.clone(),
                directories: self.directories.clone(),
                destinations: self.destinations.clone(),
                // Where policies stand in front, what is theirs is not the
                // application's.
                policy: match behind_policies {
                    true => PolicyGrant::default(),
                    false => policy.clone(),
                },
                next: None,
                guarded: behind_policies,
                request_timeout: self.request_timeout,
                reuse: self.reuse,
            },
        )
        .with_context(|| format!("can't serve {}", self.component.display()))?;
        let application = Arc::new(application);
        let mut chain = Chain {
            outermost: application.clone(),
            application,
            policies: Vec::new(),
        };
        for (path, component) in policies.iter().rev() {
            let config = ApplicationConfig {
                gpu: Arc::new(Grant::Denied),
                policy: policy.clone(),
                next: Some(chain.outermost.clone()),
                guarded: true,
                request_timeout: self.request_timeout,
                reuse: self.reuse,
                ..ApplicationConfig::default()
            };
            let policy = Application::load(&engine, component, config).with_context(|| {
                format!(
                    "can't put {} in front of {}",
                    path.display(),
                    self.component.display()
                )
            })?;
            chain.outermost = Arc::new(policy);
            chain.policies.insert(0, chain.outermost.clone());
        }
        Ok(chain)
    }

    /// The lines that say what is served. Programs read them, so their form stays.
    fn describe(&self, chain: &Chain, grants: &TenantGrants, device: &str) -> String {
        let mut text = String::new();
        for (path, policy) in self.policy.policies.iter().zip(&chain.policies) {
            let asked = policy.imports();
            text += &format!(
                "policy {} {} granted {}; denied {}\n",
                file_name(path),
                policy.digest(),
                list(&asked.granted),
                list(&asked.denied)
            );
        }
        let name = file_name(&self.component);
        text += &format!("component {name} {}\n", chain.application.digest());
        let asked = chain.application.imports();
        for (word, imports) in [("granted", &asked.granted), ("denied", &asked.denied)] {
            text += &format!("{word} {}\n", list(imports));
        }
        let refused = grants.refused();
        let gpu = |import: &&String| import.starts_with("tensor:gpu/");
        let imports: Vec<_> = asked.granted.iter().chain(&asked.denied).collect();
        let imports: Vec<_> = imports.into_iter().filter(gpu).cloned().collect();
        if !refused.is_empty() && !imports.is_empty() {
            text += &format!(
                "refused to tenant {}: {}\n",
                refused.join(", "),
                imports.join(", ")
            );
        }
        text + &format!("device {device}\n")
    }
}

/// What answers requests.
struct Chain {
    /// What a request comes to first.
    outermost: Arc<Application>,
    /// Outermost first.
    policies: Vec<Arc<Application>>,
    application: Arc<Application>,
}

fn list(imports: &[String]) -> String {
    match imports {
        [] => "none".to_owned(),
        imports => imports.join(", "),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().display().to_string()
}

/// Records what the server itself did.
fn record(audit: Option<&AuditLog>, action: &str, resource: &str) {
    if let Some(audit) = audit {
        audit.event(action, resource, Outcome::done());
    }
}

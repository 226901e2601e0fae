//! `tensor-wasm serve`: one application, behind its policies, over HTTP.

mod cache;
mod files;
mod options;
mod signals;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tensor_wasm_device::{CpuConfig, Device};
use tensor_wasm_node::tokens::TokenList;
use tensor_wasm_runtime::policy::Authenticator;
use tensor_wasm_runtime::server::{Admin, Drained, Server};
use tensor_wasm_runtime::{
    Application, ApplicationConfig, Engine, EngineConfig, GpuAccess, GpuGrant,
};
use tokio::runtime::Runtime;

use super::compose;
use super::devices::one_line;
use crate::config::Settings;
use options::Gpu;
pub use options::Serve;

/// How long what still runs may hold up the end of the process.
const LAST_WAIT: Duration = Duration::from_secs(1);

impl Serve {
    pub fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        self.log.start()?;
        settings.log();
        files::allow_as_many_as_possible();
        let runtime = Runtime::new().context("can't start the threads that serve HTTP")?;
        // First the address, which fails fast, then what takes long: nobody should
        // wait for a compilation to learn that a port is busy.
        let server = runtime.block_on(Server::bind(self.addr, self.limits()))?;
        let admin = match self.admin {
            Some(address) => Some(Admin::start(address, server.readiness())?),
            None => None,
        };
        let (grant, device) = self.gpu()?;
        // Connections to the guests' world are made on the runtime's threads.
        let application = {
            let _context = runtime.enter();
            self.load(grant)?
        };
        let signals = signals::listen()?;

        let admin_address = admin.as_ref().map(Admin::address);
        self.announce(&application, server.address(), admin_address, &device)?;
        let Drained { cut_off } =
            runtime.block_on(server.serve(Arc::new(application), signals, self.drain_timeout));
        match cut_off {
            0 => tracing::info!("drained: every request was answered"),
            _ => tracing::warn!(
                cut_off,
                "the time for draining is over: requests were cut off"
            ),
        }
        runtime.shutdown_timeout(LAST_WAIT);
        Ok(ExitCode::SUCCESS)
    }

    /// The grant of the GPU, and what to say of it.
    fn gpu(&self) -> anyhow::Result<(GpuGrant, String)> {
        match self.gpu {
            Gpu::Auto | Gpu::Cpu => {
                let device = Device::cpu(CpuConfig::default()).context("there is no device")?;
                let session = device.session(self.device_limits());
                let description = one_line(&device.description());
                Ok((GpuGrant::Granted(GpuAccess::new(session)), description))
            }
            Gpu::Deny => Ok((GpuGrant::Denied, "none: the GPU is denied".to_owned())),
            Gpu::Refuse => Ok((GpuGrant::Refused, "none: the GPU is refused".to_owned())),
        }
    }

    fn load(&self, gpu: GpuGrant) -> anyhow::Result<Application> {
        let authenticator = match &self.token_file {
            Some(path) => {
                let list = TokenList::from_file(path)
                    .with_context(|| format!("the token file {} can't be used", path.display()))?;
                Some(Arc::new(list) as Arc<dyn Authenticator>)
            }
            None => None,
        };
        let policies = compose::read_all(&self.policies)?;
        let mut component = super::read(&self.component)?;
        if !policies.is_empty() {
            component = compose::in_front(&policies, &self.component, &component)?;
        }
        let engine = Engine::new(EngineConfig {
            instances: self.instances(),
            instance_memory_bytes: usize::try_from(self.max_memory_bytes)
                .context("--max-memory-bytes is more than this machine can address")?,
            cache_directory: self.cache.directory()?,
        })?;
        let config = ApplicationConfig {
            gpu,
            environment: self.variables.clone(),
            directories: self.directories.clone(),
            authenticator,
            request_timeout: self.request_timeout,
            reuse: self.reuse,
        };
        Application::load(&engine, &component, config)
            .with_context(|| format!("can't serve {}", self.component.display()))
    }

    /// The lines that say what is served. Programs read them, so their form stays.
    fn announce(
        &self,
        application: &Application,
        address: SocketAddr,
        admin: Option<SocketAddr>,
        device: &str,
    ) -> anyhow::Result<()> {
        let mut text = format!("listening on http://{address}\n");
        if let Some(admin) = admin {
            text += &format!("admin on http://{admin}\n");
        }
        let name = self.component.file_name().unwrap_or_default();
        text += &format!("component {} {}\n", name.display(), application.digest());
        let asked = application.asked();
        for (word, imports) in [("granted", &asked.granted), ("denied", &asked.denied)] {
            let imports = match imports.as_slice() {
                [] => "none".to_owned(),
                imports => imports.join(", "),
            };
            text += &format!("{word} {imports}\n");
        }
        text += &format!("device {device}\n");
        super::print(&text)
    }
}

//! `tensor-wasm serve`: one application behind its policies, over HTTP. The options become
//! a [`Host`], which is then run; what it does is in `tensor_wasm_node::host`.

mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use bytesize::ByteSize;
use clap::Args;
use tensor_wasm_node::host::Host;
use tensor_wasm_runtime::{Directory, HttpGrant};

use super::Command;
use super::server::{self, Progress, ServerCommand, ServerOptions, Telemetry, file_name, source};
use crate::config::Settings;
use crate::values;

/// Serve a component over HTTP
///
/// Grants the component the GPU and nothing else, unless options say so: no files,
/// no environment, no network. Each option can stand in the environment and in
/// tensor-wasm.toml too: see `tensor-wasm config --help`. Prints what was granted and denied, then serves
/// until it gets SIGTERM or SIGINT; it then drains, and a second signal ends it at
/// once.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm serve image.wasm
  tensor-wasm serve image.wasm --addr 0.0.0.0:80 --admin 127.0.0.1:9090
  tensor-wasm serve image.wasm --policy policy.wasm --token-file tokens
  tensor-wasm serve image.wasm --tls-cert cert.pem --tls-key key.pem
  tensor-wasm serve image.wasm --gpu deny --dir ./models::/models --env MODE=fast
  tensor-wasm serve --config tensor-wasm.toml")]
pub struct Serve {
    /// The component, with a WASI 0.2 or 0.3 HTTP handler
    component: PathBuf,

    #[command(flatten)]
    server: ServerOptions,

    /// Satisfy the component's imports with another component's exports, as
    /// deny-gpu.wasm does for tensor:gpu, before any policy; repeatable
    #[arg(long, value_name = "FILE", help_heading = "Grants")]
    plug: Vec<PathBuf>,
    /// A directory that the component may use, with everything in it; repeatable
    #[arg(long = "dir", value_name = "HOST::GUEST", value_parser = values::directory, help_heading = "Grants")]
    directories: Vec<Directory>,
    /// An environment variable that the component sees; repeatable
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = values::variable, help_heading = "Grants")]
    variables: Vec<(String, String)>,
}

impl Serve {
    pub fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        server::run(&self, settings)
    }
}

impl ServerCommand for Serve {
    type Host = Host;
    type Control = ();

    const CHANGEABLE: &'static [&'static str] = &[];
    const CHANGES_OUTGOING: bool = false;

    fn of(command: Command) -> Option<Serve> {
        match command {
            Command::Serve(serve) => Some(*serve),
            _ => None,
        }
    }

    fn control(_host: &Host) {}

    fn change(&self, _control: &(), _outgoing: HttpGrant, _tenants_changed: bool) {}

    fn options(&self) -> &ServerOptions {
        &self.server
    }

    fn assemble(&self, settings: &Settings, telemetry: Telemetry) -> anyhow::Result<Host> {
        let component = source(&self.component)?;
        let _progress = Progress::of(format!(
            "compiling {} ({})",
            file_name(&self.component),
            ByteSize(component.bytes.len() as u64)
        ));
        let builder = Host::builder(component)
            .environment(self.variables.clone())
            .directories(self.directories.clone());
        let mut builder = self.server.applied_to(builder, settings, telemetry)?;
        for path in &self.plug {
            builder = builder.plug(source(path)?);
        }
        Ok(builder.build()?)
    }

    fn report(&self, host: &Host) -> String {
        self.lines(host)
    }
}

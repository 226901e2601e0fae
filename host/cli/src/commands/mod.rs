//! The commands, one file each.

mod audit;
mod build;
mod client;
mod completions;
mod compose;
mod config;
mod dev;
mod device_worker;
mod devices;
mod inspect;
mod kernel;
mod man;
mod new;
mod node;
mod replay;
mod serve;
mod server;
mod table;
mod test;
mod token;
mod wit;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context;
use clap::Subcommand;

use crate::config::Settings;

#[derive(Subcommand)]
pub enum Command {
    Serve(Box<serve::Serve>),
    Node(Box<node::Node>),
    Deploy(client::Deploy),
    List(client::List),
    Show(client::Show),
    Rollback(client::Rollback),
    Activate(client::Activate),
    Traffic(client::Traffic),
    Settings(client::Settings),
    Secrets(client::Secrets),
    Outgoing(client::Outgoing),
    Assets(client::Assets),
    Delete(client::Delete),
    Invoke(Box<client::Invoke>),
    Jobs(client::Jobs),
    Snapshot(client::Snapshot),
    Logs(client::Logs),
    Usage(client::Usage),
    Ready(client::Ready),
    Verify(Box<client::Verify>),
    New(new::New),
    Build(build::Build),
    Test(test::Test),
    Dev(dev::Dev),
    Compose(compose::Compose),
    Inspect(inspect::Inspect),
    Devices(devices::Devices),
    #[command(hide = true)]
    DeviceWorker(device_worker::DeviceWorker),
    Kernel(kernel::Kernel),
    Replay(replay::Replay),
    Wit(wit::Wit),
    Token(token::Token),
    Config(config::Config),
    Audit(audit::Audit),
    Completions(completions::Completions),
    Man(man::ManPages),
}

impl Command {
    /// Runs it. `settings` are those of a command that has them.
    pub fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(command) => command.run(settings),
            Self::Node(command) => command.run(settings),
            Self::Deploy(command) => command.run(),
            Self::List(command) => command.run(),
            Self::Show(command) => command.run(),
            Self::Rollback(command) => command.run(),
            Self::Activate(command) => command.run(),
            Self::Traffic(command) => command.run(),
            Self::Settings(command) => command.run(),
            Self::Secrets(command) => command.run(),
            Self::Outgoing(command) => command.run(),
            Self::Assets(command) => command.run(),
            Self::Delete(command) => command.run(),
            Self::Invoke(command) => command.run(),
            Self::Jobs(command) => command.run(),
            Self::Snapshot(command) => command.run(),
            Self::Logs(command) => command.run(),
            Self::Usage(command) => command.run(),
            Self::Ready(command) => command.run(),
            Self::Verify(command) => command.run(),
            Self::New(command) => command.run(),
            Self::Build(command) => command.run(),
            Self::Test(command) => command.run(),
            Self::Dev(command) => command.run(),
            Self::Compose(command) => command.run(),
            Self::Inspect(command) => command.run(),
            Self::Devices(command) => command.run(),
            Self::DeviceWorker(command) => command.run(),
            Self::Kernel(command) => command.run(),
            Self::Replay(command) => command.run(),
            Self::Wit(command) => command.run(),
            Self::Token(command) => command.run(),
            Self::Config(command) => command.run(settings),
            Self::Audit(command) => command.run(),
            Self::Completions(command) => command.run(),
            Self::Man(command) => command.run(),
        }
    }
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("can't read {}", path.display()))
}

/// Prints to standard output. A reader that goes away early, such as `head`, ends
/// the program quietly, as it ends others.
fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("can't write to standard output"),
    }
}

fn print_json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

//! `tensor-wasm dev`: builds the component of a project, serves it with kernel checks, and does so
//! again after each change.

mod changes;
mod rebuild;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tensor_wasm_node::host::{AnsweredRequest, ReplaceableHost};
use tensor_wasm_runtime::Directory;
use tensor_wasm_runtime::server::{Limits, ListenAddress, Server};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

use super::build::seconds;
use super::server::CacheOptions;
use crate::log::LogOptions;
use crate::project::Project;
use crate::values;
use rebuild::{Rebuilder, Served};

/// How long requests that run may take to end.
const DRAIN: Duration = Duration::from_secs(5);

/// The permissions of a Unix socket.
const SOCKET_MODE: u32 = 0o660;

/// Build and serve a project, and again after each change
///
/// Runs the command in the table `[build]` of tensor-wasm.toml, serves the component on
/// the processor with kernel checks, and watches the files that it is made from. A new
/// version takes over without a request lost; requests that run are answered by the one
/// that they came to. If a build fails, the last good version goes on answering, and
/// browsers are shown the compiler's message. Each request is printed, with its time,
/// its launches, and the device's time.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm dev
  tensor-wasm dev my-service --addr 127.0.0.1:9000
  tensor-wasm dev --no-kernel-checks")]
pub struct Dev {
    /// The folder of the project
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The address to listen on: HOST:PORT, :PORT for all addresses, or unix:PATH; port 0
    /// takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    addr: ListenAddress,
    /// Run kernels compiled and fast, without checking each access
    #[arg(long)]
    no_kernel_checks: bool,
    /// Look for changes by reading the files' times alone: for file systems that tell of no
    /// changes
    #[arg(long)]
    poll: bool,
    /// A directory that the component may use, with everything in it; repeatable
    #[arg(long = "dir", value_name = "HOST::GUEST", value_parser = values::directory)]
    directories: Vec<Directory>,
    /// An environment variable that the component sees; repeatable
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = values::variable)]
    variables: Vec<(String, String)>,
    #[command(flatten)]
    cache: CacheOptions,
}

impl Dev {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        LogOptions::for_development().start()?;
        // A wrong manifest and a port in use end it at once, before anything is built.
        let project = Project::open(&self.folder)?;
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .build()
            .context("can't start the threads that serve HTTP")?;
        let listening = Server::listen(&self.addr, SOCKET_MODE, Limits::default());
        let server = runtime.block_on(listening)?;
        super::print(&format!("listening on {}\n", server.url()))?;

        let hosts = Arc::new(ReplaceableHost::new(Box::new(
            |request: &AnsweredRequest| {
                tell!("{}", line(request));
            },
        )));
        let stopped = Arc::new(AtomicBool::new(false));
        let rebuilder = Rebuilder {
            folder: self.folder.clone(),
            served: Served {
                kernel_checks: !self.no_kernel_checks,
                directories: self.directories,
                variables: self.variables,
                cache: self.cache.directory()?,
            },
            poll: self.poll,
            hosts: hosts.clone(),
            runtime: runtime.handle().clone(),
            stopped: stopped.clone(),
        };
        let rebuilding = std::thread::Builder::new()
            .name("rebuild".to_owned())
            .spawn(move || rebuilder.run(project))
            .context("can't start the thread that builds")?;
        let shutdown = {
            let _context = runtime.enter();
            let listen = |kind| signal(kind).context("can't wait for signals");
            let (mut terminate, mut interrupt) = (
                listen(SignalKind::terminate())?,
                listen(SignalKind::interrupt())?,
            );
            async move {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
        };
        runtime.block_on(server.serve(hosts, shutdown, DRAIN));
        stopped.store(true, Ordering::Relaxed);
        if rebuilding.join().is_err() {
            anyhow::bail!("the thread that builds has panicked");
        }
        runtime.shutdown_timeout(DRAIN);
        Ok(ExitCode::SUCCESS)
    }
}

/// A request on a line.
fn line(request: &AnsweredRequest) -> String {
    let path = &request.path;
    let outcome = match &request.outcome {
        Ok(status) => status.as_str().to_owned(),
        Err(error) => format!("{} ({error})", error.status().as_str()),
    };
    let used = match &request.usage {
        None => String::new(),
        Some(usage) => format!(
            ", guest {}, {}, device {}",
            millis(usage.guest),
            match usage.launches {
                1 => "1 launch".to_owned(),
                launches => format!("{launches} launches"),
            },
            millis(usage.device),
        ),
    };
    format!(
        "{} {path} {outcome} in {}{used}",
        request.method,
        millis(request.took)
    )
}

fn millis(time: Duration) -> String {
    match time {
        long if long >= Duration::from_secs(1) => seconds(long),
        short => format!("{:.1} ms", short.as_secs_f64() * 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Method, StatusCode};
    use tensor_wasm_runtime::Usage;
    use tensor_wasm_runtime::server::HandleError;

    #[test]
    fn a_request_is_a_line_with_what_it_used() {
        let mut request = AnsweredRequest {
            method: Method::GET,
            path: "/double".to_owned(),
            outcome: Ok(StatusCode::OK),
            took: Duration::from_micros(12_345),
            usage: Some(Usage {
                guest: Duration::from_micros(1_500),
                device: Duration::from_millis(2_300),
                launches: 1,
                ..Usage::default()
            }),
        };
        assert_eq!(
            line(&request),
            "GET /double 200 in 12.3 ms, guest 1.5 ms, 1 launch, device 2.3 s"
        );
        request.outcome = Err(HandleError::Trapped);
        request.usage = None;
        assert!(line(&request).starts_with("GET /double 500 (the component failed"));
    }
}

//! A server of the bundle, asked over HTTP, with its log in a file.

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::run::Run;
use crate::{
    http::{Connection, Response, request},
    server::{Server, ServerKind},
};

/// How long a server may take to stop.
const STOP: Duration = Duration::from_secs(20);

/// How long a process may take to be gone, once it is killed.
const GONE: Duration = Duration::from_secs(20);

pub struct Service {
    server: Option<Server>,
    address: SocketAddr,
    process: u32,
    log: PathBuf,
    /// How long it took from its start until it listened.
    pub started: Duration,
    /// How long an answer may take.
    limit: Duration,
}

impl Service {
    /// Starts `tensor-wasm serve` with a component of the bundle on the device. The file of its log is
    /// named `name`.
    ///
    /// # Errors
    /// Where it does not start: with what it said.
    pub fn start(run: &Run<'_>, name: &str, component: &str, options: &[&str]) -> Result<Self> {
        let mut command = Command::new(run.bundle.server());
        command.arg("serve").arg(run.bundle.component(component));
        command.args(["--gpu", "cuda", "--addr", "127.0.0.1:0", "--no-cache"]);
        command.args(["--log-level", "debug", "--request-timeout", "60s"]);
        // A machine without an answer costs the other parts no more than this.
        command.args(["--gpu-worker-timeout", "30s"]);
        run.gpu.set(command.args(options));
        let begun = Instant::now();
        let server = Server::start(&mut command, ServerKind::TensorWasm)?;
        Ok(Self {
            address: server.address(),
            process: server.id(),
            server: Some(server),
            log: run.out.join(format!("{name}.log")),
            started: begun.elapsed(),
            limit: run.remaining(Duration::from_secs(90)),
        })
    }

    /// The line that it printed about its device.
    pub fn device(&self) -> String {
        let output = self.server.as_ref().map(Server::output).unwrap_or_default();
        let mut lines = output.lines();
        let line = lines.find_map(|line| line.strip_prefix("device "));
        line.unwrap_or_default().to_owned()
    }

    /// What it has logged so far.
    pub fn said(&self) -> String {
        self.server.as_ref().map(Server::said).unwrap_or_default()
    }

    /// Sends a request of a tenant's, and says how long the answer took.
    ///
    /// # Errors
    /// Where there is none.
    pub fn send(
        &self,
        path: &str,
        tenant: Option<u64>,
        body: &[u8],
    ) -> Result<(Response, Duration)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let tenant = tenant.map(|tenant| tenant.to_string());
        let headers: Vec<_> = tenant
            .iter()
            .map(|tenant| ("x-tensorwasm-tenant", tenant.as_str()))
            .collect();
        let method = if body.is_empty() { "GET" } else { "POST" };
        let text = request(method, path, self.address, &headers, body);
        let begun = Instant::now();
        let exchange = async {
            let mut connection = Connection::open(self.address).await?;
            connection.exchange(&text).await
        };
        let answered = runtime.block_on(async { tokio::time::timeout(self.limit, exchange).await });
        let response =
            answered.with_context(|| format!("no answer to {path} within {:?}", self.limit))??;
        Ok((response, begun.elapsed()))
    }

    /// What a scenario of the guest `gpu_scenarios` answers a tenant.
    ///
    /// # Errors
    /// Where it is no answer of the scenario's.
    pub fn scenario(&self, tenant: u64, path: &str) -> Result<Value> {
        let (response, _) = self.send(path, Some(tenant), b"")?;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        if response.status != 200 {
            bail!(
                "{path} of tenant {tenant} was answered {}: {text}",
                response.status
            );
        }
        serde_json::from_str(&text).with_context(|| format!("{path} was answered: {text}"))
    }

    /// The processes of its workers: its children.
    pub fn workers(&self) -> Vec<i32> {
        let folder = format!("/proc/{}/task", self.process);
        let tasks = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let lists = tasks.map(|task| std::fs::read_to_string(task.path().join("children")));
        let lists: Vec<_> = lists.flatten().collect();
        let ids = lists.iter().flat_map(|list| list.split_whitespace());
        ids.filter_map(|id| id.parse().ok()).collect()
    }

    /// Kills the worker of a tenant as the system would, and waits until it is gone; says how long that
    /// took.
    ///
    /// # Errors
    /// Where it has none, or it stays.
    pub fn kill_worker(&self, tenant: u64) -> Result<Duration> {
        let named = format!("device of tenant {tenant}\0");
        let is_tenants = |worker: &i32| {
            let line = std::fs::read(format!("/proc/{worker}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(&named)
        };
        let workers = self.workers();
        let worker = workers.iter().copied().find(is_tenants);
        let worker =
            worker.with_context(|| format!("tenant {tenant} has no worker among {workers:?}"))?;
        let begun = Instant::now();
        kill_process(Pid::from_raw(worker).context("no process")?, Signal::KILL)?;
        gone(&[worker])?;
        Ok(begun.elapsed())
    }

    /// Kills the server as the system would, and waits until its workers are gone; says how long that
    /// took.
    ///
    /// # Errors
    /// Where they stay.
    pub fn kill(mut self) -> Result<Duration> {
        let workers = self.workers();
        let begun = Instant::now();
        if let Some(server) = self.server.take() {
            self.keep_log(&server);
            drop(server);
        }
        gone(&workers)?;
        Ok(begun.elapsed())
    }

    /// Stops it.
    ///
    /// # Errors
    /// Where it does not stop as it should.
    pub fn stop(mut self) -> Result<()> {
        let Some(server) = self.server.take() else {
            return Ok(());
        };
        self.keep_log(&server);
        let status = server.stop(STOP)?;
        if !status.success() {
            bail!("the server ended with {status} after SIGTERM");
        }
        Ok(())
    }

    fn keep_log(&self, server: &Server) {
        if let Err(error) = std::fs::write(&self.log, server.said()) {
            eprintln!("{} can't be written: {error}", self.log.display());
        }
    }
}

impl Drop for Service {
    /// A part that failed: the server is killed.
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.keep_log(&server);
        }
    }
}

/// Waits until these processes are gone.
fn gone(processes: &[i32]) -> Result<()> {
    let begun = Instant::now();
    loop {
        let runs = |process: &&i32| {
            let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
            !stat.is_empty() && !stat.contains(") Z")
        };
        let left: Vec<_> = processes.iter().filter(runs).collect();
        if left.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > GONE {
            bail!("the processes {left:?} are still there {GONE:?} after they were killed");
        }
        thread::sleep(Duration::from_millis(5));
    }
}

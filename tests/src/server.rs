//! `tensor-wasm serve` and `tensor-wasm node` as child processes.

use std::ffi::OsStr;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use reqwest::blocking::{Client, RequestBuilder};
use tensor_wasm_test_process::{NotReady, Process, Signal, Start};

use crate::artifacts::{older_tensor_wasm, tensor_wasm};
use crate::command::{Output, finish, output, spawn};
use crate::raw::Raw;
use crate::reply::Reply;
use crate::wait::{PATIENCE, eventually};

/// A command that serves and has not been started.
pub struct Serve(Command);

impl Serve {
    /// Serves a component on a free port of this machine.
    pub fn new(component: impl AsRef<Path>) -> Self {
        Self::at(component, "127.0.0.1:0")
    }

    /// Serves a component on this address.
    pub fn at(component: impl AsRef<Path>, address: impl Display) -> Self {
        let mut command = tensor_wasm();
        command
            .arg("serve")
            .arg(component.as_ref())
            .arg(format!("--addr={address}"));
        Self(command)
    }

    /// Runs a node with its functions in this folder, on a free port of this machine.
    pub fn node(data: &Path) -> Self {
        Self::node_by(tensor_wasm(), data)
    }

    /// Runs a node of an older release, as [`node`](Self::node) does one of this.
    pub fn older_node(data: &Path) -> Self {
        Self::node_by(older_tensor_wasm(), data)
    }

    fn node_by(mut command: Command, data: &Path) -> Self {
        command
            .args(["node", "--addr=127.0.0.1:0", "--data-dir"])
            .arg(data);
        Self(command)
    }

    /// Serves with this configuration file and no other option.
    pub fn configured(file: &Path) -> Self {
        let mut command = tensor_wasm();
        command.arg("serve").arg("--config").arg(file);
        Self(command)
    }

    /// Serves in this working directory, with no option.
    pub fn within(folder: &Path) -> Self {
        let mut command = tensor_wasm();
        command.arg("serve").current_dir(folder);
        Self(command)
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.0.arg(argument);
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = S>) -> Self {
        self.0.args(arguments);
        self
    }

    /// Sets a variable of the server's environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.0.env(name, value);
        self
    }

    /// Starts it by a shell script whose `exec "$@"` becomes the server, so that the script
    /// can redirect its outputs. What comes after this is added to the shell's command.
    #[must_use]
    pub fn by_script(self, script: &str) -> Self {
        let mut shell = Command::new("bash");
        shell.args(["-c", script, "sh"]).arg(self.0.get_program());
        shell.args(self.0.get_args());
        for (name, value) in self.0.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        Self(shell)
    }

    /// Starts it, and waits for nothing.
    pub fn spawn(mut self) -> Running {
        Running(spawn(&mut self.0))
    }

    /// Starts it, and waits until it says that it is ready.
    ///
    /// # Panics
    /// Where it ends instead, showing what it wrote.
    pub fn start(mut self) -> Server {
        let mut process = spawn(&mut self.0);
        let start = process.wait_until(PATIENCE, Start::parse);
        let start = start.unwrap_or_else(|failed| {
            let why = match failed {
                NotReady::Ended(status) => format!("ended at its start with {status}"),
                failed => format!("did not start: {failed:?}"),
            };
            let (stdout, stderr) = (process.stdout.text(), process.stderr.text());
            panic!("`serve` {why}\n{stdout}{stderr}");
        });
        let client = Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .build()
            .expect("a client without TLS");
        Server {
            process,
            start,
            client,
        }
    }

    /// Runs it to its end, for one that must refuse to serve.
    ///
    /// # Panics
    /// Where it starts to serve instead.
    pub fn refused(mut self) -> Output {
        let mut process = spawn(&mut self.0);
        let serves = process.wait_until(PATIENCE, |stdout| {
            stdout.contains("device ").then(|| stdout.to_owned())
        });
        match serves {
            Err(NotReady::Ended(_)) => output(process),
            Err(failed) => panic!("`serve` neither serves nor refuses: {failed:?}"),
            Ok(stdout) => panic!("it serves:\n{stdout}"),
        }
    }

    /// Runs it to its end.
    ///
    /// # Panics
    /// Where it does not end within [`PATIENCE`].
    pub fn finish(mut self) -> Output {
        finish(&mut self.0)
    }
}

/// A server of whose start nothing is known. Dropping it kills it.
pub struct Running(Process);

impl Running {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.0.stderr.text()
    }

    /// What it has printed so far.
    pub fn printed(&self) -> String {
        self.0.stdout.text()
    }

    /// Sends SIGTERM, and waits for its end.
    ///
    /// # Panics
    /// Where it does not end within [`PATIENCE`].
    pub fn stop(self) -> Output {
        let sent = self.0.signal(Signal::TERM);
        sent.expect("the child is ours to signal");
        output(self.0)
    }
}

/// A server that is up. Dropping it kills it.
pub struct Server {
    process: Process,
    start: Start,
    client: Client,
}

impl Server {
    /// Serves a component with no other option.
    pub fn of(component: impl AsRef<Path>) -> Self {
        Serve::new(component).start()
    }

    /// What it printed at its start.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// Where it serves.
    pub fn address(&self) -> SocketAddr {
        self.start.address
    }

    /// Where it answers the requests of its operator.
    ///
    /// # Panics
    /// Where it was started without `--admin`.
    pub fn admin_address(&self) -> SocketAddr {
        self.start.admin.expect("the server has --admin")
    }

    /// The full address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.start.url)
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// A client that speaks HTTP/2 with prior knowledge.
    ///
    /// # Panics
    /// Where it can't be made.
    pub fn http2(&self) -> Client {
        Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .http2_prior_knowledge()
            .build()
            .expect("a client without TLS")
    }

    /// A connection for plain bytes.
    ///
    /// # Panics
    /// Where nobody listens any more.
    pub fn raw(&self) -> Raw {
        Raw::connect(self.address())
    }

    /// A field of the process's status, in bytes: `VmRSS` is what it holds, `VmHWM` the most that it
    /// has held.
    ///
    /// # Panics
    /// Where the process has ended, or there is no such field.
    pub fn memory_bytes(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let mut lines = status.lines();
        let line = lines.find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        let kibibytes = line.unwrap().trim().strip_suffix("kB").unwrap().trim();
        kibibytes.parse::<u64>().unwrap() << 10
    }

    /// Sends a request without a body, and does not read the response.
    ///
    /// # Panics
    /// Where nobody listens any more.
    pub fn begin(&self, path: &str) -> Raw {
        let mut raw = self.raw();
        raw.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n"));
        raw
    }

    /// A request on this server's client, to be sent with [`send`](Self::send).
    pub fn request(&self, method: reqwest::Method, path: &str) -> RequestBuilder {
        self.client.request(method, self.url(path))
    }

    /// GETs a path.
    ///
    /// # Panics
    /// Where no whole answer comes, showing the log.
    #[track_caller]
    pub fn get(&self, path: &str) -> Reply {
        self.send(self.client.get(self.url(path)))
    }

    /// POSTs bytes to a path.
    ///
    /// # Panics
    /// Where no whole answer comes, showing the log.
    #[track_caller]
    pub fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Reply {
        self.send(self.client.post(self.url(path)).body(body.into()))
    }

    /// Sends a request.
    ///
    /// # Panics
    /// Where no whole answer comes, showing the log.
    #[track_caller]
    pub fn send(&self, request: RequestBuilder) -> Reply {
        match self.try_send(request) {
            Ok(reply) => reply,
            Err(error) => panic!("{error:?}\nthe log of the server:\n{}", self.log()),
        }
    }

    /// Sends a request that may get no whole answer.
    ///
    /// # Errors
    /// Where it got none.
    pub fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Reply> {
        request.send().and_then(Reply::read)
    }

    /// GETs a path of the health routes.
    ///
    /// # Panics
    /// Where the server was started without `--admin`.
    #[track_caller]
    pub fn admin(&self, path: &str) -> Reply {
        let address = self.start.admin.expect("the server has --admin");
        self.send(self.client.get(format!("http://{address}{path}")))
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.process.stderr.text()
    }

    /// Waits until the log holds all of these in one line or several.
    ///
    /// # Panics
    /// Where that does not happen within [`PATIENCE`].
    pub fn log_with(&self, texts: &[&str]) -> String {
        eventually(&format!("a log with {texts:?}"), || {
            let log = self.log();
            texts.iter().all(|text| log.contains(text)).then_some(log)
        })
    }

    /// Sends SIGTERM: it drains and ends.
    pub fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    /// Sends SIGHUP: it reloads its token file.
    pub fn hang_up(&self) {
        self.signal(Signal::HUP);
    }

    /// Sends a signal.
    ///
    /// # Panics
    /// Where the system refuses.
    pub fn signal(&self, signal: Signal) {
        let sent = self.process.signal(signal);
        sent.expect("the child is ours to signal");
    }

    /// Limits how large it can make a file, in bytes.
    ///
    /// # Panics
    /// Where the system refuses.
    pub fn limit_file_size(&self, bytes: u64) {
        let limited = self.process.limit_file_size(bytes);
        limited.expect("the child is ours to limit");
    }

    /// Waits for its end.
    pub fn wait(self) -> Output {
        output(self.process)
    }

    /// Asks it to end, and waits for it.
    pub fn stop(self) -> Output {
        self.terminate();
        self.wait()
    }
}

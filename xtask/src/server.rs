//! A server as a child process: started on a free port, waited for until it
//! says that it listens, stopped by SIGTERM, and killed where it is forgotten.

use std::{
    collections::VecDeque,
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::steps::described;

/// How long a server may take to start: it compiles a component first.
const START: Duration = Duration::from_secs(120);

/// How many lines of a server's output are kept for when it fails.
const KEPT_LINES: usize = 200;

/// Whose server it is, by what it says when it listens.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    /// Ours: `listening on http://…`, and the line about the device last.
    TensorWasm,
    /// `Serving HTTP on http://…/`.
    Wasmtime,
}

/// A running server.
pub struct Server {
    child: Child,
    address: SocketAddr,
    start_lines: Vec<String>,
    recent: Arc<Mutex<VecDeque<String>>>,
}

impl Server {
    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// Where it cannot be started, ends at once, or does not listen in time;
    /// with what it said.
    pub fn start(command: &mut Command, kind: Kind) -> Result<Self> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", described(command)))?;
        let recent = Arc::new(Mutex::new(VecDeque::new()));
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            follow(stdout, sender.clone(), Arc::clone(&recent));
        }
        if let Some(stderr) = child.stderr.take() {
            follow(stderr, sender, Arc::clone(&recent));
        }
        // From here on the child is killed where this function fails.
        let mut server = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            start_lines: Vec::new(),
            recent,
        };
        let deadline = Instant::now() + START;
        let mut listening = None;
        loop {
            let line = match lines.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => bail!(
                    "{} does not listen after {START:?}; it said:\n{}",
                    described(command),
                    server.recent_output()
                ),
                Err(RecvTimeoutError::Disconnected) => {
                    let status = server.child.wait()?;
                    bail!(
                        "{} ended ({status}) before it listened; it said:\n{}",
                        described(command),
                        server.recent_output()
                    )
                }
            };
            listening = listening.or_else(|| address(kind, &line));
            let last = kind == Kind::Wasmtime || line.starts_with("device ");
            server.start_lines.push(line);
            if let (Some(address), true) = (listening, last) {
                server.address = address;
                return Ok(server);
            }
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it said when it started.
    pub fn start_lines(&self) -> &[String] {
        &self.start_lines
    }

    /// The most memory that it has held so far, in bytes, where the system
    /// tells (Linux does).
    pub fn peak_resident_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        peak_resident(&status)
    }

    /// What it said last, for a report of a failure.
    pub fn recent_output(&self) -> String {
        self.recent
            .lock()
            .map(|lines| lines.iter().cloned().collect::<Vec<_>>().join("\n"))
            .unwrap_or_default()
    }

    /// Asks it to end by SIGTERM, and waits.
    ///
    /// # Errors
    /// Where it does not end within `limit`.
    pub fn stop(mut self, limit: Duration) -> Result<ExitStatus> {
        kill_process(Pid::from_child(&self.child), Signal::TERM)?;
        let deadline = Instant::now() + limit;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            if Instant::now() > deadline {
                bail!("the server has not ended {limit:?} after SIGTERM");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            // Nothing is left to do where even this fails.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn follow<R: Read + Send + 'static>(
    stream: R,
    to: Sender<String>,
    recent: Arc<Mutex<VecDeque<String>>>,
) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if let Ok(mut recent) = recent.lock() {
                if recent.len() == KEPT_LINES {
                    recent.pop_front();
                }
                recent.push_back(line.clone());
            }
            // Nobody listens any more once the server runs; its output must
            // still be read, or it would block on a full pipe.
            let _ = to.send(line);
        }
    });
}

fn address(kind: Kind, line: &str) -> Option<SocketAddr> {
    let said = match kind {
        Kind::TensorWasm => line.strip_prefix("listening on http://"),
        Kind::Wasmtime => line.strip_prefix("Serving HTTP on http://"),
    };
    said?.trim_end_matches('/').parse().ok()
}

fn peak_resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_server_that_ends_at_once_is_reported_with_what_it_said() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo 'error: the port is busy' >&2; exit 3"]);
        let error = Server::start(&mut command, Kind::TensorWasm).err().unwrap();
        let message = error.to_string();
        assert!(message.contains("exit status: 3"), "{message}");
        assert!(message.contains("the port is busy"), "{message}");
    }

    #[test]
    fn a_server_is_ready_after_its_last_start_line_and_stops_on_sigterm() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "trap 'exit 0' TERM; echo 'listening on http://127.0.0.1:4711'; \
             echo 'device cpu: x, 2 threads'; while :; do sleep 0.01; done",
        ]);
        let server = Server::start(&mut command, Kind::TensorWasm).unwrap();
        assert_eq!(server.address(), "127.0.0.1:4711".parse().unwrap());
        assert_eq!(server.start_lines().len(), 2);
        assert!(server.stop(Duration::from_secs(60)).unwrap().success());
    }

    #[test]
    fn the_listening_address_of_both_servers_is_parsed() {
        let expected = Some("127.0.0.1:80".parse().unwrap());
        let ours = "listening on http://127.0.0.1:80";
        assert_eq!(address(Kind::TensorWasm, ours), expected);
        let theirs = "Serving HTTP on http://127.0.0.1:80/";
        assert_eq!(address(Kind::Wasmtime, theirs), expected);
    }

    #[test]
    fn peak_memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t    12 kB\nVmRSS:\t 8 kB\n";
        assert_eq!(peak_resident(status), Some(12 * 1024));
    }
}

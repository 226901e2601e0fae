//! A server as a child process: started on a free port, waited for until it
//! says that it listens, stopped by SIGTERM, and killed where it is forgotten.

use std::{
    fs,
    net::SocketAddr,
    process::{Command, ExitStatus},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tensor_wasm_test_process::{NotReady, Process, Signal, Start};

use crate::steps::described;

/// How long a server may take to start: it compiles a component first, which may contain an
/// interpreter, on a machine that is busy.
const START: Duration = Duration::from_secs(600);

/// How many lines of a server's output are shown when it fails.
const SHOWN_LINES: usize = 200;

/// Whose server it is, by what it says when it listens.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ServerKind {
    /// Ours: `listening on http://…`, and the line about the device last.
    TensorWasm,
    /// `Serving HTTP on http://…/`.
    Wasmtime,
}

/// A running server.
pub struct Server {
    process: Process,
    address: SocketAddr,
}

impl Server {
    /// Starts a server and waits until it listens.
    ///
    /// # Errors
    /// Where it cannot be started, ends at once, or does not listen in time;
    /// with what it said.
    pub fn start(command: &mut Command, kind: ServerKind) -> Result<Self> {
        let mut process = Process::spawn(command)
            .with_context(|| format!("cannot start {}", described(command)))?;
        let listening = match kind {
            ServerKind::TensorWasm => {
                process.wait_until(START, |text| Some(Start::parse(text)?.address))
            }
            ServerKind::Wasmtime => {
                let errors = process.stderr.clone();
                process.wait_until(START, |text| {
                    wasmtimes_address(text).or_else(|| wasmtimes_address(&errors.text()))
                })
            }
        };
        let why = match listening {
            Ok(address) => return Ok(Self { process, address }),
            Err(NotReady::Ended(status)) => format!("ended ({status}) before it listened"),
            Err(NotReady::Late) => format!("does not listen after {START:?}"),
            Err(NotReady::System(error)) => return Err(error.into()),
        };
        bail!(
            "{} {why}; it said:\n{}",
            described(command),
            recent_output(&process)
        )
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process's number.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Everything that it has written so far, standard error last.
    pub fn said(&self) -> String {
        self.process.stdout.text() + &self.process.stderr.text()
    }

    /// What it has written to standard output so far: after its start, the lines
    /// about that.
    pub fn output(&self) -> String {
        self.process.stdout.text()
    }

    /// The most memory that it has held so far, in bytes, where the system
    /// tells (Linux does).
    pub fn peak_resident_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        peak_resident(&status)
    }

    /// What it said last, for a report of a failure.
    pub fn recent_output(&self) -> String {
        recent_output(&self.process)
    }

    /// Asks it to end by SIGTERM, and waits.
    ///
    /// # Errors
    /// Where it does not end within `limit`.
    pub fn stop(mut self, limit: Duration) -> Result<ExitStatus> {
        self.process.signal(Signal::TERM)?;
        match self.process.wait(limit)? {
            Some(status) => Ok(status),
            None => bail!("the server has not ended {limit:?} after SIGTERM"),
        }
    }
}

/// The last lines of both outputs.
fn recent_output(process: &Process) -> String {
    let text = process.stdout.text() + &process.stderr.text();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
}

fn wasmtimes_address(text: &str) -> Option<SocketAddr> {
    let lines = text.split_inclusive('\n');
    lines
        .filter_map(|line| line.strip_suffix('\n'))
        .find_map(|line| line.strip_prefix("Serving HTTP on http://"))?
        .trim_end_matches('/')
        .parse()
        .ok()
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
        let error = Server::start(&mut command, ServerKind::TensorWasm)
            .err()
            .unwrap();
        let message = error.to_string();
        assert!(message.contains("exit status: 3"), "{message}");
        assert!(message.contains("the port is busy"), "{message}");
    }

    #[test]
    fn a_server_is_ready_after_its_last_start_line_and_stops_on_sigterm() {
        let lines = "listening on http://127.0.0.1:4711\ncomponent x\ngranted none\ndenied none\ndevice none";
        let script = "trap 'exit 0' TERM; echo \"$0\"; while :; do sleep 0.01; done";
        let mut command = Command::new("sh");
        command.args(["-c", script, lines]);
        let server = Server::start(&mut command, ServerKind::TensorWasm).unwrap();
        assert_eq!(server.address(), "127.0.0.1:4711".parse().unwrap());
        assert_eq!(server.output().lines().count(), 5);
        assert!(server.stop(Duration::from_secs(60)).unwrap().success());
    }

    #[test]
    fn the_listening_address_of_wasmtime_is_parsed() {
        let text = "Serving HTTP on http://127.0.0.1:80/\n";
        assert_eq!(
            wasmtimes_address(text),
            Some("127.0.0.1:80".parse().unwrap())
        );
        assert_eq!(
            wasmtimes_address("Serving HTTP on http://127.0.0.1:8"),
            None
        );
    }

    #[test]
    fn peak_memory_is_read_in_bytes() {
        let status = "Name:\tx\nVmPeak:\t  900 kB\nVmHWM:\t    12 kB\nVmRSS:\t 8 kB\n";
        assert_eq!(peak_resident(status), Some(12 * 1024));
    }
}

//! A worker's process: how it is started, what it inherits (nothing but the shared
//! memory and one socket), and how its end is noticed.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::channel::Listener;
use crate::channel::wire::{WorkerDevice, short};
use crate::sync::lock;

/// What of the host's environment a worker gets: where the driver is found and
/// which devices it shows.
const INHERITED: &[&str] = &[
    "LD_LIBRARY_PATH",
    SHOWN_DEVICES,
    "CUDA_DEVICE_ORDER",
    "NVIDIA_VISIBLE_DEVICES",
];

/// By which a driver is told what devices to show.
pub(super) const SHOWN_DEVICES: &str = "CUDA_VISIBLE_DEVICES";

/// By which a driver is told where the daemon of MPS is (Multi-Process Service), and a folder in which
/// there is none. Without it, the driver would ask the daemon of the machine, where one runs: tenants
/// would share one context on the device, and the fault of one would be that of all. Nobody can make
/// this folder; and it is not there rather than out of reach, for a driver takes only that for an answer.
const MPS: (&str, &str) = ("CUDA_MPS_PIPE_DIRECTORY", "/proc/no-mps");

/// The longest line of a worker that is logged whole, in bytes.
const LONGEST_LINE: u64 = 2048;

/// Lines that are logged in a second: a kernel can print without end.
const LINES_PER_SECOND: u32 = 100;

/// How long more than that waits, for each buffer that is read.
const THROTTLE: Duration = Duration::from_millis(20);
const BUFFER: usize = 64 << 10;

/// What the driver takes of a device's memory for each worker, about, in bytes: its context. It differs
/// between devices and drivers, some 250 to 600 MiB.
pub(super) const CONTEXT_BYTES: u64 = 512 << 20;

/// A worker's process. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    id: u32,
    handle: OwnedFd,
    end: Arc<ProcessEnd>,
    /// The worker ends by itself when the other end of its standard output closes.
    _lifeline: UnixStream,
}

/// The end of a process: how it came, once the process is reaped. What it held of a device is free
/// then, and not before.
#[derive(Debug, Default)]
struct ProcessEnd {
    how: Mutex<Option<String>>,
    came: Condvar,
}

/// The command of a worker or of a probe, with an environment that is cleared.
pub(super) fn command(program: &[OsString]) -> std::io::Result<Command> {
    let (program, arguments) = program
        .split_first()
        .ok_or_else(|| std::io::Error::other("no program is set for device workers"))?;
    let mut command = Command::new(program);
    command.args(arguments).env_clear().current_dir("/");
    command.env(MPS.0, MPS.1);
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    Ok(command)
}

impl Process {
    /// Starts a worker. `name` is its tenant's, for the log. The worker ends with the calling thread,
    /// which the kernel takes for its parent (`PR_SET_PDEATHSIG`).
    ///
    /// # Errors
    /// Where the operating system gives no process.
    pub(super) fn start(
        program: &[OsString],
        device: &WorkerDevice,
        file: OwnedFd,
        listener: &Listener,
        name: &str,
    ) -> std::io::Result<Process> {
        let (ours, theirs) = UnixStream::pair()?;
        let mut command = command(program)?;
        if let WorkerDevice::Cuda(device) = device {
            // The driver shows it this one, as number 0, and opens no other.
            command.env(SHOWN_DEVICES, device.uuid.to_string());
            // How many queues of the device its streams are spread over: the most that there are, since
            // streams that share one wait for each other.
            command.env("CUDA_DEVICE_MAX_CONNECTIONS", "32");
        }
        let child = command
            // As lists of processes show it.
            .arg0(format!("tensor-wasm: device of tenant {name}"))
            .stdin(Stdio::from(file))
            .stderr(Stdio::from(OwnedFd::from(theirs.try_clone()?)))
            .stdout(Stdio::from(OwnedFd::from(theirs)))
            .spawn()?;
        let end = Arc::new(ProcessEnd::default());
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| std::io::Error::other("a process without a number"))?;
        let handle = pidfd_open(pid, PidfdFlags::empty())?;
        let id = child.id();
        let log = OutputLog {
            child,
            handle: handle.try_clone()?,
            output: ours.try_clone()?,
            end: Arc::clone(&end),
            listener: listener.clone(),
            name: name.to_owned(),
        };
        std::thread::Builder::new()
            .name("device-worker-log".to_owned())
            .spawn(move || log.run())?;
        Ok(Process {
            id,
            handle,
            end,
            _lifeline: ours,
        })
    }

    /// How much of the host's memory it has now, in bytes; `None` where the system does
    /// not say.
    pub(super) fn memory_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        kibibytes.checked_mul(1024)
    }

    /// How it ended, if it has.
    pub(super) fn ended(&self) -> Option<String> {
        lock(&self.end.how).clone()
    }

    /// Waits until it has ended, no longer than that; whether it has.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let runs = |how: &mut Option<String>| how.is_none();
        let waited = self
            .end
            .came
            .wait_timeout_while(lock(&self.end.how), limit, runs);
        let (how, _) = waited.unwrap_or_else(PoisonError::into_inner);
        how.is_some()
    }

    /// Ends it at once.
    pub(super) fn kill(&self) {
        // It fails where the process is gone already.
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What the thread that logs a worker's output has.
struct OutputLog {
    child: Child,
    handle: OwnedFd,
    output: UnixStream,
    end: Arc<ProcessEnd>,
    listener: Listener,
    name: String,
}

impl OutputLog {
    fn run(mut self) {
        // A bug of ours: the panic is logged, and the worker ended like one that says no more.
        let _ = catch_unwind(AssertUnwindSafe(|| self.log()));
        // Nothing is heard from it any more: whatever it still does, it does for
        // nobody.
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
        let how = match self.child.wait() {
            Ok(status) => describe(status),
            Err(error) => format!("ended in a way that can't be told: {error}"),
        };
        tracing::debug!(tenant = self.name, "a device worker {how}");
        *lock(&self.end.how) = Some(how);
        self.end.came.notify_all();
        self.listener.poke();
    }

    /// Logs what it writes: what kernels print, and what the driver complains of.
    fn log(&self) {
        let mut output = BufReader::with_capacity(BUFFER, &self.output);
        let mut line = Vec::new();
        let (mut second, mut lines, mut left_out) = (Instant::now(), 0, 0_u64);
        loop {
            line.clear();
            match output
                .by_ref()
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)
            {
                Ok(0) => return,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => return,
                Ok(_) => {}
            }
            if second.elapsed() >= Duration::from_secs(1) {
                if left_out > 0 {
                    tracing::warn!(tenant = self.name, left_out, "lines of a device worker");
                }
                (second, lines, left_out) = (Instant::now(), 0, 0);
            }
            lines += 1;
            if lines > LINES_PER_SECOND {
                // What a kernel prints without end waits, and costs the host little; not
                // line by line, for the end of the process is noticed behind it.
                let rest = output.fill_buf().unwrap_or_default();
                left_out += 1 + rest.iter().filter(|byte| **byte == b'\n').count() as u64;
                let bytes = rest.len();
                output.consume(bytes);
                std::thread::sleep(THROTTLE);
                continue;
            }
            let text = short(String::from_utf8_lossy(&line).trim_end().to_owned());
            tracing::info!(tenant = self.name, output = text, "device worker");
        }
    }
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::path::Path;

    use super::*;

    #[test]
    fn neither_a_probe_nor_a_worker_finds_a_daemon_of_mps() {
        let command = command(&["worker".into()]).unwrap();
        let mut variables = command.get_envs();
        let (_, folder) = variables.find(|(name, _)| *name == MPS.0).unwrap();
        let folder = Path::new(folder.unwrap());
        let missing = std::fs::metadata(folder).unwrap_err();
        assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
        assert!(folder.is_absolute() && std::fs::create_dir_all(folder).is_err());
    }
}

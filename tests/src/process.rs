//! A child process that does not outlive its test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};

use crate::wait::eventually;

/// What a process has written to one of its outputs so far.
#[derive(Clone, Default)]
pub struct Written(Arc<Mutex<String>>);

impl Written {
    pub fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }

    fn append(&self, text: &str) {
        self.0.lock().unwrap().push_str(text);
    }
}

/// A running process whose outputs are collected. Dropping it kills it.
pub struct Process {
    child: Child,
    pub stdout: Written,
    pub stderr: Written,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    pub fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("can't start {command:?}: {error}"));
        let (stdout, stderr) = (Written::default(), Written::default());
        let readers = vec![
            collect(child.stdout.take().expect("piped"), stdout.clone()),
            collect(child.stderr.take().expect("piped"), stderr.clone()),
        ];
        Self {
            child,
            stdout,
            stderr,
            readers,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn exited(&mut self) -> Option<ExitStatus> {
        self.child
            .try_wait()
            .expect("the child is ours to wait for")
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the child is ours to signal");
    }

    /// Waits for its end, and for the last of its outputs.
    pub fn wait(&mut self) -> ExitStatus {
        let status = eventually("the process to end", || self.exited());
        for reader in self.readers.drain(..) {
            reader.join().expect("the reader does not panic");
        }
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails only where it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(from: impl Read + Send + 'static, to: Written) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut lines = BufReader::new(from);
        let mut line = Vec::new();
        while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
            to.append(&String::from_utf8_lossy(&line));
            line.clear();
        }
    })
}

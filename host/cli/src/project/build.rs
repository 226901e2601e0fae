//! Running the command that builds a project's component.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use tensor_wasm_runtime::{InspectError, Inspection, inspect};
use thiserror::Error;

use super::Project;

/// How much of a command's output is kept, from its end.
const KEPT_BYTES: usize = 256 << 10;

/// How often a running command is asked whether it has ended, and whether it should.
const ASKED_EVERY: Duration = Duration::from_millis(20);

/// What becomes of the command's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// It goes where this program's own goes.
    Inherited,
    /// It goes to standard error, and is kept too.
    Kept,
}

/// A component that was built.
#[derive(Debug)]
pub struct Built {
    pub bytes: Vec<u8>,
    pub inspection: Inspection,
    pub took: Duration,
}

/// Why there is no component.
#[derive(Debug, Error)]
pub enum BuildFailure {
    /// The program of the command can't be started.
    #[error("can't run `{program}`, the program of `build.command`: {source}{}", hint(.source))]
    NotStarted { program: String, source: io::Error },
    /// The command has failed. `said` is what it wrote, where it was kept.
    #[error("`{command}` failed ({status})")]
    Failed {
        command: String,
        status: ExitStatus,
        said: String,
    },
    /// The command has succeeded, and there is no file.
    #[error(
        "`{command}` succeeded, and left no {}: does `build.component` name what it makes?",
        path.display()
    )]
    NoComponent { command: String, path: PathBuf },
    /// There is a file, which can't be read.
    #[error("can't read {}: {source}", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    /// There is a file that is no component.
    #[error("{}: {source}", path.display())]
    Invalid { path: PathBuf, source: InspectError },
    /// The program that asked for it ends.
    #[error("the build was stopped")]
    Stopped,
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => " (install it, or activate the environment that has it)",
        _ => "",
    }
}

impl Project {
    /// Builds the component. `stop` is asked while it builds, and ends the command.
    ///
    /// # Errors
    ///
    /// [`BuildFailure`]
    pub fn build(&self, output: Output, stop: impl Fn() -> bool) -> Result<Built, BuildFailure> {
        let began = Instant::now();
        let program = self.command.first().cloned().unwrap_or_default();
        let arguments = self.command.iter().skip(1);
        let command = self.command.join(" ");
        let mut child = Command::new(&program);
        child
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        if output == Output::Kept {
            child.stdout(Stdio::piped()).stderr(Stdio::piped());
            if io::stderr().is_terminal() && std::env::var_os("CARGO_TERM_COLOR").is_none() {
                child.env("CARGO_TERM_COLOR", "always");
            }
        }
        let mut child = child.spawn().map_err(|source| BuildFailure::NotStarted {
            program: program.clone(),
            source,
        })?;
        let said = Mutex::new(Tail::default());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let status = thread::scope(|scope| {
            if let Some(stdout) = stdout {
                scope.spawn(|| pass_on(stdout, &said));
            }
            if let Some(stderr) = stderr {
                scope.spawn(|| pass_on(stderr, &said));
            }
            wait(&mut child, stop)
        });
        let status = status
            .map_err(|source| BuildFailure::NotStarted {
                program: program.clone(),
                source,
            })?
            .ok_or(BuildFailure::Stopped)?;
        if !status.success() {
            let said = said.into_inner().unwrap_or_default().text();
            return Err(BuildFailure::Failed {
                command,
                status,
                said,
            });
        }
        let path = self.component.clone();
        let bytes = std::fs::read(&path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => BuildFailure::NoComponent {
                command,
                path: path.clone(),
            },
            _ => BuildFailure::Unreadable {
                path: path.clone(),
                source,
            },
        })?;
        let inspection =
            inspect(&bytes).map_err(|source| BuildFailure::Invalid { path, source })?;
        Ok(Built {
            bytes,
            inspection,
            took: began.elapsed(),
        })
    }
}

/// Waits for a command, or ends it: then there is no status.
fn wait(child: &mut Child, stop: impl Fn() -> bool) -> io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if stop() {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(ASKED_EVERY);
    }
}

/// Shows what a command writes, and keeps the end of it.
fn pass_on(from: impl Read, said: &Mutex<Tail>) {
    let mut lines = BufReader::new(from);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A line may be without an end: no more is held than is kept.
        let read = lines
            .by_ref()
            .take(KEPT_BYTES as u64)
            .read_until(b'\n', &mut line);
        if !matches!(read, Ok(1..)) {
            return;
        }
        let text = String::from_utf8_lossy(&line);
        tell!("{}", text.trim_end_matches('\n'));
        if let Ok(mut said) = said.lock() {
            said.push(text.into_owned());
        }
    }
}

/// The end of a text, line by line.
#[derive(Debug, Default)]
struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
}

impl Tail {
    fn push(&mut self, line: String) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.bytes > KEPT_BYTES {
            match self.lines.pop_front() {
                Some(first) => self.bytes -= first.len(),
                None => return,
            }
        }
    }

    fn text(self) -> String {
        self.lines.into_iter().collect()
    }
}

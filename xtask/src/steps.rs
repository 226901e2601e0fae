//! Progress that a reader can follow: numbered steps, each with the time it
//! took. On a terminal the running step shows what its child says last; in a
//! log it prints plain lines, and a sign of life every half minute.
//!
//! A child's output is kept, and shown only where the child fails, except for
//! steps whose output is the point of running them ([`Step::run_shown`]).

use std::{
    fmt::Display,
    io::{BufRead, BufReader, IsTerminal, Read},
    process::{Command, Stdio},
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};

/// How often a silent step shows in a log that it is still alive.
const SIGN_OF_LIFE: Duration = Duration::from_secs(30);

/// A command's steps, counted.
pub struct Steps {
    total: usize,
    begun: usize,
    started: Instant,
}

impl Steps {
    /// Begins a command of `total` steps.
    pub fn new(total: usize) -> Self {
        Self {
            total,
            begun: 0,
            started: Instant::now(),
        }
    }

    /// Begins the next step.
    pub fn begin(&mut self, title: &str) -> Step {
        self.begun += 1;
        let label = format!("[{}/{}] {title}", self.begun, self.total);
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner().with_style(
                ProgressStyle::with_template("{spinner} {prefix} ({elapsed}) {wide_msg:.dim}")
                    .unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar.set_prefix(label.clone());
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            eprintln!("{label} …");
        }
        Step {
            label,
            started: Instant::now(),
            bar,
        }
    }

    /// The time since the first step began.
    pub fn elapsed(&self) -> Elapsed {
        Elapsed(self.started.elapsed())
    }
}

/// A time as people say it: `0.4 s`, `12.3 s`, `2 min 5 s`.
#[derive(Clone, Copy)]
pub struct Elapsed(pub Duration);

impl Display for Elapsed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seconds = self.0.as_secs();
        if seconds < 100 {
            write!(f, "{:.1} s", self.0.as_secs_f64())
        } else {
            write!(f, "{} min {} s", seconds / 60, seconds % 60)
        }
    }
}

/// One running step.
pub struct Step {
    label: String,
    started: Instant,
    bar: Option<ProgressBar>,
}

/// What a child that succeeded has said.
pub struct Captured {
    /// The lines of its standard output.
    pub stdout: Vec<String>,
}

/// Whether a child's lines are passed on as they come.
#[derive(Clone, Copy, PartialEq)]
enum Show {
    OnFailure,
    Always,
}

enum Line {
    Out(String),
    Err(String),
}

impl Step {
    /// Runs a child to its end, and shows its output only where it fails.
    ///
    /// # Errors
    /// Where the child cannot be started or does not succeed.
    pub fn run(&self, command: &mut Command) -> Result<Captured> {
        let (captured, success) = self.drive(command, Show::OnFailure, &mut |_| {})?;
        if !success {
            bail!("{} failed: {}", self.label, described(command));
        }
        Ok(captured)
    }

    /// Runs a child whose output is passed on as it comes, `each` line of both
    /// streams seen on its way. Returns whether the child succeeded.
    ///
    /// # Errors
    /// Where the child cannot be started.
    pub fn run_shown(&self, command: &mut Command, each: &mut dyn FnMut(&str)) -> Result<bool> {
        Ok(self.drive(command, Show::Always, each)?.1)
    }

    /// Runs a child whose output is shown only where it fails, `each` line of both streams seen on
    /// its way. Returns whether the child succeeded.
    ///
    /// # Errors
    /// Where the child cannot be started.
    pub fn run_quietly(&self, command: &mut Command, each: &mut dyn FnMut(&str)) -> Result<bool> {
        Ok(self.drive(command, Show::OnFailure, each)?.1)
    }

    fn drive(
        &self,
        command: &mut Command,
        show: Show,
        each: &mut dyn FnMut(&str),
    ) -> Result<(Captured, bool)> {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", described(command)))?;
        let (sender, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            forward(stdout, sender.clone(), Line::Out);
        }
        if let Some(stderr) = child.stderr.take() {
            forward(stderr, sender, Line::Err);
        }

        let mut stdout = Vec::new();
        let mut said = Vec::new();
        loop {
            let line = match lines.recv_timeout(SIGN_OF_LIFE) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    self.show_life(said.last());
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let text = match line {
                Line::Out(text) => {
                    stdout.push(text.clone());
                    // Messages between programs tell a reader nothing.
                    if text.starts_with('{') {
                        continue;
                    }
                    text
                }
                Line::Err(text) => text,
            };
            each(&text);
            match show {
                Show::Always => self.print(&text),
                Show::OnFailure => {
                    if let Some(bar) = &self.bar {
                        bar.set_message(text.trim().to_owned());
                    }
                    said.push(text);
                }
            }
        }
        let status = child.wait()?;
        if !status.success() {
            for line in &said {
                self.print(line);
            }
        }
        Ok((Captured { stdout }, status.success()))
    }

    /// Prints a line above the running step.
    pub fn print(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// Says what the step is at now; shown on a terminal only.
    pub fn at(&self, message: impl Display) {
        if let Some(bar) = &self.bar {
            bar.set_message(message.to_string());
        }
    }

    /// Ends the step with what came of it.
    pub fn done(self, outcome: impl Display) {
        let line = format!(
            "{}: {outcome} ({})",
            self.label,
            Elapsed(self.started.elapsed())
        );
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        eprintln!("{line}");
    }

    fn show_life(&self, last: Option<&String>) {
        if self.bar.is_none() {
            eprintln!(
                "{} … {}{}",
                self.label,
                Elapsed(self.started.elapsed()),
                last.map(|line| format!(", at: {}", line.trim()))
                    .unwrap_or_default(),
            );
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn forward<R: Read + Send + 'static>(stream: R, to: Sender<Line>, wrap: fn(String) -> Line) {
    thread::spawn(move || {
        let mut reader = BufReader::new(stream);
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            match reader.read_until(b'\n', &mut bytes) {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            let line = String::from_utf8_lossy(&bytes);
            if to.send(wrap(line.trim_end().to_owned())).is_err() {
                return;
            }
        }
    });
}

/// The command as a reader could type it.
pub fn described(command: &Command) -> String {
    let mut words = vec![shown(command.get_program())];
    words.extend(command.get_args().map(shown));
    words.join(" ")
}

fn shown(word: &std::ffi::OsStr) -> String {
    let word = word.to_string_lossy();
    // The toolchain's own cargo is given by its full path; readers type `cargo`.
    if word.ends_with("/bin/cargo") {
        "cargo".to_owned()
    } else {
        word.into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_formatted_in_readable_units() {
        let said = |millis| Elapsed(Duration::from_millis(millis)).to_string();
        assert_eq!(said(420), "0.4 s");
        assert_eq!(said(12_340), "12.3 s");
        assert_eq!(said(125_000), "2 min 5 s");
    }
}

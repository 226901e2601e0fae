//! The progress of an upload or a download, on standard error where that is a terminal.

use std::io::{self, IsTerminal, Read};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the time that the node takes is shown anew.
const TICK: Duration = Duration::from_millis(120);

/// A progress bar, or nothing where nobody would see it.
pub struct Progress {
    bar: ProgressBar,
    /// What is shown once all is sent.
    sent: &'static str,
}

impl Progress {
    /// Begins to show how much of so many bytes was sent, and `sent` once all of them are.
    pub fn start(name: &str, length: Option<u64>, sent: &'static str) -> Self {
        if !io::stderr().is_terminal() {
            let bar = ProgressBar::hidden();
            return Self { bar, sent };
        }
        let (bar, template) = match length {
            Some(length) => (
                ProgressBar::new(length),
                "{prefix}: {bar:30} {bytes} of {total_bytes}, {elapsed} {msg}",
            ),
            None => (
                ProgressBar::no_length(),
                "{prefix}: {spinner} {bytes}, {elapsed} {msg}",
            ),
        };
        let style = ProgressStyle::with_template(template);
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_prefix(name.to_owned());
        bar.enable_steady_tick(TICK);
        Self { bar, sent }
    }

    /// A reader whose bytes count.
    pub fn read<R: Read + Send + 'static>(&self, reader: R) -> impl Read + Send + use<R> {
        Counted {
            reader,
            bar: self.bar.clone(),
            sent: self.sent,
        }
    }

    /// Counts bytes.
    pub fn add(&self, count: u64) {
        self.bar.inc(count);
    }

    /// Counts from this byte on.
    pub fn set_position(&self, position: u64) {
        self.bar.set_position(position);
    }

    /// How many bytes there will be.
    pub fn set_length(&self, length: u64) {
        self.bar.set_length(length);
    }

    /// Takes the bar away, for what comes after it.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }
}

/// A reader that moves the bar.
struct Counted<R> {
    reader: R,
    bar: ProgressBar,
    sent: &'static str,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        if count == 0 {
            self.bar.set_message(self.sent);
        }
        self.bar.inc(count as u64);
        Ok(count)
    }
}

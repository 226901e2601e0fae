//! The buffer of lines that are not written yet. A sink may write part of a line and then
//! fail: the part is truncated, or, where that is impossible, the rest follows once the
//! sink recovers. Either way a log never has an incomplete line in its middle.

use std::collections::VecDeque;
use std::io;

use super::queue::Done;
use super::sink::Sink;

/// Lines that are not written yet, or not synced to the disk.
#[derive(Debug, Default)]
pub(super) struct LineBuffer {
    /// The lines, each with its newline.
    bytes: Vec<u8>,
    lines: VecDeque<Line>,
    /// How many of the bytes are written: fewer than the first line has.
    sent: usize,
    /// How many bytes of an incomplete line are at the end of the log and have to be
    /// truncated first.
    to_truncate: u64,
    /// Whether something was written and not synced.
    unsynced: bool,
    /// The senders that are used once it is.
    waiting: Vec<Done>,
}

#[derive(Debug)]
struct Line {
    length: usize,
    done: Option<Done>,
}

impl LineBuffer {
    /// Adds a line, which `write` appends to the bytes that it is given.
    pub fn add(
        &mut self,
        done: Option<Done>,
        write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<()> {
        let start = self.bytes.len();
        write(&mut self.bytes)?;
        let length = self.bytes.len() - start;
        self.lines.push_back(Line { length, done });
        Ok(())
    }

    /// How many lines are not written yet.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Writes all lines, and syncs them to the disk where `sync` says so. Returns how many
    /// were written, and the error where that is not all.
    pub fn flush(&mut self, sink: &mut dyn Sink, sync: bool) -> (u64, io::Result<()>) {
        let before = self.lines.len();
        let mut result = self.write(sink);
        if result.is_ok() && sync && self.unsynced {
            result = sink.sync();
            self.unsynced = result.is_err();
        }
        if result.is_ok() {
            for done in self.waiting.drain(..) {
                // The request may have been dropped.
                let _ = done.send(());
            }
        } else {
            self.release();
        }
        ((before - self.lines.len()) as u64, result)
    }

    /// Releases the requests that wait, since the disk may never recover.
    pub fn release(&mut self) {
        self.waiting.clear();
        for line in &mut self.lines {
            line.done = None;
        }
    }

    /// Continues in another sink, which gets each line from its beginning.
    pub fn restart(&mut self) {
        self.sent = 0;
        self.to_truncate = 0;
    }

    fn write(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        if self.to_truncate > 0 {
            sink.truncate(self.to_truncate)?;
            self.to_truncate = 0;
        }
        let result = loop {
            let rest = self.bytes.get(self.sent..).unwrap_or_default();
            if rest.is_empty() {
                break Ok(());
            }
            match sink.write(rest) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.remove_written();
        if result.is_err() && self.sent > 0 {
            let half = self.sent as u64;
            match sink.truncate(half) {
                Ok(true) => self.sent = 0,
                // The rest of the line follows.
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(%error, "an incomplete line of the audit log can't be truncated yet");
                    self.sent = 0;
                    self.to_truncate = half;
                }
            }
        }
        result
    }

    /// Removes the lines that are written.
    fn remove_written(&mut self) {
        let mut out = 0;
        while let Some(line) = self.lines.front()
            && line.length <= self.sent
        {
            self.sent -= line.length;
            out += line.length;
            self.unsynced = true;
            if let Some(line) = self.lines.pop_front() {
                self.waiting.extend(line.done);
            }
        }
        self.bytes.drain(..out);
    }
}

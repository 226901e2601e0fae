//! Lines on their way out. A place may take half a line and then fail: the half is
//! taken back, or, where that is impossible, the other half follows once the place
//! recovers. Either way there is never half a line in the middle of a log.

use std::collections::VecDeque;
use std::io;

use super::queue::Done;
use super::sink::Sink;

/// Lines that are not written, or not on the disk, yet.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// The lines, each with its newline.
    bytes: Vec<u8>,
    lines: VecDeque<Line>,
    /// How many of the bytes are out: less than the first line's.
    sent: usize,
    /// How many bytes of half a line stand at the log's end and must go first.
    to_take_back: u64,
    /// Whether something was written that is not known to be on the disk.
    unsynced: bool,
    /// Who waits until it is.
    waiting: Vec<Done>,
}

#[derive(Debug)]
struct Line {
    length: usize,
    done: Option<Done>,
}

impl Outgoing {
    /// Adds a line, which `write` puts at the end of the bytes that it is given.
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

    /// How many lines are not written.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Writes all lines, and has them reach the disk where that is asked for.
    /// Returns how many were written, and why not more.
    pub fn flush(&mut self, sink: &mut dyn Sink, sync: bool) -> (u64, io::Result<()>) {
        let before = self.lines.len();
        let mut result = self.write(sink);
        if result.is_ok() && sync && self.unsynced {
            result = sink.sync();
            self.unsynced = result.is_err();
        }
        if result.is_ok() {
            for done in self.waiting.drain(..) {
                // The request may have been given up.
                let _ = done.send(());
            }
        } else {
            self.release();
        }
        ((before - self.lines.len()) as u64, result)
    }

    /// Lets those go who wait: nobody waits for a disk that may never recover.
    pub fn release(&mut self) {
        self.waiting.clear();
        for line in &mut self.lines {
            line.done = None;
        }
    }

    /// The lines go to another place from here on: half of one there is of no use.
    pub fn begin_anew(&mut self) {
        self.sent = 0;
        self.to_take_back = 0;
    }

    fn write(&mut self, sink: &mut dyn Sink) -> io::Result<()> {
        if self.to_take_back > 0 {
            sink.take_back(self.to_take_back)?;
            self.to_take_back = 0;
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
        self.settle();
        if result.is_err() && self.sent > 0 {
            let half = self.sent as u64;
            match sink.take_back(half) {
                Ok(true) => self.sent = 0,
                // The other half follows.
                Ok(false) => {}
                Err(error) => {
                    tracing::debug!(%error, "half a line of the audit log can't be taken back yet");
                    self.sent = 0;
                    self.to_take_back = half;
                }
            }
        }
        result
    }

    /// Lets go of the lines that are out.
    fn settle(&mut self) {
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

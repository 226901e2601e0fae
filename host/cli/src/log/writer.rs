//! The writer of the log. A line that can't be written is lost and counted, and nothing
//! else comes of it: whoever logs, on whichever thread, goes on. Once lines can be written
//! again, a line of the log says how many are missing in its place.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use serde_json::json;
use tracing_subscriber::fmt::format;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};

use super::Format;

/// What the line about lost lines says.
const MESSAGE: &str = "the log could not be written: lines are missing here";

/// Where lines go.
pub(super) trait LineSink {
    /// Writes bytes from the front, as many as it can. An error means none.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize>;
}

/// Writes whole lines to a sink that may fail at any of them, and recover.
pub(super) struct LogWriter<S> {
    format: Format,
    state: Mutex<WriterState<S>>,
}

struct WriterState<S> {
    sink: S,
    /// The rest of a line whose beginning is written: it comes before anything else, so
    /// that the log never has half a line in its middle.
    unfinished: Vec<u8>,
    /// Lines that were lost since the last one that was written.
    lost: u64,
    /// Why the first of them was.
    cause: Option<io::Error>,
}

impl<S: LineSink> LogWriter<S> {
    pub(super) fn new(sink: S, format: Format) -> LogWriter<S> {
        LogWriter {
            format,
            state: Mutex::new(WriterState {
                sink,
                unfinished: Vec::new(),
                lost: 0,
                cause: None,
            }),
        }
    }

    /// Writes a line, or counts it as lost.
    fn line(&self, line: &[u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = state.attempt(line, self.format) {
            if state.lost == 0 {
                state.cause = Some(error);
            }
            state.lost = state.lost.saturating_add(1);
        }
    }
}

/// How `tracing` writes: one call for each line. It never fails.
impl<S: LineSink> Write for &LogWriter<S> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.line(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<S: LineSink> WriterState<S> {
    /// Writes what is owed, and then a line. An error means that the line is lost.
    fn attempt(&mut self, line: &[u8], format: Format) -> io::Result<()> {
        let rest = std::mem::take(&mut self.unfinished);
        if let (taken, Some(error)) = self.put(&rest) {
            self.keep(&rest, taken);
            return Err(error);
        }
        if self.lost > 0 {
            let note = lost_lines(format, self.lost, self.cause.as_ref());
            let (taken, error) = self.put(&note);
            if taken > 0 {
                self.lost = 0;
                self.cause = None;
            }
            if let Some(error) = error {
                if taken > 0 {
                    self.keep(&note, taken);
                }
                return Err(error);
            }
        }
        match self.put(line) {
            (_, None) => Ok(()),
            (0, Some(error)) => Err(error),
            (taken, Some(_)) => {
                self.keep(line, taken);
                Ok(())
            }
        }
    }

    /// Writes bytes until the sink fails. Returns how many it took, and the error where
    /// that is not all.
    fn put(&mut self, bytes: &[u8]) -> (usize, Option<io::Error>) {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            match self.sink.write(rest) {
                Ok(0) => return (taken, Some(io::ErrorKind::WriteZero.into())),
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (taken, Some(error)),
            }
        }
        (taken, None)
    }

    /// Keeps what the sink did not take.
    fn keep(&mut self, bytes: &[u8], taken: usize) {
        self.unfinished = bytes.get(taken..).unwrap_or_default().to_owned();
    }
}

/// The line that stands in the place of lost ones, in the form of the others.
fn lost_lines(format: Format, lost: u64, cause: Option<&io::Error>) -> Vec<u8> {
    let mut time = String::new();
    // Where the clock can't be shown, the line has no time.
    let _ = SystemTime.format_time(&mut format::Writer::new(&mut time));
    let cause = cause.map(io::Error::to_string).unwrap_or_default();
    let line = match format {
        Format::Text => {
            format!("{time}  WARN tensor_wasm::log: {MESSAGE} lost={lost} error={cause}")
        }
        Format::Json => json!({
            "timestamp": time,
            "level": "WARN",
            "fields": { "message": MESSAGE, "lost": lost, "error": cause },
            "target": "tensor_wasm::log",
        })
        .to_string(),
    };
    (line + "\n").into_bytes()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// A disk with room for so many bytes.
    struct Disk {
        content: Vec<u8>,
        room: usize,
    }

    impl LineSink for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.room);
            if count == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.room -= count;
            self.content.extend_from_slice(&bytes[..count]);
            Ok(count)
        }
    }

    fn writer(room: usize, format: Format) -> LogWriter<Disk> {
        let content = Vec::new();
        LogWriter::new(Disk { content, room }, format)
    }

    impl LogWriter<Disk> {
        fn set_room(&self, room: usize) {
            self.state.lock().unwrap().sink.room = room;
        }

        fn lines(&self) -> Vec<String> {
            let state = self.state.lock().unwrap();
            let text = String::from_utf8(state.sink.content.clone()).unwrap();
            text.lines().map(str::to_owned).collect()
        }
    }

    #[test]
    fn lost_lines_are_counted_and_told_in_their_place() {
        let log = writer(8, Format::Text);
        for line in [b"first\n", b"xxxxx\n", b"xxxxx\n", b"xxxxx\n"] {
            (&log).write_all(line).unwrap();
        }
        log.set_room(1000);
        (&log).write_all(b"again\n").unwrap();
        (&log).write_all(b"more\n").unwrap();
        let lines = log.lines();
        // The line that the disk became full in is whole, and those after it are lost.
        assert_eq!(lines[..2], ["first", "xxxxx"]);
        assert!(lines[2].contains(MESSAGE), "{lines:?}");
        assert!(lines[2].contains("lost=2 "), "{lines:?}");
        assert_eq!(lines[3..], ["again", "more"]);
    }

    #[test]
    fn every_place_where_a_disk_becomes_full_leaves_whole_lines_and_a_true_count() {
        for room in 0..200 {
            let log = writer(room, Format::Json);
            let line = |number: usize| format!("{{\"number\":{number}}}\n");
            for number in 0..20 {
                (&log).write_all(line(number).as_bytes()).unwrap();
            }
            // It recovers slowly: also the line about lost ones breaks off.
            for number in 20..40 {
                log.set_room(30);
                (&log).write_all(line(number).as_bytes()).unwrap();
            }
            log.set_room(10_000);
            (&log).write_all(line(40).as_bytes()).unwrap();
            let (mut written, mut lost) = (0, 0);
            for line in log.lines() {
                let value: serde_json::Value = serde_json::from_str(&line).unwrap();
                lost += value["fields"]["lost"].as_u64().unwrap_or(0);
                written += u64::from(value["number"].is_u64());
            }
            assert_eq!(written + lost, 41, "room for {room}: {:?}", log.lines());
        }
    }
}

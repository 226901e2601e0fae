//! A guest's standard output and error: lines in the host's log, with the name of the
//! request that wrote them, limited so that no guest can fill the log.

use super::output_rate::{OutputRate, Taken};
use crate::lock::ignore_poison;
use crate::request::{RequestId, TraceId};
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt::Write as _;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::AsyncWrite;
use tracing::field::display;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// The longest line that is kept whole, in bytes.
const LINE_BYTES: usize = 8 << 10;

/// What one request may add to the log, in bytes. The rest is dropped, which is logged once.
const REQUEST_BYTES: usize = 256 << 10;

/// What a line takes of the log beside its text: time, level, request, trace and stream. It counts,
/// so that a guest that writes empty lines can't make the log a hundred times as long.
const LINE_OVERHEAD: usize = 176;

/// How fast all guests together fill the log.
static RATE: OutputRate = OutputRate::new();

/// The target of the lines, for filters.
const TARGET: &str = "tensor_wasm::guest";

/// Which of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Error,
}

/// Takes the lines that guests write, beside the host's log. Called while a guest writes: it may
/// not block.
pub trait OutputSink: Send + Sync {
    /// Takes a line, without its end and with control characters escaped. `is_error` says that it
    /// came by standard error.
    fn line(&self, request_id: &str, is_error: bool, text: &str);
}

/// The output of one instance.
#[derive(Clone, Default)]
pub(crate) struct GuestOutput(Arc<Mutex<OutputState>>);

#[derive(Default)]
struct OutputState {
    /// The request that writes; `None` before the first one.
    request_id: Option<RequestId>,
    /// The trace that it belongs to.
    trace_id: Option<TraceId>,
    /// Bytes of the log that the request has taken.
    logged: usize,
    /// Whether it may take no more.
    is_full: bool,
    out: Vec<u8>,
    error: Vec<u8>,
    /// Who takes the lines beside the log.
    sink: Option<Arc<dyn OutputSink>>,
}

/// What an instance's kernels print goes to its standard error.
impl tensor_wasm_device::Output for GuestOutput {
    fn print(&self, text: &[u8]) {
        self.lock().write(Stream::Error, text);
    }
}

impl GuestOutput {
    /// Has the lines given to someone beside the log.
    pub(crate) fn set_sink(&self, sink: Arc<dyn OutputSink>) {
        self.lock().sink = Some(sink);
    }

    /// Begins a new request, of this name, which belongs to this trace.
    pub(crate) fn begin(&self, request_id: &RequestId, trace_id: TraceId) {
        let mut state = self.lock();
        state.flush();
        state.request_id = Some(request_id.clone());
        state.trace_id = Some(trace_id);
        state.logged = 0;
        state.is_full = false;
    }

    /// Writes lines that have no end yet.
    pub(crate) fn flush(&self) {
        self.lock().flush();
    }

    /// One of the two streams, for WASI.
    pub(crate) fn stream(&self, stream: Stream) -> GuestStream {
        GuestStream {
            output: self.clone(),
            stream,
        }
    }

    fn lock(&self) -> MutexGuard<'_, OutputState> {
        ignore_poison(self.0.lock())
    }
}

impl OutputState {
    fn flush(&mut self) {
        for stream in [Stream::Out, Stream::Error] {
            let line = std::mem::take(self.line(stream));
            if !line.is_empty() {
                self.log(stream, &line);
            }
        }
    }

    fn line(&mut self, stream: Stream) -> &mut Vec<u8> {
        match stream {
            Stream::Out => &mut self.out,
            Stream::Error => &mut self.error,
        }
    }

    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            for part in piece.chunks(LINE_BYTES) {
                if self.is_full {
                    return;
                }
                let line = self.line(stream);
                line.extend_from_slice(part);
                if line.ends_with(b"\n") || line.len() >= LINE_BYTES {
                    let line = std::mem::take(line);
                    self.log(stream, &line);
                }
            }
        }
    }

    /// Logs a line, unless the request has had its part of the log.
    fn log(&mut self, stream: Stream, line: &[u8]) {
        if self.is_full {
            return;
        }
        let line = String::from_utf8_lossy(line);
        let line = escaped(line.trim_end_matches(['\r', '\n']));
        let request_id = self.request_id.as_ref().map_or("", RequestId::as_str);
        let trace_id = self.trace_id.map(display);
        self.logged += line.len() + LINE_OVERHEAD;
        if self.logged > REQUEST_BYTES {
            self.is_full = true;
            tracing::warn!(
                target: TARGET,
                request_id,
                trace_id,
                limit_bytes = REQUEST_BYTES,
                "the guest wrote more than is kept for one request; the rest is dropped"
            );
            return;
        }
        if let Some(sink) = &self.sink {
            sink.line(request_id, stream == Stream::Error, &line);
        }
        match RATE.take(line.len() + LINE_OVERHEAD, Instant::now()) {
            Taken::No => return,
            Taken::Yes { dropped: 0 } => {}
            Taken::Yes { dropped } => tracing::warn!(
                target: TARGET,
                dropped,
                "guests wrote lines faster than the log takes them; they are missing"
            ),
        }
        match stream {
            Stream::Out => {
                tracing::info!(target: TARGET, request_id, trace_id, stream = "stdout", "{line}");
            }
            Stream::Error => {
                tracing::info!(target: TARGET, request_id, trace_id, stream = "stderr", "{line}");
            }
        }
    }
}

/// A line without what would end it, or command a terminal: control characters and the line
/// ends of Unicode become escapes of a few characters.
fn escaped(line: &str) -> Cow<'_, str> {
    let special = |c: char| (c.is_control() && c != '\t') || matches!(c, '\u{2028}' | '\u{2029}');
    if !line.contains(special) {
        return Cow::Borrowed(line);
    }
    let mut escaped = String::with_capacity(line.len() * 2);
    for c in line.chars() {
        // Writing to a string can't fail.
        let _ = match c {
            c if !special(c) => escaped.write_char(c),
            '\r' => escaped.write_str("\\r"),
            c if c.is_ascii() => write!(escaped, "\\x{:02x}", u32::from(c)),
            c => write!(escaped, "{}", c.escape_unicode()),
        };
    }
    Cow::Owned(escaped)
}

/// One stream of one instance.
#[derive(Clone)]
pub(crate) struct GuestStream {
    output: GuestOutput,
    stream: Stream,
}

impl IsTerminal for GuestStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for GuestStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    /// Writes without a task: the default would start one for every stream.
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

/// What a guest can write after one check, in bytes.
const PERMIT_BYTES: usize = 64 << 10;

impl OutputStream for GuestStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.output.lock().write(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(PERMIT_BYTES)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for GuestStream {
    async fn ready(&mut self) {}
}

impl AsyncWrite for GuestStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.output.lock().write(self.stream, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use http::HeaderValue;

    fn id(text: &'static str) -> RequestId {
        RequestId::from_client(&HeaderValue::from_static(text)).unwrap()
    }

    #[test]
    fn a_line_is_logged_when_it_ends() {
        let output = GuestOutput::default();
        output.begin(&id("r1"), TraceId::random());
        let mut state = output.lock();
        state.write(Stream::Out, b"one");
        assert_eq!(state.out, b"one");
        state.write(Stream::Out, b" two\nthree");
        assert_eq!(state.out, b"three");
    }

    #[test]
    fn a_request_logs_no_more_than_its_limit() {
        let output = GuestOutput::default();
        for text in [&[b'x'; 64 << 10][..], &[b'\n'; 64 << 10], &[0; 64 << 10]] {
            output.begin(&id("r1"), TraceId::random());
            let mut state = output.lock();
            for _ in 0..100 {
                state.write(Stream::Error, text);
            }
            assert!(state.is_full);
            // What did not fit any more, and was not logged.
            assert!(state.logged < REQUEST_BYTES + 4 * LINE_BYTES + LINE_OVERHEAD);
            assert!(state.error.len() < LINE_BYTES);
        }
    }

    #[test]
    fn a_line_has_no_control_characters_and_stays_short() {
        for (line, logged) in [
            ("plain \t text", "plain \t text"),
            ("a\rb\u{1b}[2Jc\0", r"a\rb\x1b[2Jc\x00"),
            ("\u{85}\u{2028}\u{9b}", r"\u{85}\u{2028}\u{9b}"),
        ] {
            assert_eq!(escaped(line), logged);
        }
        let worst: String = ('\0'..'\u{3000}').collect();
        assert!(escaped(&worst).len() <= 4 * worst.len());
    }

    #[test]
    fn the_next_request_of_an_instance_has_its_own_limit() {
        let output = GuestOutput::default();
        output.begin(&id("r1"), TraceId::random());
        output.lock().write(Stream::Out, &[b'x'; 2 * REQUEST_BYTES]);
        output.begin(&id("r2"), TraceId::random());
        let mut state = output.lock();
        state.write(Stream::Out, b"hello");
        assert_eq!(state.out, b"hello");
        assert_eq!(state.request_id, Some(id("r2")));
    }
}

//! A guest's standard output and error: lines in the host's log, with the name of the
//! request that wrote them, limited so that no guest can fill the log.

use crate::lock::ignore_poison;
use bytes::Bytes;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// The longest line that is kept whole, in bytes.
const LINE_BYTES: usize = 8 << 10;

/// What one request may write, in bytes. The rest is dropped, which is logged once.
const REQUEST_BYTES: usize = 256 << 10;

/// Which of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Out,
    Error,
}

/// The output of one instance.
#[derive(Clone, Default)]
pub(crate) struct GuestOutput(Arc<Mutex<OutputState>>);

#[derive(Default)]
struct OutputState {
    request_id: String,
    written: usize,
    out: Vec<u8>,
    error: Vec<u8>,
}

/// What an instance's kernels print goes to its standard error.
impl tensor_wasm_device::Output for GuestOutput {
    fn print(&self, text: &[u8]) {
        self.lock().write(Stream::Error, text);
    }
}

impl GuestOutput {
    /// Begins a new request, of this name.
    pub(crate) fn begin(&self, request_id: &str) {
        let mut state = self.lock();
        state.flush();
        request_id.clone_into(&mut state.request_id);
        state.written = 0;
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
        let room = REQUEST_BYTES.saturating_sub(self.written);
        if room == 0 {
            return;
        }
        let kept = bytes.get(..room.min(bytes.len())).unwrap_or(bytes);
        self.written += kept.len();
        for piece in kept.split_inclusive(|byte| *byte == b'\n') {
            for part in piece.chunks(LINE_BYTES) {
                let line = self.line(stream);
                line.extend_from_slice(part);
                if line.ends_with(b"\n") || line.len() >= LINE_BYTES {
                    let line = std::mem::take(line);
                    self.log(stream, &line);
                }
            }
        }
        if kept.len() < bytes.len() {
            tracing::warn!(
                target: "tensor_wasm::guest",
                request_id = self.request_id,
                limit_bytes = REQUEST_BYTES,
                "the guest wrote more than is kept for one request; the rest is dropped"
            );
        }
    }

    fn log(&self, stream: Stream, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches(['\r', '\n']);
        match stream {
            Stream::Out => {
                tracing::info!(target: "tensor_wasm::guest", request_id = self.request_id, stream = "stdout", "{line}");
            }
            Stream::Error => {
                tracing::info!(target: "tensor_wasm::guest", request_id = self.request_id, stream = "stderr", "{line}");
            }
        }
    }
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
    use super::*;

    #[test]
    fn a_line_is_logged_when_it_ends() {
        let output = GuestOutput::default();
        output.begin("r1");
        let mut state = output.lock();
        state.write(Stream::Out, b"one");
        assert_eq!(state.out, b"one");
        state.write(Stream::Out, b" two\nthree");
        assert_eq!(state.out, b"three");
    }

    #[test]
    fn a_request_logs_no_more_than_its_limit() {
        let output = GuestOutput::default();
        output.begin("r1");
        let mut state = output.lock();
        for _ in 0..100 {
            state.write(Stream::Error, &[b'x'; 64 << 10]);
        }
        assert_eq!(state.written, REQUEST_BYTES);
        assert!(state.error.len() < LINE_BYTES);
    }

    #[test]
    fn the_next_request_of_an_instance_has_its_own_limit() {
        let output = GuestOutput::default();
        output.begin("r1");
        output.lock().write(Stream::Out, &[b'x'; REQUEST_BYTES + 1]);
        output.begin("r2");
        let mut state = output.lock();
        state.write(Stream::Out, b"hello");
        assert_eq!(state.out, b"hello");
        assert_eq!(state.request_id, "r2");
    }
}

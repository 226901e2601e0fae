//! What the HTTP library refuses by itself: a head over HTTP/1 that it can't parse.
//!
//! It answers such a head with a status and an empty body, and only then reports the error.
//! There is no way to have it send another response. So the connection's stream holds that
//! response back, and when the library is done with the connection, this host's error
//! response is sent in its place: with an id, an error kind and a record, as for everything
//! else that is refused.
//!
//! What is held back is decided by the library's outcome, and not by the look of the bytes
//! alone: a response of a guest that looks the same is sent as it is.

use std::error::Error;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::StatusCode;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Instant, timeout};

use super::connection::Connection;
use super::envelope;
use super::handler::Handler;
use super::request_head;
use crate::lock::ignore_poison;
use crate::request::{HandleError, REQUEST_ID, RefusedRequest, RequestId, RequestTrace, TraceId};

/// No response of the library to a head is longer, in bytes.
const LONGEST: usize = 256;

/// How long the response may take to be sent, and what the client still sends may take to be
/// discarded: a socket that is closed with unread data resets the connection, and the client
/// may lose the response.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// How much of what the client still sends is discarded, in bytes.
const DISCARDED_BYTES: u64 = 16 << 20;

/// A connection's stream as the library sees it.
pub(super) struct Watched<S> {
    /// Taken out when this is dropped.
    stream: Option<S>,
    /// The response that the library has written and the client has not got.
    held: Bytes,
    /// Bytes that were read since the last end of a line.
    unfinished_line: u64,
    refusal: Pending<S>,
}

/// Where the stream of a refused connection is, once the library has dropped it.
pub(super) struct Pending<S>(Arc<Mutex<Option<Refusal<S>>>>);

/// A connection that the library has ended with a response of its own.
pub(super) struct Refusal<S> {
    stream: S,
    held: Bytes,
    unfinished_line: u64,
}

/// Watches a stream. The second value has the refusal, if there was one, when the first is
/// dropped.
pub(super) fn watch<S>(stream: S) -> (Watched<S>, Pending<S>) {
    let slot = Arc::new(Mutex::new(None));
    let watched = Watched {
        stream: Some(stream),
        held: Bytes::new(),
        unfinished_line: 0,
        refusal: Pending(slot.clone()),
    };
    (watched, Pending(slot))
}

impl<S> Pending<S> {
    pub(super) fn take(&self) -> Option<Refusal<S>> {
        ignore_poison(self.0.lock()).take()
    }
}

impl<S> Drop for Watched<S> {
    fn drop(&mut self) {
        if let Some(stream) = self.stream.take()
            && !self.held.is_empty()
        {
            *ignore_poison(self.refusal.0.lock()) = Some(Refusal {
                stream,
                held: std::mem::take(&mut self.held),
                unfinished_line: self.unfinished_line,
            });
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Refusal<S> {
    /// Ends the connection: with an error response where the library could not parse a head,
    /// else with the bytes that were held back.
    pub(super) async fn finish<H: Handler>(
        mut self,
        outcome: Result<(), Box<dyn Error + Send + Sync>>,
        handler: &H,
        connection: &Connection,
    ) {
        let parse_error = outcome
            .as_ref()
            .err()
            .and_then(|error| error.downcast_ref::<hyper::Error>())
            .filter(|error| error.is_parse());
        let (Some(_), Some(status)) = (parse_error, status_of(&self.held)) else {
            let held = std::mem::take(&mut self.held);
            return self.send(&held).await;
        };
        let limits = &connection.listener.limits;
        let head_bytes = u64::from(limits.head_bytes.get());
        let target_too_long = HandleError::TargetTooLong {
            limit: request_head::target_bytes(limits),
        };
        let error = match status {
            StatusCode::URI_TOO_LONG => target_too_long,
            // The whole of what was read is one line, and so the request line.
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE if self.unfinished_line >= head_bytes => {
                target_too_long
            }
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
                HandleError::HeadTooLarge { limit: head_bytes }
            }
            _ => HandleError::BadRequest("its head is not valid HTTP/1.1"),
        };
        let trace = TraceId::random();
        let id = RequestId::of_trace(trace);
        tracing::debug!(request_id = %id, trace_id = %trace, kind = error.kind(), "answered without the guest");
        let refused = RefusedRequest {
            info: connection.info(id.clone(), RequestTrace::unknown(trace), Instant::now()),
            method: None,
            path: String::new(),
            error,
        };
        handler.refused(refused).await;
        connection.listener.refused_by_library(error);
        let response = response(&error, &id, &self.held);
        self.send(&response).await;
    }

    /// Sends the last bytes, and ends the connection.
    async fn send(mut self, bytes: &[u8]) {
        let last = async {
            self.stream.write_all(bytes).await?;
            self.stream.shutdown().await?;
            let mut rest = (&mut self.stream).take(DISCARDED_BYTES);
            tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
        };
        // A client that is gone, or does not read, needs no response.
        let _ = timeout(LAST_WAIT, last).await;
    }
}

/// The error response as bytes, with the date of the library's response.
fn response(error: &HandleError, id: &RequestId, held: &[u8]) -> Vec<u8> {
    let (head, body) = envelope::response(error, id).into_parts();
    let reason = head.status.canonical_reason().unwrap_or_default();
    let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", head.status.as_str()).into_bytes();
    for (name, value) in &head.headers {
        bytes.extend([name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"].concat());
    }
    let lines = held.split_inclusive(|byte| *byte == b'\n');
    for date in lines.filter(|line| line.starts_with(b"date: ")) {
        bytes.extend(date);
    }
    let end = format!(
        "connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    bytes.extend(end.as_bytes());
    bytes.extend(body);
    bytes
}

/// The status, where the bytes are a whole response as the library sends it to a head that it
/// can't parse.
fn status_of(bytes: &[u8]) -> Option<StatusCode> {
    if bytes.len() > LONGEST {
        return None;
    }
    let status = bytes.strip_prefix(b"HTTP/1.")?.get(2..5)?;
    let status = StatusCode::from_bytes(status).ok()?;
    let head = bytes.strip_suffix(b"\r\n\r\n")?;
    let has = |text: &[u8]| head.windows(text.len()).any(|window| window == text);
    let is_refusal = status.is_client_error()
        && has(b"content-length: 0")
        && !has(REQUEST_ID.as_str().as_bytes())
        && !has(b"\r\n\r\n");
    is_refusal.then_some(status)
}

impl<S: AsyncWrite + Unpin> Watched<S> {
    /// Sends what is held back: the library goes on, so that it was no refusal.
    fn poll_release(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let stream = Pin::new(self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?);
            match ready!(stream.poll_write(cx, &self.held))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => self.held.advance(written.min(self.held.len())),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn stream(&mut self) -> io::Result<Pin<&mut S>> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Pin::new(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // After a refusal the library reads nothing more.
        ready!(self.poll_release(cx))?;
        let before = buffer.filled().len();
        ready!(self.stream()?.poll_read(cx, buffer))?;
        let read = buffer.filled().get(before..).unwrap_or_default();
        self.unfinished_line = match read.iter().rev().position(|byte| *byte == b'\n') {
            Some(after) => after as u64,
            None => self.unfinished_line.saturating_add(read.len() as u64),
        };
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_release(cx))?;
        if status_of(bytes).is_some() {
            self.held = Bytes::copy_from_slice(bytes);
            return Poll::Ready(Ok(bytes.len()));
        }
        self.stream()?.poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = slices.iter().filter(|slice| !slice.is_empty());
        // The library parses a head only when everything before is sent, so that its response
        // is all that it writes.
        if let (Some(only), None) = (filled.next(), filled.next()) {
            return self.poll_write(cx, only);
        }
        ready!(self.poll_release(cx))?;
        self.stream()?.poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.as_ref().is_some_and(S::is_write_vectored)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.stream()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.held.is_empty() {
            true => self.stream()?.poll_shutdown(cx),
            // The last bytes are still to be sent: see `Refusal::finish`.
            false => Poll::Ready(Ok(())),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use tokio::io::{duplex, split};

    use super::*;

    const REFUSAL: &[u8] =
        b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";

    #[test]
    fn only_a_whole_response_of_the_library_is_held_back() {
        assert_eq!(status_of(REFUSAL), Some(StatusCode::BAD_REQUEST));
        for other in [
            &b""[..],
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 1\r\n\r\nx",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nx-request-id: a\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
            b"HTTP/1.1 400",
            &REFUSAL.repeat(2),
        ] {
            assert_eq!(status_of(other), None, "{other:?}");
        }
    }

    #[tokio::test]
    async fn bytes_that_look_like_a_refusal_are_sent_once_the_library_goes_on() {
        let (client, server) = duplex(1 << 10);
        let (watched, refusal) = watch(server);
        let (mut from_server, mut to_server) = split(client);
        let (mut read, mut write) = split(watched);
        write.write_all(REFUSAL).await.unwrap();
        to_server.write_all(b"next").await.unwrap();
        let mut next = [0; 4];
        read.read_exact(&mut next).await.unwrap();
        let mut got = vec![0; REFUSAL.len()];
        from_server.read_exact(&mut got).await.unwrap();
        assert_eq!(got, REFUSAL);
        drop((read, write));
        assert!(refusal.take().is_none());
    }

    #[tokio::test]
    async fn a_refusal_is_held_back_until_the_stream_is_dropped() {
        let (_client, server) = duplex(1 << 10);
        let (mut watched, refusal) = watch(server);
        watched.write_all(b"before").await.unwrap();
        watched.write_all(REFUSAL).await.unwrap();
        watched.flush().await.unwrap();
        watched.shutdown().await.unwrap();
        assert!(refusal.take().is_none());
        drop(watched);
        assert_eq!(refusal.take().unwrap().held, REFUSAL);
    }
}

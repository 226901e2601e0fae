//! The bytes of one connection, between the HTTP library and the socket or TLS: whether the
//! client has closed its side, and how the connection is closed.
//!
//! A client may close its sending side after its request and still read the response (RFC
//! 9112, section 9.6 warns of servers that can't tell). The segment that says so is the
//! same as that of a client that is gone. Only sending tells them apart: whoever is gone
//! answers with a reset. So while there is no response, an interim response is sent now and
//! then, which a client of HTTP/1.1 has to ignore (RFC 9110, section 15.2).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use futures::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready};
use tokio_rustls::server::TlsStream;

use super::connection::Connection;
use super::socket::Socket;

/// What is sent to a client that may be gone.
const PROBE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// At which checks after the client closed its side it is sent. The first ones let quick
/// guests respond before; clients may give up where there are more than five.
const PROBED_CHECKS: [u32; 4] = [2, 4, 8, 16];

/// How many bytes are copied, to be written as one: the kernel takes longer for several pieces
/// than it takes to copy them. The head, the frames and the end of a short response are five.
const JOINED_BYTES: usize = 512;

/// Short pieces as one; `None` where there is one, or they are longer.
fn joined<'a>(pieces: &[IoSlice<'_>], buffer: &'a mut [u8; JOINED_BYTES]) -> Option<&'a [u8]> {
    if pieces.len() < 2 {
        return None;
    }
    let mut end = 0;
    for piece in pieces {
        let begin = end;
        end += piece.len();
        buffer.get_mut(begin..end)?.copy_from_slice(piece);
    }
    buffer.get(..end)
}

/// A connection to a client.
pub(super) trait Transport: AsyncRead + AsyncWrite + Unpin {
    /// The socket below.
    fn socket(&self) -> &Socket;
}

impl Transport for Socket {
    fn socket(&self) -> &Socket {
        self
    }
}

impl Transport for TlsStream<Socket> {
    fn socket(&self) -> &Socket {
        self.get_ref().0
    }
}

/// The bytes of a connection.
pub(super) struct ClientStream<S: Transport> {
    stream: S,
    connection: Arc<Connection>,
    /// Whether the last write did not go through: then the HTTP library still holds bytes.
    blocked: bool,
}

impl<S: Transport> ClientStream<S> {
    pub(super) fn new(stream: S, connection: Arc<Connection>) -> Self {
        Self {
            stream,
            connection,
            blocked: false,
        }
    }

    /// Looks whether the client has closed its side, where the connection's task asks. The
    /// library flushes whenever it is polled, and then holds no bytes, so that an interim
    /// response can't come between those of a response.
    fn look(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let watch = &self.connection.peer_watch;
        if !watch.asked.load(Ordering::Relaxed) {
            return Ok(());
        }
        watch.asked.store(false, Ordering::Relaxed);
        let interest = Interest::READABLE | Interest::WRITABLE | Interest::ERROR;
        let ready = self.stream.socket().ready(interest).now_or_never();
        let ready = ready.transpose()?.unwrap_or(Ready::EMPTY);
        if ready.is_error() || ready.is_write_closed() {
            watch.gone.store(true, Ordering::Relaxed);
        } else if ready.is_read_closed() {
            let checks = watch.closed_checks.fetch_add(1, Ordering::Relaxed) + 1;
            let waits = self.connection.exchange.may_be_informed();
            if waits && !self.blocked && PROBED_CHECKS.contains(&checks) {
                self.probe(cx)?;
            }
        }
        Ok(())
    }

    fn probe(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match Pin::new(&mut self.stream).poll_write(cx, PROBE) {
            Poll::Ready(Ok(written)) if written < PROBE.len() => Err(io::Error::new(
                io::ErrorKind::WriteZero,
                "the socket took half of an interim response",
            )),
            Poll::Ready(outcome) => outcome.map(drop),
            Poll::Pending => Ok(()),
        }
    }
}

impl<S: Transport> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: Transport> AsyncWrite for ClientStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.blocked = written.is_pending();
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut buffer = [0; JOINED_BYTES];
        let stream = Pin::new(&mut self.stream);
        let written = match joined(bytes, &mut buffer) {
            Some(bytes) => stream.poll_write(cx, bytes),
            None => stream.poll_write_vectored(cx, bytes),
        };
        self.blocked = written.is_pending();
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.look(cx)?;
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        // TLS takes what it can't send yet, and holds it until it is flushed.
        self.blocked = flushed.is_pending();
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: Transport> Drop for ClientStream<S> {
    /// A response that is cut short ends in a reset: where the end of the connection is the
    /// end of the response, an orderly close would pass off a part as the whole. A reset also
    /// has the kernel discard what the client does not take.
    fn drop(&mut self) {
        if self.blocked || self.connection.exchange.is_cut_short() {
            // Fails only where the connection is gone already.
            let _ = self.stream.socket().set_zero_linger();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn short_pieces_are_written_as_one_and_others_as_they_are() {
        let join = |pieces: &[&[u8]]| {
            let pieces: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            let mut buffer = [0; JOINED_BYTES];
            joined(&pieces, &mut buffer).map(<[u8]>::to_vec)
        };
        assert_eq!(
            join(&[b"head", b"", b"6\r\n", b"hello"]).unwrap(),
            b"head6\r\nhello"
        );
        assert_eq!(join(&[&[1; 500], &[2; 12]]).unwrap().len(), JOINED_BYTES);
        assert_eq!(join(&[&[1; 500], &[2; 13]]), None);
        assert_eq!(join(&[b"one"]), None);
        assert_eq!(join(&[]), None);
    }
}

//! The body of a response: the guest's, which holds the permit of its request until the
//! last byte, or a text of the host.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::connection::RequestPermit;
use super::request_body::BodyWatch;

/// How much is discarded of a request that was answered early, and for how long.
const LINGER_BYTES: u64 = 16 << 20;
const LINGER_TIME: Duration = Duration::from_secs(1);

/// The body of a response.
pub(super) enum ResponseBody {
    /// What the guest sends.
    Guest {
        body: WasiBody,
        /// Released once the guest has sent the whole body.
        permit: Option<RequestPermit>,
        linger: Option<Linger>,
    },
    /// What the host sends.
    Host {
        text: Option<Bytes>,
        linger: Option<Linger>,
    },
}

impl ResponseBody {
    /// The guest's response. `unread` watches the request's body where that was not read
    /// to its end.
    pub(super) fn guest(body: WasiBody, permit: RequestPermit, unread: Option<BodyWatch>) -> Self {
        Self::Guest {
            body,
            permit: Some(permit),
            linger: unread.map(Linger::behind),
        }
    }

    /// A text of the host, to a client that may still be sending.
    pub(super) fn host(text: Bytes, request: Option<Incoming>) -> Self {
        Self::Host {
            text: Some(text),
            linger: request
                .filter(|incoming| !incoming.is_end_stream())
                .map(|incoming| Linger {
                    rest: Rest::Unread(incoming),
                    left: LINGER_BYTES,
                    deadline: None,
                }),
        }
    }
}

/// Reads and discards the rest of a request's body after the response was sent: a
/// lingering close.
///
/// A client that is refused in the middle of its body would otherwise often see a
/// reset connection instead of the response: closing a socket with unread data resets
/// it, and a reset discards what the client did not read yet.
pub(super) struct Linger {
    rest: Rest,
    left: u64,
    /// Set when the response is sent.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// What is left of a request's body.
enum Rest {
    Unread(Incoming),
    /// The guest holds it, and may leave some of it unread.
    HeldByGuest(BodyWatch),
}

impl Linger {
    fn behind(watch: BodyWatch) -> Self {
        Self {
            rest: Rest::HeldByGuest(watch),
            left: LINGER_BYTES,
            deadline: None,
        }
    }

    fn poll_done(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep(LINGER_TIME)));
        loop {
            if deadline.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            let incoming = match &mut self.rest {
                Rest::Unread(incoming) => incoming,
                Rest::HeldByGuest(watch) => match ready!(watch.poll_rest(cx)) {
                    Some(incoming) => {
                        self.rest = Rest::Unread(incoming);
                        continue;
                    }
                    None => return Poll::Ready(()),
                },
            };
            match Pin::new(incoming).poll_frame(cx) {
                Poll::Ready(Some(Ok(frame))) => {
                    let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                    match self.left.checked_sub(bytes) {
                        Some(left) => self.left = left,
                        None => return Poll::Ready(()),
                    }
                }
                Poll::Ready(Some(Err(_)) | None) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut *self {
            Self::Guest {
                body,
                permit,
                linger,
            } => {
                if let Some(running) = permit {
                    let frame = Pin::new(body).poll_frame(cx);
                    running.progress(frame.is_pending());
                    if !matches!(frame, Poll::Ready(None)) || linger.is_none() {
                        return frame;
                    }
                    // Other requests may run while the rest of this one is discarded.
                    *permit = None;
                }
                match linger {
                    Some(linger) => linger.poll_done(cx).map(|()| None),
                    None => Poll::Ready(None),
                }
            }
            Self::Host { text, linger } => {
                if let Some(text) = text.take() {
                    return Poll::Ready(Some(Ok(Frame::data(text))));
                }
                match linger {
                    Some(linger) => linger.poll_done(cx).map(|()| None),
                    None => Poll::Ready(None),
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Guest { body, linger, .. } => linger.is_none() && body.is_end_stream(),
            Self::Host { text, linger } => text.is_none() && linger.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            // A body of known length is dropped with its last byte, and `linger` with
            // it.
            Self::Guest {
                linger: Some(_), ..
            }
            | Self::Host {
                linger: Some(_), ..
            } => SizeHint::default(),
            Self::Guest {
                body, linger: None, ..
            } => body.size_hint(),
            Self::Host { text, linger: None } => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
        }
    }
}

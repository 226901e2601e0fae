//! The body of an answer: the guest's, which holds its request's place until the
//! last byte, or a text of the host.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::connection::Pass;
use super::request_body::BodyWatch;

/// How much is read of a request that is refused, and for how long.
const LINGER_BYTES: u64 = 16 << 20;
const LINGER_TIME: Duration = Duration::from_secs(1);

/// The body of an answer.
pub(super) enum Answer {
    /// What the guest sends.
    Guest {
        body: WasiBody,
        /// Gone once the guest has sent all of it.
        pass: Option<Pass>,
        linger: Option<Linger>,
    },
    /// What the host sends.
    Host {
        text: Option<Bytes>,
        linger: Option<Linger>,
    },
}

impl Answer {
    /// The guest's answer; with it what watches a body that is not read to its end.
    pub(super) fn guest(body: WasiBody, pass: Pass, unread: Option<BodyWatch>) -> Self {
        Self::Guest {
            body,
            pass: Some(pass),
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
                    rest: Rest::There(incoming),
                    left: LINGER_BYTES,
                    deadline: None,
                }),
        }
    }
}

/// Reads on, and forgets what it reads, while the answer is already sent.
///
/// A client that is refused in the middle of its body would otherwise often see a
/// reset connection instead of the answer: closing a socket with unread data resets
/// it, and a reset destroys what the client did not read yet.
pub(super) struct Linger {
    rest: Rest,
    left: u64,
    /// Set when the answer is sent.
    deadline: Option<Pin<Box<Sleep>>>,
}

/// What is left of a request's body.
enum Rest {
    There(Incoming),
    /// The guest has it, and may leave some of it.
    WithTheGuest(BodyWatch),
}

impl Linger {
    fn behind(watch: BodyWatch) -> Self {
        Self {
            rest: Rest::WithTheGuest(watch),
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
                Rest::There(incoming) => incoming,
                Rest::WithTheGuest(watch) => match ready!(watch.poll_rest(cx)) {
                    Some(incoming) => {
                        self.rest = Rest::There(incoming);
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

impl Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match &mut *self {
            Self::Guest { body, pass, linger } => {
                if let Some(going) = pass {
                    let frame = Pin::new(body).poll_frame(cx);
                    going.step(frame.is_pending());
                    if !matches!(frame, Poll::Ready(None)) || linger.is_none() {
                        return frame;
                    }
                    // Others may take the place while the client is read to its end.
                    *pass = None;
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
            // A body of known length is over with its last byte, and would take
            // `linger` with it.
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

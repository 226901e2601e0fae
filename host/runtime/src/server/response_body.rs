//! The body of a response: the guest's, which holds the permit of its request until the
//! last byte, or a text of the host. It tells the exchange when the client has room for
//! more, and sees to what is left of the request's body.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use wasmtime_wasi_http::{Error, WasiBody};

use super::connection::RunningExchange;
use super::places::RequestPermit;
use super::request_body::{self, BodyWatch};

/// The longest part of a body that is handed over at one time, in bytes. The HTTP library
/// holds what it was given until the client takes it, and asks for more then, which is how
/// the client's pace is known.
const PART_BYTES: usize = 16 << 10;

/// The body of a response.
pub(super) struct ResponseBody {
    content: Content,
    /// What is left of the request's body when the response ends.
    unread: Unread,
    /// The exchange, once the response is on its way.
    exchange: Option<RunningExchange>,
    /// The bytes that were handed over last.
    given: u64,
}

enum Content {
    /// What the guest sends.
    Guest {
        body: WasiBody,
        /// Data that came in a longer part, and is not handed over yet.
        rest: Bytes,
        /// Released once the guest has sent the whole body.
        permit: Option<RequestPermit>,
    },
    /// What the host sends.
    Host(Bytes),
}

/// What is left of a request's body.
pub(super) enum Unread {
    Nothing,
    Incoming(Incoming),
    /// The guest holds it, and may leave some of it unread.
    HeldByGuest(BodyWatch),
}

impl From<Option<Incoming>> for Unread {
    fn from(incoming: Option<Incoming>) -> Self {
        match incoming {
            Some(incoming) if !incoming.is_end_stream() => Self::Incoming(incoming),
            _ => Self::Nothing,
        }
    }
}

impl From<BodyWatch> for Unread {
    fn from(watch: BodyWatch) -> Self {
        Self::HeldByGuest(watch)
    }
}

impl ResponseBody {
    /// The guest's response, with the permit of its request, unless that is over. `unread`
    /// watches the request's body where that was not read to its end.
    pub(super) fn guest(
        body: WasiBody,
        permit: Option<RequestPermit>,
        unread: Option<BodyWatch>,
    ) -> Self {
        let rest = Bytes::new();
        Self::new(
            Content::Guest { body, rest, permit },
            unread.map_or(Unread::Nothing, Unread::HeldByGuest),
        )
    }

    /// A text of the host, to a client that may still be sending.
    pub(super) fn host(text: Bytes, unread: impl Into<Unread>) -> Self {
        Self::new(Content::Host(text), unread.into())
    }

    fn new(content: Content, unread: Unread) -> Self {
        Self {
            content,
            unread,
            exchange: None,
            given: 0,
        }
    }

    /// Begins to send the response.
    pub(super) fn begin(&mut self, exchange: RunningExchange) {
        // What a guest sends has the time that the whole request has. The host's own texts
        // may come when that is over.
        let (deadline, permit) = match &self.content {
            Content::Guest { permit, .. } => (Some(exchange.deadline()), permit.as_ref()),
            Content::Host(_) => (None, None),
        };
        exchange.respond(deadline, permit.map(RequestPermit::place));
        self.exchange = Some(exchange);
    }

    /// Takes the content out, for a response that can't have any. Of a guest that has more to
    /// send, returns the body, and the permit of its request.
    pub(super) fn take_content(&mut self) -> Option<(WasiBody, Option<RequestPermit>)> {
        let content = std::mem::replace(&mut self.content, Content::Host(Bytes::new()));
        match content {
            Content::Guest { body, permit, .. } if !body.is_end_stream() => Some((body, permit)),
            _ => None,
        }
    }

    /// Whether what is left of the request's body costs an HTTP/1 connection: since it is
    /// long, or since the client may leave it out, having not been asked for it.
    pub(super) fn costs_connection(&self, expects_continue: bool) -> bool {
        match &self.unread {
            Unread::Nothing => false,
            Unread::Incoming(rest) => expects_continue || request_body::is_long(rest),
            Unread::HeldByGuest(watch) => watch.costs_connection(expects_continue),
        }
    }

    /// The length of a text of the host.
    pub(super) fn host_length(&self) -> Option<usize> {
        match &self.content {
            Content::Host(text) => Some(text.len()),
            Content::Guest { .. } => None,
        }
    }
}

impl Content {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self {
            Self::Guest { body, rest, permit } => {
                if rest.is_empty() {
                    let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
                        return Poll::Pending;
                    };
                    match frame.map(|frame| frame.map(Frame::into_data)) {
                        Some(Ok(Ok(data))) => *rest = data,
                        Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                        Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                        None => {
                            *permit = None;
                            return Poll::Ready(None);
                        }
                    }
                }
                Poll::Ready(Some(Ok(Frame::data(part(rest)))))
            }
            Self::Host(text) if text.is_empty() => Poll::Ready(None),
            Self::Host(text) => Poll::Ready(Some(Ok(Frame::data(part(text))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Guest { body, rest, .. } => rest.is_empty() && body.is_end_stream(),
            Self::Host(text) => text.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Guest { body, rest, .. } => {
                let body = body.size_hint();
                let rest = rest.len() as u64;
                let mut hint = SizeHint::new();
                hint.set_lower(body.lower().saturating_add(rest));
                if let Some(upper) = body.upper() {
                    hint.set_upper(upper.saturating_add(rest));
                }
                hint
            }
            Self::Host(text) => SizeHint::with_exact(text.len() as u64),
        }
    }
}

/// Takes the next part.
fn part(rest: &mut Bytes) -> Bytes {
    rest.split_to(rest.len().min(PART_BYTES))
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        let taken = std::mem::take(&mut this.given);
        let frame = this.content.poll_frame(cx);
        if let Some(exchange) = &this.exchange {
            let given = match &frame {
                Poll::Ready(Some(Ok(frame))) => {
                    this.given = frame.data_ref().map_or(0, |data| data.len() as u64);
                    true
                }
                Poll::Ready(Some(Err(_))) => {
                    exchange.break_off();
                    false
                }
                Poll::Ready(None) | Poll::Pending => false,
            };
            exchange.taken(taken, given);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}

impl Drop for ResponseBody {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.unread, Unread::Nothing) {
            Unread::Nothing => {}
            Unread::Incoming(incoming) => request_body::discard(incoming),
            Unread::HeldByGuest(watch) => watch.discard_rest(),
        }
    }
}

//! The body of a request: limited in length, and in how slowly the client may send it while
//! the guest waits. What nobody reads of it is discarded, so that the connection can carry
//! the next request.
//!
//! A failure of the body is an error of the guest's stream. The service learns of it
//! too, so that the client is told what it did wrong, and not how the guest reacted.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::time::{Instant, Sleep, sleep, sleep_until, timeout};
use wasmtime_wasi_http::{Error, WasiBody};

use super::limits::Limits;
use super::pace::{MinimumPace, Pace};
use super::places::{Direction, RequestPermit, RequestPlace};
use crate::lock::ignore_poison;
use crate::request::{BytesRead, HandleError};

/// A body that is announced as longer than this, and that nobody reads, costs the
/// connection: the client is told so, and need not send it.
const SHORT_BYTES: usize = 64 << 10;

/// How much is discarded of a body that nobody reads, and for how long.
const DISCARDED_BYTES: usize = 16 << 20;
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// How long the connection stays open after that, unread. A client that writes whenever it can
/// takes a connection that is closed meanwhile for a failure, and does not look for a response:
/// where it can write no more, it does.
const UNREAD_TIME: Duration = Duration::from_secs(2);

/// Whether a body is announced as too long to be read for the connection's sake.
pub(super) fn is_long(incoming: &Incoming) -> bool {
    incoming.size_hint().lower() > SHORT_BYTES as u64
}

/// Reads and discards a body that nobody reads, in a task of its own, while the response is
/// on its way and after it. What is not read then costs the connection.
///
/// A client that is refused in the middle of its body would otherwise often see a reset
/// connection instead of the response: closing a socket with unread data resets it, and a
/// reset discards what the client did not read yet.
pub(super) fn discard(incoming: Incoming) {
    discard_with(async { Some(incoming) });
}

fn discard_with(rest: impl Future<Output = Option<Incoming>> + Send + 'static) {
    // Without a runtime the server has ended, and the connection with it.
    let Ok(runtime) = Handle::try_current() else {
        return;
    };
    runtime.spawn(async move {
        let Some(mut incoming) = rest.await else {
            return;
        };
        let mut left = DISCARDED_BYTES;
        let discarded = async {
            while let Some(Ok(frame)) = incoming.frame().await {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                match left.checked_sub(bytes) {
                    Some(less) => left = less,
                    None => return false,
                }
            }
            true
        };
        let is_whole = timeout(DISCARD_TIME, discarded).await;
        if !is_whole.unwrap_or(false) {
            sleep(UNREAD_TIME).await;
        }
    });
}

/// The service's view of a body that a guest reads; `None` for an empty body.
pub(super) struct BodyWatch(Option<Arc<Mutex<BodyState>>>);

/// How far a request's body has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// To its end.
    Complete,
    /// The guest may still read it.
    HeldByGuest,
    /// The guest has dropped it, and the client still sends.
    Abandoned,
}

/// The state of a body, shared by the guest's side and the service's.
#[derive(Default)]
struct BodyState {
    /// What the client did wrong, if anything.
    error: Option<HandleError>,
    /// The rest of a body that was too long, or that the guest did not read to its end:
    /// see [`discard`].
    rest: Option<Incoming>,
    /// Whether the guest has read it to its end, or dropped it.
    released: bool,
    /// Woken when it is released.
    waker: Option<Waker>,
}

impl BodyWatch {
    /// What the client did wrong, and the rest of its body.
    pub(super) fn failure(&self) -> Option<(HandleError, Option<Incoming>)> {
        let mut state = lock(self.0.as_ref()?);
        let error = state.error.take()?;
        Some((error, state.rest.take()))
    }

    /// How far the body has been read. Discards a short body that the guest has
    /// abandoned, as far as it has arrived.
    pub(super) fn poll_reading(&self, cx: &mut Context<'_>) -> Reading {
        let Some(state) = &self.0 else {
            return Reading::Complete;
        };
        let mut state = lock(state);
        if !state.released {
            return Reading::HeldByGuest;
        }
        let mut left = SHORT_BYTES;
        while let Some(rest) = &mut state.rest {
            match Pin::new(rest).poll_frame(cx) {
                Poll::Pending => return Reading::Abandoned,
                Poll::Ready(Some(Ok(frame))) => {
                    let bytes = frame.data_ref().map_or(0, Bytes::len);
                    match left.checked_sub(bytes) {
                        Some(less) => left = less,
                        None => return Reading::Abandoned,
                    }
                }
                Poll::Ready(Some(Err(_)) | None) => state.rest = None,
            }
        }
        Reading::Complete
    }

    /// Whether what is left of an abandoned body costs the connection.
    pub(super) fn costs_connection(&self, expects_continue: bool) -> bool {
        let Some(state) = &self.0 else {
            return false;
        };
        let rest = &lock(state).rest;
        rest.as_ref()
            .is_some_and(|rest| expects_continue || is_long(rest))
    }

    /// Reads and discards the rest of the body, once the guest has released it.
    pub(super) fn discard_rest(self) {
        let reading = self.poll_reading(&mut Context::from_waker(Waker::noop()));
        if reading != Reading::Complete {
            discard_with(async move { std::future::poll_fn(|cx| self.poll_rest(cx)).await });
        }
    }

    /// The rest of the body, once the guest has released it.
    fn poll_rest(&self, cx: &Context<'_>) -> Poll<Option<Incoming>> {
        let Some(state) = &self.0 else {
            return Poll::Ready(None);
        };
        let mut state = lock(state);
        if state.released {
            Poll::Ready(state.rest.take())
        } else {
            state.waker = Some(cx.waker().clone());
            Poll::Pending
        }
    }
}

/// Wraps a request's body for a guest, and counts how much of it is read. The request may lose its place while the guest waits
/// for more of the body.
///
/// # Errors
///
/// Gives the body back where its announced length is over the limit.
pub(super) fn limit(
    incoming: Incoming,
    limits: &Limits,
    permit: &RequestPermit,
) -> Result<(WasiBody, Option<BytesRead>, BodyWatch), Incoming> {
    if incoming.is_end_stream() {
        let nothing = Empty::new().map_err(|never| match never {});
        return Ok((nothing.boxed_unsync(), None, BodyWatch(None)));
    }
    if incoming.size_hint().lower() > limits.body_bytes {
        return Err(incoming);
    }
    let state = Arc::new(Mutex::new(BodyState::default()));
    let read = BytesRead::default();
    let body = RequestBody {
        incoming: Some(incoming),
        limit: limits.body_bytes,
        left: limits.body_bytes,
        pace: Pace::new(MinimumPace {
            idle: limits.body_idle_timeout,
            bytes_per_second: limits.body_bytes_per_second,
        }),
        timer: None,
        place: permit.place(),
        read: read.clone(),
        state: state.clone(),
    };
    Ok((body.boxed_unsync(), Some(read), BodyWatch(Some(state))))
}

struct RequestBody {
    /// `None` once it failed.
    incoming: Option<Incoming>,
    limit: u64,
    left: u64,
    pace: Pace,
    /// Created at the first wait, since most bodies arrive with their head.
    timer: Option<Pin<Box<Sleep>>>,
    place: Arc<RequestPlace>,
    /// What was read of it.
    read: BytesRead,
    state: Arc<Mutex<BodyState>>,
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let rest = self.incoming.take().filter(|rest| !rest.is_end_stream());
        let mut state = lock(&self.state);
        state.released = true;
        if rest.is_some() {
            state.rest = rest;
        }
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}

impl RequestBody {
    fn fail(&mut self, error: HandleError) {
        let mut state = lock(&self.state);
        state.error = Some(error);
        state.rest = self.incoming.take();
        state.released = true;
    }

    /// Ready when the client has been too slow.
    fn poll_too_slow(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let end = self.pace.wait(Instant::now());
        if let Some(since) = self.pace.waited_since()
            && self.place.wait(Direction::Request, since, cx)
        {
            return Poll::Ready(());
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if timer.deadline() != end {
            timer.as_mut().reset(end);
        }
        timer.as_mut().poll(cx)
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = Pin::new(&mut *incoming).poll_frame(cx) else {
            ready!(self.poll_too_slow(cx));
            self.fail(HandleError::BodyStalled);
            return Poll::Ready(Some(Err(Error::ConnectionReadTimeout)));
        };
        let read_to_the_end = !matches!(frame, Some(Ok(_))) || incoming.is_end_stream();
        let bytes = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, |data| data.len() as u64),
            Some(Err(_)) | None => 0,
        };
        if self.pace.waited_since().is_some() {
            self.pace.progress(bytes, Instant::now);
            self.place.progress(Direction::Request);
        }
        if read_to_the_end {
            lock(&self.state).released = true;
        }
        Poll::Ready(match frame {
            Some(Ok(frame)) => match self.left.checked_sub(bytes) {
                Some(left) => {
                    self.left = left;
                    self.read.add(bytes);
                    Some(Ok(frame))
                }
                None => {
                    let limit = self.limit;
                    self.fail(HandleError::BodyTooLarge { limit });
                    Some(Err(Error::HttpRequestBodySize(Some(limit))))
                }
            },
            Some(Err(error)) => Some(Err(error.into())),
            None => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

fn lock(state: &Mutex<BodyState>) -> MutexGuard<'_, BodyState> {
    ignore_poison(state.lock())
}

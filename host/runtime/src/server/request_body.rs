//! A request's body on its way to the guest: bounded in length, and in how long a
//! client may leave the guest waiting.
//!
//! What goes wrong here, the guest sees as an error of its stream. The front sees it
//! too, so that the client is told what it did wrong and not how the guest took it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

use super::handler::HandleError;
use super::limits::Limits;

/// How much of a body that nobody reads is passed over without a second thought.
const SHORT_BYTES: usize = 64 << 10;

/// What the front learns of a body that a guest reads.
pub(super) struct BodyWatch(Option<Arc<Mutex<Fate>>>);

/// How far a request's body has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// To its end.
    Over,
    /// The guest may yet read it.
    WithTheGuest,
    /// The guest is done with it, and the client still sends.
    LeftAlone,
}

/// What became of a body.
#[derive(Default)]
struct Fate {
    /// What the client did wrong, if anything.
    error: Option<HandleError>,
    /// What is left of a body that was too long, or that the guest did not read to its
    /// end: see [`super::answer::Linger`].
    rest: Option<Incoming>,
    /// Whether nothing of it is the guest's any more.
    over: bool,
    /// Who waits for that.
    waker: Option<Waker>,
}

impl BodyWatch {
    /// The client's mistake, and what of its body is still to come.
    pub(super) fn failure(&self) -> Option<(HandleError, Option<Incoming>)> {
        let mut fate = lock(self.0.as_ref()?);
        let error = fate.error.take()?;
        Some((error, fate.rest.take()))
    }

    /// How far the body has been read, after a look at what of it has arrived: a short
    /// one that the guest left alone is over with that.
    pub(super) fn poll_reading(&self, cx: &mut Context<'_>) -> Reading {
        let Some(fate) = &self.0 else {
            return Reading::Over;
        };
        let mut fate = lock(fate);
        if !fate.over {
            return Reading::WithTheGuest;
        }
        let mut left = SHORT_BYTES;
        while let Some(rest) = &mut fate.rest {
            match Pin::new(rest).poll_frame(cx) {
                Poll::Pending => return Reading::LeftAlone,
                Poll::Ready(Some(Ok(frame))) => {
                    let bytes = frame.data_ref().map_or(0, Bytes::len);
                    match left.checked_sub(bytes) {
                        Some(less) => left = less,
                        None => return Reading::LeftAlone,
                    }
                }
                Poll::Ready(Some(Err(_)) | None) => fate.rest = None,
            }
        }
        Reading::Over
    }

    /// What the guest left of the body, once it is done with it.
    pub(super) fn poll_rest(&self, cx: &Context<'_>) -> Poll<Option<Incoming>> {
        let Some(fate) = &self.0 else {
            return Poll::Ready(None);
        };
        let mut fate = lock(fate);
        if fate.over {
            Poll::Ready(fate.rest.take())
        } else {
            fate.waker = Some(cx.waker().clone());
            Poll::Pending
        }
    }
}

/// Wraps a request's body for a guest.
///
/// # Errors
///
/// Gives the body back where its announced length is over the limit.
pub(super) fn limit(
    incoming: Incoming,
    limits: &Limits,
) -> Result<(WasiBody, BodyWatch), Incoming> {
    if incoming.is_end_stream() {
        let nothing = Empty::new().map_err(|never| match never {});
        return Ok((nothing.boxed_unsync(), BodyWatch(None)));
    }
    if incoming.size_hint().lower() > limits.body_bytes {
        return Err(incoming);
    }
    let fate = Arc::new(Mutex::new(Fate::default()));
    let body = RequestBody {
        incoming: Some(incoming),
        limit: limits.body_bytes,
        left: limits.body_bytes,
        idle: limits.body_idle_timeout,
        timer: None,
        waiting: false,
        fate: fate.clone(),
    };
    Ok((body.boxed_unsync(), BodyWatch(Some(fate))))
}

struct RequestBody {
    /// Gone once it failed.
    incoming: Option<Incoming>,
    limit: u64,
    left: u64,
    idle: Duration,
    /// Made at the first wait, for most bodies come with their head.
    timer: Option<Pin<Box<Sleep>>>,
    /// Whether the timer runs.
    waiting: bool,
    fate: Arc<Mutex<Fate>>,
}

impl Drop for RequestBody {
    fn drop(&mut self) {
        let rest = self.incoming.take().filter(|rest| !rest.is_end_stream());
        let mut fate = lock(&self.fate);
        fate.over = true;
        if rest.is_some() {
            fate.rest = rest;
        }
        if let Some(waker) = fate.waker.take() {
            waker.wake();
        }
    }
}

impl RequestBody {
    fn fail(&mut self, error: HandleError) {
        let mut fate = lock(&self.fate);
        fate.error = Some(error);
        fate.rest = self.incoming.take();
        fate.over = true;
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let idle = self.idle;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep(idle)));
        if !self.waiting {
            timer.as_mut().reset(Instant::now() + idle);
            self.waiting = true;
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
            ready!(self.poll_idle(cx));
            self.fail(HandleError::BodyStalled);
            return Poll::Ready(Some(Err(Error::ConnectionReadTimeout)));
        };
        let read_to_the_end = !matches!(frame, Some(Ok(_))) || incoming.is_end_stream();
        self.waiting = false;
        if read_to_the_end {
            lock(&self.fate).over = true;
        }
        Poll::Ready(match frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
                match self.left.checked_sub(bytes) {
                    Some(left) => {
                        self.left = left;
                        Some(Ok(frame))
                    }
                    None => {
                        let limit = self.limit;
                        self.fail(HandleError::BodyTooLarge { limit });
                        Some(Err(Error::HttpRequestBodySize(Some(limit))))
                    }
                }
            }
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

fn lock(fate: &Arc<Mutex<Fate>>) -> std::sync::MutexGuard<'_, Fate> {
    // Nothing panics while it is held, and what it holds is valid at any time.
    fate.lock().unwrap_or_else(PoisonError::into_inner)
}

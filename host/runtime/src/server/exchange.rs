//! One request and its response, as whoever watches the client sees it: whether the
//! response is on its way, how fast the client takes it, and when it is cut off.
//!
//! The HTTP library asks a response's body for more only while there is room for it. A
//! body whose client takes nothing is never asked again, so it can't watch a timer itself.
//! The task that carries the response does: of HTTP/1 the connection's, of HTTP/2 the
//! stream's ([`StreamExecutor`]). Dropping the task's future resets the stream.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};

use http::Version;
use tokio::time::{Instant, Sleep, sleep_until};

use super::pace::{MinimumPace, Pace};
use super::place::{Direction, Place};
use crate::lock::ignore_poison;
use crate::request::guest_time::host_task;

tokio::task_local! {
    /// The exchange of the HTTP/2 stream whose task runs.
    static STREAM: Arc<Exchange>;
}

/// One exchange. That of an HTTP/1 connection is used for its requests one after another.
#[derive(Default)]
pub(super) struct Exchange(Mutex<Phase>);

#[derive(Default)]
enum Phase {
    /// There is no request.
    #[default]
    Idle,
    /// There is no response yet.
    Waiting(Version),
    /// The response is being sent.
    Responding {
        pace: Pace,
        /// When the response has to be sent to the last byte.
        deadline: Option<Instant>,
        /// The place that the request holds until then.
        place: Option<Arc<Place>>,
    },
    /// The response broke off, in a way that its framing does not show: without a reset
    /// the client would take what it has for the whole.
    BrokenOff,
}

impl Exchange {
    /// The exchange of the HTTP/2 stream whose task runs; `None` in the task of an HTTP/1
    /// connection.
    pub(super) fn of_stream() -> Option<Arc<Self>> {
        STREAM.try_with(Arc::clone).ok()
    }

    /// A request has come.
    pub(super) fn begin(&self, version: Version) {
        *self.lock() = Phase::Waiting(version);
    }

    /// The head of the response is known. From now on the client is waited for.
    pub(super) fn respond(
        &self,
        minimum: MinimumPace,
        deadline: Option<Instant>,
        place: Option<Arc<Place>>,
    ) {
        let mut pace = Pace::new(minimum);
        pace.wait(Instant::now());
        *self.lock() = Phase::Responding {
            pace,
            deadline,
            place,
        };
    }

    /// The client has room for more of the response, and so has taken these bytes.
    pub(super) fn taken(&self, bytes: u64) {
        if let Phase::Responding { pace, place, .. } = &mut *self.lock() {
            pace.progress(bytes, Instant::now());
            if let Some(place) = place {
                place.progress(Direction::Response);
            }
        }
    }

    /// A part of the response is handed over: the client is waited for again.
    pub(super) fn given(&self) {
        if let Phase::Responding { pace, .. } = &mut *self.lock() {
            pace.wait(Instant::now());
        }
    }

    /// The response has ended.
    pub(super) fn end(&self) {
        let mut phase = self.lock();
        if !matches!(*phase, Phase::BrokenOff) {
            *phase = Phase::Idle;
        }
    }

    /// The response has broken off where the client can't see that.
    pub(super) fn break_off(&self) {
        *self.lock() = Phase::BrokenOff;
    }

    /// Whether there is a request whose response is not sent.
    pub(super) fn is_running(&self) -> bool {
        !matches!(*self.lock(), Phase::Idle)
    }

    /// Whether a response has begun and is not complete.
    pub(super) fn is_cut_short(&self) -> bool {
        matches!(*self.lock(), Phase::Responding { .. } | Phase::BrokenOff)
    }

    /// The version of the request, while there is no response.
    pub(super) fn waiting(&self) -> Option<Version> {
        match *self.lock() {
            Phase::Waiting(version) => Some(version),
            _ => None,
        }
    }

    /// When the response is cut off, unless something happens before. Has the task woken
    /// where the request gives way to another before.
    fn poll_cut_off_at(&self, cx: &Context<'_>) -> Option<Instant> {
        let phase = self.lock();
        let Phase::Responding {
            pace,
            deadline,
            place,
        } = &*phase
        else {
            return None;
        };
        if let (Some(place), Some(since)) = (place, pace.waited_since())
            && place.wait(Direction::Response, since, cx)
        {
            return Some(Instant::now());
        }
        let ends = [pace.exhausted_at(), *deadline];
        ends.into_iter().flatten().min()
    }

    fn lock(&self) -> MutexGuard<'_, Phase> {
        ignore_poison(self.0.lock())
    }
}

/// The timer of the responses that one task carries.
#[derive(Default)]
pub(super) struct CutOff(Option<Pin<Box<Sleep>>>);

impl CutOff {
    /// Ready when the response has to be cut off. To be polled after what carries the
    /// response, which changes when that is.
    pub(super) fn poll(&mut self, exchange: &Exchange, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(at) = exchange.poll_cut_off_at(cx) {
            let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(at)));
            // A timer that is early is looked at again when it fires: setting it anew for
            // each part of a response would cost more.
            if timer.deadline() > at {
                timer.as_mut().reset(at);
            }
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            timer.as_mut().reset(at);
        }
        Poll::Pending
    }
}

/// Runs the streams of HTTP/2 connections, and ends one whose response has to be cut off.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamExecutor;

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for StreamExecutor {
    fn execute(&self, stream: F) {
        tokio::spawn(async move {
            let exchange = Arc::new(Exchange::default());
            let mut stream = pin!(STREAM.scope(exchange.clone(), stream));
            let mut cut_off = CutOff::default();
            host_task(std::future::poll_fn(|cx| match stream.as_mut().poll(cx) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => {
                    ready!(cut_off.poll(&exchange, cx));
                    tracing::debug!("reset a stream whose client takes its response too slowly");
                    Poll::Ready(())
                }
            }))
            .await;
        });
    }
}

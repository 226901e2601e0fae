//! One request and its response, as whoever watches the client sees it: whether the
//! response is on its way, how fast the client takes it, and when it is cut off.
//!
//! The HTTP library asks a response's body for more only while there is room for it. A
//! body whose client takes nothing is never asked again, so it can't watch a timer itself.
//! The task that carries the response does: of HTTP/1 the connection's, of HTTP/2 the
//! stream's ([`StreamExecutor`]). Dropping the task's future resets the stream.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, ready};

use http::Version;
use tokio::time::{Instant, Sleep, sleep_until};

use super::pace::{MinimumPace, Pace};
use super::places::{Direction, RequestPlace};
use super::repoll::Repoll;
use crate::lock::ignore_poison;

tokio::task_local! {
    /// The exchange of the HTTP/2 stream whose task runs.
    static STREAM: Arc<Exchange>;
}

/// One exchange. That of an HTTP/1 connection is used for its requests one after another.
///
/// The task that carries the exchange is the only one that uses it. It is on the path of every
/// request: the phase is read without a lock, and the clock is asked only when the task waits.
#[derive(Default)]
pub(super) struct Exchange {
    /// A [`Phase`].
    phase: AtomicU8,
    /// In [`Phase::Responding`].
    response: Mutex<Option<Responding>>,
}

/// How far an exchange is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Phase {
    /// There is no request.
    Idle,
    /// There is no response yet to a request of HTTP/1.0.
    WaitingHttp10,
    /// There is no response yet to a request of a later version.
    Waiting,
    /// The response is being sent.
    Responding,
    /// The response broke off, in a way that its framing does not show: without a reset
    /// the client would take what it has for the whole.
    BrokenOff,
}

/// A response that is being sent.
struct Responding {
    pace: Pace,
    /// Whether the client is waited for from the time on at which the task waits.
    begins_to_wait: bool,
    /// When the response has to be sent to the last byte.
    deadline: Option<Instant>,
    /// The place that the request holds until then.
    place: Option<Arc<RequestPlace>>,
}

impl Exchange {
    /// The exchange of the HTTP/2 stream whose task runs; `None` in the task of an HTTP/1
    /// connection.
    pub(super) fn of_stream() -> Option<Arc<Self>> {
        STREAM.try_with(Arc::clone).ok()
    }

    /// A request has come.
    pub(super) fn begin(&self, version: Version) {
        self.set(match version <= Version::HTTP_10 {
            true => Phase::WaitingHttp10,
            false => Phase::Waiting,
        });
    }

    /// The head of the response is known. From now on the client is waited for.
    pub(super) fn respond(
        &self,
        minimum: MinimumPace,
        deadline: Option<Instant>,
        place: Option<Arc<RequestPlace>>,
    ) {
        *self.lock() = Some(Responding {
            pace: Pace::new(minimum),
            begins_to_wait: true,
            deadline,
            place,
        });
        self.set(Phase::Responding);
    }

    /// The client has room for more of the response, and so has taken these bytes. `given` says
    /// whether it has got another part, which it is waited for to take.
    pub(super) fn taken(&self, bytes: u64, given: bool) {
        if let Some(response) = &mut *self.lock() {
            // The place knows of the client only where the task has waited for it.
            if response.pace.waited_since().is_some()
                && let Some(place) = &response.place
            {
                place.progress(Direction::Response);
            }
            response.pace.progress(bytes, Instant::now);
            response.begins_to_wait = given;
        }
    }

    /// The response has ended.
    pub(super) fn end(&self) {
        *self.lock() = None;
        if self.phase() != Phase::BrokenOff {
            self.set(Phase::Idle);
        }
    }

    /// The response has broken off where the client can't see that.
    pub(super) fn break_off(&self) {
        self.set(Phase::BrokenOff);
    }

    /// Whether there is a request whose response is not sent.
    pub(super) fn is_running(&self) -> bool {
        self.phase() != Phase::Idle
    }

    /// Whether a response has begun and is not complete.
    pub(super) fn is_cut_short(&self) -> bool {
        matches!(self.phase(), Phase::Responding | Phase::BrokenOff)
    }

    /// Whether there is a request and no response, and the client is one that knows interim
    /// responses, which came with HTTP/1.1.
    pub(super) fn may_be_informed(&self) -> bool {
        self.phase() == Phase::Waiting
    }

    /// Whether there is a request and no response, and the client is one of HTTP/1.0.
    pub(super) fn waits_without_informing(&self) -> bool {
        self.phase() == Phase::WaitingHttp10
    }

    /// When the response is cut off, unless something happens before. Has the task woken
    /// where the request gives way to another before.
    fn poll_cut_off_at(&self, cx: &Context<'_>) -> Option<Instant> {
        if self.phase() != Phase::Responding {
            return None;
        }
        let mut response = self.lock();
        let response = response.as_mut()?;
        if std::mem::take(&mut response.begins_to_wait) {
            response.pace.wait(Instant::now());
        }
        if let (Some(place), Some(since)) = (&response.place, response.pace.waited_since())
            && place.wait(Direction::Response, since, cx)
        {
            return Some(Instant::now());
        }
        let ends = [response.pace.exhausted_at(), response.deadline];
        ends.into_iter().flatten().min()
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Acquire) {
            0 => Phase::Idle,
            1 => Phase::WaitingHttp10,
            2 => Phase::Waiting,
            3 => Phase::Responding,
            _ => Phase::BrokenOff,
        }
    }

    fn set(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Release);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Responding>> {
        ignore_poison(self.response.lock())
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
            let (mut repoll, mut cut_off) = (Repoll::default(), CutOff::default());
            std::future::poll_fn(|cx| match repoll.poll(cx, |cx| stream.as_mut().poll(cx)) {
                Poll::Ready(()) => Poll::Ready(()),
                Poll::Pending => {
                    ready!(cut_off.poll(&exchange, cx));
                    tracing::debug!("reset a stream whose client takes its response too slowly");
                    Poll::Ready(())
                }
            })
            .await;
        });
    }
}

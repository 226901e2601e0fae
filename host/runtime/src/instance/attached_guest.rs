//! Who polls a guest at work: the task of its request's connection for as long as the guest is
//! brief, and a task of its own from then on.
//!
//! To hand a request over to another thread and its response back takes longer than most guests
//! run, so that is done only where it has to be.

use super::guest_future::{GuestFuture, RunHere, is_within_a_guest};
use crate::request::{ForwardedRequest, RequestTask, Stop};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::runtime::Handle;
use tokio::time::Sleep;

/// A guest that the task of its request's connection polls. Goes on in a task of its own where
/// this is dropped before it is done.
pub(crate) struct AttachedGuest {
    guest: Option<WorkingGuest>,
    /// Where its own task runs.
    elsewhere: Handle,
}

/// A guest with what it has forwarded, if it is a policy's.
struct WorkingGuest {
    run: GuestFuture,
    forwarded: Option<ForwardedRequest>,
}

impl WorkingGuest {
    /// Polls what the guest has forwarded. Returns whether that has its response now, of which the
    /// guest learns when it is polled next.
    fn poll_forwarded(&mut self, cx: &mut Context<'_>) -> bool {
        if self.forwarded.is_none() {
            self.forwarded = self.run.task().forwarded.take();
        }
        let Some(forwarded) = &mut self.forwarded else {
            return false;
        };
        let is_done = forwarded.as_mut().poll(cx).is_ready();
        if is_done {
            self.forwarded = None;
        }
        is_done
    }
}

impl AttachedGuest {
    pub(super) fn new(run: GuestFuture, elsewhere: Handle) -> AttachedGuest {
        let forwarded = None;
        AttachedGuest {
            guest: Some(WorkingGuest { run, forwarded }),
            elsewhere,
        }
    }

    /// Runs the guest as far as it gets, here or, from now on, elsewhere: that is where it runs once
    /// another guest takes its response.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) {
        if is_within_a_guest() {
            return self.detach();
        }
        while let Some(guest) = &mut self.guest {
            match guest.run.poll_here(cx) {
                RunHere::Done => self.guest = None,
                RunHere::Elsewhere => self.detach(),
                RunHere::Waits if guest.poll_forwarded(cx) => {}
                RunHere::Waits => return,
            }
        }
    }

    /// Whether the guest is done, or runs elsewhere.
    pub(crate) fn is_over(&self) -> bool {
        self.guest.is_none()
    }

    /// The guest goes on in a task of its own.
    pub(crate) fn detach(&mut self) {
        let Some(guest) = self.guest.take() else {
            return;
        };
        if guest.run.task().run.stopped().is_some() {
            // Nor is an instance to be dropped within the poll of another one.
            if is_within_a_guest() {
                self.elsewhere.spawn(async move { drop(guest) });
            }
            return;
        }
        self.elsewhere.spawn(async move {
            let deadline = guest.run.task().context().deadline();
            let timeout = Box::pin(tokio::time::sleep_until(deadline.into()));
            DetachedGuest { guest, timeout }.await;
        });
    }
}

impl Drop for AttachedGuest {
    fn drop(&mut self) {
        self.detach();
    }
}

/// A guest in a task of its own. Ends where the request has run out of time, or nobody waits for
/// its response; the guest is dropped then.
struct DetachedGuest {
    guest: WorkingGuest,
    timeout: Pin<Box<Sleep>>,
}

impl DetachedGuest {
    fn task(&self) -> &Arc<RequestTask> {
        self.guest.run.task()
    }

    fn is_stopped(&mut self, cx: &mut Context<'_>) -> bool {
        if self.timeout.as_mut().poll(cx).is_ready() {
            self.task().run.stop(Stop::TimedOut);
        }
        self.task().run.poll_stopped(cx).is_some()
    }
}

impl Future for DetachedGuest {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            if self.is_stopped(cx) {
                return Poll::Ready(());
            }
            if self.guest.run.poll_in_turn(cx).is_ready() {
                return Poll::Ready(());
            }
            if !self.guest.poll_forwarded(cx) {
                // It may have been stopped meanwhile, by whoever was not to be woken yet.
                return match self.task().run.stopped() {
                    Some(_) => Poll::Ready(()),
                    None => Poll::Pending,
                };
            }
        }
    }
}

//! Instances that wait for their next request, and those that are about to.

use super::proxy_instance::Instance;
use crate::lock::ignore_poison;
use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long an instance that may be reused waits for its next request.
const IDLE: Duration = Duration::from_secs(5);

/// How long a request waits for an instance that has given its response and is about to wait for its
/// next request: the next client may be faster than the guest comes to its end.
const ABOUT_TO_WAIT: Duration = Duration::from_millis(5);

/// The instances of one application that wait for their next request.
#[derive(Clone, Default)]
pub(crate) struct IdleInstances(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// With when they began to wait, those first that have waited longest.
    instances: VecDeque<(Instant, Instance)>,
    /// Whether a task drops those that have waited too long.
    is_watched: bool,
}

impl IdleInstances {
    /// The instance that has waited for the shortest time, so that those can be dropped that are
    /// not needed.
    pub(super) fn take(&self) -> Option<Instance> {
        let mut waiting = ignore_poison(self.0.lock());
        waiting.instances.pop_back().map(|(_, instance)| instance)
    }

    /// Keeps an instance for a while. To be called in the context of a Tokio runtime.
    pub(super) fn keep(&self, instance: Instance) {
        let mut waiting = ignore_poison(self.0.lock());
        waiting.instances.push_back((Instant::now(), instance));
        if !std::mem::replace(&mut waiting.is_watched, true) {
            tokio::spawn(drop_unused(Arc::downgrade(&self.0)));
        }
    }
}

/// The requests whose responses are not complete, and the instances at work. Where there are more of
/// these, one of them has given its whole response, and is about to wait for its next request.
#[derive(Default)]
pub(crate) struct Occupancy {
    open: AtomicUsize,
    at_work: AtomicUsize,
    freed: Notify,
}

/// A response that is not complete, until this is dropped.
pub(crate) struct OpenResponse(Arc<Occupancy>);

/// An instance at work, until this is dropped.
pub(super) struct AtWork(Arc<Occupancy>);

impl Occupancy {
    /// One response more is not complete.
    pub(crate) fn open(self: &Arc<Occupancy>) -> OpenResponse {
        self.open.fetch_add(1, Ordering::SeqCst);
        OpenResponse(self.clone())
    }

    /// One instance more is at work.
    pub(super) fn begin(self: &Arc<Occupancy>) -> AtWork {
        self.at_work.fetch_add(1, Ordering::SeqCst);
        AtWork(self.clone())
    }

    /// Waits a little for the next instance to be free, where one is about to be. For a request
    /// that is open, and has no instance yet.
    pub(super) async fn until_free(&self) {
        let mut freed = pin!(self.freed.notified());
        freed.as_mut().enable();
        let without_this = self.open.load(Ordering::SeqCst).saturating_sub(1);
        if self.at_work.load(Ordering::SeqCst) > without_this {
            let _ = tokio::time::timeout(ABOUT_TO_WAIT, freed.as_mut()).await;
        }
    }
}

impl Drop for OpenResponse {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.at_work.fetch_sub(1, Ordering::SeqCst);
        self.0.freed.notify_waiters();
    }
}

/// Drops instances that have waited too long, until there are none.
async fn drop_unused(waiting: Weak<Mutex<Waiting>>) {
    let mut next = Some(Instant::now() + IDLE);
    while let Some(until) = next {
        tokio::time::sleep_until(until.into()).await;
        let Some(waiting) = waiting.upgrade() else {
            return;
        };
        let (unused, oldest) = ignore_poison(waiting.lock()).take_unused(Instant::now());
        next = oldest;
        // Outside of the lock: to give back an instance's memory takes its time.
        drop(unused);
    }
}

impl Waiting {
    /// Takes out the instances that have waited too long. Also returns when the next one will
    /// have; where there is none, nobody watches any more.
    fn take_unused(&mut self, now: Instant) -> (VecDeque<(Instant, Instance)>, Option<Instant>) {
        let is_used = |(since, _): &(Instant, Instance)| *since + IDLE > now;
        let used = self.instances.iter().position(is_used);
        let used = self
            .instances
            .split_off(used.unwrap_or(self.instances.len()));
        let unused = std::mem::replace(&mut self.instances, used);
        let next = self.instances.front().map(|(since, _)| *since + IDLE);
        self.is_watched = next.is_some();
        (unused, next)
    }
}

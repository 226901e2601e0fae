//! Instances that wait for their next request, and those that are about to.

use super::proxy_instance::Instance;
use crate::engine::Engine;
use crate::idle_pools::IdlePool;
use crate::lock::ignore_poison;
use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// How long an instance that may be reused waits for its next request.
const IDLE: Duration = Duration::from_secs(5);

/// How long a request waits for an instance that has given its response and is about to wait for its
/// next request: the next client may be faster than the guest comes to its end.
const ABOUT_TO_WAIT: Duration = Duration::from_millis(5);

/// Whose requests an instance may get: those of one tenant, and with `None` those of whom no tenant
/// is known when they come, such as all of a policy.
pub(super) type Tenant = Option<u64>;

/// The instances of one application that wait for their next request.
#[derive(Clone, Default)]
pub(crate) struct IdleInstances(Arc<Waiting>);

#[derive(Default)]
struct Waiting(Mutex<WaitingState>);

#[derive(Default)]
struct WaitingState {
    /// With when they began to wait, those first that have waited longest.
    instances: HashMap<Tenant, VecDeque<(Instant, Instance)>>,
    /// Whether a task drops those that have waited too long.
    is_watched: bool,
}

impl IdleInstances {
    /// Has the instances give way where the engine has no room for another one.
    pub(crate) fn of_engine(engine: &Engine) -> IdleInstances {
        let idle = IdleInstances::default();
        let pool: Arc<dyn IdlePool> = idle.0.clone();
        engine.idle().add(Arc::downgrade(&pool));
        idle
    }

    /// A tenant's instance that has waited for the shortest time, so that those can be dropped that
    /// are not needed.
    pub(super) fn take(&self, tenant: Tenant) -> Option<Instance> {
        let mut waiting = self.0.lock();
        let own = waiting.instances.get_mut(&tenant)?;
        let (_, instance) = own.pop_back()?;
        if own.is_empty() {
            waiting.instances.remove(&tenant);
        }
        Some(instance)
    }

    /// Keeps a tenant's instance for a while. To be called in the context of a Tokio runtime.
    pub(super) fn keep(&self, tenant: Tenant, instance: Instance) {
        let mut waiting = self.0.lock();
        let own = waiting.instances.entry(tenant).or_default();
        own.push_back((Instant::now(), instance));
        if !std::mem::replace(&mut waiting.is_watched, true) {
            tokio::spawn(drop_unused(Arc::downgrade(&self.0)));
        }
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, WaitingState> {
        ignore_poison(self.0.lock())
    }
}

impl IdlePool for Waiting {
    fn oldest(&self) -> Option<Instant> {
        let waiting = self.lock();
        let oldest = waiting.oldest();
        oldest.map(|(since, _)| since)
    }

    fn evict(&self) -> bool {
        let mut waiting = self.lock();
        let Some((_, tenant)) = waiting.oldest() else {
            return false;
        };
        let own = waiting.instances.get_mut(&tenant);
        let evicted = own.and_then(VecDeque::pop_front);
        waiting.instances.retain(|_, own| !own.is_empty());
        // Outside of the lock: to give back an instance's memory takes its time.
        drop(waiting);
        evicted.is_some()
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
async fn drop_unused(waiting: Weak<Waiting>) {
    let mut next = Some(Instant::now() + IDLE);
    while let Some(until) = next {
        tokio::time::sleep_until(until.into()).await;
        let Some(waiting) = waiting.upgrade() else {
            return;
        };
        let (unused, oldest) = waiting.lock().take_unused(Instant::now());
        next = oldest;
        // Outside of the lock: to give back an instance's memory takes its time.
        drop(unused);
    }
}

impl WaitingState {
    /// Since when the instance waits that has waited longest, and whose it is.
    fn oldest(&self) -> Option<(Instant, Tenant)> {
        let first = |(tenant, own): (&Tenant, &VecDeque<(Instant, Instance)>)| {
            own.front().map(|(since, _)| (*since, *tenant))
        };
        self.instances.iter().filter_map(first).min()
    }

    /// Takes out the instances that have waited too long. Also returns when the next one will
    /// have; where there is none, nobody watches any more.
    fn take_unused(&mut self, now: Instant) -> (Vec<Instance>, Option<Instant>) {
        let mut unused = Vec::new();
        for own in self.instances.values_mut() {
            while let Some((_, instance)) = own.pop_front_if(|(since, _)| *since + IDLE <= now) {
                unused.push(instance);
            }
        }
        self.instances.retain(|_, own| !own.is_empty());
        let next = self.oldest().map(|(since, _)| since + IDLE);
        self.is_watched = next.is_some();
        (unused, next)
    }
}

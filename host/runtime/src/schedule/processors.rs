//! The processors as tenants share them: who may run a guest now, and who waits.
//!
//! There are as many *slots* as processors. A guest holds one while it is polled. Where none is
//! free it waits, and the next one goes to the tenant that is first by weighted fair queueing
//! ([`FairQueue`]); the guests of one tenant wait in the order in which they came. A tenant with a
//! limit has a token bucket of processor time beside that, as the bandwidth control of Linux'
//! control groups (`cpu.max`): where it is empty, its guests sleep until there is some again.
//!
//! This is the bookkeeping alone: it knows no clock, no threads and no futures.

use std::collections::{HashMap, VecDeque};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use tensor_wasm_device::{FairQueue, Flow};

/// Whose guest runs: a tenant's, or that of a request for which none is known yet.
pub(super) type Key = Option<u64>;

/// What a guest is charged before it runs, and what its tenant needs in its bucket to go on: the
/// longest time for which it runs at once.
pub(super) const SLICE: Duration = Duration::from_millis(1);

/// How long a tenant may run at its limit's rate without a pause, after a pause.
const BURST: Duration = Duration::from_millis(100);

/// How many tenants are remembered before those are dropped that have nothing to lose by it. A
/// tenant is any number that a caller may name.
const TENANTS: usize = 1024;

/// A tenant's part of the processors that run guests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessorShare {
    /// Its part where they are busy: a tenant with 3 gets three times as much as one with 1. 100
    /// where nobody says otherwise.
    pub weight: NonZeroU32,
    /// The processor time that its guests may take in a second, all together, in milliseconds;
    /// `None` for no limit.
    pub limit_ms_per_second: Option<NonZeroU32>,
}

impl Default for ProcessorShare {
    fn default() -> ProcessorShare {
        ProcessorShare {
            weight: const { NonZeroU32::new(100).unwrap() },
            limit_ms_per_second: None,
        }
    }
}

/// What becomes of a guest that wants to run.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It has a slot.
    Runs,
    /// It waits for one. `preempts` says whether guests of others that run should give way at
    /// once: this one's tenant was idle, and has received less than its share.
    Waits { preempts: bool },
    /// Its tenant's limit is reached. It sleeps for so long, and asks again.
    Sleeps(Duration),
}

/// How a guest that is known to be brief begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BriefStart {
    /// It has a slot.
    Free,
    /// It has one that is lent: guests that run should give way at once.
    Lent,
    /// It has to ask as others do.
    Refused,
}

/// The slots, and who waits for one. `W` stands for a guest that waits. While a slot is free, nobody
/// waits.
pub(super) struct Processors<W> {
    slots: usize,
    free: usize,
    /// How many guests run beyond the slots that there are. The slots that become free next make up
    /// for them.
    lent: usize,
    running: usize,
    queue: FairQueue<Key>,
    tenants: HashMap<Key, Tenant<W>>,
    share_of: ShareOf,
}

/// Which part of the processors a tenant has.
pub(super) type ShareOf = Box<dyn Fn(u64) -> ProcessorShare + Send + Sync>;

struct Tenant<W> {
    flow: Flow,
    waiting: VecDeque<W>,
    running: usize,
    bucket: Option<Bucket>,
}

/// The processor time that a tenant with a limit may take at present.
struct Bucket {
    /// In nanoseconds of processor time a second.
    rate: u128,
    /// In nanoseconds. Below zero where guests ran for longer than there was.
    filled: i128,
    at: Instant,
    /// Guests that sleep until there is some.
    sleeping: u32,
}

impl Bucket {
    fn new(limit_ms_per_second: NonZeroU32, now: Instant) -> Bucket {
        let mut bucket = Bucket {
            rate: u128::from(limit_ms_per_second.get()) * 1_000_000,
            filled: 0,
            at: now,
            sleeping: 0,
        };
        bucket.filled = bucket.most();
        bucket
    }

    /// What there is after a pause.
    fn most(&self) -> i128 {
        let most = BURST.as_nanos() * self.rate / NANOS;
        i128::try_from(most.max(SLICE.as_nanos())).unwrap_or(i128::MAX)
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_nanos();
        let more = i128::try_from(passed.saturating_mul(self.rate) / NANOS).unwrap_or(i128::MAX);
        if more > 0 {
            self.filled = self.filled.saturating_add(more).min(self.most());
            self.at = now;
        }
    }

    /// How long a guest has to sleep; those that sleep already come before it.
    fn pause(&self) -> Option<Duration> {
        if self.filled > 0 {
            return None;
        }
        let slices = SLICE.as_nanos() * (u128::from(self.sleeping) + 1);
        let missing = self.filled.unsigned_abs() + slices;
        let pause = missing.saturating_mul(NANOS) / self.rate.max(1);
        Some(Duration::from_nanos(
            u64::try_from(pause).unwrap_or(u64::MAX),
        ))
    }
}

const NANOS: u128 = 1_000_000_000;

impl<W: Clone + PartialEq> Processors<W> {
    pub(super) fn new(slots: usize, share_of: ShareOf) -> Processors<W> {
        Processors {
            slots,
            free: slots,
            lent: 0,
            running: 0,
            queue: FairQueue::default(),
            tenants: HashMap::new(),
            share_of,
        }
    }

    /// A guest that would run only without waiting. Returns whether it has a slot.
    pub(super) fn try_begin(&mut self, key: Key, now: Instant) -> bool {
        if self.free == 0 {
            return false;
        }
        let (queue, tenant) = self.tenant(key, now);
        if tenant.pause(now).is_some() {
            return false;
        }
        queue.serve(&mut tenant.flow);
        tenant.begin(key, queue);
        self.free -= 1;
        self.running += 1;
        true
    }

    /// A guest that is known to be brief would run only without waiting. Where no slot is free, it is
    /// lent one if its tenant was idle and has received no more than its share and a slice: it ends
    /// before a thread could have taken it over.
    pub(super) fn begin_brief(&mut self, key: Key, now: Instant) -> BriefStart {
        if self.try_begin(key, now) {
            return BriefStart::Free;
        }
        if self.free > 0 || self.lent >= self.slots {
            return BriefStart::Refused;
        }
        let (queue, tenant) = self.tenant(key, now);
        // Its last guest may just have ended; what it has had in a slice is not told apart, as the
        // others are charged one before they run.
        let has_had_more = queue.is_ahead_of_next(&tenant.flow, SLICE);
        if has_had_more || !tenant.was_idle() || tenant.pause(now).is_some() {
            return BriefStart::Refused;
        }
        queue.serve(&mut tenant.flow);
        tenant.begin(key, queue);
        self.lent += 1;
        self.running += 1;
        BriefStart::Lent
    }

    /// A guest wants to run. Where it has to wait, `waiter` stands for it until
    /// [`next`](Self::next) returns that, or [`leave`](Self::leave) takes it out.
    pub(super) fn begin(&mut self, key: Key, now: Instant, waiter: &W) -> Admission {
        if self.try_begin(key, now) {
            return Admission::Runs;
        }
        let running = self.running;
        let (queue, tenant) = self.tenant(key, now);
        if let Some(pause) = tenant.pause(now) {
            if let Some(bucket) = &mut tenant.bucket {
                bucket.sleeping += 1;
            }
            return Admission::Sleeps(pause);
        }
        let preempts = running > 0 && tenant.was_idle() && queue.is_behind(&tenant.flow);
        self.wait(key, now, waiter);
        Admission::Waits { preempts }
    }

    /// A guest that slept asks again.
    pub(super) fn woke(&mut self, key: Key) {
        let tenant = self.tenants.get_mut(&key);
        if let Some(bucket) = tenant.and_then(|tenant| tenant.bucket.as_mut()) {
            bucket.sleeping = bucket.sleeping.saturating_sub(1);
        }
    }

    /// A guest has run for so long, and gives its slot back. The tenant whose request it works on,
    /// `charged`, may have been decided meanwhile: its limit counts what the guest took. Its share
    /// does not, which counts for those in whose name the guest began. Of one tenant's guests that
    /// have to wait, those that have begun would have to wait for all that come after them otherwise.
    /// [`next`](Self::next) is to be called then.
    pub(super) fn end(&mut self, key: Key, charged: Key, ran: Duration, now: Instant) {
        match self.lent {
            0 => self.free += 1,
            _ => self.lent -= 1,
        }
        self.running = self.running.saturating_sub(1);
        let (queue, tenant) = self.tenant(key, now);
        tenant.running = tenant.running.saturating_sub(1);
        queue.correct(key, &mut tenant.flow, SLICE, ran);
        let (_, tenant) = self.tenant(charged, now);
        tenant.pay(ran, now);
    }

    /// A guest waits for its next turn. Returns whether it does: where its tenant's limit is
    /// reached, it has to ask.
    pub(super) fn wait(&mut self, key: Key, now: Instant, waiter: &W) -> bool {
        let (queue, tenant) = self.tenant(key, now);
        let may_run = tenant.pause(now).is_none();
        if may_run {
            queue.enqueue(key, &mut tenant.flow);
            tenant.waiting.push_back(waiter.clone());
        }
        may_run
    }

    /// A guest that waits does not want to run any more. Returns whether it still waited.
    pub(super) fn leave(&mut self, key: Key, waiter: &W) -> bool {
        let Some(tenant) = self.tenants.get_mut(&key) else {
            return false;
        };
        let before = tenant.waiting.len();
        tenant.waiting.retain(|waiting| waiting != waiter);
        if tenant.waiting.is_empty() {
            self.queue.dequeue(key, &mut tenant.flow);
        }
        tenant.waiting.len() < before
    }

    /// Gives a free slot to the guest that is next, which this returns. Guests that have waited, and
    /// whose tenants' limits are reached now, go to `throttled`: they have to ask again.
    pub(super) fn next(&mut self, now: Instant, throttled: &mut Vec<W>) -> Option<W> {
        while self.free > 0
            && let Some(key) = self.queue.first()
        {
            let Some(tenant) = self.tenants.get_mut(&key) else {
                self.queue.remove_first();
                continue;
            };
            if tenant.pause(now).is_some() {
                throttled.extend(tenant.waiting.drain(..));
            }
            let next = tenant.waiting.pop_front();
            if tenant.waiting.is_empty() {
                self.queue.dequeue(key, &mut tenant.flow);
            }
            if next.is_some() {
                tenant.begin(key, &mut self.queue);
                self.free -= 1;
                self.running += 1;
                return next;
            }
        }
        None
    }

    /// Asks anew which part of the processors each tenant has. Guests that sleep ask for a slot when
    /// they would have before.
    pub(super) fn refresh_shares(&mut self, now: Instant) {
        for (key, tenant) in &mut self.tenants {
            let share = key.map_or_else(ProcessorShare::default, &self.share_of);
            tenant.flow.set_weight(share.weight);
            tenant.set_limit(share.limit_ms_per_second, now);
        }
    }

    fn tenant(&mut self, key: Key, now: Instant) -> (&mut FairQueue<Key>, &mut Tenant<W>) {
        if self.tenants.len() >= TENANTS && !self.tenants.contains_key(&key) {
            let queue = &self.queue;
            self.tenants
                .retain(|_, tenant| !tenant.is_idle(now) || !queue.is_behind(&tenant.flow));
            if self.tenants.len() >= TENANTS {
                // So many have had more than their shares lately that it does not matter.
                self.tenants.retain(|_, tenant| !tenant.is_idle(now));
            }
        }
        let tenant = self.tenants.entry(key).or_insert_with(|| {
            let share = key.map_or_else(ProcessorShare::default, &self.share_of);
            Tenant::new(&share, now)
        });
        (&mut self.queue, tenant)
    }
}

impl<W> Tenant<W> {
    fn new(share: &ProcessorShare, now: Instant) -> Tenant<W> {
        let limit = share.limit_ms_per_second;
        Tenant {
            flow: Flow::new(share.weight),
            waiting: VecDeque::new(),
            running: 0,
            bucket: limit.map(|limit| Bucket::new(limit, now)),
        }
    }

    /// It may take so much processor time from now on.
    fn set_limit(&mut self, limit: Option<NonZeroU32>, now: Instant) {
        self.bucket = match (self.bucket.take(), limit) {
            (Some(mut bucket), Some(limit)) => {
                bucket.fill(now);
                bucket.rate = Bucket::new(limit, now).rate;
                bucket.filled = bucket.filled.min(bucket.most());
                Some(bucket)
            }
            (None, Some(limit)) => Some(Bucket::new(limit, now)),
            (_, None) => None,
        };
    }

    /// One of its guests has a slot. It is charged ahead, so that of several slots that become
    /// free at one time not all go to one tenant.
    fn begin(&mut self, key: Key, queue: &mut FairQueue<Key>) {
        self.running += 1;
        queue.charge(key, &mut self.flow, SLICE);
    }

    /// Whether none of its guests runs or wants to.
    fn was_idle(&self) -> bool {
        self.running == 0 && self.waiting.is_empty()
    }

    /// How long its guests have to sleep, where its limit is reached.
    fn pause(&mut self, now: Instant) -> Option<Duration> {
        let bucket = self.bucket.as_mut()?;
        bucket.fill(now);
        bucket.pause()
    }

    fn pay(&mut self, ran: Duration, now: Instant) {
        if let Some(bucket) = &mut self.bucket {
            bucket.fill(now);
            let ran = i128::try_from(ran.as_nanos()).unwrap_or(i128::MAX);
            bucket.filled = bucket.filled.saturating_sub(ran);
        }
    }

    /// Whether none of its guests runs or wants to, and it owes nothing to its limit.
    fn is_idle(&mut self, now: Instant) -> bool {
        let is_full = self.bucket.as_mut().is_none_or(|bucket| {
            bucket.fill(now);
            bucket.sleeping == 0 && bucket.filled >= bucket.most()
        });
        self.was_idle() && is_full
    }
}

#[cfg(test)]
#[path = "processors_tests.rs"]
mod tests;

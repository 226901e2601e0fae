//! Which invocations run, and which wait: so many run at one time, and where a place becomes free,
//! the next one is that of the tenant that is first by weighted fair queueing, charged for the time
//! for which its requests have their places ([`FairQueue`]).
//!
//! The queue has a bound, so that a place of the server is left for whoever comes next. Past it the
//! tenant that holds most for its weight loses the request that has waited for the shortest time,
//! as the fair queue of Linux' `fq_codel` drops from its longest flow: a tenant that floods the node
//! is refused, and any other finds a place in the queue.

use std::collections::{HashMap, VecDeque};
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tensor_wasm_device::{FairQueue, Flow};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::FunctionLimits;
use crate::invocations::TenantInvocations;
use crate::lock::ignore_poison;

/// What a request is charged when it begins, until it is known how long it ran.
const EXPECTED: Duration = Duration::from_millis(100);

/// How many tenants are remembered before those are dropped that have no request.
const TENANTS: usize = 1024;

/// How many invocations there may be at one time.
#[derive(Clone, Copy, Debug)]
pub(super) struct AdmissionLimits {
    /// Those that run.
    pub(super) running: NonZeroUsize,
    /// Those that run or wait.
    pub(super) held: NonZeroUsize,
    /// Those of one tenant that run or wait.
    pub(super) of_each: NonZeroUsize,
}

impl AdmissionLimits {
    pub(super) fn of(limits: &FunctionLimits) -> AdmissionLimits {
        AdmissionLimits {
            running: limits.running,
            held: limits.held,
            of_each: limits.concurrency,
        }
    }
}

/// Why a request has no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// The tenant has as many as it may.
    Tenant {
        /// How many that is.
        limit: usize,
    },
    /// The node has as many as it can.
    Node,
}

/// The invocations of all tenants.
pub(super) struct Admission {
    weight_of: Box<dyn Fn(u64) -> NonZeroU32 + Send + Sync>,
    state: Mutex<AdmissionState>,
}

struct AdmissionState {
    limits: AdmissionLimits,
    running: usize,
    waiting: usize,
    queue: FairQueue<u64>,
    tenants: HashMap<u64, Tenant>,
    /// Counts those that waited.
    waited: u64,
}

struct Tenant {
    flow: Flow,
    weight: NonZeroU32,
    running: usize,
    waiting: VecDeque<Waiting>,
}

/// A request that waits, first come first served among those of its tenant.
struct Waiting {
    number: u64,
    place: oneshot::Sender<Result<Permit, NoPlace>>,
}

impl Tenant {
    fn held(&self) -> usize {
        self.running + self.waiting.len()
    }
}

/// The place of an invocation that runs, until it is dropped.
pub(crate) struct Permit {
    admission: Arc<Admission>,
    tenant: u64,
    since: Instant,
}

impl Admission {
    pub(super) fn new(
        limits: AdmissionLimits,
        weight_of: impl Fn(u64) -> NonZeroU32 + Send + Sync + 'static,
    ) -> Admission {
        Admission {
            weight_of: Box::new(weight_of),
            state: Mutex::new(AdmissionState {
                limits,
                running: 0,
                waiting: 0,
                queue: FairQueue::default(),
                tenants: HashMap::new(),
                waited: 0,
            }),
        }
    }

    /// How many there may be from now on. Those that run or wait already stay.
    pub(super) fn set_limits(self: &Arc<Admission>, limits: AdmissionLimits) {
        let mut free = {
            let mut state = ignore_poison(self.state.lock());
            state.limits = limits;
            let free = limits.running.get().saturating_sub(state.running);
            free.min(state.waiting)
        };
        while free > 0 {
            self.admit_next();
            free -= 1;
        }
    }

    /// Asks anew which part of the places each tenant has.
    pub(super) fn refresh_weights(&self) {
        let mut state = ignore_poison(self.state.lock());
        for (id, tenant) in &mut state.tenants {
            tenant.weight = (self.weight_of)(*id);
            tenant.flow.set_weight(tenant.weight);
        }
    }

    /// How many each tenant has that run and that wait, of those that have any.
    pub(super) fn held(&self) -> Vec<TenantInvocations> {
        let state = ignore_poison(self.state.lock());
        let held = state.tenants.iter().filter(|(_, own)| own.held() > 0);
        held.map(|(tenant, own)| TenantInvocations {
            tenant: *tenant,
            running: own.running,
            waiting: own.waiting.len(),
        })
        .collect()
    }

    /// A place for a request of a tenant, when it is its turn.
    pub(super) async fn admit(
        self: &Arc<Admission>,
        tenant: u64,
        patience: Duration,
    ) -> Result<Permit, NoPlace> {
        let mut waiting = match self.enter(tenant)? {
            Entered::Runs(permit) => return Ok(permit),
            Entered::Waits(waiting) => waiting,
        };
        // Apart, so that the future of who need not wait is small.
        match Box::pin(timeout(patience, &mut waiting.place)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(NoPlace::Node),
        }
    }

    fn enter(self: &Arc<Admission>, tenant: u64) -> Result<Entered, NoPlace> {
        let mut evicted = None;
        let mut state = ignore_poison(self.state.lock());
        let state = &mut *state;
        let limits = state.limits;
        state.forget_unused(tenant);
        let own = state.tenants.entry(tenant).or_insert_with(|| {
            let weight = (self.weight_of)(tenant);
            Tenant {
                flow: Flow::new(weight),
                weight,
                running: 0,
                waiting: VecDeque::new(),
            }
        });
        if own.held() >= limits.of_each.get() {
            let limit = limits.of_each.get();
            return Err(NoPlace::Tenant { limit });
        }
        if state.waiting == 0 && state.running < limits.running.get() {
            state.queue.serve(&mut own.flow);
            state.begin(tenant);
            return Ok(Entered::Runs(self.permit(tenant)));
        }
        if state.running + state.waiting >= limits.held.get() {
            let largest = state.largest(tenant).filter(|largest| *largest != tenant);
            evicted = Some(state.evict(largest.ok_or(NoPlace::Node)?));
        }
        let (send, place) = oneshot::channel();
        state.waited += 1;
        let number = state.waited;
        state.wait(
            tenant,
            Waiting {
                number,
                place: send,
            },
        );
        if let Some(Some(evicted)) = evicted {
            let _ = evicted.place.send(Err(NoPlace::Node));
        }
        Ok(Entered::Waits(InQueue {
            admission: self.clone(),
            tenant,
            number,
            place,
        }))
    }

    fn permit(self: &Arc<Admission>, tenant: u64) -> Permit {
        Permit {
            admission: self.clone(),
            tenant,
            since: Instant::now(),
        }
    }

    /// Gives a place that is free to the request that is next.
    fn admit_next(self: &Arc<Admission>) {
        let (tenant, next) = {
            let mut state = ignore_poison(self.state.lock());
            if state.running >= state.limits.running.get() {
                return;
            }
            match state.next() {
                Some(next) => next,
                None => return,
            }
        };
        // Without the lock: where nobody takes it, the permit is dropped, and so the next one is
        // admitted.
        let _ = next.place.send(Ok(self.permit(tenant)));
    }
}

enum Entered {
    Runs(Permit),
    Waits(InQueue),
}

/// A request in the queue, until this is dropped.
struct InQueue {
    admission: Arc<Admission>,
    tenant: u64,
    number: u64,
    place: oneshot::Receiver<Result<Permit, NoPlace>>,
}

impl Drop for InQueue {
    fn drop(&mut self) {
        ignore_poison(self.admission.state.lock()).leave(self.tenant, self.number);
    }
}

impl AdmissionState {
    /// A request of a tenant has a place, which is in the queue or has been served by it.
    fn begin(&mut self, tenant: u64) {
        if let Some(own) = self.tenants.get_mut(&tenant) {
            self.queue.charge(tenant, &mut own.flow, EXPECTED);
            own.running += 1;
            self.running += 1;
        }
    }

    /// A request of a tenant has ended, which has run for so long.
    fn end(&mut self, tenant: u64, ran: Duration) {
        if let Some(own) = self.tenants.get_mut(&tenant) {
            self.queue.correct(tenant, &mut own.flow, EXPECTED, ran);
            own.running = own.running.saturating_sub(1);
            self.running = self.running.saturating_sub(1);
        }
    }

    fn wait(&mut self, tenant: u64, waiting: Waiting) {
        if let Some(own) = self.tenants.get_mut(&tenant) {
            self.queue.enqueue(tenant, &mut own.flow);
            own.waiting.push_back(waiting);
            self.waiting += 1;
        }
    }

    /// Takes a request out of the queue, if it is there.
    fn leave(&mut self, tenant: u64, number: u64) {
        if let Some(own) = self.tenants.get_mut(&tenant) {
            let before = own.waiting.len();
            own.waiting.retain(|waiting| waiting.number != number);
            self.waiting -= before - own.waiting.len();
            if own.waiting.is_empty() {
                self.queue.dequeue(tenant, &mut own.flow);
            }
        }
    }

    /// The request that is next, which has a place from now on.
    fn next(&mut self) -> Option<(u64, Waiting)> {
        let tenant = self.queue.first()?;
        let own = self.tenants.get_mut(&tenant)?;
        let next = own.waiting.pop_front()?;
        self.waiting = self.waiting.saturating_sub(1);
        if own.waiting.is_empty() {
            self.queue.dequeue(tenant, &mut own.flow);
        }
        self.begin(tenant);
        Some((tenant, next))
    }

    /// The tenant that holds most for its weight, where this one would hold one more.
    fn largest(&self, asking: u64) -> Option<u64> {
        let waits = |(id, tenant): &(&u64, &Tenant)| **id == asking || !tenant.waiting.is_empty();
        let of_weight = |id: u64, tenant: &Tenant| {
            let held = tenant.held() + usize::from(id == asking);
            held as f64 / f64::from(tenant.weight.get())
        };
        let all = self.tenants.iter().filter(waits);
        let all = all.map(|(id, tenant)| (of_weight(*id, tenant), *id));
        // Of several, whoever asks.
        all.max_by(|(one, a), (other, b)| {
            one.total_cmp(other)
                .then((*a == asking).cmp(&(*b == asking)))
        })
        .map(|(_, id)| id)
    }

    /// Takes the request of a tenant out of the queue that came last.
    fn evict(&mut self, tenant: u64) -> Option<Waiting> {
        let own = self.tenants.get_mut(&tenant)?;
        let evicted = own.waiting.pop_back()?;
        self.waiting = self.waiting.saturating_sub(1);
        if own.waiting.is_empty() {
            self.queue.dequeue(tenant, &mut own.flow);
        }
        Some(evicted)
    }

    /// A tenant is any number that a caller may name.
    fn forget_unused(&mut self, asking: u64) {
        if self.tenants.len() < TENANTS || self.tenants.contains_key(&asking) {
            return;
        }
        let queue = &self.queue;
        self.tenants
            .retain(|_, tenant| tenant.held() > 0 || !queue.is_behind(&tenant.flow));
        if self.tenants.len() >= TENANTS {
            // So many have had more than their shares lately that it does not matter.
            self.tenants.retain(|_, tenant| tenant.held() > 0);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let ran = self.since.elapsed();
        let is_awaited = {
            let mut state = ignore_poison(self.admission.state.lock());
            state.end(self.tenant, ran);
            state.waiting > 0
        };
        if is_awaited {
            self.admission.admit_next();
        }
    }
}

#[cfg(test)]
#[path = "admission_tests.rs"]
mod tests;

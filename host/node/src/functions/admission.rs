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
    limits: AdmissionLimits,
    weight_of: Box<dyn Fn(u64) -> NonZeroU32 + Send + Sync>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
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
            limits,
            weight_of: Box::new(weight_of),
            state: Mutex::default(),
        }
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
        match timeout(patience, &mut waiting.place).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(NoPlace::Node),
        }
    }

    fn enter(self: &Arc<Admission>, tenant: u64) -> Result<Entered, NoPlace> {
        let (limits, mut evicted) = (self.limits, None);
        let mut state = ignore_poison(self.state.lock());
        let state = &mut *state;
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
            if state.running >= self.limits.running.get() {
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

impl State {
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
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    const NEVER: Duration = Duration::from_secs(60);

    fn number(of: usize) -> NonZeroUsize {
        NonZeroUsize::new(of).unwrap()
    }

    /// Tenant 3 has weight 3, and any other 1.
    fn admission(running: usize, held: usize, of_each: usize) -> Arc<Admission> {
        let limits = AdmissionLimits {
            running: number(running),
            held: number(held),
            of_each: number(of_each),
        };
        let weight = |tenant| NonZeroU32::new(if tenant == 3 { 3 } else { 1 }).unwrap();
        Arc::new(Admission::new(limits, weight))
    }

    fn runs(admission: &Arc<Admission>, tenant: u64) -> Permit {
        match admission.enter(tenant) {
            Ok(Entered::Runs(permit)) => permit,
            _ => panic!("it does not run"),
        }
    }

    fn waits(admission: &Arc<Admission>, tenant: u64) -> InQueue {
        match admission.enter(tenant) {
            Ok(Entered::Waits(waiting)) => waiting,
            _ => panic!("it does not wait"),
        }
    }

    fn refused(admission: &Arc<Admission>, tenant: u64) -> NoPlace {
        match admission.enter(tenant) {
            Err(no_place) => no_place,
            Ok(_) => panic!("it is not refused"),
        }
    }

    #[tokio::test]
    async fn a_request_runs_at_once_where_a_place_is_free_and_waits_for_one_where_none_is() {
        let admission = admission(1, 8, 8);
        let first = admission.admit(1, NEVER).await.unwrap();
        let second = tokio::spawn({
            let admission = admission.clone();
            async move { admission.admit(2, NEVER).await.map(drop) }
        });
        while ignore_poison(admission.state.lock()).waiting == 0 {
            tokio::task::yield_now().await;
        }
        drop(first);
        assert_eq!(second.await.unwrap(), Ok(()));
        let state = admission.state.lock().unwrap();
        assert_eq!((state.running, state.waiting), (0, 0));
    }

    #[tokio::test]
    async fn one_that_waits_longer_than_it_can_is_refused_and_forgotten() {
        let admission = admission(1, 8, 8);
        let _running = runs(&admission, 1);
        let outcome = admission.admit(2, Duration::from_millis(1)).await;
        assert_eq!(outcome.err(), Some(NoPlace::Node));
        assert_eq!(admission.state.lock().unwrap().waiting, 0);
    }

    #[test]
    fn the_tenant_that_had_less_is_next_whoever_came_first() {
        let admission = admission(1, 64, 64);
        let mut running = Some(runs(&admission, 1));
        let mut flood: Vec<_> = (0..20).map(|_| waits(&admission, 1)).collect();
        let mut quiet = waits(&admission, 2);
        drop(running.take());
        let Ok(Ok(_permit)) = quiet.place.try_recv() else {
            panic!("the quiet tenant waits");
        };
        assert!(flood.iter_mut().all(|one| one.place.try_recv().is_err()));
    }

    #[test]
    fn places_are_given_by_weight() {
        let admission = admission(1, 128, 64);
        let mut running = Some(runs(&admission, 9));
        let mut waiting: Vec<_> = [1, 3]
            .into_iter()
            .flat_map(|tenant| [tenant; 40])
            .map(|tenant| waits(&admission, tenant))
            .collect();
        let mut order = Vec::new();
        for _ in 0..40 {
            // Each has its place for as long, as far as the queue is told.
            if let Some(permit) = running.take() {
                let mut state = admission.state.lock().unwrap();
                state.end(permit.tenant, EXPECTED);
                drop(state);
                std::mem::forget(permit);
                admission.admit_next();
            }
            for one in &mut waiting {
                if let Ok(Ok(permit)) = one.place.try_recv() {
                    order.push(permit.tenant);
                    running = Some(permit);
                }
            }
        }
        let of_three = order.iter().filter(|tenant| **tenant == 3).count();
        assert!((29..=31).contains(&of_three), "{of_three} of 40: {order:?}");
    }

    #[test]
    fn a_full_queue_refuses_the_tenant_that_holds_most_for_its_weight() {
        let admission = admission(2, 6, 64);
        let _running = [runs(&admission, 1), runs(&admission, 1)];
        let mut flood: Vec<_> = (0..4).map(|_| waits(&admission, 1)).collect();
        assert_eq!(refused(&admission, 1), NoPlace::Node);
        let mut quiet = waits(&admission, 2);
        // The one that came last has lost its place in the queue.
        let last = flood.pop().map(|mut last| last.place.try_recv());
        assert!(matches!(last, Some(Ok(Err(NoPlace::Node)))));
        assert!(flood.iter_mut().all(|one| one.place.try_recv().is_err()));
        assert!(quiet.place.try_recv().is_err());
        assert_eq!(admission.state.lock().unwrap().waiting, 4);
    }

    #[test]
    fn a_tenant_holds_no_more_than_it_may() {
        let admission = admission(1, 64, 2);
        let _held = (runs(&admission, 1), waits(&admission, 1));
        assert_eq!(refused(&admission, 1), NoPlace::Tenant { limit: 2 });
        let _other = waits(&admission, 2);
    }

    #[test]
    fn one_that_left_the_queue_is_passed_over() {
        let admission = admission(1, 64, 64);
        let running = runs(&admission, 1);
        let (gone, mut stays) = (waits(&admission, 2), waits(&admission, 2));
        drop(gone);
        drop(running);
        assert!(stays.place.try_recv().is_ok());
    }

    #[test]
    fn a_permit_that_nobody_takes_goes_to_the_next() {
        let admission = admission(1, 64, 64);
        let running = runs(&admission, 1);
        let (mut gone, mut stays) = (waits(&admission, 2), waits(&admission, 2));
        gone.place.close();
        drop(running);
        assert!(stays.place.try_recv().is_ok());
    }

    #[test]
    fn tenants_without_requests_are_forgotten() {
        let admission = admission(4, 64, 64);
        for tenant in 0..5 * TENANTS as u64 {
            drop(runs(&admission, tenant));
        }
        assert!(admission.state.lock().unwrap().tenants.len() <= TENANTS);
    }
}

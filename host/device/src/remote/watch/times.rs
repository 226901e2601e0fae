//! How long a worker may take: for kernels, for all else, and for what an instance leaves behind that
//! has ended.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{HELD_BACK, Supervisor};
use crate::effects::DeferredEffects;
use crate::identity::BufferId;
use crate::remote::queue_state::RemoteQueue;
use crate::remote::worker::{ResidentBuffers, Started, Worker, WorkerLimits, WorkerState};
use crate::sync::lock;
use crate::{Buffer, Error};

/// The longest time between two checks while there is work.
const AT_WORK: Duration = Duration::from_millis(100);

/// How often they are checked while there is no work.
pub(super) const AT_REST: Duration = Duration::from_secs(1);

/// Requests that may wait for room in the ring. More than all limits of a tenant allow
/// together: a worker that reads none of them is of no use.
const MOST_UNREAD: usize = 1 << 19;

impl Supervisor {
    /// Ends the worker where something takes too long. Returns how long to wait until the
    /// next check.
    pub(super) fn check_times(&self) -> Duration {
        let worker = &self.worker;
        let limits = worker.limits;
        let mut state = lock(&worker.state);
        let now = Instant::now();
        worker.account(&mut state, now);
        let launches = state.launches();
        let busy = worker.busy_workers();
        let overrun = state.queues.iter().find_map(|(id, queue)| {
            let limit = match queue.running_kernel().is_some() {
                true => limits.kernel.saturating_add(limits.slack),
                false => limits.timeout,
            };
            let overran = queue.is_at_work() && queue.used > limit;
            overran.then(|| (*id, overrun_error(queue, &limits)))
        });
        let orphaned = state.orphaned();
        // Others may have the device, and a kernel of its own hold up all else.
        let mut timeout = limits.timeout.saturating_mul(busy);
        if launches > 0 {
            timeout = timeout.saturating_add(limits.kernel.saturating_mul(busy));
        }
        let unread = state.backlog.len() > MOST_UNREAD;
        let slow = unread
            || state
                .allocating
                .values()
                .map(|pending| pending.since)
                .chain(state.loading.values().map(|pending| pending.since))
                .chain(matches!(*worker.started.borrow(), Started::NotYet).then_some(worker.began))
                .chain(state.unread_since)
                .min()
                .is_some_and(|since| now.saturating_duration_since(since) > timeout);
        if let Some((queue, error)) = overrun {
            let lost = Error::DeviceLost(format!(
                "{error}; the device's worker was ended, and what was on the device is gone: open it again, and fill it anew"
            ));
            tracing::warn!(tenant = worker.tenant, worker = worker.id.number(), %error, "a device worker was ended");
            let effects = worker.lose(&mut state, lost, &[(queue, error)]);
            drop(state);
            effects.carry_out();
            return Duration::ZERO;
        }
        if orphaned {
            drop(state);
            worker.stop("the work of an instance that has ended was stopped");
            return Duration::ZERO;
        }
        if slow {
            drop(state);
            tracing::warn!(
                worker = worker.id.number(),
                "a device worker does not answer, and is ended"
            );
            self.lose(format!(
                "the device's worker did not answer within {timeout:?}, and was ended"
            ));
            return Duration::ZERO;
        }
        let mut effects = DeferredEffects::default();
        let holds_back_work = worker.send_all_work(&mut state, &mut effects);
        let has_no_users = state.users == 0;
        let launches = state.launches();
        let at_work = state.clock.runs();
        let is_active = state.clock.take_worked() || at_work;
        // Under the lock, which whoever begins work has too.
        let is_closely = is_active || holds_back_work;
        (worker.is_watched_closely).store(is_closely, Ordering::Release);
        drop(state);
        effects.carry_out();
        if !at_work && worker.stop_if_idle(limits.idle, ResidentBuffers::AreUse) {
            return Duration::ZERO;
        }
        let at_launches = (limits.kernel / 16).clamp(HELD_BACK, AT_WORK);
        if holds_back_work {
            HELD_BACK
        } else if launches > 0 && has_no_users {
            ORPHANED / 4
        } else if is_active {
            // Also where there was work a moment ago: so what begins next need not wake this thread.
            at_launches
        } else {
            AT_REST.min(limits.idle.max(HELD_BACK))
        }
    }
}

/// How long a kernel may run on whose instance has ended, where no other instance uses its
/// worker: no driver can stop a kernel alone.
const ORPHANED: Duration = Duration::from_millis(50);

impl WorkerState {
    /// Whether kernels of ended instances still run, and nothing would be lost with them.
    fn orphaned(&self) -> bool {
        if self.users > 0 || !self.allocating.is_empty() {
            return false;
        }
        let runs = |queue: &&RemoteQueue| queue.is_at_work();
        let over = self
            .queues
            .values()
            .filter(runs)
            .all(|queue| queue.closed && queue.used > ORPHANED);
        let any = self
            .queues
            .values()
            .any(|queue| queue.running_kernel().is_some());
        let theirs: HashSet<BufferId> = self
            .queues
            .values()
            .flat_map(RemoteQueue::buffers)
            .filter_map(Buffer::number)
            .collect();
        any && over && self.allocations.keys().all(|id| theirs.contains(id))
    }
}

fn overrun_error(queue: &RemoteQueue, limits: &WorkerLimits) -> Error {
    let (limit, timeout) = (limits.kernel, limits.timeout);
    match queue.running_kernel() {
        Some(kernel) => Error::DeadlineExceeded(format!(
            "kernel `{kernel}` ran longer than the {limit:?} that this tenant's kernels may take; split its work over several launches, or ask the operator for a longer limit"
        )),
        None => Error::DeviceLost(format!("a transfer did not end within {timeout:?}")),
    }
}

impl Worker {
    /// Counts the time up to now against the queues that are at work, and against the worker's share of
    /// the device.
    pub(in crate::remote) fn account(&self, state: &mut WorkerState, now: Instant) {
        let passed = state.clock.tick(now);
        let busy = self.busy_workers();
        let among = u32::try_from(state.launches().max(1)).unwrap_or(u32::MAX);
        let mut at_work = false;
        for queue in state.queues.values_mut().filter(|queue| queue.is_at_work()) {
            at_work = true;
            queue.used += match queue.running_kernel().is_some() {
                true => passed / busy / among,
                false => passed / busy,
            };
        }
        state.clock.set_running(at_work);
        if at_work && !passed.is_zero() {
            self.fair_share.charge(self.id, passed);
        }
    }

    /// Among how many workers the device's time is shared now.
    fn busy_workers(&self) -> u32 {
        u32::try_from(self.fair_share.busy().max(1)).unwrap_or(u32::MAX)
    }
}

impl WorkerState {
    /// How many queues run a kernel.
    fn launches(&self) -> usize {
        let queues = self.queues.values();
        queues
            .filter(|queue| queue.running_kernel().is_some())
            .count()
    }
}

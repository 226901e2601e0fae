//! How long a worker may take: for kernels, for all else, and for what an instance leaves behind that
//! has ended.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::{HELD_BACK, Supervisor};
use crate::effects::DeferredEffects;
use crate::identity::BufferId;
use crate::remote::queue_state::RemoteQueue;
use crate::remote::worker::{ResidentBuffers, Started, WorkerLimits, WorkerState};
use crate::sync::lock;
use crate::{Buffer, Error};

/// How often times are checked while there is work but no kernel.
const AT_WORK: Duration = Duration::from_millis(100);

/// How often they are checked while there is no work.
pub(super) const AT_REST: Duration = Duration::from_secs(1);

/// Requests that may wait for room in the ring. More than all limits of a tenant allow
/// together: a worker that reads none of them is of no use.
const MOST_UNREAD: usize = 1 << 19;

impl Supervisor {
    /// Ends the worker where something takes too long. Returns how long to wait until the
    /// next check.
    pub(super) fn check_times(&self, clock: &mut WorkClock) -> Duration {
        let worker = &self.worker;
        let limits = worker.limits;
        let mut state = lock(&worker.state);
        let now = Instant::now();
        let passed = clock.tick(now);
        let busy = worker.fair_share.busy().max(1) as u32;
        let launched = state.queues.values();
        let launched = launched.filter(|queue| queue.running_kernel().is_some());
        let launched = launched.count();
        let among = u32::try_from(launched.max(1)).unwrap_or(u32::MAX);
        let mut overrun = None;
        let mut at_work = false;
        for (id, queue) in &mut state.queues {
            if !queue.is_at_work() {
                continue;
            }
            at_work = true;
            let limit = match queue.running_kernel().is_some() {
                true => {
                    queue.used += passed / busy / among;
                    limits.kernel.saturating_add(limits.slack)
                }
                false => {
                    queue.used += passed / busy;
                    limits.timeout
                }
            };
            if queue.used > limit {
                overrun = Some((*id, overrun_error(queue, &limits)));
            }
        }
        clock.runs = at_work;
        if at_work {
            worker.fair_share.charge(worker.id, passed);
        }
        let orphaned = state.orphaned();
        // Others may have the device, and a kernel of its own hold up all else.
        let mut timeout = limits.timeout.saturating_mul(busy);
        if launched > 0 {
            timeout = timeout.saturating_add(limits.kernel.saturating_mul(busy));
        }
        let unread = state.backlog.len() > MOST_UNREAD;
        let slow = unread
            || state
                .allocating
                .values()
                .map(|pending| pending.since)
                .chain(state.loading.values().map(|pending| pending.since))
                .chain(matches!(*worker.started.borrow(), Started::NotYet).then_some(self.began))
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
                "the device's worker did not answer within {:?}, and was ended",
                limits.timeout
            ));
            return Duration::ZERO;
        }
        let state_has_orphans = state.users == 0;
        let mut effects = DeferredEffects::default();
        let waiting = worker.send_all_work(&mut state, &mut effects);
        drop(state);
        effects.carry_out();
        if !at_work && worker.stop_if_idle(limits.idle, ResidentBuffers::AreUse) {
            return Duration::ZERO;
        }
        if waiting {
            HELD_BACK
        } else if launched > 0 && state_has_orphans {
            ORPHANED / 4
        } else if launched > 0 {
            (limits.kernel / 16).clamp(HELD_BACK, AT_WORK)
        } else if at_work {
            AT_WORK
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

/// Measures the time in which the worker has work.
#[derive(Default)]
pub(super) struct WorkClock {
    last: Option<Instant>,
    runs: bool,
}

impl WorkClock {
    fn tick(&mut self, now: Instant) -> Duration {
        let last = self.last.replace(now).filter(|_| self.runs);
        last.map_or(Duration::ZERO, |last| now.saturating_duration_since(last))
    }
}

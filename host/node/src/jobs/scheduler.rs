//! Which job runs next: that of the tenant that has the fewest running; among equals, of the
//! one whose turn was longest ago; and of one tenant, the job that has been due for longest.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::select;
use tokio::runtime::Handle;

use super::{Jobs, Running, attempt};
use crate::lock::ignore_poison;
use crate::storage::StorageError;
use crate::storage::jobs::{Job, LONGEST_PAUSE_MS};

/// How long to wait after the database failed.
const PAUSE: Duration = Duration::from_secs(1);

/// How often jobs are removed whose time is over; and how long the scheduler sleeps at most.
const HOUSEKEEPING: Duration = Duration::from_secs(60);

/// Runs jobs until the node stops, and removes those whose time is over.
pub(super) async fn run(jobs: Arc<Jobs>, guests: Handle) {
    select(pin!(begin_jobs(&jobs, guests)), pin!(clean(&jobs))).await;
}

/// Removes jobs whose time is over, again and again.
async fn clean(jobs: &Jobs) {
    loop {
        jobs.clean().await;
        jobs.clock().sleep(HOUSEKEEPING).await;
    }
}

/// Begins jobs until the node stops.
async fn begin_jobs(jobs: &Arc<Jobs>, guests: Handle) {
    let mut is_certain = true;
    loop {
        if *jobs.stopped.borrow() {
            return;
        }
        if !is_certain {
            is_certain = jobs.release().await;
        }
        let sleep = match jobs.next().await {
            Ok(Next::Job(job)) => {
                jobs.clone().begin(*job, &guests);
                continue;
            }
            Ok(Next::Sleep(sleep)) => sleep,
            Err(error) => {
                tracing::error!("jobs wait: {error}");
                // What was claimed and is not known to be runs nowhere.
                is_certain = false;
                PAUSE
            }
        };
        let sleep = jobs.clock().sleep(sleep.min(HOUSEKEEPING));
        select(sleep, pin!(jobs.wake.notified())).await;
    }
}

/// What the scheduler does next.
enum Next {
    /// Runs this job.
    Job(Box<Job>),
    /// Sleeps, if nothing wakes it.
    Sleep(Duration),
}

impl Jobs {
    async fn next(&self) -> Result<Next, StorageError> {
        if ignore_poison(self.running.lock()).len() >= self.limits.load().concurrency.get() {
            return Ok(Next::Sleep(HOUSEKEEPING));
        }
        loop {
            let now = self.clock().now_ms();
            let announcements = ignore_poison(self.waiting.lock()).announcements;
            let tenant = match self.next_tenant(now) {
                Ok(tenant) => tenant,
                Err(sleep) => return Ok(Next::Sleep(sleep)),
            };
            let database = &self.storage.database;
            if let Some(job) = database.claim_job(tenant, now).await? {
                return Ok(Next::Job(Box::new(job)));
            }
            let due = database.next_due(tenant).await?;
            let mut waiting = ignore_poison(self.waiting.lock());
            if waiting.announcements != announcements {
                // The database may have been asked before it had what was announced.
                continue;
            }
            match (due, waiting.tenants.get_mut(&tenant)) {
                (Some(due), Some(turn)) if !is_due(due, now) => turn.due_ms = due,
                (Some(_), _) => {}
                (None, _) => {
                    waiting.tenants.remove(&tenant);
                }
            }
        }
    }

    /// The tenant whose turn it is, or how long none has one.
    fn next_tenant(&self, now: i64) -> Result<u64, Duration> {
        let running = ignore_poison(self.running.lock());
        let of = |tenant: u64| running.values().filter(|job| job.tenant == tenant).count();
        let mut waiting = ignore_poison(self.waiting.lock());
        waiting.clock += 1;
        let clock = waiting.clock;
        let due = waiting
            .tenants
            .iter()
            .filter(|(_, turn)| is_due(turn.due_ms, now));
        let next = due.min_by_key(|(tenant, turn)| (of(**tenant), turn.last, **tenant));
        let Some(tenant) = next.map(|(tenant, _)| *tenant) else {
            let first = waiting.tenants.values().map(|turn| turn.due_ms).min();
            let sleep = first.map_or(HOUSEKEEPING, |due| {
                Duration::from_millis(u64::try_from(due - now).unwrap_or(0))
            });
            return Err(sleep);
        };
        if let Some(turn) = waiting.tenants.get_mut(&tenant) {
            turn.last = clock;
        }
        Ok(tenant)
    }

    fn begin(self: Arc<Self>, job: Job, guests: &Handle) {
        let (id, tenant) = (job.id.clone(), job.tenant);
        // Until the task is listed, it can't be ended by a cancellation: it waits for that.
        let (listed, is_listed) = tokio::sync::oneshot::channel::<()>();
        let jobs = self.clone();
        let ended = Ended {
            jobs: self.clone(),
            id: id.clone(),
        };
        let task = guests.spawn(async move {
            let _ended = ended;
            let _ = is_listed.await;
            attempt::run(&jobs, job).await;
        });
        let mut running = ignore_poison(self.running.lock());
        let task = task.abort_handle();
        running.insert(id, Running { tenant, task });
        self.count.send_replace(running.len());
        drop(running);
        let _ = listed.send(());
    }

    /// Has jobs wait again that are taken for running, and are not. Whether that succeeded.
    async fn release(&self) -> bool {
        let running: Vec<_> = ignore_poison(self.running.lock()).keys().cloned().collect();
        let now = self.clock().now_ms();
        match self.storage.database.release_jobs(&running, now).await {
            Ok(tenants) => {
                for tenant in tenants {
                    self.due(tenant, now);
                }
                true
            }
            Err(error) => {
                tracing::error!("jobs that were not begun wait: {error}");
                false
            }
        }
    }

    async fn clean(&self) {
        let retention = i64::try_from(self.limits.load().retention.as_millis()).unwrap_or(i64::MAX);
        let Some(now) = self.settled.now_ms(self.clock()) else {
            return;
        };
        let before = now.saturating_sub(retention);
        if let Err(error) = self.storage.database.remove_jobs(before).await {
            tracing::error!("jobs whose time is over stay for now: {error}");
        }
    }
}

/// Whether a job is due: also where the clock was set back, and it would be due later than any pause
/// is long.
fn is_due(due_ms: i64, now_ms: i64) -> bool {
    due_ms <= now_ms || due_ms > now_ms.saturating_add(LONGEST_PAUSE_MS)
}

/// Takes a job off the list of those that run, however its task ends.
struct Ended {
    jobs: Arc<Jobs>,
    id: String,
}

impl Drop for Ended {
    fn drop(&mut self) {
        let mut running = ignore_poison(self.jobs.running.lock());
        running.remove(&self.id);
        self.jobs.count.send_replace(running.len());
        drop(running);
        self.jobs.wake.notify_one();
    }
}

//! Jobs: invocations that nobody waits for. Each is kept in the database from before it is
//! acknowledged until some time after its end, is run by [`scheduler`], and survives the end of
//! the node.
//!
//! [`attempt`] runs a job once.

mod attempt;
mod request;
mod scheduler;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::future::{Either, select};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use crate::audit::{AuditLog, Outcome};
use crate::clock::{Clock, SettledTime};
use crate::functions::Functions;
use crate::lock::ignore_poison;
use crate::storage::jobs::{Added, Job, JobState, NewJob};
use crate::storage::{Storage, StorageError};
use crate::to_its_end::to_its_end;

pub(crate) use request::{JobOptions, headers_of, stored};

/// What jobs may take, and how long they are kept.
#[derive(Clone, Debug)]
pub struct JobLimits {
    /// Jobs that run at one time.
    pub concurrency: NonZeroUsize,
    /// Jobs of one tenant that wait or run.
    pub of_each_tenant: u32,
    /// The longest request or response of a job, in bytes.
    pub body_bytes: u64,
    /// How long an attempt may take.
    pub timeout: Duration,
    /// How long a job is kept after its end.
    pub retention: Duration,
}

impl Default for JobLimits {
    fn default() -> JobLimits {
        JobLimits {
            concurrency: NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN),
            of_each_tenant: 1000,
            body_bytes: 8 << 20,
            timeout: Duration::from_secs(300),
            retention: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// The jobs of a node.
pub(crate) struct Jobs {
    storage: Arc<Storage>,
    functions: Arc<Functions>,
    limits: ArcSwap<JobLimits>,
    audit: OnceLock<Arc<AuditLog>>,
    waiting: Mutex<Waiting>,
    running: Mutex<HashMap<String, Running>>,
    /// When jobs are removed.
    settled: SettledTime,
    /// Something became due, or a place became free.
    wake: Notify,
    /// Whether no further attempt begins.
    stopped: watch::Sender<bool>,
    /// How many run.
    count: watch::Sender<usize>,
}

/// The tenants with jobs that wait.
#[derive(Default)]
struct Waiting {
    tenants: HashMap<u64, Turn>,
    /// Counts what became due, so that it is seen where that happens while the database is
    /// asked.
    announcements: u64,
    /// Counts the attempts.
    clock: u64,
}

/// When a tenant's next job may begin.
struct Turn {
    /// In milliseconds since 1970; a job may be due later, and none earlier.
    due_ms: i64,
    /// When a job of the tenant last began, by the clock of attempts.
    last: u64,
}

/// A job that runs.
struct Running {
    tenant: u64,
    task: AbortHandle,
}

impl Jobs {
    /// The jobs in a database. What ran when the node last ended waits again, or is lost.
    pub(crate) async fn open(
        storage: Arc<Storage>,
        functions: Arc<Functions>,
        limits: JobLimits,
    ) -> Result<Jobs, StorageError> {
        let database = &storage.database;
        let (again, lost) = database
            .settle_interrupted(false, functions.clock().now_ms())
            .await?;
        if again + lost > 0 {
            tracing::warn!(again, lost, "jobs ran when the node ended");
        }
        let tenants = database.tenants_with_jobs().await?;
        let turn = |tenant| (tenant, Turn { due_ms: 0, last: 0 });
        let waiting = Waiting {
            tenants: tenants.into_iter().map(turn).collect(),
            ..Waiting::default()
        };
        Ok(Jobs {
            storage,
            functions,
            limits: ArcSwap::from_pointee(limits),
            audit: OnceLock::new(),
            waiting: Mutex::new(waiting),
            running: Mutex::default(),
            settled: SettledTime::default(),
            wake: Notify::new(),
            stopped: watch::Sender::new(false),
            count: watch::Sender::new(0),
        })
    }

    /// Has the ends of jobs recorded.
    pub(crate) fn set_audit(&self, audit: Arc<AuditLog>) {
        let _ = self.audit.set(audit);
    }

    /// Begins to run jobs, on the threads that run guests.
    pub(crate) fn start(self: &Arc<Self>, guests: &Handle) {
        guests.spawn(scheduler::run(self.clone(), guests.clone()));
    }

    /// How many run.
    pub(crate) fn running(&self) -> watch::Receiver<usize> {
        self.count.subscribe()
    }

    /// What tells the node the time.
    fn clock(&self) -> &dyn Clock {
        self.functions.clock()
    }

    pub(crate) fn limits(&self) -> Arc<JobLimits> {
        self.limits.load_full()
    }

    /// Other limits, from the next attempt on.
    pub(crate) fn set_limits(&self, limits: JobLimits) {
        self.limits.store(Arc::new(limits));
        self.wake.notify_one();
    }

    /// Keeps a job, which is then due at once.
    pub(crate) async fn add(self: &Arc<Self>, job: NewJob) -> Result<Added, StorageError> {
        let jobs = self.clone();
        to_its_end(async move {
            let tenant = job.tenant;
            let _turn = jobs.functions.turns.turn(tenant).await;
            let now = jobs.clock().now_ms();
            let limit = jobs.limits.load().of_each_tenant;
            let stored_bytes = jobs.functions.limits().stored_bytes;
            let added = jobs.storage.database.add_job(job, limit, stored_bytes, now);
            let added = added.await;
            // A job whose adding failed may be there.
            if matches!(added, Ok(Added::New(_)) | Err(_)) {
                jobs.due(tenant, now);
            }
            added
        })
        .await
    }

    /// A tenant has jobs that something else has added.
    pub(crate) fn added(&self, tenant: u64) {
        self.due(tenant, self.clock().now_ms());
    }

    /// A job of a tenant.
    pub(crate) async fn find(&self, tenant: u64, id: &str) -> Result<Option<Job>, StorageError> {
        self.storage.database.job(tenant, id).await
    }

    /// The jobs of a tenant, newest first, those before `after`.
    pub(crate) async fn list(
        &self,
        tenant: u64,
        function: Option<&str>,
        state: Option<JobState>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Job>, StorageError> {
        let database = &self.storage.database;
        database.jobs(tenant, function, state, after, limit).await
    }

    /// The body of a job's response.
    pub(crate) async fn result(&self, id: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.storage.database.job_body(id, "result").await
    }

    /// Cancels a job that is not at its end, and stops it where it runs.
    pub(crate) async fn cancel(
        self: &Arc<Self>,
        tenant: u64,
        id: &str,
    ) -> Result<(), StorageError> {
        let (jobs, id) = (self.clone(), id.to_owned());
        to_its_end(async move {
            let (database, now) = (&jobs.storage.database, jobs.clock().now_ms());
            if database.cancel_job(tenant, &id, now).await? {
                jobs.record("job.cancelled", &id, None);
                if let Some(running) = ignore_poison(jobs.running.lock()).get(&id) {
                    running.task.abort();
                }
            }
            Ok(())
        })
        .await
    }

    /// No further attempt begins.
    pub(crate) fn stop(&self) {
        self.stopped.send_replace(true);
        self.wake.notify_one();
    }

    /// Waits until no job runs, for at most `patience`.
    pub(crate) async fn drain(&self, patience: Duration) {
        let mut count = self.count.subscribe();
        let idle = pin!(count.wait_for(|running| *running == 0));
        if let Either::Right(_) = select(idle, self.clock().sleep(patience)).await {
            tracing::warn!(
                "the time for draining is over: jobs that run begin again at the next start"
            );
        }
    }

    /// Stops what runs. It waits again, or is lost. To be called when no attempt begins any
    /// more.
    pub(crate) async fn close(&self) {
        for running in ignore_poison(self.running.lock()).values() {
            running.task.abort();
        }
        let now = self.clock().now_ms();
        let settled = self.storage.database.settle_interrupted(true, now);
        match settled.await {
            Ok((0, 0)) => {}
            Ok((again, lost)) => tracing::info!(again, lost, "jobs are left to the next start"),
            Err(error) => {
                tracing::error!("the jobs that ran are settled at the next start: {error}")
            }
        }
    }

    /// A job of this tenant is due at this time.
    fn due(&self, tenant: u64, due_ms: i64) {
        let mut waiting = ignore_poison(self.waiting.lock());
        let turn = waiting.tenants.entry(tenant);
        let turn = turn.or_insert(Turn { due_ms, last: 0 });
        turn.due_ms = turn.due_ms.min(due_ms);
        waiting.announcements += 1;
        drop(waiting);
        self.wake.notify_one();
    }

    fn record(&self, action: &str, id: &str, error: Option<&str>) {
        if let Some(audit) = self.audit.get() {
            let outcome = error.map_or_else(Outcome::done, Outcome::failed);
            audit.event(action, id, outcome);
        }
    }
}

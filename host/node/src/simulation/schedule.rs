//! One schedule: processes one after another on the same disk, the last of them without faults.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, select};
use futures::{FutureExt, TryFutureExt};
use object_store::memory::InMemory;
use tensor_wasm_runtime::{Grant, TenantMemory};
use tokio::runtime::{Builder, Handle};

use super::client::{Client, could_answer};
use super::database::SimulatedDatabase;
use super::invariants;
use super::model::{Model, VERSIONS, versions_of};
use super::objects::SimulatedObjects;
use super::tables::Tables;
use super::worker::{Runs, SimulatedLoader, SimulatedMounts};
use super::world::{FaultRates, World};
use crate::clock::Clock;
use crate::functions::{FunctionHost, FunctionLimits, Functions};
use crate::grants::{Tenant, TenantGrants};
use crate::jobs::{JobLimits, Jobs};
use crate::lock::ignore_poison;
use crate::storage::components::ComponentStore;
use crate::storage::seal::Seal;
use crate::storage::{Storage, StorageError};

/// How long an attempt of a job may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How long a job is kept after its end.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How long the last process may take until all jobs are at their end. Each may have to wait for a
/// pause of some minutes before each of its attempts.
const PATIENCE: Duration = Duration::from_secs(60 * 60);

/// A life of a node.
#[derive(Clone)]
pub(super) struct Schedule {
    world: Arc<World>,
    tables: Arc<Mutex<Tables>>,
    objects: Arc<InMemory>,
    runs: Arc<Mutex<Runs>>,
    model: Arc<Mutex<Model>>,
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Outcome {
    /// What should never happen.
    pub(super) faults: Vec<String>,
    /// What happened.
    pub(super) trace: String,
}

/// A node that runs.
#[derive(Clone)]
struct Process {
    storage: Arc<Storage>,
    functions: Arc<Functions>,
    jobs: Arc<Jobs>,
}

impl Schedule {
    pub(super) fn new(seed: u64) -> Schedule {
        Schedule {
            world: World::new(seed),
            tables: Arc::default(),
            objects: Arc::new(InMemory::new()),
            runs: Arc::default(),
            model: Arc::default(),
        }
    }

    pub(super) fn run(self) -> Outcome {
        let processes = self.world.random(|rng| rng.u32(1..5));
        for _ in 0..processes {
            self.world.set_rates(self.rates());
            self.process(|schedule, process| schedule.make_requests(process).boxed());
            self.check();
        }
        self.world.set_rates(FaultRates::default());
        self.process(|schedule, process| schedule.come_to_rest(process).boxed());
        self.check();
        self.process(|schedule, process| schedule.stop(process).boxed());
        self.check();
        self.with_faults(|schedule, faults| {
            invariants::at_rest(&schedule.tables(), &schedule.objects, faults);
        });
        // Jobs are removed some time after their end, by a clock that may have been set back since.
        self.world.jump_by(2 * RETENTION);
        self.process(|schedule, process| schedule.stop(process).boxed());
        self.with_faults(|schedule, faults| {
            invariants::after_retention(&schedule.tables(), faults);
        });
        let mut faults = std::mem::take(&mut self.model().faults);
        faults.append(&mut ignore_poison(self.runs.lock()).faults);
        Outcome {
            faults,
            trace: self.world.trace(),
        }
    }

    /// A process without faults, in which jobs end. The time of day is then wrong for some minutes, by more
    /// than jobs are kept, and later right by as much. How many ended jobs there are before, while it
    /// is wrong, after, and at the end.
    pub(super) fn run_with_a_wrong_clock(self) -> [usize; 4] {
        let counts = Arc::new(Mutex::new([usize::MAX; 4]));
        let counted = counts.clone();
        self.process(move |schedule, process| {
            let script = async move {
                schedule.client(&process, 0).run(40).await;
                while !schedule.tables().open_jobs().is_empty() {
                    schedule.world.sleep(Duration::from_secs(30)).await;
                }
                let count = |place: usize| {
                    let jobs = schedule.tables().jobs.len();
                    if let Some(count) = ignore_poison(counted.lock()).get_mut(place) {
                        *count = jobs;
                    }
                };
                let minutes = |count: u64| schedule.world.sleep(Duration::from_secs(60 * count));
                count(0);
                schedule.world.jump_by(2 * RETENTION);
                minutes(10).await;
                count(1);
                schedule.world.jump_back_by(2 * RETENTION);
                minutes(180).await;
                count(2);
                schedule.world.jump_by(2 * RETENTION);
                minutes(180).await;
                count(3);
            };
            script.boxed()
        });
        *ignore_poison(counts.lock())
    }

    fn tables(&self) -> std::sync::MutexGuard<'_, Tables> {
        ignore_poison(self.tables.lock())
    }

    fn model(&self) -> std::sync::MutexGuard<'_, Model> {
        ignore_poison(self.model.lock())
    }

    /// Adds what should never happen.
    fn with_faults(&self, find: impl FnOnce(&Schedule, &mut Vec<String>)) {
        let mut faults = Vec::new();
        find(self, &mut faults);
        self.model().faults.append(&mut faults);
    }

    /// The faults of one process: some kinds of them, rare or frequent.
    fn rates(&self) -> FaultRates {
        let rates = [0, 0, 5, 20, 60];
        let rate = || rates[self.world.random(|rng| rng.usize(0..rates.len()))];
        FaultRates {
            crash_before: rate() / 2,
            crash_after: rate() / 2,
            fail_before: rate(),
            fail_after: rate(),
            fail_read: rate(),
            slow: rate(),
            clock_jump: rate() / 4,
            worker: rate() * 4,
            impatience: rate() * 2,
        }
    }

    /// Runs a process until it has done this, or crashes.
    fn process(
        &self,
        script: impl FnOnce(Schedule, Process) -> BoxFuture<'static, ()> + Send + 'static,
    ) {
        self.world.begin();
        ignore_poison(self.runs.lock()).running.clear();
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.unwrap();
        let schedule = self.clone();
        runtime.block_on(async {
            let world = schedule.world.clone();
            tokio::spawn(async move { world.pass_time().await });
            let world = schedule.world.clone();
            let life = tokio::spawn(async move {
                match schedule.start().await {
                    Ok(process) => script(schedule, process).await,
                    Err(error) => schedule.world.note(|| format!("not started: {error}")),
                }
            });
            let life = life.unwrap_or_else(|error| {
                self.model().fault(format!("the process failed: {error}"));
            });
            select(pin!(life), pin!(world.crashed())).await;
        });
        self.model().ends += 1;
    }

    async fn start(&self) -> Result<Process, StorageError> {
        let database = SimulatedDatabase {
            world: self.world.clone(),
            tables: self.tables.clone(),
        };
        let objects = Arc::new(SimulatedObjects {
            world: self.world.clone(),
            objects: self.objects.clone(),
        });
        let components = ComponentStore::over(objects, Path::new(""));
        let seal = Seal::of(&[7; 32], Path::new("the key of the simulation"))?;
        let storage = Arc::new(Storage::of(Box::new(database), components, seal).await?);
        let others = Tenant {
            gpu: Grant::Denied,
            ..Tenant::default()
        };
        let host = FunctionHost {
            loader: Arc::new(SimulatedLoader {
                world: self.world.clone(),
                runs: self.runs.clone(),
                timeout: TIMEOUT,
            }),
            mounts: Arc::new(SimulatedMounts {
                runs: self.runs.clone(),
            }),
            clock: self.world.clone(),
            grants: Arc::new(TenantGrants::new(None, others, BTreeMap::new())),
            memory: Arc::new(TenantMemory::unlimited()),
            is_guarded: false,
            http: Default::default(),
            observer: None,
            tracer: None,
            scheduler: None,
            snapshot_keys: Arc::default(),
            recordings: None,
        };
        let limits = FunctionLimits {
            functions: 3,
            versions: VERSIONS,
            stored_bytes: 20_000,
            concurrency: NonZeroUsize::new(2).unwrap(),
            loaded: NonZeroUsize::new(2).unwrap(),
            ..FunctionLimits::default()
        };
        let functions = Arc::new(Functions::new(storage.clone(), host, limits));
        let limits = JobLimits {
            concurrency: NonZeroUsize::new(3).unwrap(),
            of_each_tenant: 8,
            timeout: TIMEOUT,
            retention: RETENTION,
            ..JobLimits::default()
        };
        let jobs = Jobs::open(storage.clone(), functions.clone(), limits).await?;
        let jobs = Arc::new(jobs);
        jobs.start(&Handle::current());
        Ok(Process {
            storage,
            functions,
            jobs,
        })
    }

    fn client(&self, process: &Process, number: u64) -> Client {
        Client {
            world: self.world.clone(),
            functions: process.functions.clone(),
            jobs: process.jobs.clone(),
            model: self.model.clone(),
            number,
        }
    }

    /// Clients make requests; then the process stops, or is killed.
    async fn make_requests(self, process: Process) {
        let clients = self.world.random(|rng| rng.u64(1..4));
        let clients: Vec<_> = (0..clients)
            .map(|number| {
                let requests = self.world.random(|rng| rng.u32(1..12));
                tokio::spawn(self.client(&process, number).run(requests))
            })
            .collect();
        for client in clients {
            if let Err(error) = client.await {
                self.model().fault(format!("a client failed: {error}"));
            }
        }
        let seconds = self.world.random(|rng| rng.u64(0..200));
        self.world.sleep(Duration::from_secs(seconds)).await;
        match self.world.random(|rng| rng.bool()) {
            true => self.stop(process).await,
            false => self.world.crash(),
        }
    }

    /// The process ends as it does when it is told to.
    async fn stop(self, process: Process) {
        // Some time to remove what is no longer kept.
        self.world.sleep(Duration::from_secs(1)).await;
        process.jobs.stop();
        let patience = self.world.random(|rng| rng.u64(0..10));
        process.jobs.drain(Duration::from_secs(patience)).await;
        process.jobs.close().await;
        let _ = process.functions.store_usage().await;
        process.storage.close().await;
    }

    /// Without faults all jobs come to their end, functions answer, and what is deleted is gone.
    async fn come_to_rest(self, process: Process) {
        let end = self.world.time() + PATIENCE;
        loop {
            let open = self.tables().open_jobs();
            if open.is_empty() {
                break;
            }
            if self.world.time() > end {
                let text = format!("{open:?} do not come to their end");
                self.model().fault(text);
                break;
            }
            self.world.sleep(Duration::from_secs(30)).await;
        }
        let names: Vec<_> = self.model().functions.keys().cloned().collect();
        for (tenant, name) in names {
            self.look_at(&process, tenant, &name).await;
        }
        self.stop(process).await;
    }

    async fn look_at(&self, process: &Process, tenant: u64, name: &str) {
        let answer = self.client(process, tenant - 1).answer(name).await;
        let found = process.functions.find(tenant, name).await;
        let found = found.ok().flatten();
        let found = found.map(|entry| versions_of(&entry.function));
        let stored = self.tables().function(tenant, name);
        let stored = stored.as_ref().map(versions_of);
        let mut model = self.model();
        if found != stored {
            model.fault(format!("{name} is {stored:?}, and is taken for {found:?}"));
        }
        let Ok(answer) = answer else {
            model.fault(format!("{name} does not answer: {answer:?}"));
            return;
        };
        let candidates = model.functions.get(&(tenant, name.to_owned())).cloned();
        let candidates = candidates.unwrap_or_default().candidates;
        let mut states = candidates.iter();
        if !states.any(|state| could_answer(state, answer.as_ref())) {
            model.fault(format!("{name} answers {answer:?}, not as {candidates:?}"));
        }
    }

    /// Holds what is stored against what is known, between two processes.
    fn check(&self) {
        let tables = self.tables();
        self.model().check(&tables);
        self.with_faults(|schedule, faults| {
            invariants::between_processes(&tables, &schedule.objects, faults);
            let model = schedule.model();
            let runs = ignore_poison(schedule.runs.lock());
            invariants::runs(&tables, &model, &runs, faults);
        });
    }
}

//! The jobs that a client asks for, looks at and cancels.

use super::Client;
use crate::simulation::model::{End, KnownJob};
use crate::storage::StorageError;
use crate::storage::jobs::{Added, NewJob, OnRestart};

impl Client {
    pub(super) async fn add_job(&self, name: &str) {
        let Ok(Some(entry)) = self.functions.find(self.tenant(), name).await else {
            return;
        };
        let id = entry.function.id.clone();
        let key = self.random(|rng| match rng.u8(0..3) {
            0 => None,
            _ => Some(format!("k{}", rng.u8(0..3))),
        });
        let digest = self.random(|rng| rng.u8(0..8).min(1)).to_string();
        let max_attempts = self.random(|rng| rng.u32(1..4));
        let on_restart = match self.random(|rng| rng.u8(0..3)) {
            0 => OnRestart::Lost,
            _ => OnRestart::Run,
        };
        let job = NewJob {
            tenant: self.tenant(),
            function_id: id.clone(),
            function_name: name.to_owned(),
            max_attempts,
            backoff_ms: self.random(|rng| rng.i64(0..100_000)),
            on_restart,
            created_by: None,
            method: "POST".to_owned(),
            uri: "http://node/".to_owned(),
            headers: Default::default(),
            body: vec![b'x'; self.random(|rng| rng.usize(0..100))],
            idempotency_key: key.clone(),
            request_digest: digest.clone(),
        };
        let key = key.map(|key| (id, key));
        if let Some(key) = &key {
            self.with(|model| {
                let sent = model.sent.entry(key.clone()).or_default();
                sent.insert(digest.clone());
            });
        }
        let Some(Ok(added)) = self.patient(self.jobs.add(job)).await else {
            return;
        };
        let tenant = self.tenant();
        self.with(|model| match added {
            Added::New(job) => {
                self.world.note(|| format!("{job} added"));
                let known = KnownJob {
                    tenant,
                    max_attempts,
                    is_run_again: on_restart == OnRestart::Run,
                    end: None,
                };
                if model.jobs.insert(job.clone(), known).is_some() {
                    model.fault(format!("{job} was made twice"));
                }
                if let Some(key) = key {
                    let value = (job.clone(), digest);
                    if let Some(before) = model.keys.insert(key.clone(), value) {
                        model.fault(format!("{key:?} made {job} after {before:?}"));
                    }
                }
            }
            Added::Known(job) => match key {
                None => model.fault(format!("{job} is known without a key")),
                Some(key) => {
                    // One that was made, and not acknowledged, is known from now on.
                    let made = model.keys.entry(key.clone());
                    let made = made
                        .or_insert_with(|| (job.clone(), digest.clone()))
                        .clone();
                    if made != (job.clone(), digest) {
                        model.fault(format!("{key:?} made {made:?}, and then {job}"));
                    }
                }
            },
            Added::Conflict => {
                let sent = key.and_then(|key| model.sent.get(&key));
                if sent.is_none_or(|sent| sent.len() < 2) {
                    model.fault("a conflict with nothing");
                }
            }
            Added::TooMany | Added::TooMuch => {}
        });
    }

    /// One of the tenant's jobs.
    fn some_job(&self) -> Option<String> {
        let ids: Vec<_> = self.with(|model| {
            let jobs = model.jobs.iter();
            let jobs = jobs.filter(|(_, job)| job.tenant == self.tenant());
            jobs.map(|(id, _)| id.clone()).collect()
        });
        match ids.len() {
            0 => None,
            count => Some(ids[self.random(|rng| rng.usize(0..count))].clone()),
        }
    }

    pub(super) async fn cancel_job(&self) {
        let Some(id) = self.some_job() else {
            return;
        };
        let cancelling = self.jobs.cancel(self.tenant(), &id);
        if let Some(Ok(())) = self.patient(cancelling).await {
            self.world.note(|| format!("{id} cancelled"));
            self.look_at(&id, true).await;
        }
    }

    pub(super) async fn look_at_job(&self) {
        if let Some(id) = self.some_job() {
            self.look_at(&id, false).await;
        }
    }

    async fn look_at(&self, id: &str, is_ended: bool) {
        let found: Result<_, StorageError> = self.jobs.find(self.tenant(), id).await;
        let Ok(job) = found else {
            return;
        };
        self.with(|model| {
            let Some(job) = job else {
                model.fault(format!("{id} was acknowledged, and is not found"));
                return;
            };
            if !job.state.is_final() {
                if is_ended {
                    model.fault(format!("{id} was cancelled, and is {:?}", job.state));
                }
                return;
            }
            let end = End {
                state: job.state,
                status: job.status,
                error: job.error.clone(),
            };
            if let Some(known) = model.jobs.get_mut(id) {
                let seen = known.end.get_or_insert_with(|| end.clone()).clone();
                if seen != end {
                    model.fault(format!("{id} ended as {seen:?}, and then as {end:?}"));
                }
            }
        });
    }
}

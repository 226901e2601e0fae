//! A client of a simulated node: it deploys, changes, invokes and deletes functions, asks for jobs
//! and cancels them, sometimes goes away before it is answered, and remembers what it was told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::future::{Either, select};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use tensor_wasm_runtime::server::RequestId;
use tensor_wasm_runtime::{RequestScope, RequestTrace, TraceId};
use wasmtime_wasi_http::WasiBody;

use super::model::{End, Expected, KnownJob, Model, State, deployed, versions_of, weighted};
use super::world::World;
use crate::clock::Clock;
use crate::functions::{DeployError, FunctionName, Functions};
use crate::jobs::Jobs;
use crate::lock::ignore_poison;
use crate::storage::StorageError;
use crate::storage::functions::{ChangeError, Function};
use crate::storage::jobs::{Added, NewJob, OnRestart};

/// A client, whose names of functions are its own.
pub(super) struct Client {
    pub(super) world: Arc<World>,
    pub(super) functions: Arc<Functions>,
    pub(super) jobs: Arc<Jobs>,
    pub(super) model: Arc<Mutex<Model>>,
    pub(super) number: u64,
}

/// The digest of a component.
pub(super) fn digest_of(text: &str) -> String {
    format!("blake3:{}", blake3::hash(text.as_bytes()).to_hex())
}

/// The text of one of a few components, which several functions may have.
fn component(number: u32) -> String {
    format!("component {number}")
}

impl Client {
    fn tenant(&self) -> u64 {
        1 + self.number % 2
    }

    fn with<T>(&self, change: impl FnOnce(&mut Model) -> T) -> T {
        let mut model = ignore_poison(self.model.lock());
        change(&mut model)
    }

    fn random<T>(&self, ask: impl FnOnce(&mut fastrand::Rng) -> T) -> T {
        self.world.random(ask)
    }

    /// Makes so many requests, one after another.
    pub(super) async fn run(self, requests: u32) {
        for _ in 0..requests {
            let millis = self.random(|rng| match rng.u8(0..4) {
                0 => rng.u64(0..20_000),
                _ => rng.u64(0..50),
            });
            self.world.sleep(Duration::from_millis(millis)).await;
            let name = format!("f{}-{}", self.number, self.random(|rng| rng.u8(0..2)));
            let is_changing = self.with(|model| {
                let key = (self.tenant(), name.clone());
                model.functions.entry(key).or_default().is_changing
            });
            let kind = self.random(|rng| rng.u8(0..16));
            match kind {
                0..8 if is_changing => {}
                0..3 => self.deploy(&name).await,
                3..5 => self.set_traffic(&name).await,
                5 => self.delete(&name).await,
                6 | 7 => self.change_settings(&name).await,
                8 | 9 => self.invoke(&name).await,
                10..13 => self.add_job(&name).await,
                13 => self.cancel_job().await,
                _ => self.look_at_job().await,
            }
        }
    }

    /// What a request answers; `None` where the client went away before.
    async fn patient<T>(&self, request: impl Future<Output = T>) -> Option<T> {
        if !self.world.happens(|rates| rates.impatience) {
            return Some(request.await);
        }
        let millis = self.random(|rng| rng.u64(0..200));
        let patience = self.world.sleep(Duration::from_millis(millis));
        let request = std::pin::pin!(request);
        match select(request, patience).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    }

    /// A change of a function begins.
    fn begin(&self, name: &str, change: impl Fn(&State) -> State) {
        self.with(|model| {
            let key = (self.tenant(), name.to_owned());
            model.functions.entry(key).or_default().begin(change);
        });
    }

    /// The change has ended, so that this is so of the function.
    fn end(&self, name: &str, what: &str, is: impl Fn(&State) -> bool) {
        self.world.note(|| format!("{name}: {what}"));
        self.with(|model| {
            let key = (self.tenant(), name.to_owned());
            let knowledge = model.functions.entry(key).or_default();
            let before = knowledge.candidates.clone();
            if !knowledge.resolve(is) {
                knowledge.candidates = before.clone();
                model.fault(format!("{name}: {what}, but may be {before:?}"));
            }
        });
    }

    /// The change has failed, and may have happened.
    fn unknown(&self, name: &str) {
        self.world.note(|| format!("{name}: may have changed"));
        self.end(name, "it failed", |_| true);
    }

    async fn deploy(&self, name: &str) {
        let text = component(self.random(|rng| rng.u32(0..4)));
        let digest = digest_of(&text);
        let before = self.with(|model| {
            let key = (self.tenant(), name.to_owned());
            model.functions.entry(key).or_default().candidates.clone()
        });
        self.begin(name, |state| deployed(state, &digest));
        let deploying = async {
            let place = self.functions.deployment_place(self.tenant())?;
            let mut deployment = self.functions.deploy(self.tenant(), place).await?;
            for piece in text.as_bytes().chunks(7) {
                self.world.sleep(Duration::from_millis(1)).await;
                deployment.write(piece).await?;
            }
            let name = FunctionName::parse(name).map_err(|_| DeployError::Internal)?;
            deployment.finish(name, None).await
        };
        match self.patient(deploying).await {
            None => {}
            Some(Ok(function)) => {
                let versions = versions_of(&function);
                let what = format!("deployed as {versions:?}");
                let is_new = versions
                    .last_key_value()
                    .is_some_and(|(_, version)| *version == (digest.clone(), 100));
                if !is_new {
                    self.with(|model| model.fault(format!("{name}: {what}, not {digest}")));
                }
                let from: Vec<_> = before
                    .iter()
                    .map(|state| deployed(state, &digest))
                    .collect();
                self.end(name, &what, |state| {
                    from.contains(state) && has_versions(state, &function)
                });
            }
            Some(Err(
                DeployError::Storage(_) | DeployError::Internal | DeployError::Component(_),
            )) => self.unknown(name),
            Some(Err(error)) => {
                let what = format!("not deployed: {error:?}");
                self.end(name, &what, |state| before.contains(state));
            }
        }
    }

    async fn set_traffic(&self, name: &str) {
        let before = self.with(|model| {
            let key = (self.tenant(), name.to_owned());
            model.functions.entry(key).or_default().candidates.clone()
        });
        let Some(expected) = before.iter().flatten().last() else {
            return;
        };
        let numbers: Vec<_> = expected.versions.keys().copied().collect();
        let first = numbers[self.random(|rng| rng.usize(0..numbers.len()))];
        let second = numbers[self.random(|rng| rng.usize(0..numbers.len()))];
        let weights = match first == second {
            true => BTreeMap::from([(first, 100)]),
            false => BTreeMap::from([(first, 30), (second, 70)]),
        };
        self.begin(name, |state| weighted(state, &weights));
        let setting = self.functions.set_traffic(self.tenant(), name, &weights);
        match self.patient(setting).await {
            None => {}
            Some(Ok(function)) => self.end(name, &format!("{weights:?}"), |state| {
                has_versions(state, &function) && weighted(state, &weights) == *state
            }),
            Some(Err(ChangeError::NoFunction)) => self.end(name, "not there", Option::is_none),
            Some(Err(ChangeError::NoVersion(number))) => {
                self.end(name, &format!("no version {number}"), |state| {
                    state
                        .as_ref()
                        .is_some_and(|state| !state.versions.contains_key(&number))
                });
            }
            Some(Err(_)) => self.unknown(name),
        }
    }

    async fn delete(&self, name: &str) {
        self.begin(name, |_| None);
        let deleting = self.functions.delete(self.tenant(), name);
        match self.patient(deleting).await {
            None => {}
            Some(Ok(_)) => self.end(name, "deleted", Option::is_none),
            Some(Err(_)) => self.unknown(name),
        }
    }

    async fn change_settings(&self, name: &str) {
        let value = self.random(|rng| rng.u8(0..100)).to_string();
        let is_there = |state: &State| state.is_some();
        let failed = |result: ChangeError| match result {
            ChangeError::NoFunction => self.end(name, "no function", Option::is_none),
            _ => self.unknown(name),
        };
        match self.random(|rng| rng.u8(0..3)) {
            0 => {
                let values = BTreeMap::from([("a".to_owned(), value)]);
                let set = |expected: &mut Expected| expected.values = values.clone();
                self.begin(name, |state| changed(state, set));
                let setting = self.functions.set_values(self.tenant(), name, &values);
                match self.patient(setting).await {
                    None => {}
                    Some(Ok(_)) => self.end(name, "values are set", |state| {
                        is_there(state) && changed(state, set) == *state
                    }),
                    Some(Err(error)) => failed(error),
                }
            }
            1 => {
                let set = |expected: &mut Expected| {
                    expected.secrets.insert("s".to_owned(), value.clone());
                };
                self.begin(name, |state| changed(state, set));
                let setting = self.functions.set_secret(self.tenant(), name, "s", &value);
                match self.patient(setting).await {
                    None => {}
                    Some(Ok(_)) => self.end(name, "a secret is set", |state| {
                        is_there(state) && changed(state, set) == *state
                    }),
                    Some(Err(error)) => failed(error),
                }
            }
            _ => {
                let unset = |expected: &mut Expected| {
                    expected.secrets.remove("s");
                };
                self.begin(name, |state| changed(state, unset));
                let removing = self.functions.remove_secret(self.tenant(), name, "s");
                match self.patient(removing).await {
                    None => {}
                    Some(Ok(_)) => self.end(name, "a secret is removed", |state| {
                        is_there(state) && changed(state, unset) == *state
                    }),
                    Some(Err(error)) => failed(error),
                }
            }
        }
    }

    /// Invokes a function, and holds the response against what it may be.
    async fn invoke(&self, name: &str) {
        let Some(Ok(answer)) = self.patient(self.answer(name)).await else {
            return;
        };
        self.world.note(|| format!("{name}: answered {answer:?}"));
        self.with(|model| {
            let key = (self.tenant(), name.to_owned());
            let knowledge = model.functions.entry(key).or_default();
            if knowledge.is_changing {
                return;
            }
            // What was seen once is seen from then on.
            let before = knowledge.candidates.clone();
            if !knowledge.resolve(|state| could_answer(state, answer.as_ref())) {
                knowledge.candidates = before.clone();
                model.fault(format!(
                    "{name}: answered {answer:?}, but may be {before:?}"
                ));
            }
        });
    }

    /// What a function answers: the component and the settings that it found, or that there is no
    /// such function.
    ///
    /// # Errors
    ///
    /// A failure of the storage or of the function.
    pub(super) async fn answer(&self, name: &str) -> Result<Option<(String, String)>, String> {
        let found = self.functions.find(self.tenant(), name).await;
        let Some(entry) = found.map_err(|error| error.to_string())? else {
            return Ok(None);
        };
        let body = Full::new(Bytes::new()).map_err(|never| match never {});
        let mut request: Request<WasiBody> = Request::new(body.boxed_unsync());
        let trace = RequestTrace::begin(request.headers_mut(), TraceId::random(), None);
        let scope = RequestScope::internal(
            RequestId::random(),
            trace,
            Instant::now() + Duration::from_secs(3600),
            self.tenant(),
            None,
            None,
        );
        let response: Response<WasiBody> = self
            .functions
            .invoke(&entry, request, &scope)
            .await
            .map_err(|error| format!("{error:?}"))?;
        let component = response.headers().get("component").cloned();
        let component = component.ok_or("the function failed")?;
        let body = response.into_body().collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        let settings = text.split('|').nth(1).unwrap_or_default().to_owned();
        let component = component.to_str().unwrap_or_default().to_owned();
        Ok(Some((component, settings)))
    }

    async fn add_job(&self, name: &str) {
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

    async fn cancel_job(&self) {
        let Some(id) = self.some_job() else {
            return;
        };
        let cancelling = self.jobs.cancel(self.tenant(), &id);
        if let Some(Ok(())) = self.patient(cancelling).await {
            self.world.note(|| format!("{id} cancelled"));
            self.look_at(&id, true).await;
        }
    }

    async fn look_at_job(&self) {
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

fn changed(state: &State, change: impl Fn(&mut Expected)) -> State {
    let mut expected = state.clone()?;
    change(&mut expected);
    Some(expected)
}

fn has_versions(state: &State, function: &Function) -> bool {
    let state = state.as_ref();
    state.is_some_and(|state| state.versions == versions_of(function))
}

/// Whether a function in this state may have answered this.
pub(super) fn could_answer(state: &State, answer: Option<&(String, String)>) -> bool {
    match (state, answer) {
        (None, None) => true,
        (Some(expected), Some((component, settings))) => {
            let digest = digest_of(component);
            let mut versions = expected.versions.values();
            let is_active = versions.any(|(known, weight)| *known == digest && *weight > 0);
            let all: BTreeMap<_, _> = expected.values.iter().chain(&expected.secrets).collect();
            let all: Vec<_> = all
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            is_active && all.join(",") == *settings
        }
        _ => false,
    }
}

//! A client of a simulated node: it deploys, changes, invokes and deletes functions, asks for jobs
//! and cancels them, sometimes goes away before it is answered, and remembers what it was told.

mod assets;
mod jobs;

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

use super::model::{Expected, Model, State, changed, deleted, deployed, versions_of, weighted};
use super::world::World;
use crate::clock::Clock;
use crate::functions::{DeployError, FunctionName, Functions};
use crate::jobs::Jobs;
use crate::lock::ignore_poison;
use crate::storage::functions::{ChangeError, Function};

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
            let kind = self.random(|rng| rng.u8(0..20));
            match kind {
                0..11 if is_changing => {}
                0..3 => self.deploy(&name).await,
                3..5 => self.set_traffic(&name).await,
                5 => self.delete(&name).await,
                6 | 7 => self.change_settings(&name).await,
                8..11 => self.change_assets(&name).await,
                11..13 => self.invoke(&name).await,
                13..16 => self.add_job(&name).await,
                16 => self.cancel_job().await,
                17 => self.functions.apply_grants().await,
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
        let Some(expected) = before
            .iter()
            .filter_map(|state| state.function.as_ref())
            .next_back()
        else {
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
            Some(Err(ChangeError::NoFunction)) => self.end(name, "not there", has_no_function),
            Some(Err(ChangeError::NoVersion(number))) => {
                self.end(name, &format!("no version {number}"), |state| {
                    let function = state.function.as_ref();
                    function.is_some_and(|state| !state.versions.contains_key(&number))
                });
            }
            Some(Err(_)) => self.unknown(name),
        }
    }

    async fn delete(&self, name: &str) {
        self.begin(name, deleted);
        let deleting = self.functions.delete(self.tenant(), name);
        match self.patient(deleting).await {
            None => {}
            Some(Ok(_)) => self.end(name, "deleted", has_no_function),
            Some(Err(_)) => self.unknown(name),
        }
    }

    async fn change_settings(&self, name: &str) {
        let value = self.random(|rng| rng.u8(0..100)).to_string();
        let is_there = |state: &State| state.function.is_some();
        let failed = |result: ChangeError| match result {
            ChangeError::NoFunction => self.end(name, "no function", has_no_function),
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
    pub(super) async fn answer(&self, name: &str) -> Result<Option<Answer>, String> {
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
        let part = |number| text.split('|').nth(number).unwrap_or_default().to_owned();
        Ok(Some(Answer {
            component: component.to_str().unwrap_or_default().to_owned(),
            settings: part(1),
            assets: part(2),
        }))
    }
}

fn has_no_function(state: &State) -> bool {
    state.function.is_none()
}

fn has_versions(state: &State, function: &Function) -> bool {
    let known = state.function.as_ref();
    known.is_some_and(|known| known.versions == versions_of(function))
}

/// What a function answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Its text.
    component: String,
    /// The settings that it found.
    settings: String,
    /// The assets that it found.
    assets: String,
}

/// Names and values as components tell them.
pub(super) fn listed<'a>(pairs: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let pairs = pairs.into_iter();
    let pairs: Vec<_> = pairs
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join(",")
}

/// Whether a function in this state may have answered this.
pub(super) fn could_answer(state: &State, answer: Option<&Answer>) -> bool {
    match (&state.function, answer) {
        (None, None) => true,
        (Some(expected), Some(answer)) => {
            let digest = digest_of(&answer.component);
            let mut versions = expected.versions.iter();
            let is_active = versions.any(|(number, (known, weight))| {
                let assets = expected.assets.get(number);
                let assets = assets.map_or_else(String::new, listed);
                *known == digest && *weight > 0 && assets == answer.assets
            });
            let all: BTreeMap<_, _> = expected.values.iter().chain(&expected.secrets).collect();
            is_active && listed(all) == answer.settings
        }
        _ => false,
    }
}

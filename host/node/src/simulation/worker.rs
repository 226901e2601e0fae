//! Who runs components on a simulated node. A component is a text, which its responses tell with
//! the settings that it found; it fails, takes long or goes away as chance has it. What it was asked
//! to do is written down, and held against what the node says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use http::{HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use tensor_wasm_runtime::server::{HandleError, REQUEST_ID};
use tensor_wasm_runtime::{
    ApplicationConfig, Directory, ImportReport, InvokeFailure, RequestScope,
};
use wasmtime_wasi_http::WasiBody;

use super::client::{digest_of, listed};
use super::world::World;
use crate::clock::Clock;
use crate::functions::{
    CompilePermits, GUEST_PATH, LoadError, LoadedComponent, Loader, MountAssets,
};
use crate::lock::ignore_poison;
use crate::storage::Storage;
use crate::storage::assets::Assets;

/// The components and what they did, which outlive the process.
#[derive(Default)]
pub(super) struct Runs {
    /// By job: how often it began to run.
    pub(super) begun: BTreeMap<String, u32>,
    /// The jobs that run.
    pub(super) running: BTreeSet<String>,
    /// By job: the bodies of whole responses.
    pub(super) responses: BTreeMap<String, Vec<Vec<u8>>>,
    /// Invocations, jobs included.
    pub(super) invocations: u64,
    /// What should never happen.
    pub(super) faults: Vec<String>,
}

/// Loads texts.
pub(super) struct SimulatedLoader {
    pub(super) world: Arc<World>,
    pub(super) runs: Arc<Mutex<Runs>>,
    /// How long a guest may take.
    pub(super) timeout: Duration,
}

#[async_trait]
impl Loader for SimulatedLoader {
    async fn load(
        &self,
        component: Bytes,
        config: ApplicationConfig,
        permits: CompilePermits,
    ) -> Result<Arc<dyn LoadedComponent>, LoadError> {
        let _permits = permits;
        let millis = self.world.random(|rng| rng.u64(0..50));
        self.world.sleep(Duration::from_millis(millis)).await;
        if self.world.happens(|rates| rates.worker) {
            return Err(LoadError::Internal);
        }
        Ok(Arc::new(SimulatedComponent {
            world: self.world.clone(),
            runs: self.runs.clone(),
            timeout: self.timeout,
            text: String::from_utf8_lossy(&component).into_owned(),
            settings: config.policy.settings.pairs(),
            assets: told(&config.directories),
            imports: ImportReport::default(),
        }))
    }
}

/// Mounts nothing, but reads all assets, and passes their paths and digests on to the component.
pub(super) struct SimulatedMounts {
    pub(super) runs: Arc<Mutex<Runs>>,
}

#[async_trait]
impl MountAssets for SimulatedMounts {
    async fn mount(&self, storage: &Arc<Storage>, assets: &Assets) -> Result<Directory, LoadError> {
        for (path, asset) in assets {
            let content = storage.components.read(&asset.digest).await?;
            let text = String::from_utf8_lossy(&content);
            if digest_of(&text) != asset.digest || content.len() as u64 != asset.size_bytes {
                let text = format!("{path} is {asset:?}, and has the content {text:?}");
                ignore_poison(self.runs.lock()).faults.push(text);
            }
        }
        let assets = assets.iter().map(|(path, asset)| (path, &asset.digest));
        Ok(Directory {
            host: PathBuf::from(listed(assets)),
            guest: GUEST_PATH.to_owned(),
            is_read_only: true,
            guard: None,
        })
    }
}

/// What is mounted where a function expects its assets.
fn told(directories: &[Directory]) -> String {
    let mut directories = directories.iter();
    let assets = directories.find(|directory| directory.guest == GUEST_PATH);
    assets.map_or_else(String::new, |assets| assets.host.display().to_string())
}

/// A text that answers.
struct SimulatedComponent {
    world: Arc<World>,
    runs: Arc<Mutex<Runs>>,
    timeout: Duration,
    text: String,
    settings: Vec<(String, String)>,
    /// What was mounted, as [`SimulatedMounts`] tells it.
    assets: String,
    imports: ImportReport,
}

#[async_trait]
impl LoadedComponent for SimulatedComponent {
    fn imports(&self) -> &ImportReport {
        &self.imports
    }

    fn holds_memory(&self) -> bool {
        false
    }

    async fn invoke(
        &self,
        request: Request<WasiBody>,
        _scope: &RequestScope,
    ) -> Result<Response<WasiBody>, InvokeFailure> {
        let id = request.headers().get(REQUEST_ID);
        let id = id.and_then(|id| id.to_str().ok()).unwrap_or_default();
        let run = Run::begin(&self.runs, &self.world, id);
        let failure = |error| InvokeFailure { error, trap: None };
        let millis = self.world.random(|rng| rng.u64(0..2000));
        self.world.sleep(Duration::from_millis(millis)).await;
        let fails = self.world.happens(|rates| rates.worker);
        let kind = self.world.random(|rng| rng.u8(0..5));
        match (fails, kind) {
            (true, 0) => return Err(failure(HandleError::Trapped)),
            (true, 1) => {
                self.world.sleep(self.timeout).await;
                return Err(failure(HandleError::TimedOut));
            }
            (true, 2) => {
                let mut response = Response::new(self.body(run, Ending::Whole));
                *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
                return Ok(response);
            }
            (true, 3) => return Ok(Response::new(self.body(run, Ending::Broken))),
            (true, _) => return Ok(Response::new(self.body(run, Ending::Never))),
            (false, _) => {}
        }
        let mut response = Response::new(self.body(run, Ending::Whole));
        if let Ok(text) = HeaderValue::from_str(&self.text) {
            response.headers_mut().insert("component", text);
        }
        Ok(response)
    }
}

/// How a body ends.
#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Whole,
    Broken,
    Never,
}

impl SimulatedComponent {
    fn body(&self, run: Run, ending: Ending) -> WasiBody {
        let settings = listed(self.settings.iter().map(|(name, value)| (name, value)));
        let text = format!("{}|{settings}|{}|{}", self.text, self.assets, run.number);
        let text = Bytes::from(text);
        let first = text.clone();
        let (world, head) = (self.world.clone(), text.len() / 2);
        let begin = async move {
            world.sleep(Duration::from_millis(5)).await;
            Ok(Frame::data(first.slice(..head)))
        };
        let world = self.world.clone();
        let end = async move {
            match ending {
                Ending::Whole => {
                    run.responded(&text);
                    Ok(Frame::data(text.slice(head..)))
                }
                Ending::Broken => Err(wasmtime_wasi_http::Error::ConnectionTerminated),
                Ending::Never => {
                    // Longer than anybody waits.
                    world.sleep(Duration::from_secs(100_000)).await;
                    Err(wasmtime_wasi_http::Error::ConnectionTerminated)
                }
            }
        };
        let frames = futures::stream::once(begin.boxed()).chain(futures::stream::once(end.boxed()));
        BodyExt::boxed_unsync(StreamBody::new(frames))
    }
}

/// A component that runs for somebody, until this is dropped.
struct Run {
    runs: Arc<Mutex<Runs>>,
    id: String,
    /// Of all of the job's runs.
    number: u32,
}

impl Run {
    fn begin(runs: &Arc<Mutex<Runs>>, world: &World, id: &str) -> Run {
        let mut all = ignore_poison(runs.lock());
        all.invocations += 1;
        let mut number = 0;
        if id.starts_with("job_") {
            world.note(|| format!("{id} runs"));
            let begun = all.begun.entry(id.to_owned()).or_default();
            *begun += 1;
            number = *begun;
            if !all.running.insert(id.to_owned()) {
                all.faults.push(format!("{id} runs twice at one time"));
            }
        }
        Run {
            runs: runs.clone(),
            id: id.to_owned(),
            number,
        }
    }

    fn responded(&self, text: &[u8]) {
        let mut all = ignore_poison(self.runs.lock());
        let responses = all.responses.entry(self.id.clone()).or_default();
        responses.push(text.to_vec());
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        ignore_poison(self.runs.lock()).running.remove(&self.id);
    }
}

//! A node: functions of many tenants behind its policies, kept in a folder.
//!
//! ```no_run
//! use std::path::Path;
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use tensor_wasm_node::host::{ComponentSource, Served};
//! use tensor_wasm_node::node::{Node, NodeSource};
//! use tensor_wasm_node::tokens::Tokens;
//! use tensor_wasm_runtime::server::{Limits, Server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = tokio::runtime::Runtime::new()?;
//! let node = runtime.block_on(async {
//!     let server = Server::bind("127.0.0.1:8080".parse()?, Limits::default()).await?;
//!     let node = Node::builder(NodeSource::at(Path::new("/var/lib/tensor-wasm")))
//!         .policy(ComponentSource::read(Path::new("policy.wasm"))?)
//!         .tokens(Arc::new(Tokens::new(None, Some(Path::new("tokens")))?))
//!         .build()
//!         .await?;
//!     let interrupted = async {
//!         let _ = tokio::signal::ctrl_c().await;
//!     };
//!     node.serve(server, interrupted, Duration::from_secs(10)).await;
//!     Ok::<_, Box<dyn std::error::Error>>(node)
//! })?;
//! node.close(Duration::from_secs(5));
//! # Ok(())
//! # }
//! ```
//!
//! A node is assembled as a [`Host`](crate::host::Host) is, and its policies are the same. What
//! is behind them is not one application but the API by which functions are deployed and
//! invoked.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tensor_wasm_runtime::server::{Drained, Server};
use tensor_wasm_runtime::{HttpGrant, Unguarded};
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use crate::api::{Api, OperatorFiles};
use crate::clock::SystemClock;
use crate::functions::{FunctionHost, Functions, Mounts};
use crate::host::chain::{PolicyConfig, load_policies};
use crate::host::{Foundation, Health, HostBuilder, HostError, HostParts, Policy, Served};
use crate::jobs::Jobs;
use crate::storage::Storage;

pub use crate::functions::FunctionLimits;
pub use crate::jobs::JobLimits;
pub use crate::storage::StorageError;
pub use crate::storage::database::DATABASE_VERSION;
pub use tensor_wasm_snapshot::Keys as SnapshotKeys;

/// What records of the node's start and stop name.
const WHAT: &str = "node";

/// How often what functions used is added to the database: what a node that is killed loses at
/// most.
const USAGE_PERIOD: Duration = Duration::from_secs(5);

/// How long the storage may take to answer whether it does.
const STORAGE_PATIENCE: Duration = Duration::from_secs(2);

/// What a node serves.
#[derive(Clone, Debug)]
pub struct NodeSource {
    /// The folder that it keeps everything in. One node at a time may use it.
    pub directory: PathBuf,
    /// The file with the key that secrets are sealed by: 32 bytes. Without one a key is made
    /// in the folder.
    pub secrets_key: Option<PathBuf>,
    /// What a tenant may have, and how its functions are run.
    pub limits: FunctionLimits,
    /// What jobs may take, and how long they are kept.
    pub jobs: JobLimits,
    /// What snapshots are signed by, and whose signatures are trusted.
    pub snapshot_keys: Arc<SnapshotKeys>,
}

impl NodeSource {
    /// The functions in a folder, with the default limits. A folder that is not there is made.
    pub fn at(directory: &Path) -> NodeSource {
        NodeSource {
            directory: directory.to_owned(),
            secrets_key: None,
            limits: FunctionLimits::default(),
            jobs: JobLimits::default(),
            snapshot_keys: Arc::default(),
        }
    }
}

/// Functions of many tenants behind policies.
pub struct Node {
    /// Outermost first.
    policies: Vec<Policy>,
    api: Arc<Api>,
    functions: Arc<Functions>,
    jobs: Arc<Jobs>,
    storage: Arc<Storage>,
    parts: HostParts,
    usage_header: bool,
    request_timeout: Duration,
}

impl Node {
    /// Begins to assemble a node.
    pub fn builder(source: NodeSource) -> HostBuilder<NodeSource> {
        HostBuilder::new(source)
    }
}

/// What of a node can be changed while it runs.
pub struct NodeControl {
    functions: Arc<Functions>,
    jobs: Arc<Jobs>,
    /// Where tasks run.
    threads: Handle,
}

impl NodeControl {
    /// What a tenant may have from now on, and what jobs may take. How functions are run, and how
    /// many are loaded at one time, stays as it is.
    pub fn set_limits(&self, functions: FunctionLimits, jobs: JobLimits) {
        self.functions.set_limits(functions);
        self.jobs.set_limits(jobs);
    }

    /// The servers that functions may send requests to from now on, by tenant. Returns whether
    /// anything has changed.
    pub fn set_outgoing(&self, grant: HttpGrant) -> bool {
        self.functions.set_outgoing(grant)
    }

    /// What tenants are granted has changed, here or by
    /// [`HostControl::set_tenants`](crate::host::HostControl::set_tenants): functions are loaded
    /// with it from now on. Blocks for as long as a function is being changed; not to be called on
    /// a thread of a Tokio runtime.
    pub fn apply_grants(&self) {
        self.threads.block_on(self.functions.apply_grants());
    }
}

impl Node {
    /// What changes it while it runs.
    pub fn control(&self) -> NodeControl {
        NodeControl {
            functions: self.functions.clone(),
            jobs: self.jobs.clone(),
            threads: self.parts.guests.handle().clone(),
        }
    }
}

impl Served for Node {
    fn parts(&self) -> &HostParts {
        &self.parts
    }

    fn policies(&self) -> &[Policy] {
        &self.policies
    }

    fn is_decided_on(&self) -> bool {
        let outermost = self.policies.first();
        outermost.is_some_and(|policy| policy.component.is_decided_on())
    }

    /// Jobs that run while the node drains come to their end, or begin again at the next start.
    async fn serve(
        &self,
        server: Server,
        shutdown: impl Future<Output = ()>,
        drain: Duration,
    ) -> Drained {
        self.parts.started(WHAT);
        let begin_of_drain = OnceLock::new();
        let shutdown = async {
            shutdown.await;
            self.jobs.stop();
            let _ = begin_of_drain.set(Instant::now());
        };
        let readiness = server.readiness();
        let (health, functions) = (self.parts.health(), Arc::downgrade(&self.functions));
        readiness.set_check(move || Box::pin(unready(health.clone(), functions.clone())));
        self.api.set_readiness(readiness);
        let observer = self.parts.observer();
        let server = server
            .with_observer(observer.clone())
            .with_tracer(self.parts.tracer());
        let drained = match self.policies.first() {
            Some(policy) => {
                let policy = policy.component.clone();
                server.serve(policy, shutdown, drain).await
            }
            None => {
                let api = Unguarded::new(self.api.clone(), self.request_timeout, observer)
                    .with_usage_header(self.usage_header);
                server.serve(Arc::new(api), shutdown, drain).await
            }
        };
        let passed = begin_of_drain.get().map_or(drain, Instant::elapsed);
        self.jobs.drain(drain.saturating_sub(passed)).await;
        drained
    }

    /// Closes the database and ends the threads that run guests, too. A node that is not closed
    /// loses records, and what functions used in the last seconds.
    fn close(&self, patience: Duration) -> u64 {
        let closing = async {
            self.jobs.close().await;
            if let Err(error) = self.functions.store_usage().await {
                tracing::error!("what functions used last is lost: {error}");
            }
            self.storage.close().await;
        };
        // A query that does not end is given up.
        let closed = async { timeout(patience, closing).await.is_ok() };
        if !self.parts.guests.handle().block_on(closed) {
            tracing::warn!("the database is not closed yet; its log is read at the next start");
        }
        self.parts.stopped(WHAT, patience)
    }
}

/// The parts of a node that can't do their work now, by name.
async fn unready(health: Health, functions: Weak<Functions>) -> Vec<&'static str> {
    let mut unready = health.unready();
    if let Some(functions) = functions.upgrade() {
        let answer = timeout(STORAGE_PATIENCE, functions.is_ready());
        if !answer.await.unwrap_or(false) {
            unready.push("storage");
        }
    }
    unready
}

/// Adds what functions used to the database every few seconds, for as long as the node lives.
async fn store_usage(functions: Weak<Functions>) {
    loop {
        sleep(USAGE_PERIOD).await;
        let Some(functions) = functions.upgrade() else {
            return;
        };
        if let Err(error) = functions.store_usage().await {
            tracing::error!("what functions used is not stored yet: {error}");
        }
    }
}

impl HostBuilder<NodeSource> {
    /// Opens the folder, the audit log and the device, and loads the policies. To be called in
    /// the context of a Tokio runtime.
    ///
    /// # Errors
    ///
    /// [`HostError`]
    pub async fn build(mut self) -> Result<Node, HostError> {
        // The API has a route for them.
        let metrics = self.metrics.get_or_insert_default().clone();
        let storage = Arc::new(
            Storage::open(&self.source.directory, self.source.secrets_key.as_deref()).await?,
        );
        self.cache = self.cache.or_else(|| storage.cache());
        let Foundation {
            tokens,
            audit,
            device,
            grants,
            memory,
            engine,
            guests,
            policy,
            recordings,
        } = self.foundation()?;
        let limits = FunctionLimits {
            request_timeout: self.application.request_timeout,
            reuse: self.application.reuse,
            ..self.source.limits.clone()
        };
        let request_timeout = limits.request_timeout;
        let config = PolicyConfig {
            grant: policy,
            memory: memory.clone(),
            request_timeout,
            reuse: self.policy_reuse,
            observer: self.observer(),
            usage_header: self.application.usage_header,
        };
        let shared = FunctionHost {
            loader: Arc::new(engine.clone()),
            mounts: Arc::new(Mounts::new(storage.mounts())),
            clock: Arc::new(SystemClock),
            grants: grants.clone(),
            memory,
            is_guarded: !self.policies.is_empty(),
            http: ArcSwap::from_pointee(self.application.http.clone()),
            observer: self.observer(),
            tracer: self.tracer(),
            scheduler: Some(guests.scheduler()),
            snapshot_keys: self.source.snapshot_keys.clone(),
            recordings,
        };
        let functions = Arc::new(Functions::new(storage.clone(), shared, limits));
        let jobs = Jobs::open(storage.clone(), functions.clone(), self.source.jobs.clone());
        let jobs = Arc::new(jobs.await?);
        metrics.watch_jobs(jobs.running());
        metrics.watch_invocations(functions.invocations());
        let is_guarded = !self.policies.is_empty();
        let api = Api::new(functions.clone(), jobs.clone(), metrics, is_guarded);
        let api = Arc::new(api);
        let policies = load_policies(&engine, &self.policies, api.clone(), "the node", &config)?;
        let mut node = Node {
            policies,
            api,
            functions,
            jobs,
            storage,
            parts: HostParts {
                device,
                grants,
                tokens,
                audit: None,
                guests,
                policy_settings: config.grant.settings.clone(),
                metrics: self.metrics.clone(),
                traces: self.traces.clone(),
            },
            usage_header: self.application.usage_header,
            request_timeout,
        };
        node.parts.audit = self.kept(audit, node.is_decided_on());
        if let Some(audit) = &node.parts.audit {
            node.jobs.set_audit(audit.clone());
        }
        node.api.set_operator_files(OperatorFiles {
            tokens: node.parts.tokens.clone(),
            audit: node.parts.audit.clone(),
        });
        let guests = node.parts.guests.handle();
        node.jobs.start(guests);
        guests.spawn(store_usage(Arc::downgrade(&node.functions)));
        Ok(node)
    }
}

//! `tensor-wasm node`: functions of many tenants behind policies, over HTTP. The options
//! become a [`tensor_wasm_node::node::Node`], which is then run.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use tensor_wasm_node::host::Served;
use tensor_wasm_node::node::{
    self, FunctionLimits, JobLimits, NodeControl, NodeSource, SnapshotKeys,
};
use tensor_wasm_node::recordings::RecordOptions;
use tensor_wasm_runtime::HttpGrant;
use tokio::runtime::Handle;
use zeroize::Zeroizing;

use super::Command;
use super::server::{self, ServerCommand, ServerOptions, Telemetry};
use crate::config::{SNAPSHOT_HMAC_KEY, Settings};
use crate::values;

/// Keep functions of many tenants, and serve them over HTTP
///
/// Functions are components that are deployed while the node runs, with `tensor-wasm deploy`
/// or by POST /functions. They are kept in the data directory, each with its versions, and
/// are there again after a restart. The policy decides who may call, and for which tenant;
/// each tenant sees its own functions alone. Without a policy whoever reaches the address is
/// tenant 0.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm node --data-dir /var/lib/tensor-wasm --policy policy.wasm --token-file tokens
  tensor-wasm node --data-dir ./data --addr 0.0.0.0:80 --admin 127.0.0.1:9090")]
pub struct Node {
    /// Where functions are kept. One node at a time may use it; it is made where it is missing
    #[arg(long, value_name = "DIRECTORY")]
    data_dir: PathBuf,
    /// The file with the key that functions' secrets are sealed by: 32 bytes. By default a key
    /// is made in the data directory; kept elsewhere, a copy of that directory shows no secret
    #[arg(long, value_name = "FILE")]
    secrets_key: Option<PathBuf>,

    /// The key that snapshots are signed by and have to be signed by, shared by the nodes that
    /// exchange them: a text of 32 characters at least. Not to be given as an option, which other
    /// users could see: set the variable, or the key of the configuration file
    #[arg(
        long,
        value_name = "KEY",
        env = SNAPSHOT_HMAC_KEY,
        hide_env_values = true,
        help_heading = "Snapshots"
    )]
    snapshot_hmac_key: Option<String>,
    /// The private key of Ed25519 that snapshots are signed by, in place of a shared one: the file
    /// that `openssl genpkey -algorithm ed25519 -outform DER` writes
    #[arg(long, value_name = "FILE", help_heading = "Snapshots")]
    snapshot_signing_key: Option<PathBuf>,
    /// Take snapshots that are signed by this key of Ed25519, too: 64 hexadecimal digits, as
    /// `tensor-wasm snapshot inspect` shows them
    #[arg(long, value_name = "KEY", help_heading = "Snapshots")]
    snapshot_trusted_key: Vec<String>,

    /// Record requests of this function alone, by its id or its name; repeatable
    #[arg(
        long,
        value_name = "FUNCTION",
        requires = "record",
        help_heading = "Recording"
    )]
    record_function: Vec<String>,

    #[command(flatten)]
    server: ServerOptions,

    /// The longest component that can be deployed
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, default_value = "64MiB", help_heading = "Limits")]
    max_function_bytes: u64,
    /// Functions that each tenant may have
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "1000",
        help_heading = "Limits"
    )]
    max_functions: NonZeroU32,
    /// Versions of each function that are kept; with one more the oldest goes that gets no
    /// requests
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "100",
        help_heading = "Limits"
    )]
    max_function_versions: NonZeroU32,
    /// What each tenant may store: the components and assets of its functions, the requests and
    /// results of its jobs, and its snapshots
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, default_value = "4GiB", help_heading = "Limits")]
    tenant_storage_bytes: u64,
    /// Invocations that run at one time; others wait, and tenants take turns by their cpu-share.
    /// By default three quarters of --max-concurrent-requests
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    max_running_requests: Option<NonZeroU32>,
    /// Requests of one tenant that run or wait at one time; one more is answered with 429. By
    /// default half of --max-concurrent-requests
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    max_tenant_requests: Option<NonZeroU32>,
    /// Functions that are kept loaded at one time; any other is loaded again when it is next
    /// invoked
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "256",
        help_heading = "Limits"
    )]
    max_loaded_functions: NonZeroUsize,
    /// Jobs that run at one time
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "16",
        help_heading = "Limits"
    )]
    max_running_jobs: NonZeroUsize,
    /// Jobs of one tenant that wait or run; one more is answered with 429
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "1000",
        help_heading = "Limits"
    )]
    max_tenant_jobs: NonZeroU32,
    /// The longest request and the longest response of a job
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, default_value = "8MiB", help_heading = "Limits")]
    max_job_bytes: u64,
    /// How long one attempt of a job may take
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "5min", help_heading = "Limits")]
    job_timeout: Duration,
    /// How long a job is kept after its end, with its result
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "1day", help_heading = "Limits")]
    job_retention: Duration,
    /// How long the usage of functions is kept, by the hour
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "400days", help_heading = "Limits")]
    usage_retention: Duration,
}

impl Node {
    pub fn run(self, settings: Settings) -> anyhow::Result<ExitCode> {
        server::run(&self, settings)
    }

    fn function_limits(&self) -> FunctionLimits {
        let all = self.server.requests.max_concurrent_requests;
        let half = NonZeroU32::new(all.get() / 2).unwrap_or(NonZeroU32::MIN);
        let concurrency = self.max_tenant_requests.unwrap_or(half);
        let number =
            |number: NonZeroU32| NonZeroUsize::try_from(number).unwrap_or(NonZeroUsize::MAX);
        let all_but = |part: u32| {
            let most = all.get() - all.get() / part;
            NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN)
        };
        FunctionLimits {
            running: number(self.max_running_requests.unwrap_or(all_but(4))),
            // A place in eight is for requests of which nobody knows yet whose they are.
            held: number(all_but(8)),
            component_bytes: self.max_function_bytes,
            functions: self.max_functions.get(),
            versions: self.max_function_versions.get(),
            stored_bytes: self.tenant_storage_bytes,
            usage_retention: self.usage_retention,
            concurrency: number(concurrency),
            loaded: self.max_loaded_functions,
            ..FunctionLimits::default()
        }
    }
}

/// The setting of the policy that names the paths that everybody may GET.
const PUBLIC_PATHS: &str = "public-paths";

/// What it is for a node where nothing is said: load balancers have no token.
const HEALTH_ROUTES: &str = "/healthz,/readyz";

impl Node {
    fn snapshot_keys(&self) -> anyhow::Result<SnapshotKeys> {
        let mut keys = SnapshotKeys::default();
        if let Some(key) = self
            .snapshot_hmac_key
            .as_ref()
            .filter(|key| !key.is_empty())
        {
            keys = keys
                .with_hmac(key.as_bytes())
                .with_context(|| format!("can't use the value of {SNAPSHOT_HMAC_KEY}"))?;
        }
        if let Some(path) = &self.snapshot_signing_key {
            let key = Zeroizing::new(super::read(path)?);
            keys = keys
                .with_signing_key(&key)
                .with_context(|| format!("can't use {}", path.display()))?;
        }
        for key in &self.snapshot_trusted_key {
            keys = keys
                .with_trusted(key)
                .with_context(|| format!("can't use the trusted key {key}"))?;
        }
        Ok(keys)
    }

    fn job_limits(&self) -> JobLimits {
        JobLimits {
            concurrency: self.max_running_jobs,
            of_each_tenant: self.max_tenant_jobs.get(),
            body_bytes: self.max_job_bytes,
            timeout: self.job_timeout,
            retention: self.job_retention,
        }
    }
}

impl ServerCommand for Node {
    type Host = node::Node;
    type Control = NodeControl;

    const CHANGEABLE: &'static [&'static str] = &[
        "max-function-bytes",
        "max-functions",
        "max-function-versions",
        "tenant-storage-bytes",
        "max-running-jobs",
        "max-tenant-jobs",
        "max-job-bytes",
        "job-timeout",
        "job-retention",
        "usage-retention",
        "max-running-requests",
        "max-tenant-requests",
        "allow-http",
    ];
    const CHANGES_OUTGOING: bool = true;

    fn of(command: Command) -> Option<Node> {
        match command {
            Command::Node(node) => Some(*node),
            _ => None,
        }
    }

    fn control(node: &node::Node) -> NodeControl {
        node.control()
    }

    fn change(&self, control: &NodeControl, outgoing: HttpGrant, tenants_changed: bool) {
        control.set_limits(self.function_limits(), self.job_limits());
        let outgoing_changed = control.set_outgoing(outgoing);
        if tenants_changed || outgoing_changed {
            control.apply_grants();
        }
    }

    fn policy_settings(&self) -> Vec<(String, String)> {
        let mut settings = self.server.policy.settings();
        if !settings.iter().any(|(key, _)| key == PUBLIC_PATHS) {
            settings.push((PUBLIC_PATHS.to_owned(), HEALTH_ROUTES.to_owned()));
        }
        settings
    }

    /// By a route of its API.
    const SHOWS_METRICS: bool = true;

    fn options(&self) -> &ServerOptions {
        &self.server
    }

    fn assemble(&self, settings: &Settings, telemetry: Telemetry) -> anyhow::Result<node::Node> {
        let builder = node::Node::builder(NodeSource {
            directory: self.data_dir.clone(),
            secrets_key: self.secrets_key.clone(),
            limits: self.function_limits(),
            jobs: self.job_limits(),
            snapshot_keys: Arc::new(self.snapshot_keys()?),
        });
        let builder = self.server.applied_to(builder, settings, telemetry)?;
        let builder = builder.policy_settings(self.policy_settings());
        let recordings = self.server.record.options().map(|options| RecordOptions {
            functions: self.record_function.clone(),
            ..options
        });
        let builder = builder.recordings(recordings);
        Ok(Handle::current().block_on(builder.build())?)
    }

    fn report(&self, node: &node::Node) -> String {
        let options = &self.server;
        options.report_policies(node.policies())
            + &format!("node {}\n", self.data_dir.display())
            + &format!(
                "device {}\n",
                options.device.describe(node.parts().device())
            )
    }
}

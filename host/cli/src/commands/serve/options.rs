//! The options of `serve`, and the limits that follow from them.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tensor_wasm_runtime::Directory;
use tensor_wasm_runtime::server::{self, ListenAddress, PeerLimit};

use super::audit::AuditOptions;
use super::cache::CacheOptions;
use super::device::DeviceOptions;
use super::http::HttpOptions;
use super::policy::PolicyOptions;
use super::tls::TlsOptions;
use crate::log::LogOptions;
use crate::values;

/// Serve a component over HTTP
///
/// Grants the component the GPU and nothing else, unless options say so: no files,
/// no environment, no network. Each option can stand in the environment and in
/// tensor-wasm.toml too: see `tensor-wasm config --help`. Prints what was granted and denied, then serves
/// until it gets SIGTERM or SIGINT; it then drains, and a second signal ends it at
/// once.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm serve image.wasm
  tensor-wasm serve image.wasm --addr 0.0.0.0:80 --admin 127.0.0.1:9090
  tensor-wasm serve image.wasm --policy policy.wasm --token-file tokens
  tensor-wasm serve image.wasm --tls-cert cert.pem --tls-key key.pem
  tensor-wasm serve image.wasm --gpu deny --dir ./models::/models --env MODE=fast
  tensor-wasm serve --config tensor-wasm.toml")]
pub struct Serve {
    /// The component, with a WASI 0.2 or 0.3 HTTP handler
    pub(super) component: PathBuf,

    /// The address to listen on: HOST:PORT, :PORT for all addresses, or unix:PATH; port 0
    /// takes a free one. A socket that systemd passes (LISTEN_FDS) is served in its place
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(super) addr: ListenAddress,
    /// The permissions of a Unix socket, octal
    #[arg(long, value_name = "MODE", value_parser = values::mode, default_value = "660")]
    pub(super) socket_mode: u32,
    /// An address for /livez and /readyz
    #[arg(long, value_name = "ADDRESS")]
    pub(super) admin: Option<SocketAddr>,
    /// Take the scheme that a component sees from the header Forwarded of the proxy in
    /// front, and not from the listener
    #[arg(long)]
    pub(super) trust_forwarded: bool,

    #[command(flatten)]
    pub(super) policy: PolicyOptions,
    #[command(flatten)]
    pub(super) audit: AuditOptions,

    /// Satisfy the component's imports with another component's exports, as
    /// deny-gpu.wasm does for tensor:gpu, before any policy; repeatable
    #[arg(long, value_name = "FILE", help_heading = "Grants")]
    pub(super) plug: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) device: DeviceOptions,
    /// A directory that the component may use, with everything in it; repeatable
    #[arg(long = "dir", value_name = "HOST::GUEST", value_parser = values::directory, help_heading = "Grants")]
    pub(super) directories: Vec<Directory>,
    /// An environment variable that the component sees; repeatable
    #[arg(long = "env", value_name = "KEY=VALUE", value_parser = values::variable, help_heading = "Grants")]
    pub(super) variables: Vec<(String, String)>,

    #[command(flatten)]
    pub(super) http: HttpOptions,

    /// How long a request may take, from its head to the end of its answer, which is cut
    /// off then
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "30s", help_heading = "Limits")]
    pub(super) request_timeout: Duration,
    /// Requests at one time; one more is answered with 503
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "256",
        help_heading = "Limits"
    )]
    pub(super) max_concurrent_requests: NonZeroU32,
    /// Requests at one time from one address, or IPv6 network of 64 bits; one more is
    /// answered with 429. 0 for no limit; by default half of --max-concurrent-requests, and
    /// no limit for this machine's own addresses
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    pub(super) max_requests_per_peer: Option<u32>,
    /// Requests at one time on one HTTP/2 connection, up to 256; 0 for 256
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "100",
        help_heading = "Limits"
    )]
    pub(super) max_requests_per_connection: u32,
    /// The longest request body
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, default_value = "64MiB", help_heading = "Limits")]
    pub(super) max_body_bytes: u64,
    /// The memory of one instance of the component, with what the host holds for it
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, default_value = "256MiB", help_heading = "Limits")]
    pub(super) max_memory_bytes: u64,
    /// The memory that all instances of one tenant may have together; a request for which
    /// there is none left is answered with 429. 0 for no limit; by default sixteen times
    /// --max-memory-bytes
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, help_heading = "Limits")]
    pub(super) tenant_memory_bytes: Option<u64>,
    /// The device memory that each tenant may hold
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, default_value = "1GiB", help_heading = "Limits")]
    pub(super) gpu_memory_bytes: u64,
    /// How long one kernel launch may run
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "10s", help_heading = "Limits")]
    pub(super) kernel_timeout: Duration,
    /// How long a client may send nothing in the middle of a request, or take nothing of an
    /// answer
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "15s", help_heading = "Limits")]
    pub(super) client_timeout: Duration,
    /// How much of a body a client has to send or take in a second; it may be slower for
    /// --client-timeout in all. 0 for no minimum
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, default_value = "512", help_heading = "Limits")]
    pub(super) min_body_rate: u64,
    /// How long connections are still accepted after SIGTERM, while /readyz answers 503, so
    /// that load balancers can notice
    #[arg(long, value_name = "TIME", value_parser = values::delay, default_value = "0s", help_heading = "Limits")]
    pub(super) drain_delay: Duration,
    /// How long running requests may go on after SIGTERM
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "10s", help_heading = "Limits")]
    pub(super) drain_timeout: Duration,

    /// How many requests one instance answers, one after another. With more than 1
    /// it keeps what it remembers between requests, and serves faster
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    pub(super) reuse: NonZeroUsize,
    #[command(flatten)]
    pub(super) tls: TlsOptions,
    #[command(flatten)]
    pub(super) cache: CacheOptions,
    #[command(flatten)]
    pub(super) log: LogOptions,
}

impl Serve {
    pub(super) fn limits(&self) -> server::Limits {
        server::Limits {
            concurrent_requests: NonZeroUsize::try_from(self.max_concurrent_requests)
                .unwrap_or(NonZeroUsize::MAX),
            requests_per_peer: self.requests_per_peer(),
            requests_per_connection: NonZeroU32::new(self.max_requests_per_connection)
                .unwrap_or(NonZeroU32::MAX),
            body_bytes: self.max_body_bytes,
            head_timeout: self.client_timeout,
            body_idle_timeout: self.client_timeout,
            body_bytes_per_second: self.min_body_rate,
            give_way_after: self.client_timeout / 4,
            response_timeout: self.request_timeout,
            ..server::Limits::default()
        }
    }

    fn requests_per_peer(&self) -> PeerLimit {
        let number = |limit: u32| NonZeroUsize::new(usize::try_from(limit).unwrap_or(usize::MAX));
        match self.max_requests_per_peer {
            Some(limit) => number(limit).map_or(PeerLimit::Unlimited, PeerLimit::All),
            None => {
                let half = number(self.max_concurrent_requests.get() / 2);
                PeerLimit::Remote(half.unwrap_or(NonZeroUsize::MIN))
            }
        }
    }

    /// The memory of all instances of a tenant of which the configuration file says nothing
    /// else; `None` for no limit.
    pub(super) fn tenant_memory_bytes(&self) -> Option<NonZeroU64> {
        let bytes = self.tenant_memory_bytes;
        NonZeroU64::new(bytes.unwrap_or_else(|| self.max_memory_bytes.saturating_mul(16)))
    }

    pub(super) fn device_limits(&self) -> tensor_wasm_device::Limits {
        let defaults = tensor_wasm_device::Limits::default();
        // All instances of a tenant share one session: limits by number have to suffice
        // for all of them at one time.
        let instances = self.instances().get();
        let at_least = |limit: u32, each: u32| limit.max(instances.saturating_mul(each));
        tensor_wasm_device::Limits {
            memory_bytes: self.gpu_memory_bytes,
            kernel_time: self.kernel_timeout,
            queues: at_least(defaults.queues, 4),
            modules: at_least(defaults.modules, 8),
            buffers: at_least(defaults.buffers, 64),
            events: at_least(defaults.events, 64),
            ..defaults
        }
    }

    /// Instances of one component at one time: one for each request, and some that are
    /// still being dropped while the next request runs.
    pub(super) fn instances(&self) -> NonZeroU32 {
        let requests = self.max_concurrent_requests;
        requests.saturating_add(requests.get() / 4 + 8)
    }

    /// Instances of the application and of each policy in front of it.
    pub(super) fn all_instances(&self) -> NonZeroU32 {
        let policies = u32::try_from(self.policy.policies.len()).unwrap_or(u32::MAX);
        self.instances()
            .saturating_mul(NonZeroU32::MIN.saturating_add(policies))
    }
}

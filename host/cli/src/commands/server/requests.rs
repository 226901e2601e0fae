//! The limits of requests: how many run at one time, how long and how slow they may be, and
//! what becomes of them when the server drains.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use clap::Args;
use tensor_wasm_runtime::server::{Limits, PeerLimit};

use crate::values;

#[derive(Args)]
pub struct RequestOptions {
    /// How long a request may take, from its head to the end of its answer, which is cut
    /// off then
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "30s", help_heading = "Limits")]
    pub request_timeout: Duration,
    /// Requests at one time; one more is answered with 503
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "256",
        help_heading = "Limits"
    )]
    pub max_concurrent_requests: NonZeroU32,
    /// Requests at one time from one address, or IPv6 network of 64 bits; one more is
    /// answered with 429. 0 for no limit; by default half of --max-concurrent-requests, and
    /// no limit for this machine's own addresses
    #[arg(long, value_name = "NUMBER", help_heading = "Limits")]
    max_requests_per_peer: Option<u32>,
    /// Requests at one time on one HTTP/2 connection, up to 256; 0 for 256
    #[arg(
        long,
        value_name = "NUMBER",
        default_value = "100",
        help_heading = "Limits"
    )]
    max_requests_per_connection: u32,
    /// The longest request body
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, default_value = "64MiB", help_heading = "Limits")]
    max_body_bytes: u64,
    /// How long a client may send nothing in the middle of a request, or take nothing of an
    /// answer
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "15s", help_heading = "Limits")]
    client_timeout: Duration,
    /// How much of a body a client has to send or take in a second; it may be slower for
    /// --client-timeout in all. 0 for no minimum
    #[arg(long, value_name = "SIZE", value_parser = values::bytes, default_value = "512", help_heading = "Limits")]
    min_body_rate: u64,
    /// How long connections are still accepted after SIGTERM, while /readyz answers 503, so
    /// that load balancers can notice
    #[arg(long, value_name = "TIME", value_parser = values::delay, default_value = "0s", help_heading = "Limits")]
    pub drain_delay: Duration,
    /// How long running requests may go on after SIGTERM
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "10s", help_heading = "Limits")]
    pub drain_timeout: Duration,
}

impl RequestOptions {
    /// The limits as the server takes them.
    pub fn limits(&self) -> Limits {
        Limits {
            concurrent_requests: NonZeroUsize::try_from(self.max_concurrent_requests)
                .unwrap_or(NonZeroUsize::MAX),
            guests_after_responses: usize::try_from(self.spare_instances() / 2)
                .unwrap_or(usize::MAX),
            requests_per_peer: self.requests_per_peer(),
            requests_per_connection: NonZeroU32::new(self.max_requests_per_connection)
                .unwrap_or(NonZeroU32::MAX),
            body_bytes: self.max_body_bytes,
            head_timeout: self.client_timeout,
            body_idle_timeout: self.client_timeout,
            body_bytes_per_second: self.min_body_rate,
            give_way_after: self.client_timeout / 4,
            response_timeout: self.request_timeout,
            ..Limits::default()
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

    /// Instances of one component at one time: one for each request, and some more.
    pub fn instances(&self) -> NonZeroU32 {
        self.max_concurrent_requests
            .saturating_add(self.spare_instances())
    }

    /// Half of these are for guests that go on after their responses; the others are still being
    /// dropped while the next requests run.
    fn spare_instances(&self) -> u32 {
        self.max_concurrent_requests.get() / 4 + 8
    }
}

//! The limits of one listener: what one client, and all of them together, may use.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// The limits of one listener. Each has a default that suits a small machine.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests at one time, over all connections, each until the last byte of its
    /// response is sent. One more is answered with 503.
    pub concurrent_requests: NonZeroUsize,
    /// Requests whose guests go on after their responses, beside those. One more counts among
    /// those until its guests have ended: each guest has an instance, of which there have to be
    /// enough.
    pub guests_after_responses: usize,
    /// Requests at one time of one peer, over all its connections. One more is answered
    /// with 429.
    pub requests_per_peer: PeerLimit,
    /// Requests at one time on one HTTP/2 connection, which is told to the client. At most
    /// 256.
    pub requests_per_connection: NonZeroU32,
    /// Connections at one time. One more waits in the operating system's queue.
    pub connections: NonZeroU32,
    /// The longest request body, in bytes.
    pub body_bytes: u64,
    /// The longest request head, in bytes: request line and headers. Not below 8 KiB.
    pub head_bytes: NonZeroU32,
    /// How long a client may take to send a request's head.
    pub head_timeout: Duration,
    /// How long a client may send nothing while a guest waits for more of the body, and
    /// how long it may take nothing of a response that it could have.
    pub body_idle_timeout: Duration,
    /// How fast a client has to send a body that a guest waits for, and to take a response,
    /// in bytes a second; 0 for no minimum. A client may be slower for as long as
    /// `body_idle_timeout`.
    pub body_bytes_per_second: u64,
    /// How long a request may wait for its client, all in all, while there is no place for
    /// another request. Then it is given up for that one. Shorter than `body_idle_timeout`.
    pub give_way_after: Duration,
    /// How long the response of a handler may take, from the request's head to the response's
    /// last byte. Then its HTTP/2 stream, or its HTTP/1 connection, is reset.
    pub response_timeout: Duration,
    /// How long a connection may be idle between requests. Checked periodically, so that it
    /// can take up to twice as long.
    pub idle_timeout: Duration,
}

/// How many requests of one peer may run at one time. A peer is an IPv4 address, or a network
/// of IPv6 addresses with the same first 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerLimit {
    /// As many as of all peers together.
    Unlimited,
    /// So many, except of this machine's own addresses (`127.0.0.1`, `::1`): a reverse proxy
    /// that stands for many clients is often there.
    Remote(NonZeroUsize),
    /// So many, whatever its address.
    All(NonZeroUsize),
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent_requests: NonZeroUsize::new(256).unwrap_or(NonZeroUsize::MIN),
            guests_after_responses: 32,
            requests_per_peer: PeerLimit::Remote(
                NonZeroUsize::new(128).unwrap_or(NonZeroUsize::MIN),
            ),
            requests_per_connection: NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN),
            connections: NonZeroU32::new(4096).unwrap_or(NonZeroU32::MIN),
            body_bytes: 64 << 20,
            head_bytes: NonZeroU32::new(64 << 10).unwrap_or(NonZeroU32::MIN),
            head_timeout: Duration::from_secs(15),
            body_idle_timeout: Duration::from_secs(15),
            body_bytes_per_second: 512,
            give_way_after: Duration::from_secs(15) / 4,
            response_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
        }
    }
}

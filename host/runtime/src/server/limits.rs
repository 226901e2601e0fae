//! The limits of one listener: what one client, and all of them together, may use.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

/// The limits of one listener. Each has a default that suits a small machine.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests at one time, over all connections, each until the last byte of its
    /// response is sent. One more is answered with 503.
    pub concurrent_requests: NonZeroUsize,
    /// Connections at one time. One more waits in the operating system's queue.
    pub connections: NonZeroU32,
    /// The longest request body, in bytes.
    pub body_bytes: u64,
    /// The longest request head, in bytes: request line and headers. Not below 8 KiB.
    pub head_bytes: NonZeroU32,
    /// How long a client may take to send a request's head.
    pub head_timeout: Duration,
    /// How long a client may send nothing while a guest waits for more of the body.
    pub body_idle_timeout: Duration,
    /// How long a connection may be idle between requests, or a client may read nothing of
    /// a response. Checked periodically, so that it can take up to twice as long.
    pub idle_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrent_requests: NonZeroUsize::new(256).unwrap_or(NonZeroUsize::MIN),
            connections: NonZeroU32::new(4096).unwrap_or(NonZeroU32::MIN),
            body_bytes: 64 << 20,
            head_bytes: NonZeroU32::new(64 << 10).unwrap_or(NonZeroU32::MIN),
            head_timeout: Duration::from_secs(15),
            body_idle_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
        }
    }
}

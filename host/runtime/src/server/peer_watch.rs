//! What is known of the client's side of an HTTP/1 connection: the stream tells it, the connection's
//! task asks for it.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use super::exchange::Exchange;

/// How often the task of an HTTP/1 connection looks whether its client has closed its side.
pub(super) const CHECK: Duration = Duration::from_millis(500);

/// What is known of the client's side of an HTTP/1 connection.
#[derive(Default)]
pub(super) struct PeerWatch {
    /// Whether the stream shall look at the next flush.
    pub(super) asked: AtomicBool,
    /// How often it was seen that the client has closed its sending side.
    pub(super) closed_checks: AtomicU32,
    /// Whether the client has reset the connection.
    pub(super) gone: AtomicBool,
}

impl PeerWatch {
    /// Has the stream look at the client's side when the connection is polled next.
    pub(super) fn ask(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// Whether the client is gone, or has to be taken for gone. A client of HTTP/1.0 knows no
    /// interim responses. It has the time that a client may be quiet for.
    pub(super) fn is_gone(&self, exchange: &Exchange, patience: Duration) -> bool {
        let checks = self.closed_checks.load(Ordering::Relaxed);
        self.gone.load(Ordering::Relaxed)
            || (exchange.waits_without_informing() && CHECK.saturating_mul(checks) > patience)
    }
}

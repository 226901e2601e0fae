//! One connection: which of its requests run, and whether it makes progress.
//!
//! A client can hold a connection without using it in several ways: by never sending
//! a request, by never reading the response, by opening a second protocol and stopping
//! there. No single timer of the HTTP library sees all of them. So the connection counts
//! what happens on it, and its task checks the count periodically.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::limits::Limits;
use crate::request::{RequestId, RequestInfo};

/// What all connections of a listener share: its limits, and how many requests run.
pub(super) struct ListenerState {
    pub(super) limits: Limits,
    running: AtomicUsize,
}

impl ListenerState {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            running: AtomicUsize::new(0),
        }
    }

    /// Requests whose response is not sent to the last byte.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

/// One connection, as its requests see it.
pub(super) struct Connection {
    pub(super) listener: Arc<ListenerState>,
    pub(super) peer: SocketAddr,
    /// The subject of the client's certificate, if it presented one.
    pub(super) certificate: Option<Arc<str>>,
    /// Counts events: requests that start, and polls of their responses.
    events: AtomicU64,
    running: AtomicUsize,
    /// Of those that run, how many wait for the guest and not for the client.
    waiting_for_guest: AtomicUsize,
}

/// What a periodic check of a connection finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionState {
    /// Something happened since the last check, or a guest is running.
    Busy,
    /// No request runs, and none did since the last check.
    Idle,
    /// The client reads nothing of the responses to its requests.
    Stalled,
}

impl Connection {
    pub(super) fn new(
        listener: Arc<ListenerState>,
        peer: SocketAddr,
        certificate: Option<Arc<str>>,
    ) -> Self {
        Self {
            listener,
            peer,
            certificate,
            events: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            waiting_for_guest: AtomicUsize::new(0),
        }
    }

    /// What is known of a request on this connection.
    pub(super) fn info(&self, request_id: RequestId) -> RequestInfo {
        RequestInfo {
            request_id,
            peer: self.peer,
            certificate: self.certificate.clone(),
        }
    }

    /// A permit for one more request; `None` where the listener is at its limit.
    pub(super) fn admit(self: &Arc<Self>) -> Option<RequestPermit> {
        self.events.fetch_add(1, Ordering::Relaxed);
        let limit = self.listener.limits.concurrent_requests.get();
        self.listener
            .running
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |running| {
                (running < limit).then_some(running + 1)
            })
            .ok()?;
        self.running.fetch_add(1, Ordering::Relaxed);
        self.waiting_for_guest.fetch_add(1, Ordering::Relaxed);
        Some(RequestPermit {
            connection: self.clone(),
            waiting_for_guest: true,
        })
    }

    /// The state of the connection. `seen` is the number of events at the caller's last
    /// check.
    pub(super) fn check(&self, seen: &mut u64) -> ConnectionState {
        let events = self.events.load(Ordering::Relaxed);
        let before = std::mem::replace(seen, events);
        if before != events || self.waiting_for_guest.load(Ordering::Relaxed) > 0 {
            ConnectionState::Busy
        } else if self.running.load(Ordering::Relaxed) > 0 {
            ConnectionState::Stalled
        } else {
            ConnectionState::Idle
        }
    }
}

/// The permit of one request to run; released when it is dropped.
pub(super) struct RequestPermit {
    connection: Arc<Connection>,
    waiting_for_guest: bool,
}

impl RequestPermit {
    /// Counts an event of the response, and notes whether the next one waits for the
    /// guest, else for the client.
    pub(super) fn progress(&mut self, waiting_for_guest: bool) {
        self.connection.events.fetch_add(1, Ordering::Relaxed);
        let before = std::mem::replace(&mut self.waiting_for_guest, waiting_for_guest);
        let waiting = &self.connection.waiting_for_guest;
        match (before, waiting_for_guest) {
            (true, false) => waiting.fetch_sub(1, Ordering::Relaxed),
            (false, true) => waiting.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        self.progress(false);
        self.connection.running.fetch_sub(1, Ordering::Relaxed);
        self.connection
            .listener
            .running
            .fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::num::NonZeroUsize;

    use super::*;

    fn connection(limit: usize) -> Arc<Connection> {
        let limits = Limits {
            concurrent_requests: NonZeroUsize::new(limit).unwrap(),
            ..Limits::default()
        };
        let peer = ([127, 0, 0, 1], 1).into();
        Arc::new(Connection::new(
            Arc::new(ListenerState::new(limits)),
            peer,
            None,
        ))
    }

    #[test]
    fn no_more_requests_are_admitted_than_the_limit_until_one_ends() {
        let connection = connection(2);
        let first = connection.admit().unwrap();
        let _second = connection.admit().unwrap();
        assert!(connection.admit().is_none());
        drop(first);
        assert!(connection.admit().is_some());
    }

    #[test]
    fn a_connection_without_requests_is_idle_at_the_second_check() {
        let connection = connection(2);
        let mut seen = 0;
        drop(connection.admit());
        assert_eq!(connection.check(&mut seen), ConnectionState::Busy);
        assert_eq!(connection.check(&mut seen), ConnectionState::Idle);
    }

    #[test]
    fn a_connection_that_waits_for_a_guest_is_busy() {
        let connection = connection(2);
        let mut seen = 0;
        let mut permit = connection.admit().unwrap();
        for _ in 0..3 {
            assert_eq!(connection.check(&mut seen), ConnectionState::Busy);
        }
        permit.progress(true);
        for _ in 0..3 {
            assert_eq!(connection.check(&mut seen), ConnectionState::Busy);
        }
    }

    #[test]
    fn a_connection_whose_client_does_not_read_the_response_is_stalled() {
        let connection = connection(2);
        let mut seen = 0;
        let mut permit = connection.admit().unwrap();
        permit.progress(false);
        assert_eq!(connection.check(&mut seen), ConnectionState::Busy);
        assert_eq!(connection.check(&mut seen), ConnectionState::Stalled);
        drop(permit);
        assert_eq!(connection.check(&mut seen), ConnectionState::Busy);
        assert_eq!(connection.check(&mut seen), ConnectionState::Idle);
    }
}

//! One connection: which of its requests run, and whether it gets on.
//!
//! A client can hold a connection without any use in several ways: by never sending
//! a request, by never taking the answer, by opening a second protocol and stopping
//! there. No single timer of the HTTP library sees all of them, so the connection
//! keeps count of what happens on it, and its task looks at the count now and then.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use super::limits::Limits;

/// What all connections of a listener share.
pub(super) struct Shared {
    pub(super) limits: Limits,
    running: AtomicUsize,
}

impl Shared {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            running: AtomicUsize::new(0),
        }
    }

    /// Requests that are not yet answered to the last byte.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

/// One connection, as its requests see it.
pub(super) struct Connection {
    pub(super) shared: Arc<Shared>,
    pub(super) peer: SocketAddr,
    /// Who the client is, by the certificate that it showed.
    pub(super) certificate: Option<Arc<str>>,
    /// Counts whatever happens: requests that start, and steps of their answers.
    steps: AtomicU64,
    running: AtomicUsize,
    /// Of those that run, how many wait for the guest and not for the client.
    at_guest: AtomicUsize,
}

/// What a look at a connection shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Something happened since the last look, or a guest is at work.
    Busy,
    /// No request runs, and none did since the last look.
    Idle,
    /// The client takes nothing of the answers that it asked for.
    Stalled,
}

impl Connection {
    pub(super) fn new(
        shared: Arc<Shared>,
        peer: SocketAddr,
        certificate: Option<Arc<str>>,
    ) -> Self {
        Self {
            shared,
            peer,
            certificate,
            steps: AtomicU64::new(0),
            running: AtomicUsize::new(0),
            at_guest: AtomicUsize::new(0),
        }
    }

    /// Takes up one request; `None` where the listener is at its limit.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Pass> {
        self.steps.fetch_add(1, Ordering::Relaxed);
        let limit = self.shared.limits.concurrent_requests.get();
        self.shared
            .running
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |running| {
                (running < limit).then_some(running + 1)
            })
            .ok()?;
        self.running.fetch_add(1, Ordering::Relaxed);
        self.at_guest.fetch_add(1, Ordering::Relaxed);
        Some(Pass {
            connection: self.clone(),
            at_guest: true,
        })
    }

    /// How the connection stands. `seen` is the caller's memory of its last look.
    pub(super) fn look(&self, seen: &mut u64) -> Standing {
        let steps = self.steps.load(Ordering::Relaxed);
        if std::mem::replace(seen, steps) != steps || self.at_guest.load(Ordering::Relaxed) > 0 {
            Standing::Busy
        } else if self.running.load(Ordering::Relaxed) > 0 {
            Standing::Stalled
        } else {
            Standing::Idle
        }
    }
}

/// One request's place among those that may run; given back when it is dropped.
pub(super) struct Pass {
    connection: Arc<Connection>,
    at_guest: bool,
}

impl Pass {
    /// Notes a step of the answer, and whom the next step waits for.
    pub(super) fn step(&mut self, at_guest: bool) {
        self.connection.steps.fetch_add(1, Ordering::Relaxed);
        let before = std::mem::replace(&mut self.at_guest, at_guest);
        match (before, at_guest) {
            (true, false) => self.connection.at_guest.fetch_sub(1, Ordering::Relaxed),
            (false, true) => self.connection.at_guest.fetch_add(1, Ordering::Relaxed),
            _ => 0,
        };
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.step(false);
        self.connection.running.fetch_sub(1, Ordering::Relaxed);
        self.connection
            .shared
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
        Arc::new(Connection::new(Arc::new(Shared::new(limits)), peer, None))
    }

    #[test]
    fn no_more_requests_enter_than_the_limit_and_a_leaver_makes_room() {
        let connection = connection(2);
        let first = connection.enter().unwrap();
        let _second = connection.enter().unwrap();
        assert!(connection.enter().is_none());
        drop(first);
        assert!(connection.enter().is_some());
    }

    #[test]
    fn a_connection_without_requests_is_idle_at_the_second_look() {
        let connection = connection(2);
        let mut seen = 0;
        drop(connection.enter());
        assert_eq!(connection.look(&mut seen), Standing::Busy);
        assert_eq!(connection.look(&mut seen), Standing::Idle);
    }

    #[test]
    fn a_guest_may_take_its_time() {
        let connection = connection(2);
        let mut seen = 0;
        let mut pass = connection.enter().unwrap();
        for _ in 0..3 {
            assert_eq!(connection.look(&mut seen), Standing::Busy);
        }
        pass.step(true);
        for _ in 0..3 {
            assert_eq!(connection.look(&mut seen), Standing::Busy);
        }
    }

    #[test]
    fn a_client_that_takes_nothing_of_its_answer_stalls() {
        let connection = connection(2);
        let mut seen = 0;
        let mut pass = connection.enter().unwrap();
        pass.step(false);
        assert_eq!(connection.look(&mut seen), Standing::Busy);
        assert_eq!(connection.look(&mut seen), Standing::Stalled);
        drop(pass);
        assert_eq!(connection.look(&mut seen), Standing::Busy);
        assert_eq!(connection.look(&mut seen), Standing::Idle);
    }
}

//! The place of one request among those that run, and how it is lost: to another request, for
//! which there is none left, while this one waits for its client.
//!
//! A guest may go on after the response to its request, and has its instance until its end. So many
//! of these as fit in beside the requests ([`Places::let_go_on`]) need no place; a request that
//! ends beyond that keeps its place until its guests have ended.

use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::{ConnectionPlaces, PeerPlaces};
use crate::lock::ignore_poison;
use crate::request::CountsGuests;

/// The permit of one request to run; its place is released when it is dropped.
pub(in crate::server) struct RequestPermit(Arc<RequestPlace>);

impl RequestPermit {
    /// The permit of a request that the connection's places count.
    pub(in crate::server) fn new(connection: Arc<ConnectionPlaces>) -> Self {
        let state = PlaceState {
            is_held: true,
            ..PlaceState::default()
        };
        Self(Arc::new(RequestPlace {
            connection,
            state: Mutex::new(state),
        }))
    }

    /// The place, for whoever waits for the client.
    pub(in crate::server) fn place(&self) -> Arc<RequestPlace> {
        self.0.clone()
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        let listener = self.0.connection.listener();
        let mut state = self.0.lock();
        state.has_ended = true;
        state.waits = [None, None];
        if state.guests > 0 && !state.goes_on {
            state.goes_on = listener.let_go_on();
        }
        let keeps_place = state.guests > 0 && !state.goes_on;
        let is_released = !keeps_place && std::mem::take(&mut state.is_held);
        let was_listed = state.is_listed;
        drop(state);
        if is_released {
            self.0.connection.release();
        }
        if was_listed {
            listener.unlist(&self.0);
        }
    }
}

/// The body that a client is waited for.
#[derive(Clone, Copy, Debug)]
pub(in crate::server) enum Direction {
    /// It sends too little of its request.
    Request,
    /// It takes too little of its response.
    Response,
}

/// The place of one request, as those see it who wait for the client.
pub(in crate::server) struct RequestPlace {
    connection: Arc<ConnectionPlaces>,
    state: Mutex<PlaceState>,
}

#[derive(Default)]
struct PlaceState {
    /// Whether the request counts as one that runs.
    is_held: bool,
    /// For each direction, while the client is waited for.
    waits: [Option<Wait>; 2],
    /// Whether the request had to give way.
    gave_way: bool,
    /// Whether it is among those that may have to.
    is_listed: bool,
    /// Guests that work on it.
    guests: usize,
    /// Whether its response is sent, or there will be none.
    has_ended: bool,
    /// Whether guests go on that need no place, since then or since the request gave way.
    goes_on: bool,
}

struct Wait {
    since: Instant,
    waker: Waker,
}

impl RequestPlace {
    /// The client is waited for, all in all since `since`. Returns whether the request has
    /// to give way; where it has to later, the task is woken.
    pub(in crate::server) fn wait(
        self: &Arc<Self>,
        direction: Direction,
        since: Instant,
        cx: &Context<'_>,
    ) -> bool {
        let mut state = self.lock();
        if state.gave_way || !state.is_held || state.has_ended {
            return state.gave_way;
        }
        let [request, response] = &mut state.waits;
        let wait = match direction {
            Direction::Request => request,
            Direction::Response => response,
        };
        match wait {
            Some(wait) => {
                wait.since = since;
                wait.waker.clone_from(cx.waker());
            }
            None => {
                let waker = cx.waker().clone();
                *wait = Some(Wait { since, waker });
            }
        }
        let is_new = !std::mem::replace(&mut state.is_listed, true);
        drop(state);
        if is_new {
            self.connection.listener().list(self);
        }
        false
    }

    /// The client is not waited for any more.
    pub(in crate::server) fn progress(&self, direction: Direction) {
        let mut state = self.lock();
        let [request, response] = &mut state.waits;
        match direction {
            Direction::Request => *request = None,
            Direction::Response => *response = None,
        }
    }

    /// Whether it counts against this peer's limit.
    pub(in crate::server) fn is_of(&self, peer: &PeerPlaces) -> bool {
        self.lock().is_held && self.connection.is_of(peer)
    }

    /// How long the client was waited for, if it is now and the request has its place still.
    pub(in crate::server) fn waited(&self, now: Instant) -> Option<Duration> {
        let state = self.lock();
        if !state.is_held {
            return None;
        }
        let waits = state.waits.iter().flatten();
        waits
            .map(|wait| now.saturating_duration_since(wait.since))
            .max()
    }

    /// Has the request give way. Returns whether it gave its place up: one that has ended has none
    /// to give, and the guests of one that is at work keep theirs unless they may go on without.
    pub(in crate::server) fn give_up(&self) -> bool {
        let mut state = self.lock();
        if !state.is_held || state.has_ended {
            return false;
        }
        if state.guests > 0 {
            if !self.connection.listener().let_go_on() {
                return false;
            }
            state.goes_on = true;
        }
        state.is_held = false;
        state.gave_way = true;
        let waits = std::mem::take(&mut state.waits);
        drop(state);
        self.connection.release();
        for wait in waits.into_iter().flatten() {
            wait.waker.wake();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, PlaceState> {
        ignore_poison(self.state.lock())
    }
}

impl CountsGuests for RequestPlace {
    fn guest_began(&self) {
        self.lock().guests += 1;
    }

    fn guest_ended(&self) {
        let mut state = self.lock();
        state.guests = state.guests.saturating_sub(1);
        if state.guests > 0 || !(state.has_ended || state.goes_on) {
            return;
        }
        let went_on = std::mem::take(&mut state.goes_on);
        let was_held = std::mem::take(&mut state.is_held);
        drop(state);
        if went_on {
            self.connection.listener().went_on();
        }
        if was_held {
            self.connection.release();
        }
    }
}

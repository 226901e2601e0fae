//! The place of one request among those that run, and how it is lost: to another request, for
//! which there is none left, while this one waits for its client.

use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::places::{HeldPlace, PeerPlaces, Places};
use crate::lock::ignore_poison;

/// The permit of one request to run; its place is released when it is dropped.
pub(super) struct RequestPermit(Arc<Place>);

impl RequestPermit {
    pub(super) fn new(places: Arc<Places>, held: HeldPlace) -> Self {
        Self(Arc::new(Place {
            places,
            held: Mutex::new(Some(held)),
            client: Mutex::default(),
        }))
    }

    /// The place, for whoever waits for the client.
    pub(super) fn place(&self) -> Arc<Place> {
        self.0.clone()
    }
}

impl Drop for RequestPermit {
    fn drop(&mut self) {
        drop(ignore_poison(self.0.held.lock()).take());
        let was_listed = ignore_poison(self.0.client.lock()).is_listed;
        if was_listed {
            self.0.places.unlist(&self.0);
        }
    }
}

/// The body that a client is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Direction {
    /// It sends too little of its request.
    Request,
    /// It takes too little of its response.
    Response,
}

/// The place of one request, as those see it who wait for the client.
pub(super) struct Place {
    places: Arc<Places>,
    /// `None` once it is released.
    held: Mutex<Option<HeldPlace>>,
    client: Mutex<Client>,
}

#[derive(Default)]
struct Client {
    /// For each direction, while the client is waited for.
    waits: [Option<Wait>; 2],
    /// Whether the request had to give way.
    gave_way: bool,
    is_listed: bool,
}

struct Wait {
    since: Instant,
    waker: Waker,
}

impl Place {
    /// The client is waited for, all in all since `since`. Returns whether the request has
    /// to give way; where it has to later, the task is woken.
    pub(super) fn wait(
        self: &Arc<Self>,
        direction: Direction,
        since: Instant,
        cx: &Context<'_>,
    ) -> bool {
        let is_held = ignore_poison(self.held.lock()).is_some();
        let mut client = ignore_poison(self.client.lock());
        if client.gave_way || !is_held {
            return client.gave_way;
        }
        let [request, response] = &mut client.waits;
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
        let is_new = !std::mem::replace(&mut client.is_listed, true);
        drop(client);
        if is_new {
            self.places.list(self);
        }
        false
    }

    /// The client is not waited for any more.
    pub(super) fn progress(&self, direction: Direction) {
        let mut client = ignore_poison(self.client.lock());
        let [request, response] = &mut client.waits;
        match direction {
            Direction::Request => *request = None,
            Direction::Response => *response = None,
        }
    }

    /// Whether it counts against this peer's limit.
    pub(super) fn is_of(&self, peer: &Arc<PeerPlaces>) -> bool {
        let held = ignore_poison(self.held.lock());
        held.as_ref().is_some_and(|held| held.is_of(peer))
    }

    /// How long the client was waited for, if it is now.
    pub(super) fn waited(&self, now: Instant) -> Option<Duration> {
        let client = ignore_poison(self.client.lock());
        let waits = client.waits.iter().flatten();
        waits
            .map(|wait| now.saturating_duration_since(wait.since))
            .max()
    }

    /// Has the request give way. Returns whether it had a place.
    pub(super) fn give_up(&self) -> bool {
        let held = ignore_poison(self.held.lock()).take();
        let mut client = ignore_poison(self.client.lock());
        client.gave_way = true;
        let waits = std::mem::take(&mut client.waits);
        drop(client);
        for wait in waits.into_iter().flatten() {
            wait.waker.wake();
        }
        held.is_some()
    }
}

//! How many requests run at one time: over all connections of a listener, and of each
//! peer, so that one client can't take the places of all others.
//!
//! A request that waits for its own client keeps a place from those that would use it. So
//! where no place is left for a request, the one that has waited longest for its client gives
//! way ([`place`]).

mod place;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::limits::{Limits, PeerLimit};
use crate::lock::ignore_poison;
use crate::request::HandleError;
pub(super) use place::{Direction, RequestPermit, RequestPlace};

/// The places of one listener.
pub(super) struct Places {
    limit: usize,
    peer_limit: PeerLimit,
    /// How long a request may wait for its client while there is no place for another.
    give_way_after: Duration,
    running: AtomicUsize,
    /// How many requests there may be whose guests go on after their responses without a place.
    going_on_limit: usize,
    going_on: AtomicUsize,
    /// The peers that have connections.
    peers: Mutex<HashMap<IpAddr, Arc<PeerPlaces>>>,
    /// The requests that have waited for their clients.
    waiting: Mutex<Vec<Weak<RequestPlace>>>,
}

/// The places of one peer, shared by its connections.
#[derive(Default)]
pub(super) struct PeerPlaces {
    running: AtomicUsize,
}

impl Places {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            limit: limits.concurrent_requests.get(),
            peer_limit: limits.requests_per_peer,
            give_way_after: limits.give_way_after,
            running: AtomicUsize::new(0),
            going_on_limit: limits.guests_after_responses,
            going_on: AtomicUsize::new(0),
            peers: Mutex::default(),
            waiting: Mutex::default(),
        }
    }

    /// Requests that hold a place.
    pub(super) fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }

    /// The guests of a request that has ended go on. Returns whether they may without a place.
    fn let_go_on(&self) -> bool {
        increment(&self.going_on, self.going_on_limit)
    }

    /// They have ended.
    fn went_on(&self) {
        self.going_on.fetch_sub(1, Ordering::Relaxed);
    }

    /// A request waits for its client.
    pub(super) fn list(&self, place: &Arc<RequestPlace>) {
        let mut waiting = ignore_poison(self.waiting.lock());
        // A request that ended just when it was listed may still be there.
        waiting.retain(|listed| listed.strong_count() > 0);
        waiting.push(Arc::downgrade(place));
    }

    /// A request that was listed has ended.
    pub(super) fn unlist(&self, place: &RequestPlace) {
        let mut waiting = ignore_poison(self.waiting.lock());
        waiting.retain(|listed| !std::ptr::eq(listed.as_ptr(), place));
    }

    /// Takes the place of the request that has waited longest for its client: of one of
    /// `peer`, if there is one. Returns whether there is a place now.
    fn give_way(&self, peer: Option<&PeerPlaces>, now: Instant) -> bool {
        let waiting: Vec<Arc<RequestPlace>> = ignore_poison(self.waiting.lock())
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        let mut longest: Vec<_> = waiting
            .iter()
            .filter(|place| peer.is_none_or(|peer| place.is_of(peer)))
            .filter_map(|place| Some((place.waited(now)?, place)))
            .filter(|(waited, _)| *waited >= self.give_way_after)
            .collect();
        longest.sort_by_key(|(waited, _)| Reverse(*waited));
        // One that has just ended has no place to give, and guests beyond those that may go on
        // without keep theirs.
        longest.into_iter().any(|(_, place)| place.give_up())
    }

    /// The places of a peer, for one more connection of it.
    pub(super) fn of_peer(self: &Arc<Self>, address: IpAddr) -> Arc<ConnectionPlaces> {
        let key = peer(address);
        let limit = match self.peer_limit {
            PeerLimit::Unlimited => None,
            PeerLimit::Remote(limit) => (!key.is_loopback()).then_some(limit.get()),
            PeerLimit::All(limit) => Some(limit.get()),
        };
        let peer = limit.map(|limit| {
            let mut peers = ignore_poison(self.peers.lock());
            let places = peers.entry(key).or_default().clone();
            Peer { key, limit, places }
        });
        Arc::new(ConnectionPlaces {
            listener: self.clone(),
            peer,
        })
    }
}

/// Which peer an address belongs to. Whoever has an IPv6 address has its whole network of 64
/// bits (RFC 6177); an IPv4 address may be written as an IPv6 one.
fn peer(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) if !address.is_loopback() => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(network))
        }
        other => other,
    }
}

/// The places that the requests of one connection take.
pub(super) struct ConnectionPlaces {
    listener: Arc<Places>,
    /// `None` where the peer has no limit of its own.
    peer: Option<Peer>,
}

struct Peer {
    key: IpAddr,
    limit: usize,
    places: Arc<PeerPlaces>,
}

impl ConnectionPlaces {
    /// Takes a place for one more request.
    ///
    /// # Errors
    ///
    /// [`HandleError::Overloaded`] where the listener has none left, and
    /// [`HandleError::TooManyRequests`] where the peer may have no more.
    pub(super) fn take(self: &Arc<Self>) -> Result<RequestPermit, HandleError> {
        self.hold().or_else(|full| {
            let peer = match full {
                HandleError::TooManyRequests { .. } => self.peer.as_ref().map(|peer| &*peer.places),
                _ => None,
            };
            match self.listener.give_way(peer, Instant::now()) {
                true => self.hold(),
                false => Err(full),
            }
        })?;
        Ok(RequestPermit::new(self.clone()))
    }

    /// Counts one more request, of its peer and of all.
    fn hold(&self) -> Result<(), HandleError> {
        if let Some(peer) = &self.peer {
            let limit = peer.limit;
            if !increment(&peer.places.running, limit) {
                return Err(HandleError::TooManyRequests { limit });
            }
        }
        if increment(&self.listener.running, self.listener.limit) {
            return Ok(());
        }
        if let Some(peer) = &self.peer {
            peer.places.running.fetch_sub(1, Ordering::Relaxed);
        }
        Err(HandleError::Overloaded)
    }

    /// Gives back the place of one request.
    pub(super) fn release(&self) {
        if let Some(peer) = &self.peer {
            peer.places.running.fetch_sub(1, Ordering::Relaxed);
        }
        self.listener.running.fetch_sub(1, Ordering::Relaxed);
    }

    /// The places of the listener.
    pub(super) fn listener(&self) -> &Places {
        &self.listener
    }

    /// Whether the connection's requests count against this peer's limit.
    pub(super) fn is_of(&self, peer: &PeerPlaces) -> bool {
        let own = self.peer.as_ref().map(|own| &*own.places);
        own.is_some_and(|own| std::ptr::eq(own, peer))
    }
}

impl Drop for ConnectionPlaces {
    fn drop(&mut self) {
        if let Some(Peer { key, places, .. }) = self.peer.take() {
            let mut peers = ignore_poison(self.listener.peers.lock());
            // Under the lock, so that of two connections that end at one time the last one finds itself
            // the last.
            drop(places);
            if peers
                .get(&key)
                .is_some_and(|places| Arc::strong_count(places) == 1)
            {
                peers.remove(&key);
            }
        }
    }
}

/// Counts one more, unless there are as many as the limit.
fn increment(counter: &AtomicUsize, limit: usize) -> bool {
    counter
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            (taken < limit).then_some(taken + 1)
        })
        .is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::num::NonZeroUsize;
    use std::task::{Context, Waker};

    use super::*;
    use crate::request::CountsGuests;

    fn places(all: usize, requests_per_peer: PeerLimit) -> Arc<Places> {
        Arc::new(Places::new(&Limits {
            concurrent_requests: NonZeroUsize::new(all).unwrap(),
            requests_per_peer,
            guests_after_responses: 1,
            ..Limits::default()
        }))
    }

    fn limit(requests: usize) -> NonZeroUsize {
        NonZeroUsize::new(requests).unwrap()
    }

    fn of(places: &Arc<Places>, address: &str) -> Arc<ConnectionPlaces> {
        places.of_peer(address.parse().unwrap())
    }

    #[test]
    fn no_more_requests_are_admitted_than_the_limit_until_one_ends() {
        let places = places(2, PeerLimit::Unlimited);
        let connection = of(&places, "192.0.2.1");
        let first = connection.take().unwrap();
        let _second = connection.take().unwrap();
        assert_eq!(connection.take().err(), Some(HandleError::Overloaded));
        drop(first);
        assert!(connection.take().is_ok());
    }

    #[test]
    fn a_peer_has_its_limit_over_all_its_connections_and_leaves_the_rest_to_others() {
        let places = places(3, PeerLimit::Remote(limit(2)));
        let (one, another) = (of(&places, "192.0.2.1"), of(&places, "::ffff:192.0.2.1"));
        let _held = [one.take().unwrap(), another.take().unwrap()];
        let refused = HandleError::TooManyRequests { limit: 2 };
        assert_eq!(one.take().err(), Some(refused));
        assert_eq!(another.take().err(), Some(refused));
        assert!(of(&places, "192.0.2.2").take().is_ok());
        assert_eq!(places.running(), 2);
    }

    #[test]
    fn the_addresses_of_an_ipv6_network_are_one_peer() {
        let places = places(3, PeerLimit::Remote(limit(1)));
        let _held = of(&places, "2001:db8:1:2::1").take().unwrap();
        assert!(of(&places, "2001:db8:1:2:3:4:5:6").take().is_err());
        assert!(of(&places, "2001:db8:1:3::1").take().is_ok());
    }

    #[test]
    fn addresses_of_this_machine_have_a_limit_only_where_all_have_it() {
        for address in ["127.0.0.1", "::1"] {
            let remote = places(3, PeerLimit::Remote(limit(1)));
            let connection = of(&remote, address);
            let _held = [connection.take().unwrap(), connection.take().unwrap()];
            let all = places(3, PeerLimit::All(limit(1)));
            let connection = of(&all, address);
            let _held = connection.take().unwrap();
            assert!(connection.take().is_err());
        }
    }

    /// Has a request wait for its client since so many seconds.
    fn wait(permit: &RequestPermit, direction: Direction, seconds: u64) {
        let since = Instant::now() - Duration::from_secs(seconds);
        let cx = Context::from_waker(Waker::noop());
        assert!(!permit.place().wait(direction, since, &cx));
    }

    fn gave_way(permit: &RequestPermit) -> bool {
        let cx = Context::from_waker(Waker::noop());
        let place = permit.place();
        place.wait(Direction::Request, Instant::now(), &cx)
    }

    #[test]
    fn the_request_that_waited_longest_for_its_client_gives_way_to_one_without_a_place() {
        let places = places(3, PeerLimit::Unlimited);
        let connection = of(&places, "192.0.2.1");
        let held = [(); 3].map(|()| connection.take().unwrap());
        wait(&held[0], Direction::Request, 10);
        wait(&held[1], Direction::Response, 12);
        let third = connection.take().unwrap();
        assert_eq!(places.running(), 3);
        assert_eq!(held.each_ref().map(gave_way), [false, true, false]);
        // The first one has waited anew since.
        assert_eq!(connection.take().err(), Some(HandleError::Overloaded));
        drop(held);
        assert_eq!(places.running(), 1);
        drop(third);
        assert_eq!(places.running(), 0);
        assert!(places.waiting.lock().unwrap().is_empty());
    }

    #[test]
    fn a_request_that_has_just_ended_is_passed_over_by_one_without_a_place() {
        let places = places(1, PeerLimit::Unlimited);
        let connection = of(&places, "192.0.2.1");
        let ended = connection.take().unwrap();
        wait(&ended, Direction::Request, 100);
        let place = ended.place();
        drop(ended);
        // Its guest still reads, and lists it once more.
        places.list(&place);
        let held = connection.take().unwrap();
        wait(&held, Direction::Request, 50);
        let _third = connection.take().unwrap();
        assert!(gave_way(&held));
        assert_eq!(places.running(), 1);
    }

    #[test]
    fn a_peer_is_forgotten_with_the_last_of_its_connections_also_where_all_end_at_one_time() {
        let places = places(9, PeerLimit::Remote(limit(9)));
        for _ in 0..200 {
            let connections = [(); 4].map(|()| of(&places, "192.0.2.1"));
            let kept = places.peers.lock().unwrap().len();
            assert_eq!(kept, 1);
            std::thread::scope(|scope| {
                for connection in connections {
                    scope.spawn(move || drop(connection));
                }
            });
            assert!(places.peers.lock().unwrap().is_empty());
        }
    }

    #[test]
    fn guests_that_go_on_after_their_responses_have_places_where_no_more_may_go_on_without() {
        let places = places(2, PeerLimit::All(limit(2)));
        let connection = of(&places, "192.0.2.1");
        let begun = |guests: usize| {
            let permit = connection.take().unwrap();
            let place = permit.place();
            for _ in 0..guests {
                place.guest_began();
            }
            (permit, place)
        };
        // The guests of the first one, of a policy and an application, go on beside the requests.
        let (permit, first) = begun(2);
        drop(permit);
        assert_eq!(places.running(), 0);
        let (permit, second) = begun(1);
        wait(&permit, Direction::Response, 100);
        drop(permit);
        assert_eq!(places.running(), 1);
        let (permit, _) = begun(1);
        // It waits for no client any more, and has nothing to give.
        assert!(connection.take().is_err());
        permit.place().guest_ended();
        drop(permit);
        assert_eq!(places.running(), 1);
        first.guest_ended();
        second.guest_ended();
        assert_eq!(places.running(), 0);
        let (permit, third) = begun(1);
        drop(permit);
        assert_eq!(places.running(), 1);
        first.guest_ended();
        third.guest_ended();
        let (permit, fourth) = begun(1);
        drop(permit);
        assert_eq!(places.running(), 0);
        fourth.guest_ended();
        assert_eq!(places.going_on.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn the_guests_of_requests_that_gave_way_are_counted_until_they_end() {
        let places = places(2, PeerLimit::Unlimited);
        let connection = of(&places, "192.0.2.1");
        let slow = [(); 2].map(|()| {
            let permit = connection.take().unwrap();
            permit.place().guest_began();
            wait(&permit, Direction::Request, 100);
            permit
        });
        let third = connection.take().unwrap();
        let gave = slow.each_ref().map(gave_way);
        assert_eq!(gave.iter().filter(|gave| **gave).count(), 1, "{gave:?}");
        assert_eq!(places.going_on.load(Ordering::Relaxed), 1);
        // No more guests may go on without a place, though the other one waits for its client too.
        let other = slow[usize::from(gave[0])].place();
        let cx = Context::from_waker(Waker::noop());
        let since = Instant::now() - Duration::from_secs(100);
        assert!(!other.wait(Direction::Request, since, &cx));
        assert_eq!(connection.take().err(), Some(HandleError::Overloaded));
        slow[usize::from(gave[1])].place().guest_ended();
        assert_eq!(places.going_on.load(Ordering::Relaxed), 0);
        let _fourth = connection.take().unwrap();
        other.guest_ended();
        drop((slow, third));
        assert_eq!(places.running(), 1);
        assert_eq!(places.going_on.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn a_request_gives_way_only_while_it_waits_and_has_waited_long() {
        let places = places(1, PeerLimit::Unlimited);
        let connection = of(&places, "192.0.2.1");
        let held = connection.take().unwrap();
        wait(&held, Direction::Response, 1);
        assert_eq!(connection.take().err(), Some(HandleError::Overloaded));
        wait(&held, Direction::Response, 100);
        held.place().progress(Direction::Response);
        assert_eq!(connection.take().err(), Some(HandleError::Overloaded));
        wait(&held, Direction::Response, 100);
        assert!(connection.take().is_ok());
    }

    #[test]
    fn a_peer_over_its_limit_takes_the_place_of_its_own_slow_request_and_of_no_other() {
        let places = places(9, PeerLimit::Remote(limit(1)));
        let (one, another) = (of(&places, "192.0.2.1"), of(&places, "192.0.2.2"));
        let (of_one, of_another) = (one.take().unwrap(), another.take().unwrap());
        wait(&of_another, Direction::Request, 100);
        assert!(one.take().is_err());
        wait(&of_one, Direction::Request, 50);
        let _permit = one.take().unwrap();
        assert!(gave_way(&of_one));
        assert!(!gave_way(&of_another));
    }

    #[test]
    fn a_peer_is_forgotten_with_its_last_connection() {
        let places = places(3, PeerLimit::Remote(limit(1)));
        let (one, another) = (of(&places, "192.0.2.1"), of(&places, "192.0.2.1"));
        drop(one);
        assert_eq!(places.peers.lock().unwrap().len(), 1);
        let permit = another.take().unwrap();
        drop(permit);
        drop(another);
        assert_eq!(places.peers.lock().unwrap().len(), 0);
        assert_eq!(places.running(), 0);
    }
}

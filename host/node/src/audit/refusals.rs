//! Refusals of callers that are not known, by peer. The first ones of a peer have a record
//! each. What comes faster after them is gathered into one record with their number: a
//! client without a token must neither fill the disk nor keep the records of others out of
//! the queue.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime};

use tensor_wasm_runtime::policy::{Decision, RequestRecord};

use super::record::{Outcome, Record};
use crate::lock::ignore_poison;

/// The records of one peer: so many at once, and one more in each interval.
const PEER: Pace = Pace {
    burst: 20,
    interval: Duration::from_secs(10),
};

/// The records of all peers together.
const ALL: Pace = Pace {
    burst: 200,
    interval: Duration::from_millis(100),
};

/// How long refusals are gathered before their number is recorded.
const PERIOD: Duration = Duration::from_secs(60);

/// The most peers that are told apart. The refusals of more are gathered without a peer.
const MOST_PEERS: usize = 1024;

/// How often something may happen.
struct Pace {
    burst: u32,
    interval: Duration,
}

/// A bucket of a pace: when it is full again. It starts full.
#[derive(Clone, Copy, Debug)]
struct Bucket(Instant);

impl Bucket {
    fn take(&mut self, now: Instant, pace: &Pace) -> bool {
        let full = self.0.max(now) + pace.interval;
        let taken = full.saturating_duration_since(now) <= pace.interval * pace.burst;
        if taken {
            self.0 = full;
        }
        taken
    }

    fn is_full(self, now: Instant) -> bool {
        self.0 <= now
    }
}

/// Gathers refusals.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<RefusalCounts>);

#[derive(Debug, Default)]
struct RefusalCounts {
    peers: HashMap<IpAddr, Peer>,
    all: Option<Bucket>,
    /// The refusals of peers that have no entry.
    others: Option<Gathered>,
    /// When the first refusal was gathered of those that are not recorded yet.
    since: Option<Instant>,
}

#[derive(Debug)]
struct Peer {
    bucket: Bucket,
    gathered: Option<Gathered>,
}

/// Refusals without a record.
#[derive(Debug)]
struct Gathered {
    /// When the first one was.
    time: SystemTime,
    number: u64,
    /// How the last one ended.
    outcome: Outcome,
}

/// What becomes of a request's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is to be written.
    Single,
    /// It was counted.
    Gathered {
        /// Whether nothing was gathered before, so that the writer has to be told.
        first: bool,
    },
}

impl Refusals {
    /// Takes the record of a request.
    pub fn take(&self, record: &RequestRecord, now: Instant) -> Taken {
        if !is_anonymous_refusal(record) {
            return Taken::Single;
        }
        let mut state = self.lock();
        let state = &mut *state;
        let address = network(record.peer.ip());
        if state.peers.len() >= MOST_PEERS && !state.peers.contains_key(&address) {
            state.forget_idle(now);
        }
        let has_room = state.peers.len() < MOST_PEERS || state.peers.contains_key(&address);
        let gathered = if has_room {
            let peer = state.peers.entry(address).or_insert(Peer {
                bucket: Bucket(now),
                gathered: None,
            });
            let all = state.all.get_or_insert(Bucket(now));
            if peer.bucket.take(now, &PEER) && all.take(now, &ALL) {
                return Taken::Single;
            }
            &mut peer.gathered
        } else {
            &mut state.others
        };
        let outcome = Record::of_request(record.clone()).outcome;
        let gathered = gathered.get_or_insert(Gathered {
            time: record.time,
            number: 0,
            outcome: Outcome::done(),
        });
        gathered.number = gathered.number.saturating_add(1);
        gathered.outcome = outcome;
        let first = state.since.is_none();
        state.since.get_or_insert(now);
        Taken::Gathered { first }
    }

    /// How long until what is gathered is to be recorded; `None` where that is nothing.
    pub fn wait(&self, now: Instant) -> Option<Duration> {
        let since = self.lock().since?;
        Some((since + PERIOD).saturating_duration_since(now))
    }

    /// The records of what is gathered, where that is due, or `all` asks for it.
    pub fn due(&self, now: Instant, all: bool) -> Vec<Record> {
        let mut state = self.lock();
        let due = state
            .since
            .is_some_and(|since| all || since + PERIOD <= now);
        if !due {
            return Vec::new();
        }
        state.since = None;
        let mut records = Vec::new();
        for (address, peer) in &mut state.peers {
            if let Some(gathered) = peer.gathered.take() {
                records.push(gathered.record(Some(*address)));
            }
        }
        records.extend(state.others.take().map(|others| others.record(None)));
        state.forget_idle(now);
        records
    }

    fn lock(&self) -> MutexGuard<'_, RefusalCounts> {
        ignore_poison(self.0.lock())
    }
}

impl RefusalCounts {
    /// Forgets peers that are as if they had never been here.
    fn forget_idle(&mut self, now: Instant) {
        self.peers
            .retain(|_, peer| peer.gathered.is_some() || !peer.bucket.is_full(now));
    }
}

impl Gathered {
    fn record(self, peer: Option<IpAddr>) -> Record {
        let peer = peer.map(|address| match address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => format!("{address}/64"),
        });
        Record::of_refusals(self.time, peer, self.number, self.outcome)
    }
}

/// Whether a request was refused whose caller is not known, by a policy or before one.
fn is_anonymous_refusal(record: &RequestRecord) -> bool {
    match &record.decision {
        Some(Decision::Refused { caller, .. }) => caller.is_none(),
        Some(Decision::Admitted { .. }) => false,
        None => true,
    }
}

/// What counts as one peer: an address of IPv4, or a network of IPv6, of which one
/// customer usually has all addresses (RFC 6177).
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use tensor_wasm_runtime::TraceId;
    use tensor_wasm_runtime::policy::{Principal, Scope};
    use tensor_wasm_runtime::server::RequestId;

    fn record(peer: &str, decision: Option<Decision>) -> RequestRecord {
        RequestRecord {
            time: SystemTime::UNIX_EPOCH,
            request_id: RequestId::random(),
            trace_id: TraceId::random(),
            peer: format!("{peer}:4711").parse().unwrap(),
            certificate: None,
            method: Some(http::Method::GET),
            path: "/".to_owned(),
            action: None,
            decision,
            status: http::StatusCode::UNAUTHORIZED,
            error_kind: Some("unauthorized".to_owned()),
            latency: Duration::ZERO,
            usage: None,
        }
    }

    fn refused(peer: &str) -> RequestRecord {
        let kind = "unauthorized".to_owned();
        record(peer, Some(Decision::Refused { caller: None, kind }))
    }

    fn is_single(refusals: &Refusals, record: RequestRecord, now: Instant) -> bool {
        refusals.take(&record, now) == Taken::Single
    }

    #[test]
    fn of_one_peer_the_first_refusals_are_single_and_the_rest_is_one_record() {
        let (refusals, start) = (Refusals::default(), Instant::now());
        let single = (0..1000)
            .filter(|_| is_single(&refusals, refused("192.0.2.7"), start))
            .count();
        assert_eq!(single, 20);
        assert_eq!(refusals.wait(start), Some(PERIOD));
        assert!(refusals.due(start, false).is_empty());
        // Another peer is not affected, nor is this one once it has been quiet.
        assert!(is_single(&refusals, refused("192.0.2.8"), start));
        let later = start + PERIOD;
        let gathered = refusals.due(later, false);
        let [record] = gathered.as_slice() else {
            unreachable!("{gathered:?}");
        };
        assert_eq!(record.repeated, Some(980));
        assert_eq!(record.peer_addr.as_deref(), Some("192.0.2.7"));
        assert_eq!(record.outcome.error_kind.as_deref(), Some("unauthorized"));
        assert_eq!(refusals.wait(later), None);
        assert!(is_single(&refusals, refused("192.0.2.7"), later));
    }

    #[test]
    fn callers_that_are_known_and_requests_that_are_admitted_always_have_records() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let caller = Some(Principal {
            id: "alice".to_owned(),
            roles: Vec::new(),
            scope: Scope::All,
        });
        let kind = "rate_limited".to_owned();
        for decision in [
            Decision::Admitted {
                caller: None,
                tenant: 0,
            },
            Decision::Refused { caller, kind },
        ] {
            for _ in 0..1000 {
                let record = record("192.0.2.7", Some(decision.clone()));
                assert!(is_single(&refusals, record, now));
            }
        }
    }

    #[test]
    fn many_peers_have_a_bounded_number_of_records_and_none_is_forgotten() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let peer = |number: u32| std::net::Ipv4Addr::from(0x0a00_0000 + number).to_string();
        let single = (0..10_000)
            .filter(|number| is_single(&refusals, refused(&peer(*number)), now))
            .count();
        assert_eq!(single, 200);
        let gathered = refusals.due(now, true);
        assert!(gathered.len() <= MOST_PEERS + 1, "{}", gathered.len());
        let repeated: u64 = gathered.iter().filter_map(|record| record.repeated).sum();
        assert_eq!(single as u64 + repeated, 10_000);
        assert_eq!(gathered.last().unwrap().peer_addr, None);
    }

    #[test]
    fn the_addresses_of_one_network_are_one_peer() {
        let (refusals, now) = (Refusals::default(), Instant::now());
        let single = (0..100)
            .filter(|host| is_single(&refusals, refused(&format!("[2001:db8:0:1::{host}]")), now))
            .count();
        assert_eq!(single, 20);
        let gathered = refusals.due(now, true);
        assert_eq!(gathered[0].peer_addr.as_deref(), Some("2001:db8:0:1::/64"));
        assert_eq!(
            network("::ffff:192.0.2.7".parse().unwrap()).to_string(),
            "192.0.2.7"
        );
    }
}

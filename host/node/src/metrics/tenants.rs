//! What each tenant was charged. A caller may be allowed to name any tenant, so only so many
//! have numbers of their own, and all others share theirs. Found without a lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tensor_wasm_runtime::Usage;

/// How many tenants have numbers of their own.
pub(super) const MOST: usize = 200;

/// The places of the table, a power of two. It is never full, so that each search comes to an
/// end, and mostly a short one.
const PLACES: usize = 512;

/// The numbers of all tenants.
pub(super) struct Tenants {
    places: Box<[OnceLock<Tenant>]>,
    taken: AtomicUsize,
    /// Requests that no policy admitted.
    none: Numbers,
    others: Numbers,
}

struct Tenant {
    id: u64,
    numbers: Numbers,
}

/// What one tenant was charged.
#[derive(Default)]
pub(super) struct Numbers {
    requests: AtomicU64,
    wall_ns: AtomicU64,
    guest_ns: AtomicU64,
    device_ns: AtomicU64,
    launches: AtomicU64,
    request_bytes: AtomicU64,
    response_bytes: AtomicU64,
}

impl Tenants {
    /// Numbers of which these tenants have their own.
    pub(super) fn new(listed: impl IntoIterator<Item = u64>) -> Tenants {
        let tenants = Tenants {
            places: (0..PLACES).map(|_| OnceLock::new()).collect(),
            taken: AtomicUsize::new(0),
            none: Numbers::default(),
            others: Numbers::default(),
        };
        for id in listed {
            tenants.find(id);
        }
        tenants
    }

    pub(super) fn of(&self, tenant: Option<u64>) -> &Numbers {
        match tenant {
            None => &self.none,
            Some(id) => self.find(id).unwrap_or(&self.others),
        }
    }

    /// What a tenant is called.
    pub(super) fn label(&self, id: u64) -> String {
        match self.find(id) {
            Some(_) => id.to_string(),
            None => OTHER.to_owned(),
        }
    }

    /// The numbers of a tenant, if it has its own, or there is room for them. A tenant is
    /// looked for from one place on until a free one, and nothing is ever taken out, so that
    /// it is found where it was put.
    fn find(&self, id: u64) -> Option<&Numbers> {
        // Fibonacci hashing (Knuth): tenants are often numbered from 0.
        let first = id.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - PLACES.ilog2());
        for step in 0..PLACES {
            let place = self.places.get((first as usize + step) % PLACES)?;
            let tenant = match place.get() {
                Some(tenant) => tenant,
                None => {
                    let room = |taken: usize| (taken < MOST).then_some(taken + 1);
                    self.taken
                        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, room)
                        .ok()?;
                    let numbers = Numbers::default();
                    if place.set(Tenant { id, numbers }).is_err() {
                        // Another thread was first, maybe for the same tenant.
                        self.taken.fetch_sub(1, Ordering::Relaxed);
                    }
                    place.get()?
                }
            };
            if tenant.id == id {
                return Some(&tenant.numbers);
            }
        }
        None
    }

    /// The label of each tenant that was charged anything, and its numbers.
    pub(super) fn all(&self) -> Vec<(String, &Numbers)> {
        let mut own: Vec<&Tenant> = self.places.iter().filter_map(OnceLock::get).collect();
        own.sort_by_key(|tenant| tenant.id);
        let own = own
            .into_iter()
            .map(|tenant| (tenant.id.to_string(), &tenant.numbers));
        let shared = [("none", &self.none), (OTHER, &self.others)];
        let shared = shared.into_iter().filter(|(_, numbers)| !numbers.is_zero());
        own.chain(shared.map(|(name, numbers)| (name.to_owned(), numbers)))
            .collect()
    }
}

/// What tenants without numbers of their own are called.
const OTHER: &str = "other";

impl Numbers {
    pub(super) fn add(&self, usage: &Usage) {
        let ns = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        for (number, amount) in [
            (&self.requests, usage.requests),
            (&self.wall_ns, ns(usage.wall)),
            (&self.guest_ns, ns(usage.guest)),
            (&self.device_ns, ns(usage.device)),
            (&self.launches, usage.launches),
            (&self.request_bytes, usage.request_bytes),
            (&self.response_bytes, usage.response_bytes),
        ] {
            if amount > 0 {
                number.fetch_add(amount, Ordering::Relaxed);
            }
        }
    }

    /// What was charged until now.
    pub(super) fn usage(&self) -> Usage {
        let of = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Usage {
            requests: of(&self.requests),
            wall: Duration::from_nanos(of(&self.wall_ns)),
            guest: Duration::from_nanos(of(&self.guest_ns)),
            device: Duration::from_nanos(of(&self.device_ns)),
            launches: of(&self.launches),
            request_bytes: of(&self.request_bytes),
            response_bytes: of(&self.response_bytes),
        }
    }

    fn is_zero(&self) -> bool {
        self.usage() == Usage::default()
    }
}

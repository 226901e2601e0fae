//! How often a caller may call: which buckets a request is taken from, and when to
//! try again. The host counts.

use tensor_wasm_middleware::decimal;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub per_second: u32,
    pub burst: u32,
}

/// Where only one of the two is set, the other is this.
const PER_SECOND: u32 = 100;
const BURST: u32 = 200;

/// The longest wait that an answer speaks of, in seconds: a day.
const LONGEST_WAIT: u64 = 24 * 60 * 60;

const NANOSECONDS: u64 = 1_000_000_000;

impl Rate {
    /// The rate of two settings, where 0 is as good as unset. None where neither is
    /// set: then nothing is limited.
    pub fn of(per_second: u32, burst: u32) -> Option<Rate> {
        match (per_second, burst) {
            (0, 0) => None,
            (0, burst) => Some(Rate {
                per_second: PER_SECOND,
                burst,
            }),
            (per_second, 0) => Some(Rate {
                per_second,
                burst: BURST,
            }),
            (per_second, burst) => Some(Rate { per_second, burst }),
        }
    }

    /// Takes one request out of the caller's bucket and, where there is one, out of
    /// the bucket of the caller for this tenant. A caller that changes tenants has
    /// its one bucket all the same.
    ///
    /// The narrow bucket comes first. Where it refuses, the wide one is untouched:
    /// a tenant that calls too often can't use up what the other tenants of the
    /// same token need. Where the wide one refuses, the narrow one has lost a
    /// request, but that is the tenant's own. It bounds how often a tenant can try
    /// for a place in the wide one, so that the others get theirs.
    ///
    /// # Errors
    ///
    /// After how many nanoseconds a retry can succeed.
    pub fn take(
        self,
        caller: Option<&str>,
        tenant: Option<u64>,
        mut take: impl FnMut(&str, Rate) -> Result<(), u64>,
    ) -> Result<(), u64> {
        let wide = caller_key(caller);
        if let Some(tenant) = tenant {
            take(&tenant_key(tenant, &wide), self)?;
        }
        take(&wide, self)
    }
}

/// The key of a caller's bucket. Nobody can have a name that makes it another's.
fn caller_key(caller: Option<&str>) -> String {
    match caller {
        Some(id) => ["token:", id].concat(),
        None => "anonymous".to_owned(),
    }
}

/// The tenant stands in front: what an id holds can't change how the key reads.
fn tenant_key(tenant: u64, caller: &str) -> String {
    let mut key = "tenant:".to_owned();
    decimal::push(&mut key, tenant);
    key.push('/');
    key.push_str(caller);
    key
}

/// A wait as `Retry-After` says it: in whole seconds, at least one.
pub fn retry_after(nanoseconds: u64) -> u64 {
    nanoseconds.div_ceil(NANOSECONDS).clamp(1, LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn a_rate_or_burst_left_unset_beside_the_other_has_a_default() {
        assert_eq!(Rate::of(0, 0), None);
        let rate = |per_second, burst| Some(Rate { per_second, burst });
        assert_eq!(Rate::of(5, 0), rate(5, 200));
        assert_eq!(Rate::of(0, 5), rate(100, 5));
        assert_eq!(Rate::of(5, 7), rate(5, 7));
    }

    #[test]
    fn retry_after_is_rounded_up_to_at_least_one_second() {
        for (nanoseconds, seconds) in [
            (0, 1),
            (1, 1),
            (999_999_999, 1),
            (1_000_000_000, 1),
            (1_000_000_001, 2),
            (u64::MAX, 86_400),
        ] {
            assert_eq!(retry_after(nanoseconds), seconds, "{nanoseconds}");
        }
    }

    /// Buckets that never fill again, with how often each was taken from.
    #[derive(Default)]
    struct Buckets(HashMap<String, u32>);

    impl Buckets {
        fn take(&mut self, caller: Option<&str>, tenant: Option<u64>, rate: Rate) -> bool {
            rate.take(caller, tenant, |key, rate| {
                let taken = self.0.entry(key.to_owned()).or_default();
                if *taken == rate.burst {
                    return Err(1);
                }
                *taken += 1;
                Ok(())
            })
            .is_ok()
        }
    }

    const FIVE: Rate = Rate {
        per_second: 1,
        burst: 5,
    };

    #[test]
    fn a_caller_that_changes_tenants_gets_no_more() {
        for by_tenant in [false, true] {
            let mut buckets = Buckets::default();
            let admitted = (0..100u64)
                .filter(|tenant| buckets.take(Some("a"), by_tenant.then_some(*tenant), FIVE))
                .count();
            assert_eq!(admitted, 5);
        }
    }

    #[test]
    fn a_refusal_by_tenant_takes_nothing_from_the_tokens_bucket() {
        let mut buckets = Buckets::default();
        buckets.0.insert("tenant:1/token:a".into(), 5);
        assert!((0..100).all(|_| !buckets.take(Some("a"), Some(1), FIVE)));
        assert!(buckets.take(Some("a"), Some(2), FIVE));
        assert_eq!(buckets.0["token:a"], 1);
    }

    #[test]
    fn unauthenticated_requests_share_one_bucket_apart_from_every_token() {
        let mut buckets = Buckets::default();
        assert!(buckets.take(None, None, FIVE));
        assert!(buckets.take(Some("anonymous"), None, FIVE));
        assert_eq!(buckets.0.len(), 2);
        assert_eq!(buckets.0["anonymous"], 1);
    }

    proptest! {
        #[test]
        fn two_callers_or_tenants_never_share_a_bucket(
            a: Option<String>, b: Option<String>, s: Option<u64>, t: Option<u64>,
        ) {
            let key = |caller: &Option<String>, tenant: Option<u64>| {
                let wide = caller_key(caller.as_deref());
                tenant.map_or(wide.clone(), |tenant| tenant_key(tenant, &wide))
            };
            prop_assert_eq!((&a, s) == (&b, t), key(&a, s) == key(&b, t));
        }

        #[test]
        fn retry_after_is_sufficient_and_not_a_second_too_long(nanoseconds in 1..86_400_000_000_000u64) {
            let wait = retry_after(nanoseconds) * NANOSECONDS;
            prop_assert!(wait >= nanoseconds && wait - nanoseconds < NANOSECONDS);
        }
    }
}

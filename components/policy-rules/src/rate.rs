//! Rate limiting with token buckets: from which buckets a request takes a token, and when to
//! retry. The host keeps the buckets.

use tensor_wasm_middleware::decimal;

/// The rate of a token bucket. One token is one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Tokens that are added per second.
    pub per_second: u32,
    /// Tokens that the bucket can hold.
    pub burst: u32,
}

/// The defaults of the two settings, if only the other one is set.
const DEFAULT_PER_SECOND: u32 = 100;
const DEFAULT_BURST: u32 = 200;

/// What the headers of answers call the buckets.
const BY_TOKEN: &str = "token";
const BY_TENANT: &str = "token-and-tenant";

/// The largest value of `Retry-After`, in seconds: a day.
const MAX_RETRY_AFTER: u64 = 24 * 60 * 60;

const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

impl Rate {
    /// The rate of the two settings, of which 0 means unset. `None` if both are unset: then
    /// there is no limit.
    pub fn from_settings(per_second: u32, burst: u32) -> Option<Rate> {
        match (per_second, burst) {
            (0, 0) => None,
            (0, burst) => Some(Rate {
                per_second: DEFAULT_PER_SECOND,
                burst,
            }),
            (per_second, 0) => Some(Rate {
                per_second,
                burst: DEFAULT_BURST,
            }),
            (per_second, burst) => Some(Rate { per_second, burst }),
        }
    }

    /// Takes a token from the bucket of the caller and, if `tenant` is given, one from the
    /// bucket of the caller for this tenant. A caller cannot avoid its limit by changing the
    /// tenant.
    ///
    /// The bucket of the tenant comes first. If it is empty, the bucket of the caller is not
    /// touched, so a tenant that calls too often does not use up the tokens of the other
    /// tenants of the same caller. If the bucket of the caller is empty, the tenant has lost a
    /// token of its own bucket. That limits how often one tenant can compete for the
    /// caller's bucket, so that the others get their part of it.
    ///
    /// # Errors
    ///
    /// The number of nanoseconds after which a retry can succeed.
    pub fn take(
        self,
        caller: Option<&str>,
        tenant: Option<u64>,
        mut take: impl FnMut(&str, Rate) -> Result<(), u64>,
    ) -> Result<(), u64> {
        for (_, key) in self.buckets(caller, tenant).rev() {
            take(&key, self)?;
        }
        Ok(())
    }

    /// The buckets of a request, by name and key: that of the caller and, if `tenant` is given, that
    /// of the caller for this tenant.
    pub fn buckets(
        self,
        caller: Option<&str>,
        tenant: Option<u64>,
    ) -> impl DoubleEndedIterator<Item = (&'static str, String)> {
        let caller = caller_key(caller);
        let of_tenant = tenant.map(|tenant| (BY_TENANT, tenant_key(tenant, &caller)));
        [Some((BY_TOKEN, caller)), of_tenant].into_iter().flatten()
    }

    /// The names of the buckets that requests take tokens from.
    pub fn names(by_tenant: bool) -> impl Iterator<Item = &'static str> {
        [Some(BY_TOKEN), by_tenant.then_some(BY_TENANT)]
            .into_iter()
            .flatten()
    }
}

/// The key of a caller's bucket. The prefix prevents a caller's name from being the key of
/// another bucket.
fn caller_key(caller: Option<&str>) -> String {
    match caller {
        Some(id) => ["token:", id].concat(),
        None => "anonymous".to_owned(),
    }
}

/// The key of a caller's bucket for one tenant. The tenant comes first, so that no name of a
/// caller makes the key ambiguous.
fn tenant_key(tenant: u64, caller: &str) -> String {
    let mut key = "tenant:".to_owned();
    decimal::push(&mut key, tenant);
    key.push('/');
    key.push_str(caller);
    key
}

/// The value of `Retry-After` for a wait: whole seconds, at least one.
pub fn retry_after(nanoseconds: u64) -> u64 {
    nanoseconds
        .div_ceil(NANOSECONDS_PER_SECOND)
        .clamp(1, MAX_RETRY_AFTER)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[test]
    fn if_one_setting_is_set_the_other_has_a_default() {
        assert_eq!(Rate::from_settings(0, 0), None);
        let rate = |per_second, burst| Some(Rate { per_second, burst });
        assert_eq!(Rate::from_settings(5, 0), rate(5, 200));
        assert_eq!(Rate::from_settings(0, 5), rate(100, 5));
        assert_eq!(Rate::from_settings(5, 7), rate(5, 7));
    }

    #[test]
    fn a_wait_is_rounded_up_to_whole_seconds_and_is_at_least_one() {
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

    /// Buckets that are never refilled, with the number of tokens taken from each.
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
    fn a_caller_cannot_avoid_its_limit_by_changing_the_tenant() {
        for by_tenant in [false, true] {
            let mut buckets = Buckets::default();
            let admitted = (0..100u64)
                .filter(|tenant| buckets.take(Some("a"), by_tenant.then_some(*tenant), FIVE))
                .count();
            assert_eq!(admitted, 5);
        }
    }

    #[test]
    fn a_refused_tenant_takes_nothing_from_the_bucket_of_its_caller() {
        let mut buckets = Buckets::default();
        buckets.0.insert("tenant:1/token:a".into(), 5);
        assert!((0..100).all(|_| !buckets.take(Some("a"), Some(1), FIVE)));
        assert!(buckets.take(Some("a"), Some(2), FIVE));
        assert_eq!(buckets.0["token:a"], 1);
    }

    #[test]
    fn anonymous_callers_share_one_bucket_that_no_token_can_use() {
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
                let caller = caller_key(caller.as_deref());
                tenant.map_or(caller.clone(), |tenant| tenant_key(tenant, &caller))
            };
            prop_assert_eq!((&a, s) == (&b, t), key(&a, s) == key(&b, t));
        }

        #[test]
        fn retry_after_is_the_smallest_sufficient_number_of_seconds(nanoseconds in 1..86_400_000_000_000u64) {
            let wait = retry_after(nanoseconds) * NANOSECONDS_PER_SECOND;
            prop_assert!(wait >= nanoseconds && wait - nanoseconds < NANOSECONDS_PER_SECOND);
        }
    }
}

//! What the limiter promises: exact under concurrency, bounded under a flood, and
//! the same as a model that is too simple to be wrong.

use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use tensor_wasm_node::limiter::{Buckets, DEFAULT_CAPACITY};
use tensor_wasm_runtime::policy::{Limiter, Rate};

/// A clock that tests move, in nanoseconds.
#[derive(Clone, Default)]
struct Time(Arc<AtomicU64>);

impl Time {
    fn advance(&self, by: Duration) {
        let by = u64::try_from(by.as_nanos()).unwrap();
        self.0.fetch_add(by, Ordering::SeqCst);
    }

    fn set(&self, nanoseconds: u64) {
        self.0.store(nanoseconds, Ordering::SeqCst);
    }

    fn buckets(&self, capacity: usize) -> Buckets {
        let time = self.clone();
        let clock = move || Duration::from_nanos(time.0.load(Ordering::SeqCst));
        Buckets::with(NonZeroUsize::new(capacity).unwrap(), Box::new(clock)).unwrap()
    }
}

fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

fn rate(per_second: u32, burst: u32) -> Rate {
    Rate {
        per_second: number(per_second),
        burst: number(burst),
    }
}

const ONE: NonZeroU32 = NonZeroU32::MIN;
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_key_gets_its_burst_and_then_its_rate() {
    let time = Time::default();
    let buckets = time.buckets(1000);
    let rate = rate(2, 3);
    for _ in 0..3 {
        assert_eq!(buckets.take("a", rate, ONE), Ok(()));
    }
    assert_eq!(buckets.take("a", rate, ONE), Err(SECOND / 2));
    time.advance(SECOND / 2 - Duration::from_nanos(1));
    assert_eq!(
        buckets.take("a", rate, ONE),
        Err(Duration::from_nanos(1)),
        "the wait is exact"
    );
    time.advance(Duration::from_nanos(1));
    assert_eq!(buckets.take("a", rate, ONE), Ok(()));
    assert_eq!(buckets.take("a", rate, number(3)), Err(SECOND * 3 / 2));
    time.advance(SECOND * 1000);
    assert_eq!(buckets.take("a", rate, number(3)), Ok(()));
    assert!(
        buckets.take("a", rate, ONE).is_err(),
        "no more than the burst"
    );
}

#[test]
fn where_too_little_is_left_nothing_is_taken() {
    let buckets = Time::default().buckets(1000);
    let rate = rate(1, 5);
    assert_eq!(buckets.take("a", rate, number(3)), Ok(()));
    assert_eq!(buckets.take("a", rate, number(3)), Err(SECOND));
    assert_eq!(buckets.take("a", rate, number(2)), Ok(()));
}

#[test]
fn a_cost_above_the_burst_never_succeeds_and_leaves_nothing_behind() {
    let buckets = Time::default().buckets(1000);
    assert_eq!(
        buckets.take("a", rate(100, 5), number(6)),
        Err(Duration::MAX)
    );
    assert!(buckets.is_empty());
}

#[test]
fn keys_and_rates_have_buckets_of_their_own() {
    let buckets = Time::default().buckets(1000);
    for key in ["", "a", "b", "a\0", &"long".repeat(100_000)] {
        for rate in [rate(1, 1), rate(2, 1), rate(1, 2)] {
            assert_eq!(buckets.take(key, rate, rate.burst), Ok(()));
            assert!(buckets.take(key, rate, rate.burst).is_err());
        }
    }
    assert_eq!(buckets.len(), 15);
}

#[test]
fn the_largest_numbers_overflow_nothing() {
    let time = Time::default();
    let buckets = time.buckets(1000);
    let most = rate(u32::MAX, u32::MAX);
    let slow = rate(1, u32::MAX);
    for now in [0, 1, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
        time.set(now);
        assert_eq!(
            buckets.take(&now.to_string(), slow, slow.burst),
            Ok(()),
            "{now}"
        );
        assert!(buckets.take(&now.to_string(), slow, slow.burst).is_err());
        assert_eq!(buckets.take(&now.to_string(), most, most.burst), Ok(()));
    }
    let forever = || Duration::MAX;
    let buckets = Buckets::with(DEFAULT_CAPACITY, Box::new(forever)).unwrap();
    assert_eq!(buckets.take("a", most, most.burst), Ok(()));
    assert!(buckets.take("a", most, ONE).is_err(), "time stands still");
}

#[test]
fn a_clock_that_jumps_back_gives_nothing_away() {
    let time = Time::default();
    let buckets = time.buckets(1000);
    let rate = rate(1, 10);
    time.advance(SECOND * 100);
    assert_eq!(buckets.take("a", rate, number(10)), Ok(()));
    for _ in 0..5 {
        time.set(0);
        assert_eq!(
            buckets.take("a", rate, ONE),
            Err(SECOND * 101),
            "until it has caught up, and one second more"
        );
        time.advance(SECOND * 100);
        assert_eq!(buckets.take("a", rate, ONE), Err(SECOND));
    }
}

#[test]
fn of_64_threads_no_more_are_admitted_than_the_burst_holds() {
    let buckets = Time::default().buckets(1000);
    let barrier = Barrier::new(64);
    let admitted: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..64)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    (0..500)
                        .filter(|_| buckets.take("a", rate(1000, 777), ONE).is_ok())
                        .count()
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert_eq!(admitted, 777);
}

#[test]
fn of_64_threads_with_a_running_clock_no_more_are_admitted_than_burst_and_rate_and_time() {
    let time = Time::default();
    let buckets = time.buckets(1000);
    let (per_second, burst) = (1000, 50);
    let rate = rate(per_second, burst);
    let barrier = Barrier::new(64);
    let mut admitted: u64 = thread::scope(|scope| {
        let threads: Vec<_> = (0..64_u64)
            .map(|thread| {
                let (buckets, barrier, time) = (&buckets, &barrier, &time);
                scope.spawn(move || {
                    barrier.wait();
                    let mut admitted = 0;
                    for call in 0..500 {
                        // Uneven steps, so that the clock never falls on a token's
                        // own time only.
                        time.advance(Duration::from_nanos(7_001 + thread * 131 + call));
                        admitted += u64::from(buckets.take("a", rate, ONE).is_ok());
                    }
                    admitted
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    while buckets.take("a", rate, ONE).is_ok() {
        admitted += 1;
    }
    let nanoseconds = time.0.load(Ordering::SeqCst);
    let most = u64::from(burst) + u64::from(per_second) * nanoseconds / 1_000_000_000;
    assert!(admitted <= most, "{admitted} of {most}");
    assert!(
        admitted + u64::from(burst) >= most,
        "nothing was lost either: {admitted} of {most}"
    );
}

#[test]
fn a_hundred_thousand_tokens_are_each_limited_on_their_own() {
    let buckets = Time::default().buckets(DEFAULT_CAPACITY.get());
    let keys: Vec<String> = (0..100_000).map(|n| format!("token-{n}")).collect();
    let rate = rate(1, 2);
    for admitted in [true, true, false] {
        for key in &keys {
            assert_eq!(buckets.take(key, rate, ONE).is_ok(), admitted, "{key}");
        }
    }
    assert_eq!(buckets.len(), keys.len());
}

#[test]
fn a_flood_of_a_million_keys_over_time_leaves_only_the_buckets_in_use() {
    let time = Time::default();
    let buckets = time.buckets(DEFAULT_CAPACITY.get());
    let rate = rate(100, 200);
    let mut most = 0;
    for key in 0..1_000_000_u32 {
        // A bucket is in use for 10 ms after a call, so 10,000 of them at any time.
        time.advance(Duration::from_micros(1));
        assert_eq!(buckets.take(&key.to_string(), rate, ONE), Ok(()));
        if key % 1000 == 0 {
            most = most.max(buckets.len());
        }
    }
    assert!(most < 12_000, "{most}");
    time.advance(SECOND * 10);
    for key in 0..20_000_u32 {
        let _ = buckets.take(&key.to_string(), rate, ONE);
        time.advance(SECOND);
    }
    assert!(buckets.len() <= 64, "{}", buckets.len());
}

#[test]
fn a_flood_of_a_million_keys_at_once_ends_at_the_bound_and_hurts_no_known_key() {
    let time = Time::default();
    let buckets = time.buckets(10_000);
    let rate = rate(1, 3);
    assert_eq!(buckets.take("known", rate, ONE), Ok(()));
    let mut refused = 0;
    for key in 0..1_000_000_u32 {
        if let Err(wait) = buckets.take(&key.to_string(), rate, ONE) {
            assert_eq!(wait, SECOND, "when the first bucket is full again");
            refused += 1;
        }
    }
    assert!(buckets.len() <= buckets.capacity());
    assert_eq!(refused + buckets.len(), 1_000_001);

    // Who has a bucket keeps it, with what is left in it.
    assert_eq!(buckets.take("known", rate, number(2)), Ok(()));
    assert_eq!(buckets.take("known", rate, ONE), Err(SECOND));

    // The table opens again by itself.
    time.advance(SECOND);
    for key in 0..1_000_u32 {
        assert_eq!(buckets.take(&format!("new-{key}"), rate, ONE), Ok(()));
    }
}

#[test]
fn the_limiter_shows_no_key() {
    let buckets = Time::default().buckets(64);
    buckets.take("a secret", rate(1, 1), ONE).unwrap();
    assert_eq!(format!("{buckets:?}"), "Buckets { len: 1, capacity: 64 }");
}

/// One call, or a step of the clock.
#[derive(Clone, Debug)]
enum Step {
    Take { key: u8, rate: usize, cost: u32 },
    Advance { nanoseconds: u64 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..4_u8, 0..3_usize, 1..8_u32).prop_map(|(key, rate, cost)| Step::Take {
            key,
            rate,
            cost
        }),
        prop_oneof![0..5_u64, 0..400_000_000_u64, 0..9_000_000_000_u64]
            .prop_map(|nanoseconds| Step::Advance { nanoseconds }),
    ]
}

/// Looks at all that was ever admitted: a bucket is its burst, less what was taken,
/// plus what came in since, and no more than full. Counts in billionths of a token.
fn model(taken: &[(u64, u32)], rate: Rate, now: u64) -> i128 {
    let full = i128::from(rate.burst.get()) * 1_000_000_000;
    let (mut level, mut at) = (full, 0);
    for &(time, cost) in taken.iter().chain(&[(now, 0)]) {
        level += i128::from(time - at) * i128::from(rate.per_second.get());
        level = level.min(full) - i128::from(cost) * 1_000_000_000;
        at = time;
    }
    level
}

proptest! {
    #[test]
    fn buckets_do_what_an_exact_model_does(
        rates in prop::array::uniform3((1..2_000_u32, 1..10_u32)),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let time = Time::default();
        let buckets = time.buckets(64 * 64);
        let mut taken = std::collections::HashMap::<_, Vec<(u64, u32)>>::new();
        for step in steps {
            match step {
                Step::Advance { nanoseconds } => time.advance(Duration::from_nanos(nanoseconds)),
                Step::Take { key, rate: index, cost } => {
                    let rate = rate(rates[index].0, rates[index].1);
                    let now = time.0.load(Ordering::SeqCst);
                    let history = taken.entry((key, rate)).or_default();
                    let missing = i128::from(cost) * 1_000_000_000 - model(history, rate, now);
                    let expected = if cost > rate.burst.get() {
                        Err(Duration::MAX)
                    } else if missing > 0 {
                        let per_second = i128::from(rate.per_second.get());
                        let wait = (missing + per_second - 1) / per_second;
                        Err(Duration::from_nanos(u64::try_from(wait).unwrap()))
                    } else {
                        history.push((now, cost));
                        Ok(())
                    };
                    let answer = buckets.take(&key.to_string(), rate, number(cost));
                    prop_assert_eq!(answer, expected);
                }
            }
        }
    }

    #[test]
    fn in_a_table_that_is_too_small_no_key_gets_more_than_its_burst_and_rate(
        keys in prop::collection::vec((0..400_u32, 0..30_000_000_u64), 1..1500),
    ) {
        let time = Time::default();
        let buckets = time.buckets(64);
        let rate = rate(2, 3);
        let mut taken = std::collections::HashMap::<_, Vec<(u64, u32)>>::new();
        for (key, nanoseconds) in keys {
            time.advance(Duration::from_nanos(nanoseconds));
            let now = time.0.load(Ordering::SeqCst);
            if buckets.take(&key.to_string(), rate, ONE).is_ok() {
                let history = taken.entry(key).or_default();
                prop_assert!(model(history, rate, now) >= 1_000_000_000);
                history.push((now, 1));
            }
            prop_assert!(buckets.len() <= 64);
        }
    }
}

#[test]
fn what_is_available_is_what_could_be_taken_and_asking_takes_nothing() {
    let time = Time::default();
    let buckets = time.buckets(1000);
    let rate = rate(2, 3);
    assert_eq!(buckets.available("a", rate), 3);
    assert!(buckets.is_empty());
    for left in (0..3).rev() {
        assert_eq!(buckets.take("a", rate, ONE), Ok(()));
        assert_eq!(buckets.available("a", rate), left);
    }
    time.advance(SECOND / 2 - Duration::from_nanos(1));
    assert_eq!(buckets.available("a", rate), 0);
    time.advance(Duration::from_nanos(1));
    assert_eq!(buckets.available("a", rate), 1);
    time.advance(SECOND * 10);
    assert_eq!(buckets.available("a", rate), 3);
    assert_eq!(buckets.available("b", rate), 3);
}

//! The rate limiter of a host: token buckets for all its policies, behind
//! `tensor:policy/limiter`.
//!
//! **Exact.** A bucket is an integer, in billionths of a token: a nanosecond adds
//! `per_second` of them. Nothing is rounded, so a key gets at most
//! `burst + per_second × time` tokens, however many threads ask at once. The crate
//! `governor` was not used since it keeps the interval between two tokens in whole
//! nanoseconds, has one rate for all keys, and its table grows until it is swept.
//!
//! **Bounded.** A full bucket is the same as no bucket, so it is dropped. When the table is
//! full, all of its buckets are in use, and a key without a bucket has to wait until the
//! first of them is full. A bucket in use is never evicted for another: its key would then
//! get a full one, which is how limiters that keep "the last N keys" are bypassed.
//!
//! **What an attacker with many keys gains.** No more than the burst and the rate of
//! each key, as agreed with the policy. It could try to keep others out by filling
//! the table. A bucket from which `n` tokens were taken is full again after
//! `n / per_second`, so keeping `capacity` buckets in use takes
//! `capacity × per_second` admitted tokens in each second: with the default capacity
//! and a rate of 100 that is 26 million requests a second. Keys that have a
//! bucket are not affected even then. A policy that names its own rate and cost can do it
//! with few calls (one token a second, a thousand at once): give policies that the
//! operator doesn't trust a limiter of their own.
//!
//! Keys are kept as hashes under a key made for this process, so their length costs
//! no memory, and nobody outside can choose keys that meet in one shard.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use tensor_wasm_runtime::policy::{Limiter, Rate};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::lock::ignore_poison;

/// Parts of the table, each with a lock of its own.
const SHARDS: usize = 64;

/// Billionths of a token in a token.
const WHOLE: u64 = 1_000_000_000;

/// The last nanosecond that a clock can show: 146 years. It stops there, so that the time
/// at which a bucket is full can always be represented.
const LAST: u64 = 1 << 62;

/// How many buckets a [`Buckets`] keeps at most unless told otherwise: about 25 MB
/// when all are in use.
pub const DEFAULT_CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add((1 << 18) - 1);

/// The time since a moment of the clock's choice. It should never run backwards; where it
/// does, buckets don't fill until it has caught up.
pub type Clock = dyn Fn() -> Duration + Send + Sync;

/// Why there is no limiter.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LimiterError {
    /// The operating system has no random numbers.
    #[error("the operating system gives no random numbers to hash keys with: {0}")]
    NoRandomNumbers(getrandom::Error),
}

/// The buckets of a host: one for each key and rate.
///
/// ```
/// use std::num::NonZeroU32;
/// use tensor_wasm_node::limiter::Buckets;
/// use tensor_wasm_runtime::policy::{Limiter, Rate};
///
/// let buckets = Buckets::new()?;
/// let two = NonZeroU32::new(2).unwrap();
/// let rate = Rate { per_second: NonZeroU32::MIN, burst: two };
/// assert!(buckets.take("alice", rate, two).is_ok());
/// let wait = buckets.take("alice", rate, NonZeroU32::MIN).unwrap_err();
/// assert!(wait.as_secs_f64() <= 1.0);
/// # Ok::<(), tensor_wasm_node::limiter::LimiterError>(())
/// ```
pub struct Buckets {
    key: Zeroizing<[u8; blake3::KEY_LEN]>,
    clock: Box<Clock>,
    shards: Vec<Mutex<Shard>>,
    /// Of each shard.
    capacity: usize,
}

/// Names a bucket: the hash of key and rate. It has half of BLAKE3's length, at
/// which nobody meets a collision by chance, and nobody can look for one without
/// the process's key.
type Name = [u8; 16];

/// A part of the table.
#[derive(Default)]
struct Shard {
    buckets: HashMap<Name, Bucket>,
    /// The same buckets, by the time at which they are full again.
    by_full: BTreeSet<(u64, Name)>,
    /// The latest time that was seen, in nanoseconds of the clock.
    latest: u64,
}

#[derive(Clone, Copy)]
struct Bucket {
    /// Billionths of a token, at `at`.
    level: u64,
    /// In nanoseconds of the clock.
    at: u64,
    /// When it is full again, by the same clock.
    full_at: u64,
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buckets")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .finish()
    }
}

impl Buckets {
    /// Buckets that fill with the time of this machine, [`DEFAULT_CAPACITY`] at most.
    ///
    /// # Errors
    ///
    /// Where the operating system has no random numbers.
    pub fn new() -> Result<Buckets, LimiterError> {
        let start = Instant::now();
        Buckets::with(DEFAULT_CAPACITY, Box::new(move || start.elapsed()))
    }

    /// As many buckets as `capacity` says, rounded up to a multiple of 64, that fill
    /// with the time of `clock`.
    ///
    /// # Errors
    ///
    /// Where the operating system has no random numbers.
    pub fn with(capacity: NonZeroUsize, clock: Box<Clock>) -> Result<Buckets, LimiterError> {
        let mut key = Zeroizing::new([0; blake3::KEY_LEN]);
        getrandom::fill(key.as_mut_slice()).map_err(LimiterError::NoRandomNumbers)?;
        Ok(Buckets {
            key,
            clock,
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            capacity: capacity.get().div_ceil(SHARDS),
        })
    }

    /// How many buckets there are now.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|s| lock(s).buckets.len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many buckets there can be.
    pub fn capacity(&self) -> usize {
        self.capacity.saturating_mul(SHARDS)
    }

    fn name(&self, key: &str, rate: Rate) -> Name {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&rate.per_second.get().to_le_bytes());
        hasher.update(&rate.burst.get().to_le_bytes());
        hasher.update(key.as_bytes());
        let mut name = Name::default();
        hasher.finalize_xof().fill(&mut name);
        name
    }
}

impl Limiter for Buckets {
    fn take(&self, key: &str, rate: Rate, cost: NonZeroU32) -> Result<(), Duration> {
        if cost > rate.burst {
            return Err(Duration::MAX);
        }
        let name = self.name(key, rate);
        let [first, ..] = name;
        let Some(shard) = self.shards.get(usize::from(first) % SHARDS) else {
            return Err(Duration::MAX);
        };
        let now = u64::try_from((self.clock)().as_nanos()).map_or(LAST, |now| now.min(LAST));
        lock(shard)
            .take(name, rate, cost, now, self.capacity)
            .map_err(Duration::from_nanos)
    }

    fn available(&self, key: &str, rate: Rate) -> u32 {
        let name = self.name(key, rate);
        let [first, ..] = name;
        let Some(shard) = self.shards.get(usize::from(first) % SHARDS) else {
            return 0;
        };
        let now = u64::try_from((self.clock)().as_nanos()).map_or(LAST, |now| now.min(LAST));
        lock(shard).available(name, rate, now)
    }
}

impl Shard {
    /// The whole tokens of a bucket; one that there isn't is full.
    fn available(&self, name: Name, rate: Rate, now: u64) -> u32 {
        let Some(bucket) = self.buckets.get(&name) else {
            return rate.burst.get();
        };
        let level = bucket.filled(rate, now.max(self.latest)).level;
        u32::try_from(level / WHOLE).unwrap_or(u32::MAX)
    }

    /// The error is the time to wait, in nanoseconds.
    fn take(
        &mut self,
        name: Name,
        rate: Rate,
        cost: NonZeroU32,
        now: u64,
        capacity: usize,
    ) -> Result<(), u64> {
        // Time that has passed once doesn't pass again: a clock that went back has
        // to catch up before anything fills.
        self.latest = self.latest.max(now);
        let behind = self.latest - now;
        let now = self.latest;
        // Two for the one that may come: the table shrinks to what is in use without
        // anybody sweeping it, and no call does more than a few steps.
        self.drop_full(now);
        self.drop_full(now);

        let cost = u64::from(cost.get()) * WHOLE;
        let bucket = match self.buckets.get(&name) {
            Some(bucket) => {
                let bucket = bucket.filled(rate, now);
                if bucket.level < cost {
                    let wait = rate.time_for(cost - bucket.level);
                    return Err(wait.saturating_add(behind));
                }
                self.by_full.remove(&(bucket.full_at, name));
                bucket
            }
            None => {
                if self.buckets.len() >= capacity
                    && let Some((full_at, _)) = self.by_full.first()
                {
                    // One that is full already was dropped above.
                    let wait = full_at.saturating_sub(now).max(1);
                    return Err(wait.saturating_add(behind));
                }
                Bucket {
                    level: rate.full(),
                    at: now,
                    full_at: now,
                }
            }
        };
        let bucket = bucket.less(rate, cost);
        self.by_full.insert((bucket.full_at, name));
        self.buckets.insert(name, bucket);
        Ok(())
    }

    /// Drops the bucket that was full first, if it is full now.
    fn drop_full(&mut self, now: u64) {
        if let Some(&(full_at, name)) = self.by_full.first()
            && full_at <= now
        {
            self.by_full.pop_first();
            self.buckets.remove(&name);
            if self.buckets.len() < self.buckets.capacity() / 8 {
                self.buckets.shrink_to(self.buckets.len() * 2);
            }
        }
    }
}

impl Bucket {
    /// As it is now. `full_at` stays what it was: filling doesn't change it.
    fn filled(self, rate: Rate, now: u64) -> Bucket {
        let passed = u128::from(now.saturating_sub(self.at));
        let level = u128::from(self.level) + passed * u128::from(rate.per_second.get());
        Bucket {
            level: u64::try_from(level).map_or(rate.full(), |level| level.min(rate.full())),
            at: now,
            full_at: self.full_at,
        }
    }

    /// After `cost` was taken, which it holds.
    fn less(self, rate: Rate, cost: u64) -> Bucket {
        let level = self.level.saturating_sub(cost);
        Bucket {
            level,
            at: self.at,
            full_at: self.at.saturating_add(rate.time_for(rate.full() - level)),
        }
    }
}

/// What a rate means, in billionths of a token and nanoseconds.
trait Exact {
    /// What a full bucket holds.
    fn full(&self) -> u64;

    /// After how many nanoseconds as much has come in.
    fn time_for(&self, amount: u64) -> u64;
}

impl Exact for Rate {
    fn full(&self) -> u64 {
        // At most 2^32 × 10^9, which is less than 2^62.
        u64::from(self.burst.get()) * WHOLE
    }

    fn time_for(&self, amount: u64) -> u64 {
        amount.div_ceil(u64::from(self.per_second.get()))
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    ignore_poison(shard.lock())
}

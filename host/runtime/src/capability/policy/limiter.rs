//! Rate limiting by token buckets that outlive a request: what a policy component asks
//! through `tensor:policy/limiter`, as the host sees it.
//!
//! The policy decides on key and rate; whoever embeds the runtime brings a [`Limiter`] that
//! counts. Counters in a guest would exist once for each instance, and would together
//! admit many times their limit.

use std::num::NonZeroU32;
use std::time::Duration;

/// How fast a bucket fills, and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rate {
    /// Tokens that come back in a second.
    pub per_second: NonZeroU32,
    /// Tokens that a full bucket holds.
    pub burst: NonZeroU32,
}

/// Counts for all instances of all policies of a host.
///
/// Called in the middle of requests, on the threads that serve HTTP: it may not
/// block, and its memory has to be bounded whatever keys it is asked for.
pub trait Limiter: Send + Sync {
    /// Takes `cost` tokens from the key's bucket. Where it holds fewer it takes none.
    ///
    /// A key with another rate than before has another bucket.
    ///
    /// # Errors
    ///
    /// The time until the bucket holds as many; [`Duration::MAX`] where a full bucket holds
    /// fewer.
    fn take(&self, key: &str, rate: Rate, cost: NonZeroU32) -> Result<(), Duration>;

    /// How many whole tokens the key's bucket holds now. Takes none.
    fn available(&self, key: &str, rate: Rate) -> u32;
}

//! Locks that outlive a panic.

use std::sync::{LockResult, PoisonError};

/// The guard of a lock, also where a thread panicked while it held the lock.
///
/// The standard library calls such a lock poisoned, since what it protects may be half
/// changed. In this crate no change under a lock has a half: each leaves a valid value
/// after every statement. So a panic in one request doesn't take the others with it.
pub(crate) fn ignore_poison<G>(guard: LockResult<G>) -> G {
    guard.unwrap_or_else(PoisonError::into_inner)
}

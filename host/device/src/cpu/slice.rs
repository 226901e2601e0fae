//! Time slices: work of one queue is preempted after about so long, for that of others.

/// How long a thread stays with one queue before it asks the scheduler for its next work.
pub(crate) const SLICE: std::time::Duration = std::time::Duration::from_millis(1);

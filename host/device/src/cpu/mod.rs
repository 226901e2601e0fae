//! The processor as a device: a pool of threads of its own, which share their
//! time between the tenants' queues and run kernels block by block, [`compiled`] or
//! interpreted.
//!
//! [`scheduler`] decides who is next, with the [`line`] of sessions; [`lane`] is
//! one queue's order; [`grid`] and [`transfer`] are the two kinds of work that take time. A backend
//! that lives elsewhere takes the same [`Command`](crate::command::Command)s.

pub(crate) mod compiled;
mod grid;
mod lane;
mod line;
mod pool;
mod scheduler;
mod stopwatch;
mod transfer;

#[cfg(test)]
pub(crate) use pool::perform;
pub(crate) use pool::start;
pub(crate) use scheduler::{LaneId, LeaseId, PoisonId, Scheduler, SessionId};

/// How long a thread stays with one queue before it looks who is next.
pub(crate) const SLICE: std::time::Duration = std::time::Duration::from_millis(1);

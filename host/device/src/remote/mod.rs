//! Worker processes as a backend, as the host sees them: one worker for each tenant
//! that uses the device, started when the tenant first uses it.
//!
//! A worker that faults, hangs, overruns its time or breaks the channel's rules is
//! killed. What was on it is lost to its tenant, and to no other.
//!
//! [`backend`] is the seam; [`worker`] is one worker, with its [`resources`] and
//! [`queues`]; [`queue_state`] is one queue's order; [`pool`] has a device's workers,
//! [`process`] their processes, and [`watch`] the thread that supervises one.

mod answer_ring;
mod answers;
mod backend;
mod config;
mod fair_share;
mod pool;
mod probe;
mod process;
mod queue_state;
mod queues;
mod resources;
mod starts;
mod watch;
mod work_clock;
mod worker;

pub use config::WorkerConfig;
pub(crate) use pool::{Workers, shared_bytes};
pub use probe::NoNvidia;
pub(crate) use probe::probe;

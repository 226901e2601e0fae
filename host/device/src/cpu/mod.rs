//! The processor as a backend: a pool of threads of its own, which share their
//! time between the tenants' queues and run kernels block by block, [`compiled`] or
//! interpreted.
//!
//! [`scheduler`] decides which queue's work is next, by weighted fair queueing of the
//! sessions; [`queue_state`] is one queue's order; [`grid`], [`product`] and [`transfer`] are
//! the kinds of work that take time.

mod backend;
pub(crate) mod compiled;
mod config;
mod grid;
mod parallel;
mod pool;
mod product;
mod queue_state;
mod scheduler;
mod slice;
mod stopwatch;
mod transfer;

pub(crate) use backend::Processor;
pub use config::CpuConfig;
#[cfg(test)]
pub(crate) use pool::perform;
pub(crate) use pool::start_threads;
pub(crate) use scheduler::Scheduler;
#[cfg(test)]
pub(crate) use slice::SLICE;

//! Why a worker process ends.

/// The device is of no more use to this process, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Lost(pub(super) String);

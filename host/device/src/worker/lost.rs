//! Why a worker process ends.

/// The device is of no more use to this process, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Lost(pub(super) String);

/// Why a worker did not come to its device.
#[derive(Clone, Debug, thiserror::Error)]
pub(super) enum NotStarted {
    /// The device has no memory left for what each process needs itself.
    #[error("{0}")]
    NoRoom(String),
    #[error(transparent)]
    Lost(#[from] Lost),
}

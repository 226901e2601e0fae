//! Changes that go on where nobody waits for them any more, as where a client closes its connection:
//! what is in memory then has them too, and nothing is left half done.

use crate::storage::StorageError;

/// Makes a change to its end, also where this is dropped before.
///
/// # Errors
///
/// Where the change panics, or the runtime ends.
pub(crate) async fn to_its_end<T, E>(
    change: impl Future<Output = Result<T, E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StorageError> + Send + 'static,
{
    tokio::spawn(change).await.unwrap_or_else(|error| {
        tracing::error!("a change was not made to its end: {error}");
        Err(StorageError::Interrupted.into())
    })
}

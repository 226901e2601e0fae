//! The snapshots that there are.

use std::sync::Arc;

use super::SnapshotError;
use crate::functions::Functions;
use crate::storage::StorageError;
use crate::storage::snapshots::Snapshot;
use crate::to_its_end::to_its_end;

impl Functions {
    /// The snapshots of a tenant, newest first, those before `after`, at most `limit`; of one
    /// function, where that is said.
    pub(crate) async fn snapshots(
        &self,
        tenant: u64,
        function: Option<&str>,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<Snapshot>, StorageError> {
        let database = self.storage.snapshots()?;
        database.snapshots(tenant, function, after, limit).await
    }

    /// A snapshot of a tenant.
    pub(crate) async fn snapshot(&self, tenant: u64, id: &str) -> Result<Snapshot, SnapshotError> {
        let found = self.storage.snapshots()?.snapshot(tenant, id).await?;
        found.ok_or(SnapshotError::NoSnapshot)
    }

    /// Deletes a snapshot, and what of it no other one has.
    pub(crate) async fn delete_snapshot(
        self: &Arc<Self>,
        tenant: u64,
        id: &str,
    ) -> Result<(), SnapshotError> {
        let (functions, id) = (self.clone(), id.to_owned());
        to_its_end(async move {
            let database = functions.storage.snapshots()?;
            let deleted = database.delete_snapshot(tenant, &id).await?;
            let digests = deleted.ok_or(SnapshotError::NoSnapshot)?;
            functions.remove_unused(&digests).await;
            Ok(())
        })
        .await
    }
}

//! A snapshot that arrives as a file: each chunk is checked and stored as it comes, and the snapshot is
//! there once all of it has come.

use std::sync::Arc;
use std::time::Duration;

use tensor_wasm_snapshot::{Decoder, Event, Keys};

use super::contents::Pins;
use super::save::add;
use super::{Saved, SnapshotError};
use crate::functions::Functions;
use crate::functions::places::FunctionPlace;
use crate::storage::functions::ChangeError;
use crate::to_its_end::to_its_end;

/// A snapshot that is arriving. Dropped, what has arrived is removed.
pub(crate) struct SnapshotUpload {
    tenant: u64,
    decoder: Decoder<Arc<Keys>>,
    pins: Pins,
    _place: FunctionPlace,
}

impl Functions {
    /// Begins to take a snapshot. To be called with a place for a deployment of the tenant.
    pub(crate) fn upload_snapshot(
        self: &Arc<Self>,
        tenant: u64,
        place: FunctionPlace,
    ) -> SnapshotUpload {
        SnapshotUpload {
            tenant,
            decoder: Decoder::new(self.host.snapshot_keys.clone()),
            pins: Pins::new(self.clone()),
            _place: place,
        }
    }
}

impl SnapshotUpload {
    /// Takes the next bytes of the file.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        self.decoder.push(bytes);
        while let Some(event) = self.decoder.next_event()? {
            match event {
                Event::Manifest => self.check()?,
                Event::Chunk(_, chunk) => {
                    let stored = chunk.stored.into();
                    self.pins.put(&chunk.entry.digest, stored).await?;
                }
            }
        }
        Ok(())
    }

    /// What can be said of it once its manifest is there.
    fn check(&self) -> Result<(), SnapshotError> {
        let Some(manifest) = self.decoder.manifest() else {
            return Ok(());
        };
        if manifest.tenant != self.tenant {
            return Err(SnapshotError::OtherTenant {
                tenant: manifest.tenant,
            });
        }
        let limit = self.pins.functions().limits().stored_bytes;
        match manifest.file_bytes(self.decoder.head().len()) > limit {
            true => Err(ChangeError::TooMuch { limit }.into()),
            false => Ok(()),
        }
    }

    /// How much of the file has arrived, in bytes.
    pub(super) fn arrived(&self) -> u64 {
        self.decoder.arrived()
    }

    /// Whether all of it has arrived.
    pub(super) fn is_whole(&self) -> bool {
        self.decoder.is_whole()
    }

    /// Removes what has arrived.
    pub(crate) async fn abort(self) {
        self.pins.release(false).await;
    }

    /// Makes the snapshot. Goes on where nobody waits for it any more.
    pub(crate) async fn finish(self, created_by: Option<String>) -> Result<Saved, SnapshotError> {
        to_its_end(async move {
            let head = self.decoder.head().to_vec();
            let (tenant, pins) = (self.tenant, self.pins);
            let added = match self.decoder.finish() {
                Ok((manifest, _)) => {
                    let paused = Duration::ZERO;
                    add(&pins, tenant, &manifest, &head, created_by, paused).await
                }
                Err(error) => Err(error.into()),
            };
            pins.release(added.is_ok()).await;
            added
        })
        .await
    }
}

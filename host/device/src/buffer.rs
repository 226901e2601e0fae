//! Memory on a device.

use std::sync::Arc;

use crate::Error;
use crate::account::{Charge, Resource, Room};
use crate::janitor::Waste;
use crate::memory::Storage;
use crate::session::Tenant;

/// What takes long enough to unmap that the caller's thread should not do it,
/// in bytes.
const LARGE: u64 = 1 << 20;

/// Memory on a device. Clones are the same memory, which goes back to the
/// tenant's quota when the last of them is gone; queued work and a
/// [`Residency`](crate::Residency) hold clones too.
#[derive(Clone, Debug)]
pub struct Buffer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    storage: Arc<Storage>,
    address: u64,
    tenant: Arc<Tenant>,
    _place: Charge,
    _memory: Charge,
    /// Until the memory goes.
    room: Option<Room>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.tenant.map.remove(self.address);
        if self.storage.size() >= LARGE
            && let Some(room) = self.room.take()
        {
            let storage = Arc::clone(&self.storage);
            self.tenant.janitor.discard(Waste::new(storage, room));
        }
    }
}

impl Buffer {
    /// # Errors
    /// [`Error::QuotaExceeded`] and [`Error::OutOfMemory`].
    pub(crate) fn allocate(
        tenant: &Arc<Tenant>,
        bytes: u64,
        read_only: bool,
    ) -> Result<Buffer, Error> {
        let place = tenant.account.charge(Resource::Buffers, 1)?;
        let memory = tenant.account.charge(Resource::Memory, bytes)?;
        let full = || Error::OutOfMemory { bytes };
        let room = tenant.room(bytes).ok_or_else(full)?;
        let (address, storage) = tenant.map.allocate(bytes, read_only).ok_or_else(full)?;
        let tenant = Arc::clone(tenant);
        let shared = Shared {
            storage,
            address,
            tenant,
            _place: place,
            _memory: memory,
            room: Some(room),
        };
        Ok(Buffer {
            shared: Arc::new(shared),
        })
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.shared.storage.size()
    }

    /// Where kernels of its tenant see it.
    pub(crate) fn address(&self) -> u64 {
        self.shared.address
    }

    pub(crate) fn storage(&self) -> &Storage {
        &self.shared.storage
    }

    /// Whether the other is the same memory.
    pub(crate) fn is(&self, other: &Buffer) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// # Errors
    /// [`Error::Denied`] where the buffer is another session's.
    pub(crate) fn belongs_to(&self, tenant: &Arc<Tenant>) -> Result<(), Error> {
        if Arc::ptr_eq(&self.shared.tenant, tenant) {
            Ok(())
        } else {
            Err(Error::Denied(
                "the buffer belongs to another tenant's session".to_owned(),
            ))
        }
    }

    /// # Errors
    /// [`Error::OutOfRange`] where `offset..offset + bytes` is not within the buffer.
    pub(crate) fn check_range(&self, what: &str, offset: u64, bytes: u64) -> Result<(), Error> {
        let size = self.size();
        match offset.checked_add(bytes) {
            Some(end) if end <= size => Ok(()),
            _ => Err(Error::OutOfRange(format!(
                "{what} of {bytes} bytes at offset {offset} does not lie within the buffer's {size} bytes"
            ))),
        }
    }
}

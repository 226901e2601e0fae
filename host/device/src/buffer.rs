//! Memory on a device.

use std::sync::Arc;

use crate::Error;
use crate::account::{Charge, Resource, Room};
use crate::janitor::Waste;
use crate::memory::Storage;
use crate::remote::{Holding, Worker};
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
    place: Place,
    /// Where kernels of its tenant see it.
    address: u64,
    bytes: u64,
    tenant: Arc<Tenant>,
}

/// Where the bytes are.
#[derive(Debug)]
enum Place {
    Here {
        storage: Arc<Storage>,
        _place: Charge,
        _memory: Charge,
        /// Until the memory goes.
        room: Option<Room>,
    },
    /// Under this number, in the tenant's worker, which has the charges too.
    Worker(Arc<Worker>, u64),
}

impl Drop for Shared {
    fn drop(&mut self) {
        match &mut self.place {
            Place::Here { storage, room, .. } => {
                self.tenant.map.remove(self.address);
                if storage.size() >= LARGE
                    && let Some(room) = room.take()
                {
                    let storage = Arc::clone(storage);
                    self.tenant.janitor.discard(Waste::new(storage, room));
                }
            }
            Place::Worker(worker, id) => worker.free(*id),
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
        let place = Place::Here {
            storage,
            _place: place,
            _memory: memory,
            room: Some(room),
        };
        Ok(Buffer::new(place, address, bytes, tenant))
    }

    /// Memory in the tenant's worker.
    ///
    /// # Errors
    /// As [`allocate`](Buffer::allocate), and [`Error::DeviceLost`].
    pub(crate) async fn allocate_in(
        worker: &Arc<Worker>,
        tenant: &Arc<Tenant>,
        bytes: u64,
    ) -> Result<Buffer, Error> {
        let place = tenant.account.charge(Resource::Buffers, 1)?;
        let memory = tenant.account.charge(Resource::Memory, bytes)?;
        let room = tenant.room(bytes).ok_or(Error::OutOfMemory { bytes })?;
        let holding = Holding {
            _charges: vec![place, memory],
            _room: Some(room),
        };
        let (id, address) = worker.allocate(bytes, holding).await?;
        let place = Place::Worker(Arc::clone(worker), id);
        Ok(Buffer::new(place, address, bytes, tenant))
    }

    fn new(place: Place, address: u64, bytes: u64, tenant: &Arc<Tenant>) -> Buffer {
        let shared = Shared {
            place,
            address,
            bytes,
            tenant: Arc::clone(tenant),
        };
        Buffer {
            shared: Arc::new(shared),
        }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.shared.bytes
    }

    /// Where kernels of its tenant see it.
    pub(crate) fn address(&self) -> u64 {
        self.shared.address
    }

    /// Its bytes, where they are this process's own.
    pub(crate) fn storage(&self) -> Option<&Storage> {
        match &self.shared.place {
            Place::Here { storage, .. } => Some(storage),
            Place::Worker(..) => None,
        }
    }

    /// Its number in this worker.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where it is not there: it was in a worker before this one.
    pub(crate) fn number_in(&self, worker: &Arc<Worker>) -> Result<u64, Error> {
        match &self.shared.place {
            Place::Worker(own, id) if Arc::ptr_eq(own, worker) => Ok(*id),
            Place::Worker(..) | Place::Here { .. } => Err(Error::DeviceLost(
                "the buffer was lost with the device that it was on: allocate another".to_owned(),
            )),
        }
    }

    /// Its number in whichever worker it is.
    pub(crate) fn number(&self) -> Option<u64> {
        match &self.shared.place {
            Place::Worker(_, id) => Some(*id),
            Place::Here { .. } => None,
        }
    }

    /// Whether what it held is gone.
    pub(crate) fn is_lost(&self) -> bool {
        match &self.shared.place {
            Place::Here { .. } => false,
            Place::Worker(worker, _) => worker.is_lost(),
        }
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

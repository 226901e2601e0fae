//! Memory on a device.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Error;
use crate::identity::{BufferId, WorkerId};
use crate::memory::Storage;
use crate::tenant::Tenant;

/// Memory on a device. Clones are the same memory, which goes back to the
/// tenant's quota when the last of them is gone; queued work and a
/// [`Residency`](crate::Residency) hold clones too.
#[derive(Clone, Debug)]
pub struct Buffer {
    shared: Arc<BufferShared>,
}

#[derive(Debug)]
struct BufferShared {
    allocation: Box<dyn Allocation>,
    /// As kernels of its tenant see it.
    address: u64,
    bytes: u64,
    tenant: Arc<Tenant>,
    /// Counts the commands other than launches that write to it.
    writes: AtomicU64,
}

/// The memory behind a buffer, as its backend has it. Dropped, it is freed.
pub(crate) trait Allocation: Debug + Send + Sync {
    /// Its bytes, where this process has them.
    fn storage(&self) -> Option<&Arc<Storage>> {
        None
    }

    /// The worker process that has it, and its number there.
    fn in_worker(&self) -> Option<(WorkerId, BufferId)> {
        None
    }

    /// Whether what it held is gone.
    fn is_lost(&self) -> bool {
        false
    }
}

impl Buffer {
    pub(crate) fn new(
        tenant: &Arc<Tenant>,
        address: u64,
        bytes: u64,
        allocation: Box<dyn Allocation>,
    ) -> Buffer {
        let shared = BufferShared {
            allocation,
            address,
            bytes,
            tenant: Arc::clone(tenant),
            writes: AtomicU64::new(0),
        };
        Buffer {
            shared: Arc::new(shared),
        }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.shared.bytes
    }

    /// As kernels of its tenant see it.
    pub(crate) fn address(&self) -> u64 {
        self.shared.address
    }

    /// Its bytes, where this process has them.
    pub(crate) fn storage(&self) -> Option<&Arc<Storage>> {
        self.shared.allocation.storage()
    }

    /// Its number in this worker.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where it is not there: it was in a worker before this one.
    pub(crate) fn number_in(&self, worker: WorkerId) -> Result<BufferId, Error> {
        match self.shared.allocation.in_worker() {
            Some((own, number)) if own == worker => Ok(number),
            _ => Err(Error::DeviceLost(
                "the buffer was lost with the device that it was on: allocate another".to_owned(),
            )),
        }
    }

    /// Its number in whichever worker it is.
    pub(crate) fn number(&self) -> Option<BufferId> {
        let (_, number) = self.shared.allocation.in_worker()?;
        Some(number)
    }

    /// Whether what it held is gone.
    pub(crate) fn is_lost(&self) -> bool {
        self.shared.allocation.is_lost()
    }

    /// A command other than a launch is about to write to it.
    pub(crate) fn count_write(&self) {
        self.shared.writes.fetch_add(1, Ordering::AcqRel);
    }

    /// How many such commands there were.
    pub(crate) fn writes(&self) -> u64 {
        self.shared.writes.load(Ordering::Acquire)
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

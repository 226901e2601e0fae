//! Resident buffers: device memory that is kept under a name and outlives the instance,
//! such as weights, tables or a cache. Each function of each tenant has names of its own,
//! which no other can access.
//!
//! A component that does not use this module does not import `tensor:gpu/residency`.

use crate::bindings::residency as raw;
use crate::buffer::Buffer;
use crate::device::Device;
use crate::error::Result;

impl Device {
    /// The buffer that this or another instance kept under a name, if any.
    ///
    /// # Errors
    /// [`Error::OutOfRange`](crate::Error::OutOfRange) if the buffer does not hold whole
    /// values of type `T`.
    pub fn lookup<T>(&self, name: &str) -> Result<Option<Buffer<T>>> {
        raw::lookup(&self.raw, name)?
            .map(Buffer::from_raw)
            .transpose()
    }

    /// Keeps a buffer under a name, and returns the buffer that the name now has. If
    /// another instance was first, that is the other instance's buffer.
    ///
    /// [Synchronize](crate::Queue::synchronize) before: the queues of other instances do not
    /// wait for the commands of this instance that write the buffer.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`](crate::Error::QuotaExceeded) if the function has 1024 names
    /// already, [`Error::OutOfRange`](crate::Error::OutOfRange) if the name is longer than
    /// 256 bytes.
    pub fn keep<T>(&self, name: &str, buffer: Buffer<T>) -> Result<Buffer<T>> {
        Buffer::from_raw(raw::keep(name, buffer.raw)?)
    }

    /// The buffer that is kept under a name. If there is none, calls `make` and keeps the
    /// buffer that it returns.
    ///
    /// # Errors
    /// Those of [`lookup`](Device::lookup), of `make` and of [`keep`](Device::keep).
    pub fn lookup_or_keep<T>(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<Buffer<T>>,
    ) -> Result<Buffer<T>> {
        match self.lookup(name)? {
            Some(buffer) => Ok(buffer),
            None => self.keep(name, make()?),
        }
    }

    /// Removes a name. The memory is freed when the last handle to it is dropped and the
    /// commands that use it are done. A name that is not kept is not an error.
    ///
    /// # Errors
    /// None on the devices of today.
    pub fn release(&self, name: &str) -> Result<()> {
        Ok(raw::release(name)?)
    }
}

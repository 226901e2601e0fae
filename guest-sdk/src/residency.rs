//! Device memory that outlives one instance: weights, tables, a cache. A name
//! belongs to one function of one tenant, and no other can see it.
//!
//! A component that uses nothing of this module does not import
//! `tensor:gpu/residency`.

use crate::bindings::residency as raw;
use crate::buffer::Buffer;
use crate::device::Device;
use crate::error::Result;

impl Device {
    /// The buffer that this or an earlier instance kept under a name.
    pub fn lookup<T>(&self, name: &str) -> Result<Option<Buffer<T>>> {
        raw::lookup(&self.raw, name)?
            .map(Buffer::of_raw)
            .transpose()
    }

    /// Keeps a buffer under a name. Where another instance was first, its buffer
    /// stays, and comes back.
    ///
    /// [Synchronize](crate::Queue::synchronize) first: the queues of other
    /// instances do not wait for what this one still has to write.
    pub fn keep<T>(&self, name: &str, buffer: Buffer<T>) -> Result<Buffer<T>> {
        Buffer::of_raw(raw::keep(name, buffer.raw)?)
    }

    /// The buffer kept under a name; where there is none, the one that `make`
    /// returns, kept from now on.
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

    /// Forgets a name; the memory goes when its last user is done.
    pub fn release(&self, name: &str) -> Result<()> {
        Ok(raw::release(name)?)
    }
}

//! Command queues of a device, which CUDA calls streams.

use std::ops::RangeBounds;

use bytemuck::Pod;

use crate::bindings::kernels as raw;
use crate::buffer::Buffer;
use crate::device::Device;
use crate::error::Result;
use crate::event::Event;
use crate::launch::{Launch, LaunchConfig};
use crate::module::Kernel;

/// A queue of commands that the device executes in order. Different queues run
/// concurrently.
///
/// Methods that queue a command return at once, unless the tenant is at its limit of
/// commands in flight or of staged bytes; then they wait for room. If a queued command
/// fails, the next call that waits ([`read`](Queue::read),
/// [`download`](Queue::download), [`synchronize`](Queue::synchronize), [`Event::wait`])
/// returns its error, and the commands queued behind it are dropped. After that the queue
/// can be used again. Queued commands are executed even if the queue is dropped, but not
/// if the instance ends.
///
/// # Errors
/// All methods fail with [`Error::DeviceLost`](crate::Error::DeviceLost) if the device was
/// lost. Methods that take a range or an index fail with
/// [`Error::OutOfRange`](crate::Error::OutOfRange) if it is not within the buffer.
#[derive(Debug)]
pub struct Queue {
    pub(crate) raw: raw::Queue,
    pub(crate) device: Device,
}

impl Queue {
    /// Allocates a buffer, and queues a write of these values to it.
    ///
    /// # Errors
    /// Those of [`Device::allocate`].
    pub fn upload<T: Pod>(&self, values: &[T]) -> Result<Buffer<T>> {
        let buffer = self.device.allocate(values.len() as u64)?;
        self.write(&buffer, 0, values)?;
        Ok(buffer)
    }

    /// Queues a write of values to a buffer, beginning at the value with this index. The
    /// values are copied before this returns.
    pub fn write<T: Pod>(&self, target: &Buffer<T>, index: u64, values: &[T]) -> Result<()> {
        let end = index.saturating_add(values.len() as u64);
        let (offset, _) = target.byte_range(index..end)?;
        Ok(self
            .raw
            .write(&target.raw, offset, bytemuck::cast_slice(values))?)
    }

    /// Waits until the commands queued before are done, then reads the whole buffer.
    pub fn download<T: Pod>(&self, source: &Buffer<T>) -> Result<Vec<T>> {
        self.read(source, ..)
    }

    /// Waits until the commands queued before are done, then reads a range of values.
    pub fn read<T: Pod>(&self, source: &Buffer<T>, range: impl RangeBounds<u64>) -> Result<Vec<T>> {
        let (offset, length) = source.byte_range(range)?;
        let bytes = self.raw.read(&source.raw, offset, length)?;
        // Moves the bytes where `T` is one byte long, and copies them otherwise.
        Ok(bytemuck::allocation::try_cast_vec(bytes)
            .unwrap_or_else(|(_, bytes)| bytemuck::allocation::pod_collect_to_vec(&bytes)))
    }

    /// Queues a copy of a range of values to another buffer, to its values from `index` on.
    /// Within one buffer the ranges may overlap: the result is as if all values were read first.
    pub fn copy<T: Pod>(
        &self,
        source: &Buffer<T>,
        range: impl RangeBounds<u64>,
        target: &Buffer<T>,
        index: u64,
    ) -> Result<()> {
        let (source_offset, length) = source.byte_range(range)?;
        let values = length.checked_div(size_of::<T>() as u64).unwrap_or(0);
        let (target_offset, _) = target.byte_range(index..index.saturating_add(values))?;
        Ok(self.raw.copy(
            &source.raw,
            source_offset,
            &target.raw,
            target_offset,
            length,
        )?)
    }

    /// Queues a fill, which sets every byte of a range of values to `byte`.
    pub fn fill<T: Pod>(
        &self,
        target: &Buffer<T>,
        range: impl RangeBounds<u64>,
        byte: u8,
    ) -> Result<()> {
        let (offset, length) = target.byte_range(range)?;
        Ok(self.raw.fill(&target.raw, offset, length, byte)?)
    }

    /// Begins a launch: add the arguments in the order of the kernel's parameters, then
    /// [`submit`](Launch::submit) it.
    pub fn launch<'a>(&'a self, kernel: &'a Kernel, config: LaunchConfig) -> Launch<'a> {
        Launch {
            queue: self,
            kernel,
            config,
            arguments: Vec::new(),
        }
    }

    /// Queues an event: a point in the queue, to wait for or to measure from.
    pub fn record_event(&self) -> Result<Event> {
        Ok(Event {
            raw: self.raw.record_event()?,
        })
    }

    /// Waits until all queued commands are done.
    pub fn synchronize(&self) -> Result<()> {
        Ok(self.raw.synchronize()?)
    }
}

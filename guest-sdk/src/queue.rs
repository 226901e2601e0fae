//! Queues: work for the device, done in order. What a CUDA programmer calls a
//! stream.

use std::ops::RangeBounds;

use bytemuck::Pod;

use crate::bindings::kernels as raw;
use crate::buffer::Buffer;
use crate::device::Device;
use crate::error::Result;
use crate::event::Event;
use crate::launch::{Launch, LaunchConfig};
use crate::module::Kernel;

/// Work for a device, done in order. Queues run beside one another.
///
/// Calls that queue work return at once, unless the tenant has as much in
/// flight as it may. What a kernel does wrong comes back from the next call
/// that waits ([`read`](Queue::read), [`synchronize`](Queue::synchronize),
/// [`Event::wait`]); what was queued behind it is dropped, and the queue can be
/// used again. What is queued is done even where the queue is dropped, but not
/// where the instance ends.
#[derive(Debug)]
pub struct Queue {
    pub(crate) raw: raw::Queue,
    pub(crate) device: Device,
}

impl Queue {
    /// A new buffer that holds a copy of these values.
    pub fn upload<T: Pod>(&self, values: &[T]) -> Result<Buffer<T>> {
        let buffer = self.device.allocate(values.len() as u64)?;
        self.write(&buffer, 0, values)?;
        Ok(buffer)
    }

    /// Writes values into a buffer, from its value number `index` on. The slice
    /// may change as soon as this returns; the device sees it in queue order.
    pub fn write<T: Pod>(&self, target: &Buffer<T>, index: u64, values: &[T]) -> Result<()> {
        let end = index.saturating_add(values.len() as u64);
        let (offset, _) = target.bytes_of(index..end)?;
        Ok(self
            .raw
            .write(&target.raw, offset, bytemuck::cast_slice(values))?)
    }

    /// Waits for what is queued, then reads the whole buffer.
    pub fn download<T: Pod>(&self, source: &Buffer<T>) -> Result<Vec<T>> {
        self.read(source, ..)
    }

    /// Waits for what is queued, then reads a range of values.
    pub fn read<T: Pod>(&self, source: &Buffer<T>, range: impl RangeBounds<u64>) -> Result<Vec<T>> {
        let (offset, length) = source.bytes_of(range)?;
        let bytes = self.raw.read(&source.raw, offset, length)?;
        // Moves the bytes where `T` is one byte long, and copies them otherwise.
        Ok(bytemuck::allocation::try_cast_vec(bytes)
            .unwrap_or_else(|(_, bytes)| bytemuck::allocation::pod_collect_to_vec(&bytes)))
    }

    /// Copies a range of values to another buffer, there from `index` on. Within
    /// one buffer the ranges must not overlap.
    pub fn copy<T: Pod>(
        &self,
        source: &Buffer<T>,
        range: impl RangeBounds<u64>,
        target: &Buffer<T>,
        index: u64,
    ) -> Result<()> {
        let (source_offset, length) = source.bytes_of(range)?;
        let values = length.checked_div(size_of::<T>() as u64).unwrap_or(0);
        let (target_offset, _) = target.bytes_of(index..index.saturating_add(values))?;
        Ok(self.raw.copy(
            &source.raw,
            source_offset,
            &target.raw,
            target_offset,
            length,
        )?)
    }

    /// Sets every byte of a range of values to `byte`.
    pub fn fill<T: Pod>(
        &self,
        target: &Buffer<T>,
        range: impl RangeBounds<u64>,
        byte: u8,
    ) -> Result<()> {
        let (offset, length) = target.bytes_of(range)?;
        Ok(self.raw.fill(&target.raw, offset, length, byte)?)
    }

    /// Begins a launch; add the arguments in the kernel's order, then
    /// [`submit`](Launch::submit) it.
    pub fn launch<'a>(&'a self, kernel: &'a Kernel, config: LaunchConfig) -> Launch<'a> {
        Launch {
            queue: self,
            kernel,
            config,
            arguments: Vec::new(),
        }
    }

    /// Marks a point in the queue, to wait for or to measure from.
    pub fn record_event(&self) -> Result<Event> {
        Ok(Event {
            raw: self.raw.record_event()?,
        })
    }

    /// Waits until all that is queued is done.
    pub fn synchronize(&self) -> Result<()> {
        Ok(self.raw.synchronize()?)
    }
}

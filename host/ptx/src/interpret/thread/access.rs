//! A thread's memories: which one an address means, and whether the access may be.

use crate::address::{GLOBAL_BASE, WINDOW_BYTES};
use crate::interpret::bytes;
use crate::interpret::program::{Address, Atomic, AtomicOp};
use crate::interpret::thread::{Refused, RunningThread};
use crate::numeric::integer::mask;
use crate::simt::address::AddressSpace;
use crate::simt::fault::{AccessError, matrix_row};
use crate::simt::geometry::lane_of;
use crate::simt::matrix::ROW_BYTES;
use crate::simt::memory::{Memory, MemoryError};

impl<M: Memory + ?Sized> RunningThread<'_, M> {
    #[inline(always)]
    pub(crate) fn address(&self, address: &Address) -> u64 {
        let sum = self.get(address.base).wrapping_add_signed(address.offset);
        if address.in_frame {
            return sum.wrapping_add(u64::from(self.thread.frame_base));
        }
        sum
    }

    pub(crate) fn vector_address(
        &self,
        address: &Address,
        bytes: u32,
        lanes: usize,
    ) -> Result<u64, Refused> {
        let address = self.address(address);
        let size = bytes * u32::try_from(lanes).unwrap_or(1);
        if !address.is_multiple_of(u64::from(size.max(1))) {
            return Err(refused(MemoryError::Misaligned {
                address,
                bytes: size,
            }));
        }
        Ok(address)
    }

    /// The memory that an access means, and the address there.
    #[inline(always)]
    pub(crate) fn resolve(&self, space: AddressSpace, address: u64) -> (AddressSpace, u64) {
        match space {
            AddressSpace::Generic => AddressSpace::of_generic(address),
            // Offsets into these have 32 bits, as on the hardware: what a kernel computes in
            // a 32-bit register may wrap around on its way to a place that is there.
            AddressSpace::Shared | AddressSpace::Local => (space, address & (WINDOW_BYTES - 1)),
            AddressSpace::Global | AddressSpace::Argument => (space, address),
        }
    }

    #[inline(always)]
    pub(crate) fn load(
        &self,
        space: AddressSpace,
        address: u64,
        bytes: u32,
    ) -> Result<u64, Refused> {
        let (space, address) = self.resolve(space, address);
        aligned(address, bytes)?;
        let memory: &[u8] = match space {
            AddressSpace::Shared => self.shared,
            AddressSpace::Local => self.local,
            AddressSpace::Argument => &self.launch.launch.arguments,
            AddressSpace::Global | AddressSpace::Generic => {
                below_memory(address, bytes)?;
                return self.memory.load(address, bytes).map_err(refused);
            }
        };
        bytes::read(memory, address, bytes)
            .ok_or_else(|| outside(space, memory.len(), address, bytes))
    }

    #[inline(always)]
    pub(crate) fn store(
        &mut self,
        space: AddressSpace,
        address: u64,
        bytes: u32,
        value: u64,
    ) -> Result<(), Refused> {
        let (space, address) = self.resolve(space, address);
        aligned(address, bytes)?;
        let memory: &mut [u8] = match space {
            AddressSpace::Shared => self.shared,
            AddressSpace::Local => self.local,
            AddressSpace::Argument => return Err(refused(MemoryError::ReadOnly { address })),
            AddressSpace::Global | AddressSpace::Generic => {
                below_memory(address, bytes)?;
                let value = value & mask(bytes * 8);
                return self.memory.store(address, bytes, value).map_err(refused);
            }
        };
        let size = memory.len();
        bytes::write(memory, address, bytes, value)
            .ok_or_else(|| outside(space, size, address, bytes))
    }

    /// The address of a row of a matrix that this thread gives, as an offset into shared memory. What
    /// lanes from `lanes` on give does not matter.
    pub(crate) fn matrix_row(&self, address: &Address, lanes: u8) -> Result<u64, Refused> {
        let at = self.address(address);
        let (space, offset) = self.resolve(address.space, at);
        let is_shared = space == AddressSpace::Shared;
        let is_row = is_shared && offset.is_multiple_of(u64::from(ROW_BYTES));
        if lane_of(self.number) < u32::from(lanes) && !is_row {
            let named = address.space == AddressSpace::Shared;
            return Err(Box::new(matrix_row(if named { offset } else { at })));
        }
        Ok(offset & (WINDOW_BYTES - 1))
    }

    pub(crate) fn atomic(&mut self, atomic: &Atomic) -> Result<(), Refused> {
        let (b, c) = (self.get(atomic.b), self.get(atomic.c));
        let mut replace = |old: u64| match atomic.operation {
            AtomicOp::CompareExchange if old == b => c,
            AtomicOp::CompareExchange => old,
            AtomicOp::Combine(function) => function(old, b, atomic.flags),
        };
        let address = self.address(&atomic.address);
        let (space, address) = self.resolve(atomic.address.space, address);
        let old = if space == AddressSpace::Global {
            aligned(address, atomic.bytes)?;
            below_memory(address, atomic.bytes)?;
            self.memory
                .update(address, atomic.bytes, &mut replace)
                .map_err(refused)?
        } else {
            let old = self.load(space, address, atomic.bytes)?;
            self.store(space, address, atomic.bytes, replace(old))?;
            old
        };
        self.set(atomic.target, old);
        Ok(())
    }
}

#[inline(always)]
fn aligned(address: u64, bytes: u32) -> Result<(), Refused> {
    if address & u64::from(bytes - 1) == 0 {
        return Ok(());
    }
    Err(refused(MemoryError::Misaligned { address, bytes }))
}

/// Refuses addresses below all device memory, whatever the embedder's memory would say.
#[inline(always)]
fn below_memory(address: u64, bytes: u32) -> Result<(), Refused> {
    if address >= GLOBAL_BASE {
        return Ok(());
    }
    Err(refused(AccessError::Nowhere { address, bytes }))
}

#[cold]
fn refused(error: impl Into<AccessError>) -> Refused {
    Box::new(error.into().to_string())
}

#[cold]
fn outside(space: AddressSpace, size: usize, address: u64, bytes: u32) -> Refused {
    refused(AccessError::Outside {
        space,
        address,
        bytes,
        size: size as u64,
    })
}

//! A thread's memories: which one an address means, and whether the access may be.

use crate::address::{GLOBAL_BASE, LOCAL_BASE, PARAM_BASE, SHARED_BASE, WINDOW_BYTES};
use crate::interpret::launch;
use crate::interpret::program::{Atomic, Change, Place, Window};
use crate::interpret::thread::{Machine, Refused};
use crate::numeric::integer::mask;
use crate::simt::memory::{Memory, MemoryError};

impl<M: Memory + ?Sized> Machine<'_, M> {
    #[inline(always)]
    pub(crate) fn address(&self, place: &Place) -> u64 {
        let address = self.get(place.base).wrapping_add_signed(place.offset);
        if place.in_frame {
            return address.wrapping_add(u64::from(self.thread.frame_base));
        }
        address
    }

    pub(crate) fn vector_address(
        &self,
        place: &Place,
        bytes: u32,
        lanes: usize,
    ) -> Result<u64, Refused> {
        let address = self.address(place);
        let size = bytes * u32::try_from(lanes).unwrap_or(1);
        if !address.is_multiple_of(u64::from(size.max(1))) {
            return Err(refused(MemoryError::Misaligned {
                address,
                bytes: size,
            }));
        }
        Ok(address)
    }

    /// Which memory a generic address means, and where in it.
    #[inline(always)]
    pub(crate) fn resolve(&self, window: Window, address: u64) -> (Window, u64) {
        match window {
            Window::Generic => {}
            // Offsets into these have 32 bits, as on the hardware: what a kernel computes in
            // a 32-bit register may wrap around on its way to a place that is there.
            Window::Shared | Window::Local => return (window, address & (WINDOW_BYTES - 1)),
            _ => return (window, address),
        }
        let within = |base: u64| address.wrapping_sub(base) < WINDOW_BYTES;
        if address >= GLOBAL_BASE {
            (Window::Global, address)
        } else if within(SHARED_BASE) {
            (Window::Shared, address - SHARED_BASE)
        } else if within(LOCAL_BASE) {
            (Window::Local, address - LOCAL_BASE)
        } else if within(PARAM_BASE) {
            (Window::Argument, address - PARAM_BASE)
        } else {
            (Window::Global, address)
        }
    }

    #[inline(always)]
    pub(crate) fn load(&self, window: Window, address: u64, bytes: u32) -> Result<u64, Refused> {
        let (window, address) = self.resolve(window, address);
        aligned(address, bytes)?;
        let (what, memory): (_, &[u8]) = match window {
            Window::Shared => ("shared", self.shared),
            Window::Local => ("local", self.local),
            Window::Argument => ("parameter", &self.launch.arguments),
            Window::Global | Window::Generic => {
                below_memory(address, bytes)?;
                return self.memory.load(address, bytes).map_err(refused);
            }
        };
        launch::read(memory, address, bytes)
            .ok_or_else(|| outside(what, memory.len(), address, bytes))
    }

    #[inline(always)]
    pub(crate) fn store(
        &mut self,
        window: Window,
        address: u64,
        bytes: u32,
        value: u64,
    ) -> Result<(), Refused> {
        let (window, address) = self.resolve(window, address);
        aligned(address, bytes)?;
        let (what, memory): (_, &mut [u8]) = match window {
            Window::Shared => ("shared", self.shared),
            Window::Local => ("local", self.local),
            Window::Argument => return Err(refused(MemoryError::ReadOnly { address })),
            Window::Global | Window::Generic => {
                below_memory(address, bytes)?;
                let value = value & mask(bytes * 8);
                return self.memory.store(address, bytes, value).map_err(refused);
            }
        };
        let size = memory.len();
        launch::write(memory, address, bytes, value)
            .ok_or_else(|| outside(what, size, address, bytes))
    }

    pub(crate) fn atomic(&mut self, atomic: &Atomic) -> Result<(), Refused> {
        let (b, c) = (self.get(atomic.b), self.get(atomic.c));
        let mut change = |old: u64| match atomic.change {
            Change::Swap if old == b => c,
            Change::Swap => old,
            Change::With(function) => function(old, b, atomic.flags),
        };
        let address = self.address(&atomic.place);
        let (window, address) = self.resolve(atomic.place.window, address);
        let old = if window == Window::Global {
            aligned(address, atomic.bytes)?;
            below_memory(address, atomic.bytes)?;
            self.memory
                .update(address, atomic.bytes, &mut change)
                .map_err(refused)?
        } else {
            let old = self.load(window, address, atomic.bytes)?;
            self.store(window, address, atomic.bytes, change(old))?;
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
    Err(null(address, bytes))
}

#[cold]
fn null(address: u64, bytes: u32) -> Refused {
    Box::new(format!(
        "an access of {bytes} bytes at address {address:#x}, where there is no memory"
    ))
}

#[cold]
fn refused(error: MemoryError) -> Refused {
    Box::new(error.to_string())
}

#[cold]
fn outside(what: &str, size: usize, address: u64, bytes: u32) -> Refused {
    Box::new(format!(
        "an access of {bytes} bytes at address {address:#x} of {what} memory, which has {size} bytes"
    ))
}

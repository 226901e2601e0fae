//! Memory of the host that the device may reach: allocated here, or registered by the host.

use std::alloc::{Layout, alloc_zeroed, dealloc};

use crate::call::driver_calls;
use crate::code::{Code, Result};
use crate::context;
use crate::ffi::{Host, Out};
use crate::memory::RegionKind;

const PAGE: usize = 4096;

fn layout(bytes: usize) -> Result<Layout> {
    Layout::from_size_align(bytes, PAGE).map_err(|_| Code::OUT_OF_MEMORY)
}

fn allocate(to: Out<Host>, bytes: usize) -> Result {
    to.check()?;
    let context = context::current()?;
    if bytes == 0 {
        return Err(Code::INVALID_VALUE);
    }
    let layout = layout(bytes)?;
    // SAFETY: the layout's size is not zero.
    let pointer = unsafe { alloc_zeroed(layout) };
    if pointer.is_null() {
        return Err(Code::OUT_OF_MEMORY);
    }
    let host = Host::from_address(pointer.expose_provenance());
    context.memory.map_host(host, bytes, RegionKind::Pinned);
    to.put(host)
}

driver_calls! {
    fn cuMemHostAlloc(to: Out<Host>, bytes: usize, _flags: u32) {
        allocate(to, bytes)
    }

    fn cuMemAllocHost_v2(to: Out<Host>, bytes: usize) {
        allocate(to, bytes)
    }

    fn cuMemFreeHost(host: Host) {
        let context = context::current()?;
        // Like the real one, it waits for everything that might still use the memory.
        context.synchronise()?;
        let removed = context.memory.remove(host.address() as u64, RegionKind::Pinned);
        let region = removed.ok_or(Code::INVALID_VALUE)?;
        let layout = layout(region.store.bytes())?;
        // SAFETY: it was allocated above with this layout, and no longer is anyone's.
        unsafe { dealloc(host.pointer().cast(), layout) };
        Ok(())
    }

    fn cuMemHostRegister_v2(host: Host, bytes: usize, _flags: u32) {
        let context = context::current()?;
        if host.is_null() || bytes == 0 {
            return Err(Code::INVALID_VALUE);
        }
        let address = host.address() as u64;
        let last = address.checked_add(bytes as u64 - 1).ok_or(Code::INVALID_VALUE)?;
        if [address, last].iter().any(|end| context.memory.find(*end, 1).is_some()) {
            return Err(Code::HOST_MEMORY_ALREADY_REGISTERED);
        }
        context.memory.map_host(host, bytes, RegionKind::Registered);
        Ok(())
    }

    fn cuMemHostUnregister(host: Host) {
        let context = context::current()?;
        context.synchronise()?;
        let removed = context.memory.remove(host.address() as u64, RegionKind::Registered);
        removed.map(drop).ok_or(Code::HOST_MEMORY_NOT_REGISTERED)
    }

    fn cuMemHostGetDevicePointer_v2(to: Out<u64>, host: Host, flags: u32) {
        if flags != 0 || !context::current()?.memory.is_pinned(host, 1) {
            return Err(Code::INVALID_VALUE);
        }
        to.put(host.address() as u64)
    }

    fn cuMemHostGetFlags(flags: Out<u32>, host: Host) {
        if !context::current()?.memory.is_pinned(host, 1) {
            return Err(Code::INVALID_VALUE);
        }
        flags.put(0)
    }
}

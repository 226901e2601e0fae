//! Device memory: allocating, freeing, pools.

use crate::call::driver_calls;
use crate::code::{Code, Result};
use crate::context;
use crate::device;
use crate::ffi::{Host, Out};
use crate::handle::Handle;
use crate::memory::RegionKind;
use crate::stream;
use crate::switches;

/// Attributes of a pool by their number in `CUmemPool_attribute`.
const RELEASE_THRESHOLD: u32 = 4;
const RESERVED_NOW: u32 = 5;
const USED_MOST: u32 = 8;

fn allocate(to: Out<u64>, bytes: usize) -> Result {
    to.check()?;
    let context = context::current()?;
    if bytes == 0 {
        return Err(Code::INVALID_VALUE);
    }
    to.put(context.memory.allocate(bytes, RegionKind::Device)?)
}

/// Memory is there at once, whatever the stream still does: nobody may use it earlier than that.
fn allocate_in_stream(to: Out<u64>, bytes: usize, stream: Handle) -> Result {
    to.check()?;
    let stream = stream::get(stream)?;
    if !switches::get().pools {
        return Err(Code::NOT_SUPPORTED);
    }
    if bytes == 0 {
        return Err(Code::INVALID_VALUE);
    }
    to.put(stream.context.memory.allocate(bytes, RegionKind::Device)?)
}

/// There is one pool a device.
fn check_pool(pool: Handle) -> Result<&'static device::Device> {
    for ordinal in 0..device::count()? {
        let found = device::get(i32::try_from(ordinal).map_err(|_| Code::INVALID_DEVICE)?)?;
        if found.pool == pool {
            return Ok(found);
        }
    }
    Err(Code::INVALID_VALUE)
}

driver_calls! {
    fn cuMemGetInfo_v2(free: Out<usize>, total: Out<usize>) {
        let context = context::current()?;
        let size = |bytes| usize::try_from(bytes).unwrap_or(usize::MAX);
        let all = switches::get().memory_bytes;
        free.put_if_wanted(size(all.saturating_sub(context.device.used())));
        total.put_if_wanted(size(all));
        Ok(())
    }

    fn cuMemAlloc_v2(to: Out<u64>, bytes: usize) {
        allocate(to, bytes)
    }

    fn cuMemFree_v2(address: u64) {
        let context = context::current()?;
        if address == 0 {
            return Ok(());
        }
        let found = context.memory.find(address, 0);
        if found.is_none_or(|(region, _)| region.base != address || region.kind != RegionKind::Device) {
            return Err(Code::INVALID_VALUE);
        }
        // Like the real one, it waits for everything that might still use the memory.
        context.synchronise()?;
        let removed = context.memory.remove(address, RegionKind::Device);
        removed.map(drop).ok_or(Code::INVALID_VALUE)
    }

    fn cuMemGetAddressRange_v2(base: Out<u64>, bytes: Out<usize>, address: u64) {
        let found = context::current()?.memory.find(address, 1);
        let (region, _) = found.ok_or(Code::NOT_FOUND)?;
        base.put_if_wanted(region.base);
        bytes.put_if_wanted(region.store.bytes());
        Ok(())
    }

    fn cuMemAllocAsync(to: Out<u64>, bytes: usize, stream: Handle) {
        allocate_in_stream(to, bytes, stream)
    }

    fn cuMemAllocFromPoolAsync(to: Out<u64>, bytes: usize, pool: Handle, stream: Handle) {
        check_pool(pool)?;
        allocate_in_stream(to, bytes, stream)
    }

    fn cuMemFreeAsync(address: u64, stream: Handle) {
        let stream = stream::get(stream)?;
        if address == 0 {
            return Ok(());
        }
        let found = stream.context.memory.find(address, 0);
        if found.is_none_or(|(region, _)| region.base != address || region.kind != RegionKind::Device) {
            return Err(Code::INVALID_VALUE);
        }
        stream.submit(Box::new(move |context| {
            context.memory.remove(address, RegionKind::Device);
        }));
        Ok(())
    }

    fn cuMemPoolTrimTo(pool: Handle, _keep: usize) {
        check_pool(pool).map(drop)
    }

    fn cuMemPoolSetAttribute(pool: Handle, attribute: u32, value: Host) {
        check_pool(pool)?;
        // Nothing is kept back here, so how much is to be kept makes no difference.
        if value.is_null() || !(1..=USED_MOST).contains(&attribute) || attribute == RESERVED_NOW {
            return Err(Code::INVALID_VALUE);
        }
        Ok(())
    }

    fn cuMemPoolGetAttribute(pool: Handle, attribute: u32, value: Host) {
        let device = check_pool(pool)?;
        match attribute {
            1..RELEASE_THRESHOLD => value.as_out::<i32>().put(1),
            RELEASE_THRESHOLD => value.as_out::<u64>().put(0),
            RESERVED_NOW..=USED_MOST => value.as_out::<u64>().put(device.used()),
            _ => Err(Code::INVALID_VALUE),
        }
    }
}

//! Functions: what is known of them, and how many blocks a multiprocessor holds.

use std::ffi::c_char;

use crate::call::driver_calls;
use crate::code::{Code, Result};
use crate::context;
use crate::device;
use crate::ffi::Out;
use crate::handle::Handle;
use crate::module::FUNCTIONS;

/// How much dynamic shared memory a block of so many threads takes.
type SharedOfBlock = Option<extern "C" fn(i32) -> usize>;

/// The block that fills a multiprocessor best, and how many of it fill the device.
fn best(
    blocks: Out<i32>,
    threads: Out<i32>,
    function: Handle,
    shared_of: SharedOfBlock,
    shared: usize,
    most: i32,
) -> Result {
    context::current()?;
    let function = FUNCTIONS.get(function)?;
    let limit = i32::try_from(function.max_threads()?).map_err(|_| Code::INVALID_VALUE)?;
    let limit = if most > 0 { most.min(limit) } else { limit };
    let mut best = (0, 0);
    for size in (1..=limit / 32).rev().map(|warps| warps * 32) {
        let shared = shared_of.map_or(shared, |shared_of| shared_of(size));
        let fit = function.occupancy(size, shared)?;
        if fit * size > best.0 * best.1 {
            best = (fit, size);
        }
    }
    let processors = i32::try_from(device::processors()).unwrap_or(i32::MAX);
    blocks.put(best.0.saturating_mul(processors))?;
    threads.put(best.1)
}

driver_calls! {
    fn cuFuncGetAttribute(value: Out<i32>, attribute: u32, function: Handle) {
        context::current()?;
        value.put(FUNCTIONS.get(function)?.attribute(attribute)?)
    }

    fn cuFuncSetAttribute(function: Handle, attribute: u32, value: i32) {
        context::current()?;
        FUNCTIONS.get(function)?.set_attribute(attribute, value)
    }

    fn cuFuncSetCacheConfig(function: Handle, config: u32) {
        context::current()?;
        FUNCTIONS.get(function)?;
        if config > 3 {
            return Err(Code::INVALID_VALUE);
        }
        Ok(())
    }

    fn cuFuncGetModule(module: Out<Handle>, function: Handle) {
        context::current()?;
        module.put(FUNCTIONS.get(function)?.module_handle)
    }

    fn cuFuncGetName(name: Out<*const c_char>, function: Handle) {
        context::current()?;
        // It lives as long as the function does, whose handle the caller holds.
        name.put(FUNCTIONS.get(function)?.name.as_ptr())
    }

    fn cuFuncGetParamInfo(function: Handle, index: usize, at: Out<usize>, bytes: Out<usize>) {
        context::current()?;
        let function = FUNCTIONS.get(function)?;
        let param = function.entry()?.params().get(index).ok_or(Code::INVALID_VALUE)?;
        at.put(param.offset as usize)?;
        bytes.put_if_wanted(param.bytes as usize);
        Ok(())
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessor(
        blocks: Out<i32>,
        function: Handle,
        threads: i32,
        shared: usize,
    ) {
        context::current()?;
        blocks.put(FUNCTIONS.get(function)?.occupancy(threads, shared)?)
    }

    fn cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(
        blocks: Out<i32>,
        function: Handle,
        threads: i32,
        shared: usize,
        _flags: u32,
    ) {
        context::current()?;
        blocks.put(FUNCTIONS.get(function)?.occupancy(threads, shared)?)
    }

    fn cuOccupancyAvailableDynamicSMemPerBlock(
        bytes: Out<usize>,
        function: Handle,
        blocks: i32,
        threads: i32,
    ) {
        context::current()?;
        let function = FUNCTIONS.get(function)?;
        if blocks < 1 || threads < 1 || function.occupancy(threads, 0)? < blocks {
            return Err(Code::INVALID_VALUE);
        }
        let each = device::MULTIPROCESSOR_SHARED / blocks.unsigned_abs();
        let taken = function.entry()?.shared_bytes() + device::SYSTEM_SHARED;
        let left = each.saturating_sub(taken).min(device::OPT_IN_SHARED);
        bytes.put(left as usize)
    }

    fn cuOccupancyMaxPotentialBlockSize(
        blocks: Out<i32>,
        threads: Out<i32>,
        function: Handle,
        shared_of: SharedOfBlock,
        shared: usize,
        most: i32,
    ) {
        best(blocks, threads, function, shared_of, shared, most)
    }

    fn cuOccupancyMaxPotentialBlockSizeWithFlags(
        blocks: Out<i32>,
        threads: Out<i32>,
        function: Handle,
        shared_of: SharedOfBlock,
        shared: usize,
        most: i32,
        _flags: u32,
    ) {
        best(blocks, threads, function, shared_of, shared, most)
    }
}

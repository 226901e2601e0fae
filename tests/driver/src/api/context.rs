//! Contexts: the primary one of a device, others, and which one a thread works in.

use std::sync::atomic::Ordering;

use crate::call::driver_calls;
use crate::code::{Code, Result};
use crate::context::{self, CONTEXTS, Context};
use crate::device;
use crate::ffi::{Host, Out};
use crate::handle::Handle;
use crate::sync::lock;

/// Limits by their number in `CUlimit`, and what they are before anyone sets them.
const LIMITS: [usize; 7] = [1024, 1 << 20, 8 << 20, 2, 2048, 64, 0];

fn create(to: Out<Handle>, flags: u32, ordinal: i32) -> Result {
    to.check()?;
    let handle = CONTEXTS.insert(Context::new(ordinal, flags)?);
    context::push(handle);
    to.put(handle)
}

/// Whether there is a context of this handle; null stands for none.
fn check_handle(handle: Handle) -> Result {
    device::check_ready()?;
    if handle == 0 || CONTEXTS.get(handle).is_ok() {
        return Ok(());
    }
    Err(Code::INVALID_CONTEXT)
}

driver_calls! {
    fn cuDevicePrimaryCtxRetain(to: Out<Handle>, device: i32) {
        to.check()?;
        to.put(context::retain_primary(device)?)
    }

    fn cuDevicePrimaryCtxRelease_v2(device: i32) {
        context::release_primary(device, false)
    }

    fn cuDevicePrimaryCtxReset_v2(device: i32) {
        context::release_primary(device, true)
    }

    fn cuDevicePrimaryCtxSetFlags_v2(device: i32, flags: u32) {
        let mut primary = lock(&device::get(device)?.primary);
        primary.flags = flags;
        if let Some((_, context)) = &primary.context {
            context.flags.store(flags, Ordering::Relaxed);
        }
        Ok(())
    }

    fn cuDevicePrimaryCtxGetState(device: i32, flags: Out<u32>, active: Out<i32>) {
        let primary = lock(&device::get(device)?.primary);
        flags.put(primary.flags)?;
        active.put(i32::from(primary.context.is_some()))
    }

    fn cuCtxCreate_v2(to: Out<Handle>, flags: u32, device: i32) {
        create(to, flags, device)
    }

    fn cuCtxCreate_v3(to: Out<Handle>, affinity: Host, count: i32, flags: u32, device: i32) {
        if count != 0 || !affinity.is_null() {
            return Err(Code::NOT_SUPPORTED);
        }
        create(to, flags, device)
    }

    fn cuCtxCreate_v4(to: Out<Handle>, params: Host, flags: u32, device: i32) {
        if !params.is_null() {
            return Err(Code::NOT_SUPPORTED);
        }
        create(to, flags, device)
    }

    fn cuCtxDestroy_v2(handle: Handle) {
        context::destroy(handle)
    }

    fn cuCtxSetCurrent(handle: Handle) {
        check_handle(handle)?;
        context::set_current(handle);
        Ok(())
    }

    fn cuCtxGetCurrent(to: Out<Handle>) {
        device::check_ready()?;
        to.put(context::current_handle())
    }

    fn cuCtxPushCurrent_v2(handle: Handle) {
        check_handle(handle)?;
        context::push(handle);
        Ok(())
    }

    fn cuCtxPopCurrent_v2(to: Out<Handle>) {
        let popped = context::pop()?;
        to.put_if_wanted(popped);
        Ok(())
    }

    fn cuCtxGetDevice(device: Out<i32>) {
        device.put(context::current()?.ordinal)
    }

    fn cuCtxGetFlags(flags: Out<u32>) {
        flags.put(context::current()?.flags.load(Ordering::Relaxed))
    }

    fn cuCtxSetFlags(flags: u32) {
        context::current()?.flags.store(flags, Ordering::Relaxed);
        Ok(())
    }

    fn cuCtxGetApiVersion(handle: Handle, version: Out<u32>) {
        check_handle(handle)?;
        version.put(3020)
    }

    fn cuCtxSynchronize() {
        let context = context::current()?;
        context.check_wait("cuCtxSynchronize");
        context.synchronise()
    }

    fn cuCtxSetLimit(limit: u32, value: usize) {
        let context = context::current()?;
        if limit as usize >= LIMITS.len() {
            return Err(Code::UNSUPPORTED_LIMIT);
        }
        lock(&context.limits).insert(limit, value);
        Ok(())
    }

    fn cuCtxGetLimit(value: Out<usize>, limit: u32) {
        let context = context::current()?;
        let set = lock(&context.limits).get(&limit).copied();
        let found = set.or_else(|| LIMITS.get(limit as usize).copied());
        value.put(found.ok_or(Code::UNSUPPORTED_LIMIT)?)
    }

    fn cuCtxGetCacheConfig(config: Out<u32>) {
        context::current()?;
        config.put(0)
    }

    fn cuCtxSetCacheConfig(config: u32) {
        context::current()?;
        if config > 3 {
            return Err(Code::INVALID_VALUE);
        }
        Ok(())
    }

    fn cuCtxGetStreamPriorityRange(least: Out<i32>, greatest: Out<i32>) {
        context::current()?;
        least.put_if_wanted(0);
        greatest.put_if_wanted(-5);
        Ok(())
    }
}

//! Starting, versions, devices.

use std::ffi::c_char;

use crate::call::driver_calls;
use crate::code::{Code, Result};
use crate::device;
use crate::ffi::{Host, Out};
use crate::handle::Handle;
use crate::switches;

/// A text into the caller's array of so many bytes, with a NUL, cut where it is too long.
fn put_text(text: &str, to: Host, room: i32) -> Result {
    let room = usize::try_from(room).map_err(|_| Code::INVALID_VALUE)?;
    if to.is_null() || room == 0 {
        return Err(Code::INVALID_VALUE);
    }
    let mut bytes = text.as_bytes().to_vec();
    bytes.truncate(room - 1);
    bytes.push(0);
    to.write(&bytes);
    Ok(())
}

driver_calls! {
    fn cuInit(flags: u32) {
        if flags != 0 {
            return Err(Code::INVALID_VALUE);
        }
        device::initialise()
    }

    fn cuDriverGetVersion(version: Out<i32>) {
        version.put(switches::get().driver_version)
    }

    fn cuDeviceGet(device: Out<i32>, ordinal: i32) {
        device::get(ordinal)?;
        device.put(ordinal)
    }

    fn cuDeviceGetCount(count: Out<i32>) {
        count.put(i32::try_from(device::count()?).unwrap_or(i32::MAX))
    }

    fn cuDeviceGetName(name: Host, room: i32, device: i32) {
        device::get(device)?;
        put_text(device::NAME, name, room)
    }

    fn cuDeviceGetAttribute(value: Out<i32>, attribute: u32, device: i32) {
        device::get(device)?;
        value.put(device::attribute(attribute, device)?)
    }

    fn cuDeviceComputeCapability(major: Out<i32>, minor: Out<i32>, device: i32) {
        major.put(device::attribute(75, device)?)?;
        minor.put(device::attribute(76, device)?)
    }

    fn cuDeviceTotalMem_v2(bytes: Out<usize>, device: i32) {
        device::get(device)?;
        bytes.put(usize::try_from(switches::get().memory_bytes).unwrap_or(usize::MAX))
    }

    fn cuDeviceGetUuid(to: Out<[u8; 16]>, device: i32) {
        to.put(device::uuid(device::get(device)?.number))
    }

    fn cuDeviceGetUuid_v2(to: Out<[u8; 16]>, device: i32) {
        to.put(device::uuid_shown(device::get(device)?.number))
    }

    fn cuDeviceGetPCIBusId(to: Host, room: i32, device: i32) {
        let number = device::get(device)?.number;
        put_text(&format!("0000:{:02X}:00.0", 0x65 + number), to, room)
    }

    fn cuDeviceGetDefaultMemPool(pool: Out<Handle>, device: i32) {
        pool.put(device::get(device)?.pool)
    }

    fn cuDeviceGetMemPool(pool: Out<Handle>, device: i32) {
        pool.put(device::get(device)?.pool)
    }

    fn cuDeviceSetMemPool(device: i32, pool: Handle) {
        if device::get(device)?.pool != pool {
            return Err(Code::NOT_SUPPORTED);
        }
        Ok(())
    }

    fn cuGetErrorName(code: u32, name: Out<*const c_char>) {
        let text = Code(code).name();
        name.put(text.map_or(std::ptr::null(), |text| text.as_ptr()))?;
        text.map(drop).ok_or(Code::INVALID_VALUE)
    }

    fn cuGetErrorString(code: u32, description: Out<*const c_char>) {
        let text = Code(code).description();
        description.put(text.map_or(std::ptr::null(), |text| text.as_ptr()))?;
        text.map(drop).ok_or(Code::INVALID_VALUE)
    }
}

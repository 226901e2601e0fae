//! Finding functions by name, for those who do not ask the dynamic linker.

use crate::call::driver_calls;
use crate::code::{Code, Result};
use crate::ffi::{Out, Text};

/// The driver's suffixes for later versions of a function, newest first. `cuCtxCreate` has a
/// version that most callers do not expect, and gets the one with the plain arguments.
const SUFFIXES: [&str; 3] = ["_v2", "", "_v3"];

fn address(name: Text, to: Out<*const ()>) -> Result<bool> {
    let name = name.get()?.to_str().map_err(|_| Code::INVALID_VALUE)?;
    let mut names = SUFFIXES.iter().map(|suffix| format!("{name}{suffix}"));
    let found = names.find_map(|name| super::find(&name));
    to.put(found.unwrap_or(std::ptr::null()))?;
    Ok(found.is_some())
}

driver_calls! {
    fn cuGetProcAddress(name: Text, to: Out<*const ()>, _version: i32, _flags: u64) {
        address(name, to)?.then_some(()).ok_or(Code::NOT_FOUND)
    }

    fn cuGetProcAddress_v2(
        name: Text,
        to: Out<*const ()>,
        _version: i32,
        _flags: u64,
        status: Out<u32>,
    ) {
        // It succeeds either way, and says so here: 1 is "no such symbol".
        let found = address(name, to)?;
        status.put_if_wanted(u32::from(!found));
        Ok(())
    }
}

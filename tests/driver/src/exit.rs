//! The library's exit handler, which the C library runs when a process exits by itself. That of the
//! real one gives the device back, and waits for it.

use std::time::Duration;

unsafe extern "C" {
    fn atexit(handler: extern "C" fn()) -> std::ffi::c_int;
}

/// From now on this process does not end by exiting.
pub(crate) fn hang() {
    // SAFETY: the handler is a function of this library, which is never unloaded.
    unsafe { atexit(handler) };
}

extern "C" fn handler() {
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

//! What the program changes in its own environment. All of it happens in `main`, before there is
//! another thread.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};

use zeroize::Zeroize;

/// Leaves panics their backtraces, and gives errors backtraces only where
/// `RUST_LIB_BACKTRACE` is set. To be called first in `main`.
///
/// With `RUST_BACKTRACE=1` in the environment, which is often set for panics, Wasmtime's
/// errors capture one too. Some of those errors are created and dropped in each request, so
/// that the server would spend much of its time walking stacks. The standard library has a
/// second variable for errors alone, and reads it once.
pub fn backtraces_only_where_asked_for() {
    const VARIABLE: &str = "RUST_LIB_BACKTRACE";
    if std::env::var_os(VARIABLE).is_none() {
        // SAFETY: changing the environment is only unsafe while other threads read it.
        // `main` calls this before anything else, so there are no other threads.
        unsafe { std::env::set_var(VARIABLE, "0") };
    }
}

/// The value of a variable; what is no text in it is replaced.
pub fn text(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

/// Overwrites the values of these variables and removes them, so that `/proc/PID/environ`, which
/// shows the memory that the process was started with, does not hold them any more. To be called
/// in `main` before any thread is started, when nothing reads them again.
pub fn forget(names: &[String]) {
    if names.is_empty() {
        return;
    }
    unsafe extern "C" {
        static environ: *const *mut c_char;
    }
    // SAFETY: there are no other threads, see above. The C library's table of variables is a list
    // of strings that ends with a null pointer; they lie in memory that this process may write,
    // and nobody has a reference into them: the standard library gives copies.
    unsafe {
        let mut next = environ;
        while !next.is_null() && !(*next).is_null() {
            let bytes = CStr::from_ptr(*next).count_bytes();
            let entry = std::slice::from_raw_parts_mut((*next).cast::<u8>(), bytes);
            if let Some(equals) = entry.iter().position(|byte| *byte == b'=') {
                let (name, value) = entry.split_at_mut(equals + 1);
                if names
                    .iter()
                    .any(|known| known.as_bytes() == &name[..equals])
                {
                    value.zeroize();
                }
            }
            next = next.add(1);
        }
        for name in names {
            std::env::remove_var(name);
        }
    }
}

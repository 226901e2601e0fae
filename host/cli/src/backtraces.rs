//! Keeps libraries from capturing a backtrace with every error.
//!
//! With `RUST_BACKTRACE=1` in the environment, which is often set for panics, Wasmtime's
//! errors capture one too. Some of those errors are created and dropped in each request, so
//! that the server would spend much of its time walking stacks. The standard library has a
//! second variable for errors alone, and reads it once.
#![allow(unsafe_code)]

/// Leaves panics their backtraces, and gives errors backtraces only where
/// `RUST_LIB_BACKTRACE` is set. To be called first in `main`.
pub fn only_where_asked_for() {
    const VARIABLE: &str = "RUST_LIB_BACKTRACE";
    if std::env::var_os(VARIABLE).is_none() {
        // SAFETY: changing the environment is only unsafe while other threads read it.
        // `main` calls this before anything else, so there are no other threads.
        unsafe { std::env::set_var(VARIABLE, "0") };
    }
}

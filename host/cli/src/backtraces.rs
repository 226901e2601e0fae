//! Keeps libraries from capturing a backtrace with every error.
//!
//! With `RUST_BACKTRACE=1` in the environment, which many people set for the sake of
//! panics, Wasmtime's errors capture one too, and some of those errors are made and
//! forgotten in each request: the server then spends much of its time walking stacks.
//! The standard library has a second variable for errors alone, and reads it once.
#![allow(unsafe_code)]

/// Lets panics keep their backtraces, and errors have them only where
/// `RUST_LIB_BACKTRACE` asks for them. To be called first of all in `main`.
pub fn only_where_asked_for() {
    const VARIABLE: &str = "RUST_LIB_BACKTRACE";
    if std::env::var_os(VARIABLE).is_none() {
        // SAFETY: changing the environment is only unsafe beside other threads that
        // read it. `main` calls this before anything else, so there are none.
        unsafe { std::env::set_var(VARIABLE, "0") };
    }
}

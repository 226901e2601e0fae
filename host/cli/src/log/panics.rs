//! Panics as lines of the log, so that they are lost and counted like other lines where it
//! can't be written, and are JSON where the others are.

use std::backtrace::Backtrace;
use std::{env, panic, thread};

/// Logs each panic from now on, in place of printing it.
pub(super) fn log() {
    panic::set_hook(Box::new(|panic| {
        let message = panic.payload_as_str().unwrap_or("no message");
        let location = panic.location().map(ToString::to_string);
        let thread = thread::current();
        let thread = thread.name().unwrap_or("unnamed");
        // The variable for errors alone is set: see `backtraces`.
        let wanted = env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0");
        let backtrace = wanted.then(|| Backtrace::force_capture().to_string());
        tracing::error!(thread, location, backtrace, "a thread panicked: {message}");
    }));
}

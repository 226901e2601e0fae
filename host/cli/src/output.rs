//! What commands say on standard error, beside their result on standard output.
//!
//! `eprintln!` panics where standard error can't be written, as with a reader that went
//! away or a full disk; the command would then fail for want of somebody to tell.

use std::fmt;
use std::io::{self, Write};

/// Writes text to standard error, as far as it goes.
pub fn to_stderr(text: fmt::Arguments<'_>) {
    // Nobody is left to be told.
    let _ = io::stderr().lock().write_fmt(text);
}

/// Writes a line to standard error, as far as it goes.
macro_rules! tell {
    ($($text:tt)*) => {
        $crate::output::to_stderr(format_args!("{}\n", format_args!($($text)*)))
    };
}

//! Waiting for what must come to pass, however slow the machine.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a test waits before it gives up on a server: far longer than anything
/// takes on a slow machine, so that it tells broken from slow.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Asks until there is an answer.
///
/// # Panics
/// Where there is none within [`PATIENCE`], naming what was waited for.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "waited {PATIENCE:?} in vain for: {what}"
        );
        sleep(Duration::from_millis(10));
    }
}

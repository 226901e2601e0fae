//! Tells the operator which kernels run in the interpreter, and why: a kernel is told of once for each
//! time that its text is loaded anew.

use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::sync::lock;

/// So many kernels are told of in such a time: whoever loads ever more texts writes no endless log.
const MOST: u32 = 100;
const PERIOD: Duration = Duration::from_secs(10);

/// Where kernels are told of, instead of in the log.
static PRINT: OnceLock<fn(&str)> = OnceLock::new();

static PACE: Mutex<Option<Pace>> = Mutex::new(None);

/// What was told of in this period.
struct Pace {
    began: Instant,
    told: u32,
}

/// Has kernels told of here: for a process without a log.
pub(crate) fn print_fallbacks(print: fn(&str)) {
    // Where it is called twice, the first call counts.
    let _ = PRINT.set(print);
}

/// Tells that a kernel runs in the interpreter.
pub(crate) fn tell(kernel: &str, reason: &dyn std::fmt::Display) {
    if !is_due(&mut lock(&PACE), Instant::now()) {
        tracing::debug!(kernel, %reason, "a kernel runs in the interpreter");
        return;
    }
    match PRINT.get() {
        Some(print) => print(&format!(
            "kernel `{kernel}` runs in the interpreter, which is much slower: {reason}"
        )),
        None => tracing::warn!(
            kernel, %reason,
            "a kernel runs in the interpreter, which is much slower"
        ),
    }
}

fn is_due(pace: &mut Option<Pace>, now: Instant) -> bool {
    let over = |pace: &Pace| now.saturating_duration_since(pace.began) >= PERIOD;
    if pace.as_ref().is_none_or(over) {
        *pace = Some(Pace {
            began: now,
            told: 0,
        });
    }
    pace.as_mut().is_some_and(|pace| {
        pace.told += 1;
        pace.told <= MOST
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_ever_more_kernels_only_so_many_are_told_of() {
        let (mut pace, start) = (None, Instant::now());
        let told = (0..1000).filter(|_| is_due(&mut pace, start)).count();
        assert_eq!(told, MOST as usize);
        assert!(is_due(&mut pace, start + PERIOD));
    }
}

//! What every call of the driver has in common: it is counted and traced, the switches have their
//! way with it, and no panic leaves it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::code::{Code, Result};
use crate::switches::{self, Act, Switches};

/// Declares exported functions: C signature, and a body that returns a `Result`. Also makes the
/// module's `find`, which gives such a function's address by name.
macro_rules! driver_calls {
    ($($(#[$meta:meta])* fn $name:ident($($argument:ident: $type:ty),* $(,)?) $body:block)*) => {
        $(
            $(#[$meta])*
            // SAFETY: the name is the driver's, which this library is loaded instead of.
            #[unsafe(no_mangle)]
            extern "C" fn $name($($argument: $type),*) -> u32 {
                $crate::call::enter(stringify!($name), move || $body)
            }
        )*

        pub(super) fn find(name: &str) -> Option<*const ()> {
            match name {
                $(stringify!($name) => Some($name as *const ()),)*
                _ => None,
            }
        }
    };
}

pub(crate) use driver_calls;

/// Calls so far, for the switch that loses the device.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// Whether the device has fallen off its bus.
static LOST: AtomicBool = AtomicBool::new(false);

/// Carries out one call.
pub(crate) fn enter(name: &str, body: impl FnOnce() -> Result) -> u32 {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        gate(switches::get(), name)?;
        body()
    }));
    match outcome {
        Ok(Ok(())) => 0,
        Ok(Err(code)) => code.0,
        Err(_) => Code::UNKNOWN.0,
    }
}

/// The error that a lost device answers everything with.
pub(crate) fn check_lost() -> Result {
    if LOST.load(Ordering::Relaxed) {
        return Err(switches::get().lost_code);
    }
    Ok(())
}

fn gate(switches: &Switches, name: &str) -> Result {
    // Asking what an error means is no call of the device.
    if name.starts_with("cuGetError") {
        return Ok(());
    }
    switches.trace(name);
    let before = CALLS.fetch_add(1, Ordering::Relaxed);
    if switches.lost_after.is_some_and(|after| before >= after) {
        LOST.store(true, Ordering::Relaxed);
    }
    for rule in &switches.rules {
        if !rule.applies(name) {
            continue;
        }
        match rule.act {
            Act::Fail { code, sticky } => {
                if sticky && let Ok(context) = crate::context::current_unchecked() {
                    context.fail(code);
                }
                return Err(code);
            }
            Act::Hang => loop {
                std::thread::sleep(Duration::from_secs(3600));
            },
            Act::Exit => std::process::abort(),
            Act::Lose => LOST.store(true, Ordering::Relaxed),
            Act::Delay(time) => std::thread::sleep(time),
        }
    }
    check_lost()
}

//! Turns of kernels that take long. A device has only so many processors, however many kernels run
//! on it, and its host has others: so no more threads than there are processors compute at once, in
//! the order in which they ask, and what takes long gives way to all else on the machine. Without
//! this, a few endless kernels would keep the tests' own host from running.

use std::sync::{Condvar, Mutex};

use crate::device;
use crate::sync::{lock, wait};

static TURNS: Mutex<Turns> = Mutex::new(Turns { asked: 0, over: 0 });
static CHANGED: Condvar = Condvar::new();

/// Numbers of turns.
struct Turns {
    asked: u64,
    over: u64,
}

/// A turn, until it is dropped.
pub(crate) struct Turn(());

/// Waits for a turn.
pub(crate) fn take() -> Turn {
    let mut turns = lock(&TURNS);
    let number = turns.asked;
    turns.asked += 1;
    while number >= turns.over + device::processors() as u64 {
        turns = wait(&CHANGED, turns);
    }
    Turn(())
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&TURNS).over += 1;
        CHANGED.notify_all();
    }
}

/// Puts the thread behind others. It stays there, so it must be one that does nothing else.
pub(crate) fn be_polite() {
    let thread = rustix::thread::gettid();
    // Where it is not allowed, tests take longer.
    let _ = rustix::process::setpriority_process(Some(thread), 10);
}

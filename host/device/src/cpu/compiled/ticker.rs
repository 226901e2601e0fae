//! Tells kernels to return when their slice is over. A thread of the operating system does it, for a
//! kernel does not look at a clock: each thread of the pool has a place in a list while it runs one.

use std::sync::{Arc, LazyLock, Mutex};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::memory::Flag;
use crate::cpu::slice::SLICE;
use crate::essential_thread::spawn_essential;
use crate::sync::lock;

/// How often it checks the list.
const TICK: Duration = Duration::from_micros(500);

/// After so many checks of an empty list it sleeps until it is woken.
const IDLE_TICKS: u32 = 40;

static TICKER: LazyLock<Ticker> = LazyLock::new(Ticker::start);

struct Ticker {
    shared: Arc<Mutex<Running>>,
    /// `None` where the operating system gives no thread: kernels are interpreted then.
    thread: Option<Thread>,
}

#[derive(Default)]
struct Running {
    entries: Vec<Entry>,
    next: u64,
    asleep: bool,
}

struct Entry {
    id: u64,
    over: Instant,
    flag: Flag,
}

/// A kernel's slice, until it is dropped.
pub(super) struct Slice {
    id: u64,
}

impl Ticker {
    fn start() -> Ticker {
        let shared: Arc<Mutex<Running>> = Arc::default();
        let theirs = Arc::clone(&shared);
        let spawned = spawn_essential("device-ticker", move || tick(&theirs));
        let thread = match spawned {
            Ok(handle) => Some(handle.thread().clone()),
            Err(error) => {
                tracing::warn!(%error, "no thread to end slices: kernels will be interpreted");
                None
            }
        };
        Ticker { shared, thread }
    }
}

fn tick(shared: &Mutex<Running>) {
    let mut idle = 0;
    loop {
        let mut running = lock(shared);
        if running.entries.is_empty() {
            idle += 1;
        } else {
            idle = 0;
            let now = Instant::now();
            for entry in running.entries.iter().filter(|entry| entry.over <= now) {
                entry.flag.set(true);
            }
        }
        let sleeps = idle > IDLE_TICKS;
        running.asleep = sleeps;
        drop(running);
        if sleeps {
            std::thread::park();
            idle = 0;
        } else {
            std::thread::park_timeout(TICK);
        }
    }
}

/// Sets the flag whenever a slice has passed, until the result is dropped. `None` where nobody would.
pub(super) fn slice(flag: Flag, from: Instant) -> Option<Slice> {
    let ticker = &*TICKER;
    let thread = ticker.thread.as_ref()?;
    let mut running = lock(&ticker.shared);
    let id = running.next;
    running.next += 1;
    running.entries.push(Entry {
        id,
        over: from + SLICE,
        flag,
    });
    let wake = std::mem::take(&mut running.asleep);
    drop(running);
    if wake {
        thread.unpark();
    }
    Some(Slice { id })
}

impl Drop for Slice {
    fn drop(&mut self) {
        let mut running = lock(&TICKER.shared);
        if let Some(place) = running.entries.iter().position(|entry| entry.id == self.id) {
            running.entries.swap_remove(place);
        }
    }
}

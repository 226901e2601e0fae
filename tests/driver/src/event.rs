//! Events: marks in streams, with the time at which a stream came by.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use crate::code::{Code, Result};
use crate::context::{Context, check_spinning};
use crate::handle::Table;
use crate::stream::Stream;
use crate::sync::lock;

pub(crate) static EVENTS: Table<Event> = Table::new();

/// `CU_EVENT_BLOCKING_SYNC`.
const BLOCKING_SYNC: u32 = 1;

/// `CU_EVENT_DISABLE_TIMING`.
const DISABLE_TIMING: u32 = 2;

pub(crate) struct Event {
    pub(crate) context: Arc<Context>,
    flags: u32,
    mark: Mutex<Option<Mark>>,
}

/// Where an event was recorded last.
#[derive(Clone)]
struct Mark {
    stream: Arc<Stream>,
    number: u64,
    passed: Arc<OnceLock<Instant>>,
}

impl Event {
    pub(crate) fn new(context: Arc<Context>, flags: u32) -> Event {
        Event {
            context,
            flags,
            mark: Mutex::new(None),
        }
    }

    fn mark(&self) -> Option<Mark> {
        lock(&self.mark).clone()
    }

    pub(crate) fn record(&self, stream: &Arc<Stream>) {
        let passed = Arc::new(OnceLock::new());
        let clock = Arc::clone(&passed);
        let number = stream.submit(Box::new(move |_| {
            let _ = clock.set(Instant::now());
        }));
        *lock(&self.mark) = Some(Mark {
            stream: Arc::clone(stream),
            number,
            passed,
        });
    }

    /// Whether its stream came by; true of an event that was never recorded.
    pub(crate) fn is_done(&self) -> bool {
        self.mark()
            .is_none_or(|mark| mark.stream.has_done(mark.number))
    }

    /// A call waits for it: awake, unless it was made for waiting asleep.
    pub(crate) fn check_wait(&self, call: &str) {
        check_spinning(self.flags & BLOCKING_SYNC == 0, call);
    }

    pub(crate) fn synchronise(&self) {
        if let Some(mark) = self.mark() {
            mark.stream.wait_for(mark.number);
        }
    }

    /// Makes a stream wait for it, as it is recorded now.
    pub(crate) fn hold(&self, stream: &Arc<Stream>) {
        if let Some(mark) = self.mark() {
            stream.submit(Box::new(move |_| mark.stream.wait_for(mark.number)));
        }
    }

    /// When its stream came by.
    pub(crate) fn time(&self) -> Result<Instant> {
        let timed = self.flags & DISABLE_TIMING == 0;
        let mark = self.mark().filter(|_| timed).ok_or(Code::INVALID_HANDLE)?;
        mark.passed.get().copied().ok_or(Code::NOT_READY)
    }
}

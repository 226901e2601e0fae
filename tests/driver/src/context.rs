//! Contexts, and which one a thread works in. A context is what an error destroys: once a kernel
//! has done something wrong, every call in it returns that error, until the process ends.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::thread::ThreadId;

use crate::call;
use crate::code::{Code, Result};
use crate::device::{self, Device};
use crate::event::EVENTS;
use crate::handle::{Handle, Table};
use crate::memory::Map;
use crate::module::{FUNCTIONS, MODULES};
use crate::stream::{STREAMS, Stream};
use crate::switches;
use crate::sync::lock;

pub(crate) static CONTEXTS: Table<Context> = Table::new();

thread_local! {
    /// The thread's stack of contexts; null is one that was set to none.
    static STACK: RefCell<Vec<Handle>> = const { RefCell::new(Vec::new()) };
}

/// `CU_CTX_SCHED_MASK` and `CU_CTX_SCHED_BLOCKING_SYNC`.
const SCHEDULE_MASK: u32 = 7;
const BLOCKING_SYNC: u32 = 4;

/// A call that waits awake takes a processor for as long as a device takes. Ends the process, where a
/// switch says so.
pub(crate) fn check_spinning(spins: bool, call: &str) {
    if spins && !switches::get().may_spin {
        eprintln!("{call} waits awake");
        std::process::abort();
    }
}

pub(crate) struct Context {
    pub(crate) ordinal: i32,
    pub(crate) device: &'static Device,
    pub(crate) flags: AtomicU32,
    pub(crate) memory: Map,
    pub(crate) limits: Mutex<HashMap<u32, usize>>,
    /// The first error of a kernel; zero while there is none.
    error: AtomicU32,
    streams: Mutex<Vec<Weak<Stream>>>,
    /// The stream of those who name none.
    default: OnceLock<Arc<Stream>>,
    /// The default streams of those who want one a thread.
    of_threads: Mutex<HashMap<ThreadId, Arc<Stream>>>,
    /// Held while work is handed to the default stream, or to one that waits for it.
    pub(crate) order: Mutex<()>,
}

impl Context {
    pub(crate) fn new(ordinal: i32, flags: u32) -> Result<Arc<Context>> {
        let device = device::get(ordinal)?;
        Ok(Arc::new(Context {
            ordinal,
            device,
            flags: AtomicU32::new(flags),
            memory: Map::new(device),
            limits: Mutex::default(),
            error: AtomicU32::new(0),
            streams: Mutex::default(),
            default: OnceLock::new(),
            of_threads: Mutex::default(),
            order: Mutex::new(()),
        }))
    }

    /// The error that it is stuck with.
    pub(crate) fn check(&self) -> Result {
        call::check_lost()?;
        match self.error.load(Ordering::Acquire) {
            0 => Ok(()),
            code => Err(Code(code)),
        }
    }

    /// Breaks it for good; the first error stays.
    pub(crate) fn fail(&self, code: Code) {
        let _ = self
            .error
            .compare_exchange(0, code.0, Ordering::AcqRel, Ordering::Acquire);
    }

    pub(crate) fn default_stream(self: &Arc<Self>) -> Arc<Stream> {
        let stream = self.default.get_or_init(|| Stream::start(self, true, 0));
        Arc::clone(stream)
    }

    /// The default stream, where anyone has used it.
    pub(crate) fn default_if_used(&self) -> Option<Arc<Stream>> {
        self.default.get().cloned()
    }

    pub(crate) fn stream_of_thread(self: &Arc<Self>) -> Arc<Stream> {
        let mut streams = lock(&self.of_threads);
        let stream = streams
            .entry(std::thread::current().id())
            .or_insert_with(|| {
                let stream = Stream::start(self, true, 0);
                self.keep(&stream);
                stream
            });
        Arc::clone(stream)
    }

    pub(crate) fn keep(&self, stream: &Arc<Stream>) {
        let mut streams = lock(&self.streams);
        streams.retain(|stream| stream.strong_count() > 0);
        streams.push(Arc::downgrade(stream));
    }

    /// All streams but the default one.
    pub(crate) fn streams(&self) -> Vec<Arc<Stream>> {
        lock(&self.streams)
            .iter()
            .filter_map(Weak::upgrade)
            .collect()
    }

    /// A call waits for a stream or for all of the context: awake, unless its flags say otherwise.
    pub(crate) fn check_wait(&self, call: &str) {
        let schedule = self.flags.load(Ordering::Relaxed) & SCHEDULE_MASK;
        check_spinning(schedule != BLOCKING_SYNC, call);
    }

    /// Waits for everything that was handed over, and says how it went.
    pub(crate) fn synchronise(&self) -> Result {
        for stream in self.streams().into_iter().chain(self.default_if_used()) {
            stream.wait_for_all();
        }
        self.check()
    }

    /// Ends it: work is waited for, as on a device, and then everything in it is gone.
    fn end(self: &Arc<Self>) {
        let _ = self.synchronise();
        let mine = |context: &Arc<Context>| Arc::ptr_eq(context, self);
        for stream in self.streams().into_iter().chain(self.default_if_used()) {
            stream.close();
        }
        lock(&self.of_threads).clear();
        FUNCTIONS.forget(|function| mine(&function.module.context));
        MODULES.forget(|module| mine(&module.context));
        EVENTS.forget(|event| mine(&event.context));
        STREAMS.forget(|stream| mine(&stream.context));
        self.memory.clear();
        self.fail(Code::CONTEXT_IS_DESTROYED);
    }
}

/// The thread's context, whatever state it is in.
pub(crate) fn current_unchecked() -> Result<Arc<Context>> {
    device::check_ready()?;
    let handle = current_handle();
    CONTEXTS.get(handle).map_err(|_| Code::INVALID_CONTEXT)
}

/// The thread's context, unless it is broken.
pub(crate) fn current() -> Result<Arc<Context>> {
    let context = current_unchecked()?;
    context.check()?;
    Ok(context)
}

/// Null where the thread has none.
pub(crate) fn current_handle() -> Handle {
    STACK.with_borrow(|stack| stack.last().copied().unwrap_or(0))
}

/// Replaces the thread's context.
pub(crate) fn set_current(handle: Handle) {
    STACK.with_borrow_mut(|stack| {
        stack.pop();
        if handle != 0 {
            stack.push(handle);
        }
    });
}

pub(crate) fn push(handle: Handle) {
    STACK.with_borrow_mut(|stack| stack.push(handle));
}

pub(crate) fn pop() -> Result<Handle> {
    let popped = STACK.with_borrow_mut(Vec::pop);
    popped.ok_or(Code::INVALID_CONTEXT)
}

/// Ends a context that is not a device's primary one.
pub(crate) fn destroy(handle: Handle) -> Result {
    let context = CONTEXTS.remove(handle).map_err(|_| Code::INVALID_CONTEXT)?;
    if current_handle() == handle {
        pop()?;
    }
    context.end();
    Ok(())
}

/// Takes hold of a device's primary context, which the first one makes.
pub(crate) fn retain_primary(ordinal: i32) -> Result<Handle> {
    let mut primary = lock(&device::get(ordinal)?.primary);
    let handle = match &primary.context {
        Some((handle, context)) => {
            context.check()?;
            *handle
        }
        None => {
            let context = Context::new(ordinal, primary.flags)?;
            let handle = CONTEXTS.insert(Arc::clone(&context));
            primary.context = Some((handle, context));
            handle
        }
    };
    primary.holders += 1;
    Ok(handle)
}

/// Lets go of a device's primary context; the last one ends it, and so does a reset.
pub(crate) fn release_primary(ordinal: i32, reset: bool) -> Result {
    let mut primary = lock(&device::get(ordinal)?.primary);
    if reset {
        primary.holders = 0;
    } else {
        let left = primary.holders.checked_sub(1);
        primary.holders = left.ok_or(Code::INVALID_CONTEXT)?;
    }
    let ended = (primary.holders == 0).then(|| primary.context.take());
    drop(primary);
    if let Some((handle, context)) = ended.flatten() {
        let _ = CONTEXTS.remove(handle);
        context.end();
    }
    Ok(())
}

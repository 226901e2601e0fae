//! Streams: queues of work, each with a thread of its own that does it in order. Whoever waits for
//! a stream helps: it does the next piece of work itself where the thread has not woken up for it
//! yet, since to be woken takes longer than most work here.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use crate::code::{self, Code};
use crate::context::{self, Context};
use crate::handle::{Handle, Table};
use crate::sync::{lock, wait};

pub(crate) static STREAMS: Table<Stream> = Table::new();

/// What a stream is given to do; it gets the context to report an error to.
pub(crate) type Work = Box<dyn FnOnce(&Context) + Send>;

/// `CU_STREAM_NON_BLOCKING`.
pub(crate) const NON_BLOCKING: u32 = 1;

pub(crate) struct Stream {
    pub(crate) context: Arc<Context>,
    /// Whether it waits for the default stream, and that one for it.
    pub(crate) blocking: bool,
    pub(crate) priority: i32,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    work: VecDeque<Work>,
    /// How many pieces of work were ever handed over, and how many are done.
    submitted: u64,
    done: u64,
    /// Whether a piece is being done.
    busy: bool,
    closed: bool,
}

impl Stream {
    pub(crate) fn start(context: &Arc<Context>, blocking: bool, priority: i32) -> Arc<Stream> {
        let stream = Arc::new(Stream {
            context: Arc::clone(context),
            blocking,
            priority,
            queue: Mutex::default(),
            changed: Condvar::new(),
        });
        let worker = Arc::clone(&stream);
        let started = std::thread::Builder::new()
            .name("cuda stream".to_owned())
            .spawn(move || worker.serve());
        if started.is_err() {
            context.fail(Code::OPERATING_SYSTEM);
        }
        stream
    }

    fn serve(&self) {
        let mut queue = lock(&self.queue);
        loop {
            queue = match self.step(queue) {
                Ok(queue) => queue,
                Err(queue) if queue.closed && queue.work.is_empty() => return,
                Err(queue) => wait(&self.changed, queue),
            };
        }
    }

    /// Does the next piece of work, or hands the queue back where there is none to be done now.
    fn step<'a>(
        &'a self,
        mut queue: MutexGuard<'a, Queue>,
    ) -> Result<MutexGuard<'a, Queue>, MutexGuard<'a, Queue>> {
        if queue.busy {
            return Err(queue);
        }
        let Some(work) = queue.work.pop_front() else {
            return Err(queue);
        };
        queue.busy = true;
        drop(queue);
        // A broken context does nothing more, but those who wait for it are let go.
        if self.context.check().is_ok()
            && catch_unwind(AssertUnwindSafe(|| work(&self.context))).is_err()
        {
            self.context.fail(Code::UNKNOWN);
        }
        let mut queue = lock(&self.queue);
        queue.busy = false;
        queue.done += 1;
        self.changed.notify_all();
        Ok(queue)
    }

    /// Hands over work, and says which number it has.
    pub(crate) fn submit(self: &Arc<Self>, work: Work) -> u64 {
        if !self.blocking {
            return self.push(work);
        }
        // The default stream begins when all blocking ones have done what they had, and they go
        // on when it has done what it had.
        let _order = lock(&self.context.order);
        let default = self.context.default_if_used();
        let is_default = default
            .as_ref()
            .is_some_and(|default| Arc::ptr_eq(default, self));
        let before: Vec<_> = match default {
            Some(_) if is_default => {
                let mut streams = self.context.streams();
                streams.retain(|stream| stream.blocking);
                streams
            }
            default => default.into_iter().collect(),
        };
        for other in before {
            let (submitted, done) = other.progress();
            if done < submitted {
                self.push(Box::new(move |_| other.wait_for(submitted)));
            }
        }
        self.push(work)
    }

    fn push(&self, work: Work) -> u64 {
        let mut queue = lock(&self.queue);
        queue.work.push_back(work);
        queue.submitted += 1;
        let number = queue.submitted;
        drop(queue);
        self.changed.notify_all();
        number
    }

    /// How much was handed over, and how much of it is done.
    pub(crate) fn progress(&self) -> (u64, u64) {
        let queue = lock(&self.queue);
        (queue.submitted, queue.done)
    }

    pub(crate) fn has_done(&self, number: u64) -> bool {
        self.progress().1 >= number
    }

    /// Waits until the work of this number is done.
    pub(crate) fn wait_for(&self, number: u64) {
        let mut queue = lock(&self.queue);
        while queue.done < number {
            queue = match self.step(queue) {
                Ok(queue) => queue,
                Err(queue) => wait(&self.changed, queue),
            };
        }
    }

    pub(crate) fn wait_for_all(&self) {
        self.wait_for(self.progress().0);
    }

    /// Waits for everything, and says how it went.
    pub(crate) fn synchronise(&self) -> code::Result {
        self.wait_for_all();
        self.context.check()
    }

    /// Lets its thread end when it has done what it has.
    pub(crate) fn close(&self) {
        lock(&self.queue).closed = true;
        self.changed.notify_all();
    }
}

/// The stream of a handle, in a context that is not broken. Null and 1 are the default stream, 2 is
/// the thread's own.
pub(crate) fn get(handle: Handle) -> code::Result<Arc<Stream>> {
    match handle {
        0 | 1 => Ok(context::current()?.default_stream()),
        2 => Ok(context::current()?.stream_of_thread()),
        _ => {
            context::current()?;
            let stream = STREAMS.get(handle)?;
            stream.context.check()?;
            Ok(stream)
        }
    }
}

/// Does work in the default stream, and waits for it: what calls without a stream do.
pub(crate) fn run_now(work: Work) -> code::Result {
    let stream = context::current()?.default_stream();
    let number = stream.submit(work);
    stream.wait_for(number);
    stream.context.check()
}

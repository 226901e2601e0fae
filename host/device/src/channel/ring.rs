//! A ring buffer of messages from one process to another, with one writer and one
//! reader (Lamport 1983). A reader that finds no message polls for a moment, then
//! sleeps until it is woken.

use std::hint::spin_loop;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use std::time::{Duration, Instant};

use rustix::thread::futex;

use super::memory::{Direction, SharedMemory};

/// Up to where the reader has read, up to where the writer has written, and
/// whether the reader sleeps.
const HEAD: usize = 0;
const TAIL: usize = 1;
const SLEEPS: usize = 2;

/// Of a message: its length.
const PREFIX: usize = 4;

/// The other side wrote what no correct one writes.
#[derive(Debug, thiserror::Error)]
#[error("the other side of the channel broke its rules: {0}")]
pub(crate) struct Broken(pub(crate) &'static str);

/// The writing end.
#[derive(Debug)]
pub(crate) struct Producer {
    memory: Arc<SharedMemory>,
    direction: Direction,
    tail: u32,
}

impl Producer {
    pub(crate) fn to_worker(memory: &Arc<SharedMemory>) -> Producer {
        Producer::new(memory, Direction::ToWorker)
    }

    pub(crate) fn to_host(memory: &Arc<SharedMemory>) -> Producer {
        Producer::new(memory, Direction::ToHost)
    }

    fn new(memory: &Arc<SharedMemory>, direction: Direction) -> Producer {
        Producer {
            memory: Arc::clone(memory),
            direction,
            tail: 0,
        }
    }

    /// Whether the ring can hold a message when it is empty.
    pub(crate) fn can_hold(&self, message: &[u8]) -> bool {
        PREFIX + message.len() <= self.memory.layout().ring
    }

    /// Appends a message, and wakes the reader where it sleeps. False where the
    /// ring has no room for it now.
    ///
    /// # Errors
    /// Where the reader claims to have read what was never written, and for a
    /// message that no ring can hold.
    pub(crate) fn send(&mut self, message: &[u8]) -> Result<bool, Broken> {
        let capacity = self.memory.layout().ring;
        let bytes = PREFIX + message.len();
        if !self.can_hold(message) {
            return Err(Broken("a message is larger than the ring"));
        }
        let head = self.word(HEAD).load(Ordering::Acquire);
        let used = self.tail.wrapping_sub(head) as usize;
        if used > capacity {
            return Err(Broken("the reader is ahead of the writer"));
        }
        if bytes > capacity - used {
            return Ok(false);
        }
        // Bounded by the ring's size above.
        let length = (message.len() as u32).to_le_bytes();
        self.memory.ring_write(self.direction, self.tail, &length);
        let start = self.tail.wrapping_add(PREFIX as u32);
        self.memory.ring_write(self.direction, start, message);
        self.tail = self.tail.wrapping_add(bytes as u32);
        self.word(TAIL).store(self.tail, Ordering::Release);
        // Either the reader sees the message after it said that it sleeps, or this
        // sees that it sleeps.
        fence(Ordering::SeqCst);
        wake(self.word(SLEEPS));
        Ok(true)
    }

    fn word(&self, index: usize) -> &AtomicU32 {
        self.memory.word(self.direction, index)
    }
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Message,
    TimeOut,
    /// By [`poke`](Listener::poke).
    Poked,
}

/// The reading end.
#[derive(Debug)]
pub(crate) struct Consumer {
    memory: Arc<SharedMemory>,
    direction: Direction,
    head: u32,
    listener: Listener,
}

/// Waits for messages to a consumer, which another thread may take meanwhile. What it keeps is in this
/// process, where the other side can't change it.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    memory: Arc<SharedMemory>,
    direction: Direction,
    shared: Arc<Listening>,
    /// How long to poll before sleeping.
    spin: Duration,
}

#[derive(Debug, Default)]
struct Listening {
    /// Up to where the consumer has read.
    head: AtomicU32,
    /// That a thread sleeps, or is about to.
    sleeps: AtomicBool,
    /// That it has something to do beside reading messages.
    poked: AtomicBool,
}

/// While it lives, messages wake no thread that sleeps at the ring: the one that has this looks for them.
#[must_use]
#[derive(Debug)]
pub(crate) struct Undisturbed<'a> {
    listener: &'a Listener,
}

impl Consumer {
    pub(crate) fn to_worker(memory: &Arc<SharedMemory>) -> Consumer {
        Consumer::new(memory, Direction::ToWorker)
    }

    pub(crate) fn to_host(memory: &Arc<SharedMemory>) -> Consumer {
        Consumer::new(memory, Direction::ToHost)
    }

    fn new(memory: &Arc<SharedMemory>, direction: Direction) -> Consumer {
        Consumer {
            memory: Arc::clone(memory),
            direction,
            head: 0,
            listener: Listener {
                memory: Arc::clone(memory),
                direction,
                shared: Arc::default(),
                spin: spin_time(),
            },
        }
    }

    /// Waits for this consumer's messages.
    pub(crate) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// The next message, copied over what `into` held; false where there is none.
    ///
    /// # Errors
    /// Where positions or a length make no sense.
    pub(crate) fn receive(&mut self, into: &mut Vec<u8>) -> Result<bool, Broken> {
        let capacity = self.memory.layout().ring;
        let tail = self.word(TAIL).load(Ordering::Acquire);
        let there = tail.wrapping_sub(self.head) as usize;
        if there == 0 {
            return Ok(false);
        }
        if there > capacity || there < PREFIX {
            return Err(Broken("the writer's position makes no sense"));
        }
        let mut length = [0; PREFIX];
        self.memory
            .ring_read(self.direction, self.head, &mut length);
        let length = u32::from_le_bytes(length) as usize;
        if length > there - PREFIX {
            return Err(Broken("a message is longer than what was written"));
        }
        into.clear();
        into.resize(length, 0);
        let start = self.head.wrapping_add(PREFIX as u32);
        self.memory.ring_read(self.direction, start, into);
        self.head = start.wrapping_add(length as u32);
        self.listener
            .shared
            .head
            .store(self.head, Ordering::Release);
        self.word(HEAD).store(self.head, Ordering::Release);
        Ok(true)
    }

    fn word(&self, index: usize) -> &AtomicU32 {
        self.memory.word(self.direction, index)
    }
}

impl Listener {
    /// Whether there is a message.
    pub(crate) fn is_there(&self) -> bool {
        self.word(TAIL).load(Ordering::Acquire) != self.shared.head.load(Ordering::Acquire)
    }

    /// The caller looks for messages: they wake no thread that sleeps here, until this is dropped.
    /// Then that thread sleeps on, unless there is a message that nobody took, or it was poked.
    pub(crate) fn undisturbed(&self) -> Undisturbed<'_> {
        self.word(SLEEPS).store(0, Ordering::SeqCst);
        Undisturbed { listener: self }
    }

    /// Ends the wait of the thread that sleeps here, or the next one, where none does: it has something
    /// to do beside reading messages.
    pub(crate) fn poke(&self) {
        self.shared.poked.store(true, Ordering::SeqCst);
        // Either the thread sees that before it sleeps, or this sees that it sleeps.
        fence(Ordering::SeqCst);
        wake(self.word(SLEEPS));
    }

    /// Looks for a message for a while, and does something else between two looks; whether there is
    /// one.
    pub(crate) fn poll(&self, mut meanwhile: impl FnMut()) -> bool {
        let started = Instant::now();
        loop {
            if self.is_there() {
                return true;
            }
            meanwhile();
            if started.elapsed() >= self.spin {
                return self.is_there();
            }
            pause();
        }
    }

    /// Waits for a message, no longer than until it is poked or the time is over.
    pub(crate) fn wait(&self, limit: Option<Duration>) -> Wait {
        match limit.is_none_or(|limit| limit >= self.spin) && self.poll(|| {}) {
            true => Wait::Message,
            false => self.sleep(limit),
        }
    }

    /// As [`wait`](Listener::wait), without polling first.
    pub(crate) fn sleep(&self, limit: Option<Duration>) -> Wait {
        let started = Instant::now();
        loop {
            if self.is_there() {
                return Wait::Message;
            }
            if self.shared.poked.swap(false, Ordering::SeqCst) {
                return Wait::Poked;
            }
            let waited = started.elapsed();
            if limit.is_some_and(|limit| waited >= limit) {
                return Wait::TimeOut;
            }
            let sleeps = self.word(SLEEPS);
            // Before the word that the other side reads: whoever clears that finds this.
            self.shared.sleeps.store(true, Ordering::SeqCst);
            sleeps.store(1, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            if !self.is_there() && !self.shared.poked.load(Ordering::SeqCst) {
                let left = limit.map(|limit| limit.saturating_sub(waited));
                let left = left.and_then(|left| left.try_into().ok());
                // Woken, interrupted or timed out: the loop checks again.
                let _ = futex::wait(sleeps, futex::Flags::empty(), 1, left.as_ref());
            }
            sleeps.store(0, Ordering::SeqCst);
            self.shared.sleeps.store(false, Ordering::SeqCst);
        }
    }

    fn word(&self, index: usize) -> &AtomicU32 {
        self.memory.word(self.direction, index)
    }
}

impl Drop for Undisturbed<'_> {
    fn drop(&mut self) {
        let Listening { sleeps, poked, .. } = &*self.listener.shared;
        if !sleeps.load(Ordering::SeqCst) {
            return;
        }
        let word = self.listener.word(SLEEPS);
        word.store(1, Ordering::SeqCst);
        // Either whoever writes or pokes sees that a thread sleeps, or this sees what they did.
        fence(Ordering::SeqCst);
        if self.listener.is_there() || poked.load(Ordering::SeqCst) {
            wake(word);
        }
    }
}

fn wake(sleeps: &AtomicU32) {
    if sleeps.load(Ordering::SeqCst) != 0 && sleeps.swap(0, Ordering::SeqCst) != 0 {
        // It fails for an address that is none, which a reference is not.
        let _ = futex::wake(sleeps, futex::Flags::empty(), u32::MAX);
    }
}

/// How long a thread of a worker, or of the host that listens to one, polls before it sleeps: being woken
/// takes some 5 to 50 microseconds. Where processors are few, other threads need them more: with two, a
/// launch that is waited for takes a third longer where a worker's thread polls. To let others run
/// between two polls halves that time, but on a busy machine it takes milliseconds until they give the
/// processor back, which a thread that was asleep gets at once.
pub(crate) fn spin_time() -> Duration {
    match std::thread::available_parallelism() {
        Ok(processors) if processors.get() >= 4 => Duration::from_micros(50),
        _ => Duration::ZERO,
    }
}

/// What a thread does between two polls.
pub(crate) fn pause() {
    for _ in 0..64 {
        spin_loop();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use proptest::prelude::*;

    use super::*;
    use crate::channel::Layout;

    #[test]
    fn a_reader_does_something_else_between_two_looks_and_finds_what_comes_meanwhile() {
        let (_memory, mut producer, consumer) = pair();
        let mut looks = 0;
        assert!(!consumer.listener().poll(|| looks += 1));
        assert!(looks > 0);
        let sends = || assert!(producer.send(b"message").unwrap());
        let mut sends = Some(sends);
        assert!(consumer.listener().poll(|| {
            if let Some(mut send) = sends.take() {
                send();
            }
        }));
    }

    fn pair() -> (Arc<SharedMemory>, Producer, Consumer) {
        let (memory, _file) = SharedMemory::create(Layout::of(4096)).unwrap();
        let memory = Arc::new(memory);
        let ends = (Producer::to_host(&memory), Consumer::to_host(&memory));
        (memory, ends.0, ends.1)
    }

    /// A thread that sleeps at the ring by now.
    fn fall_asleep(consumer: &Consumer) -> std::thread::JoinHandle<Wait> {
        let listener = consumer.listener().clone();
        let (tell, told) = std::sync::mpsc::channel();
        let sleeping = std::thread::spawn(move || {
            tell.send(rustix::thread::gettid()).unwrap();
            listener.sleep(None)
        });
        let thread = told.recv().unwrap().as_raw_nonzero();
        let stat = format!("/proc/self/task/{thread}/stat");
        let sleeps = || std::fs::read_to_string(&stat).unwrap().contains(") S ");
        while consumer.word(SLEEPS).load(Ordering::SeqCst) == 0 || !sleeps() {
            std::thread::yield_now();
        }
        sleeping
    }

    #[test]
    fn a_thread_that_sleeps_is_left_alone_while_another_one_looks_and_then_woken_for_what_it_left()
    {
        let (_memory, mut producer, mut consumer) = pair();
        let sleeping = fall_asleep(&consumer);
        let listener = consumer.listener().clone();
        let undisturbed = listener.undisturbed();
        assert!(producer.send(b"first").unwrap());
        let mut message = Vec::new();
        assert!(consumer.receive(&mut message).unwrap());
        drop(undisturbed);
        // It was taken by another thread.
        assert!(!sleeping.is_finished());
        let undisturbed = listener.undisturbed();
        assert!(producer.send(b"second").unwrap());
        drop(undisturbed);
        assert_eq!(sleeping.join().unwrap(), Wait::Message);
    }

    #[test]
    fn a_thread_that_sleeps_is_woken_for_what_comes_once_one_of_those_who_look_stops() {
        for poked in [false, true] {
            let (_memory, mut producer, consumer) = pair();
            let sleeping = fall_asleep(&consumer);
            let listener = consumer.listener();
            let (first, second) = (listener.undisturbed(), listener.undisturbed());
            // The first one may be kept from its processor for long.
            drop(second);
            match poked {
                true => listener.poke(),
                false => assert!(producer.send(b"message").unwrap()),
            }
            let woken = if poked { Wait::Poked } else { Wait::Message };
            assert_eq!(sleeping.join().unwrap(), woken);
            drop(first);
        }
    }

    #[test]
    fn a_poke_is_not_lost_whether_a_thread_sleeps_or_another_one_looks() {
        let (_memory, _producer, consumer) = pair();
        let listener = consumer.listener();
        listener.poke();
        assert_eq!(listener.sleep(None), Wait::Poked);
        let sleeping = fall_asleep(&consumer);
        let undisturbed = listener.undisturbed();
        listener.poke();
        drop(undisturbed);
        assert_eq!(sleeping.join().unwrap(), Wait::Poked);
    }

    #[test]
    fn messages_arrive_in_order_and_whole_across_threads() {
        let (_memory, mut producer, mut consumer) = pair();
        let sender = std::thread::spawn(move || {
            for number in 0_u32..20_000 {
                let message = vec![number as u8; number as usize % 300];
                while !producer.send(&message).unwrap() {
                    std::thread::yield_now();
                }
            }
        });
        let mut message = Vec::new();
        for number in 0_u32..20_000 {
            assert_eq!(consumer.listener().wait(None), Wait::Message);
            assert!(consumer.receive(&mut message).unwrap());
            assert_eq!(message, vec![number as u8; number as usize % 300]);
        }
        sender.join().unwrap();
        assert!(!consumer.receive(&mut message).unwrap());
    }

    #[test]
    fn a_full_ring_takes_nothing_more_and_loses_nothing() {
        let (_memory, mut producer, mut consumer) = pair();
        let message = [7; 1000];
        let mut sent = 0;
        while producer.send(&message).unwrap() {
            sent += 1;
        }
        assert_eq!(sent, Layout::RING / 1004);
        let mut into = Vec::new();
        for _ in 0..sent {
            assert!(consumer.receive(&mut into).unwrap());
            assert_eq!(into, message);
        }
        assert!(!consumer.receive(&mut into).unwrap());
        assert!(producer.send(&message).unwrap());
    }

    #[test]
    fn a_wait_ends_when_the_time_is_over() {
        let (_memory, _producer, consumer) = pair();
        let waited = consumer.listener().wait(Some(Duration::from_millis(1)));
        assert_eq!(waited, Wait::TimeOut);
    }

    proptest! {
        #[test]
        fn whatever_the_other_side_writes_is_read_or_refused(
            tail in any::<u32>(),
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            let (memory, _producer, mut consumer) = pair();
            memory.ring_write(Direction::ToHost, 0, &bytes);
            memory.word(Direction::ToHost, TAIL).store(tail, Ordering::Release);
            let mut into = Vec::new();
            for _ in 0..100 {
                match consumer.receive(&mut into) {
                    Ok(true) => prop_assert!(into.len() <= Layout::RING),
                    Ok(false) | Err(_) => break,
                }
            }
        }

        #[test]
        fn a_reader_that_lies_is_found_out(head in any::<u32>()) {
            let (memory, mut producer, _consumer) = pair();
            prop_assert!(producer.send(b"first").unwrap());
            memory.word(Direction::ToHost, HEAD).store(head, Ordering::Release);
            let used = 9_u32.wrapping_sub(head) as usize;
            prop_assert_eq!(producer.send(b"second").is_err(), used > Layout::RING);
        }
    }
}

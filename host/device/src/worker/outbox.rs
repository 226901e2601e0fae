//! A worker's answers to the host, from any of its threads.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::channel::wire::{self, Answer};
use crate::channel::{Producer, SharedMemory};
use crate::sync::lock;

/// How long to wait where the ring has no room, until the host has read more.
const FULL: Duration = Duration::from_micros(50);

#[derive(Clone, Debug)]
pub(super) struct Outbox {
    answers: Arc<Mutex<Producer>>,
}

impl Outbox {
    pub(super) fn new(memory: &Arc<SharedMemory>) -> Outbox {
        Outbox {
            answers: Arc::new(Mutex::new(Producer::to_host(memory))),
        }
    }

    /// Sends an answer. The host always reads, so the wait for room is short.
    pub(super) fn send(&self, answer: &Answer) {
        let mut message = Vec::new();
        if wire::encode(answer, &mut message).is_err() {
            return;
        }
        let mut answers = lock(&self.answers);
        while let Ok(false) = answers.send(&message) {
            std::thread::sleep(FULL);
        }
    }
}

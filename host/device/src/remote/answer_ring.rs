//! The ring of a worker's answers, as whoever takes them has it.

use crate::channel::{Broken, Consumer};

/// The reading end of a worker's answers.
#[derive(Debug)]
pub(super) struct AnswerRing {
    pub(super) consumer: Consumer,
    pub(super) message: Vec<u8>,
    /// What a caller found that the supervising thread has to end the worker for.
    pub(super) broken: Option<Broken>,
}

impl AnswerRing {
    pub(super) fn new(consumer: Consumer) -> AnswerRing {
        AnswerRing {
            consumer,
            message: Vec::new(),
            broken: None,
        }
    }
}

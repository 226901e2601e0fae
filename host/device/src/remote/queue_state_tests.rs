//! Whatever is queued, and whenever the worker gets to it: each caller that waits learns
//! of the failure before it, and the worker executes what a queue that does one thing
//! after another would.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;
use crate::submission::{EventSignal, Reply};

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    Good,
    Bad,
    Wait,
    /// The worker takes one message.
    Work,
}

/// What is on its way to the worker.
enum Sent {
    Command(SequenceNumber, u32),
    Resume,
}

struct Model {
    queue: RemoteQueue,
    to_worker: VecDeque<Sent>,
    worker: FailureState<()>,
    done: Vec<u32>,
    failures: Identifiers,
}

const BAD: u32 = 1 << 31;

/// An entry that holds nothing, and that nobody waits for.
fn entry(encoded: Vec<u8>) -> Entry {
    let (signal, _) = EventSignal::channel();
    Entry {
        command: Command::Event(signal),
        encoded,
        permit: None,
        _bounce: None,
    }
}

impl Model {
    fn push(&mut self, command: Option<Command<Handles>>, number: u32) {
        let mut effects = DeferredEffects::default();
        let mut entry = entry(number.to_le_bytes().to_vec());
        if let Some(command) = command {
            entry.command = command;
        }
        self.queue.push(entry, &mut effects);
        self.send();
        effects.carry_out();
    }

    fn send(&mut self) {
        while let Some((number, entry)) = self.queue.next(3) {
            let command = u32::from_le_bytes(entry.encoded.clone().try_into().unwrap());
            self.to_worker.push_back(Sent::Command(number, command));
            self.queue.sent();
        }
    }

    /// The worker takes one message.
    fn work(&mut self) {
        let (number, command) = match self.to_worker.pop_front() {
            Some(Sent::Command(number, command)) => (number, command),
            Some(Sent::Resume) => {
                assert_eq!(self.worker.take(), Some(()));
                return;
            }
            None => return,
        };
        let outcome = if self.worker.admit(false).is_some() {
            Outcome::Skipped
        } else if command & BAD != 0 {
            self.worker.fail(());
            Outcome::Failed(Error::InvalidLaunch(command.to_string()))
        } else {
            self.done.push(command);
            Outcome::Done(None)
        };
        let mut effects = DeferredEffects::default();
        let failure = self.failures.next();
        let resume = self
            .queue
            .answer(number, outcome, Duration::ZERO, failure, &mut effects);
        if resume.unwrap() {
            self.to_worker.push_back(Sent::Resume);
        }
        self.send();
        effects.carry_out();
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Good),
        1 => Just(Step::Bad),
        2 => Just(Step::Wait),
        4 => Just(Step::Work),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn a_failure_is_learnt_once_and_what_comes_after_is_done(steps in steps()) {
        let mut model = Model {
            queue: RemoteQueue::new(None),
            to_worker: VecDeque::new(),
            worker: FailureState::Working,
            done: Vec::new(),
            failures: Identifiers::default(),
        };
        let (mut waits, mut expected, mut done) = (Vec::new(), Vec::new(), Vec::new());
        let mut failure = None;
        for (number, step) in (0_u32..).zip(steps) {
            match step {
                Step::Good => {
                    if failure.is_none() {
                        done.push(number);
                    }
                    model.push(None, number);
                }
                Step::Bad => {
                    failure.get_or_insert(number | BAD);
                    model.push(None, number | BAD);
                }
                Step::Wait => {
                    let (reply, answer) = Reply::channel();
                    expected.push(failure.take());
                    waits.push(answer);
                    model.push(Some(Command::Fence(reply)), number);
                }
                Step::Work => model.work(),
            }
        }
        while !model.to_worker.is_empty() {
            model.work();
        }
        prop_assert_eq!(model.done, done);
        for (mut answer, expected) in waits.into_iter().zip(expected) {
            let told = match answer.try_recv().expect("the caller learnt how it ended") {
                Ok(()) => None,
                Err(Error::InvalidLaunch(which)) => Some(which.parse::<u32>().unwrap()),
                Err(other) => panic!("{other}"),
            };
            prop_assert_eq!(told, expected);
        }
        prop_assert!(!model.queue.is_at_work());
        prop_assert_eq!(model.queue.is_failed(), failure.is_some());
    }
}

#[test]
fn an_answer_that_is_not_owed_breaks_the_rules() {
    let mut queue = RemoteQueue::new(None);
    let mut effects = DeferredEffects::default();
    let failure = FailureId::from(1);
    let mut answer = |queue: &mut RemoteQueue, number: u64| {
        let outcome = Outcome::Done(None);
        queue.answer(
            number.into(),
            outcome,
            Duration::ZERO,
            failure,
            &mut effects,
        )
    };
    assert!(answer(&mut queue, 0).is_err());
    queue.push(entry(Vec::new()), &mut DeferredEffects::default());
    let (number, _) = queue.next(1).unwrap();
    queue.sent();
    let other = SequenceNumber::from(7);
    assert_ne!(number, other);
    assert!(answer(&mut queue, 7).is_err());
}

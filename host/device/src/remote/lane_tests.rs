//! Whatever is queued, and whenever the worker gets to it: each call that waits is told
//! of the failure before it, and what the worker does is what a queue that does one
//! thing after another would do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::VecDeque;

use proptest::prelude::*;
use tokio::sync::oneshot;

use super::*;

/// What is queued.
#[derive(Clone, Copy, Debug)]
enum Step {
    Good,
    Bad,
    Wait,
    /// The worker gets so far.
    Work,
}

/// What is on its way to the worker.
enum Sent {
    Work(u64, u32),
    Resume,
}

struct Model {
    lane: Lane,
    to_worker: VecDeque<Sent>,
    failed: bool,
    done: Vec<u32>,
    poisons: u64,
}

const BAD: u32 = 1 << 31;

impl Model {
    fn push(&mut self, job: Job, task: u32) {
        let mut after = After::default();
        let op = Op {
            job,
            held: Held::default(),
            task: task.to_le_bytes().to_vec(),
            ticket: None,
        };
        self.lane.push(op, &mut after);
        self.pump();
        after.carry_out();
    }

    fn pump(&mut self) {
        while let Some((number, op)) = self.lane.next(3) {
            let task = u32::from_le_bytes(op.task.clone().try_into().unwrap());
            self.to_worker.push_back(Sent::Work(number, task));
            self.lane.sent();
        }
    }

    /// The worker takes one message. False where there is none.
    fn work(&mut self) -> bool {
        let Some(Sent::Work(number, task)) = self.to_worker.pop_front() else {
            // A resume, or nothing.
            let resumed = self.failed && self.lane.is_at_work();
            self.failed = false;
            return resumed || !self.to_worker.is_empty();
        };
        let outcome = if self.failed {
            Outcome::Skipped
        } else if task & BAD != 0 {
            self.failed = true;
            Outcome::Failed(Error::InvalidLaunch(task.to_string()))
        } else {
            self.done.push(task);
            Outcome::Done(None)
        };
        self.poisons += 1;
        let mut after = After::default();
        let poison = PoisonId::of(self.poisons);
        if self
            .lane
            .answer(number, outcome, poison, &mut after)
            .unwrap()
        {
            self.to_worker.push_back(Sent::Resume);
        }
        self.pump();
        after.carry_out();
        true
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
    fn a_failure_is_told_once_and_what_comes_after_is_done(steps in steps()) {
        let mut model = Model {
            lane: Lane::new(None),
            to_worker: VecDeque::new(),
            failed: false,
            done: Vec::new(),
            poisons: 0,
        };
        let (mut waits, mut expected, mut done) = (Vec::new(), Vec::new(), Vec::new());
        let mut failure = None;
        for (number, step) in (0_u32..).zip(steps) {
            match step {
                Step::Good => {
                    if failure.is_none() {
                        done.push(number);
                    }
                    model.push(Job::Plain, number);
                }
                Step::Bad => {
                    failure.get_or_insert(number | BAD);
                    model.push(Job::Plain, number | BAD);
                }
                Step::Wait => {
                    let (reply, answer) = oneshot::channel();
                    expected.push(failure.take());
                    waits.push(answer);
                    model.push(Job::Fence(reply), number);
                }
                Step::Work => {
                    model.work();
                }
            }
        }
        while model.work() || !model.to_worker.is_empty() {}
        prop_assert_eq!(model.done, done);
        for (mut answer, expected) in waits.into_iter().zip(expected) {
            let told = match answer.try_recv().expect("it was told") {
                Ok(()) => None,
                Err(Error::InvalidLaunch(which)) => Some(which.parse::<u32>().unwrap()),
                Err(other) => panic!("{other}"),
            };
            prop_assert_eq!(told, expected);
        }
        prop_assert!(!model.lane.is_at_work());
        prop_assert_eq!(model.lane.is_poisoned(), failure.is_some());
    }
}

#[test]
fn an_answer_that_is_not_owed_is_found_out() {
    let mut lane = Lane::new(None);
    let mut after = After::default();
    let poison = PoisonId::of(1);
    assert!(
        lane.answer(0, Outcome::Done(None), poison, &mut after)
            .is_err()
    );
    let op = Op {
        job: Job::Plain,
        held: Held::default(),
        task: Vec::new(),
        ticket: None,
    };
    lane.push(op, &mut after);
    lane.sent();
    assert!(
        lane.answer(1, Outcome::Done(None), poison, &mut after)
            .is_err()
    );
}

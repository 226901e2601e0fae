//! The state machine of a failed queue, for every backend and on both sides of a worker's channel.
//!
//! ```text
//!            command: run it              command: refuse it
//!            ┌──────┐                     ┌──────┐
//!            │      ▼       failure       │      ▼
//!           ┌─────────┐ ───────────────▶ ┌──────────┐
//!           │ working │                  │  failed  │
//!           └─────────┘ ◀─────────────── └──────────┘
//!                        acknowledged
//! ```
//!
//! A failure is *acknowledged* by the first caller that learns of it. In the host, that is a command
//! whose caller waits for its result (a read, a fence), in the order of the queue, or an event behind
//! the failure that somebody waits for. In a worker, where no caller waits, it is the host's request to
//! resume.

use std::collections::VecDeque;
use std::collections::vec_deque::Drain;

/// Whether a queue's commands run, or are refused because of a failure of which no caller has learnt
/// yet. `F` is what is known of the failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum FailureState<F> {
    #[default]
    Working,
    Failed(F),
}

impl<F> FailureState<F> {
    pub(crate) fn is_failed(&self) -> bool {
        matches!(self, FailureState::Failed(_))
    }

    /// Decides on a command that comes now: `None` where it is to run, else the failure for which it
    /// is refused. `waits` says that its caller waits for its result, and so acknowledges the failure.
    pub(crate) fn admit(&mut self, waits: bool) -> Option<F>
    where
        F: Clone,
    {
        match self {
            FailureState::Working => None,
            FailureState::Failed(_) if waits => self.take(),
            FailureState::Failed(failure) => Some(failure.clone()),
        }
    }

    /// The queue's work has failed, and no command is pending whose caller could learn of it.
    pub(crate) fn fail(&mut self, failure: F) {
        *self = FailureState::Failed(failure);
    }

    /// The queue's work has failed. Returns the pending commands that are refused for it, out of those
    /// given in their order: all up to the first whose caller `waits`, which acknowledges it.
    pub(crate) fn fail_pending<'a, T>(
        &mut self,
        failure: F,
        pending: &'a mut VecDeque<T>,
        waits: impl Fn(&T) -> bool,
    ) -> Drain<'a, T> {
        match pending.iter().position(waits) {
            Some(first) => pending.drain(..=first),
            None => {
                self.fail(failure);
                pending.drain(..)
            }
        }
    }

    /// A caller has learnt of a failure: if it is this one, commands run again.
    pub(crate) fn acknowledge(&mut self, is_this: impl FnOnce(&F) -> bool) {
        if matches!(self, FailureState::Failed(failure) if is_this(failure)) {
            *self = FailureState::Working;
        }
    }

    /// Commands run again. Returns the failure, if there was one.
    pub(crate) fn take(&mut self) -> Option<F> {
        match std::mem::replace(self, FailureState::Working) {
            FailureState::Working => None,
            FailureState::Failed(failure) => Some(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    /// What happens to a queue.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// A command is queued: whether it will fail, and whether its caller waits.
        Queue { fails: bool, waits: bool },
        /// The device comes to the first pending command.
        Work,
        /// Somebody learns of the failure with this number, or the one before it.
        Acknowledge { late: bool },
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let queue = (prop::bool::weighted(0.2), prop::bool::weighted(0.3));
        let step = prop_oneof![
            4 => queue.prop_map(|(fails, waits)| Step::Queue { fails, waits }),
            3 => Just(Step::Work),
            1 => any::<bool>().prop_map(|late| Step::Acknowledge { late }),
        ];
        prop::collection::vec(step, 0..100)
    }

    #[derive(Clone, Copy, Debug)]
    struct Pending {
        number: usize,
        fails: bool,
        waits: bool,
    }

    proptest! {
        /// Commands run in order; each failure is learnt once, by the first who waits behind it; and
        /// what is queued between a failure and that is refused for this failure.
        #[test]
        fn a_failure_is_learnt_once_and_what_comes_after_runs(steps in steps()) {
            let mut state = FailureState::default();
            let mut pending = VecDeque::new();
            let (mut ran, mut refused, mut learnt) = (Vec::new(), Vec::new(), Vec::new());
            let mut failures = Vec::new();
            for (number, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Queue { fails, waits } => match state.admit(waits) {
                        None => pending.push_back(Pending { number, fails, waits }),
                        Some(failure) => {
                            refused.push((number, failure));
                            if waits {
                                learnt.push(failure);
                            }
                        }
                    },
                    Step::Work => {
                        let Some(first) = pending.pop_front() else { continue };
                        // A failed queue has nothing to do.
                        prop_assert!(!state.is_failed());
                        if !first.fails {
                            ran.push(first.number);
                            continue;
                        }
                        failures.push(first.number);
                        if first.waits {
                            learnt.push(first.number);
                            continue;
                        }
                        let dropped: Vec<Pending> = state
                            .fail_pending(first.number, &mut pending, |command| command.waits)
                            .collect();
                        for command in dropped {
                            refused.push((command.number, first.number));
                            if command.waits {
                                learnt.push(first.number);
                            }
                        }
                    }
                    Step::Acknowledge { late } => {
                        let which = failures.iter().rev().nth(usize::from(late)).copied();
                        if state.is_failed() && !late {
                            learnt.push(which.unwrap());
                        }
                        let before = state;
                        state.acknowledge(|failure| Some(*failure) == which);
                        prop_assert_eq!(state.is_failed(), before.is_failed() && late);
                    }
                }
            }
            // Each failure at most once, in their order.
            prop_assert!(learnt.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", learnt);
            let unlearnt = usize::from(state.is_failed());
            prop_assert_eq!(learnt.len() + unlearnt, failures.len());
            prop_assert!(ran.windows(2).all(|pair| pair[0] < pair[1]));
            // Only for a failure before it, of which nobody had learnt.
            for (number, failure) in refused {
                prop_assert!(failure < number);
                prop_assert!(!ran.contains(&number));
            }
        }
    }

    #[test]
    fn in_a_worker_all_is_skipped_until_the_host_says_to_resume() {
        let mut state = FailureState::Working;
        assert_eq!(state.admit(false), None);
        state.fail(());
        assert_eq!([state.admit(false), state.admit(false)], [Some(()); 2]);
        assert_eq!(state.take(), Some(()));
        assert_eq!(state.admit(false), None);
    }

    #[test]
    fn an_acknowledgement_that_comes_late_changes_nothing() {
        let mut state = FailureState::Failed(2);
        state.acknowledge(|failure| *failure == 1);
        assert!(state.is_failed());
        state.acknowledge(|failure| *failure == 2);
        assert_eq!(state.take(), None);
    }
}

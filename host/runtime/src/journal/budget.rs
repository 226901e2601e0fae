//! What recordings share until they are written, of all components together: memory, or places in the
//! queue of their writer.
//!
//! Each of many functions may have as much as is left then ("Dynamic queue length thresholds for
//! shared-memory packet switches", Choudhury and Hahne, 1998): one alone has half, and however many take
//! all that they may, there is a share for one more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An amount that recordings share.
#[derive(Debug)]
pub struct RecordingBudget {
    most: usize,
    held: AtomicUsize,
}

impl RecordingBudget {
    /// At most so much.
    pub fn new(most: usize) -> Arc<RecordingBudget> {
        Arc::new(RecordingBudget {
            most,
            held: AtomicUsize::new(0),
        })
    }

    /// For one component that has no others beside it: all of it.
    pub fn whole(self: &Arc<RecordingBudget>) -> Arc<BudgetShare> {
        self.with(true)
    }

    /// For one function of many: as much as it leaves.
    pub fn share(self: &Arc<RecordingBudget>) -> Arc<BudgetShare> {
        self.with(false)
    }

    fn with(self: &Arc<RecordingBudget>, is_whole: bool) -> Arc<BudgetShare> {
        Arc::new(BudgetShare {
            of: self.clone(),
            is_whole,
            held: AtomicUsize::new(0),
        })
    }
}

/// What the recordings of one component may have of a budget.
#[derive(Debug)]
pub struct BudgetShare {
    of: Arc<RecordingBudget>,
    is_whole: bool,
    held: AtomicUsize,
}

impl BudgetShare {
    /// Takes so much, until what is returned is dropped. `None` where there is not so much left.
    pub fn hold(self: &Arc<BudgetShare>, amount: usize) -> Option<HeldShare> {
        let mut held = HeldShare {
            of: self.clone(),
            amount: 0,
        };
        held.grow(amount).then_some(held)
    }

    fn reserve(&self, amount: usize) -> bool {
        let most = self.of.most;
        let Some(all) = add(&self.of.held, amount, most) else {
            return false;
        };
        let own = match self.is_whole {
            true => most,
            false => most.saturating_sub(all),
        };
        let is_reserved = add(&self.held, amount, own).is_some();
        if !is_reserved {
            self.of.held.fetch_sub(amount, Ordering::Relaxed);
        }
        is_reserved
    }

    fn release(&self, amount: usize) {
        self.held.fetch_sub(amount, Ordering::Relaxed);
        self.of.held.fetch_sub(amount, Ordering::Relaxed);
    }
}

/// The sum, unless it is above `most`.
fn add(held: &AtomicUsize, amount: usize, most: usize) -> Option<usize> {
    let add = |held: usize| held.checked_add(amount).filter(|sum| *sum <= most);
    let before = held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    before.ok().map(|before| before.saturating_add(amount))
}

/// What a recording has of a budget, until it is dropped.
#[derive(Debug)]
pub struct HeldShare {
    of: Arc<BudgetShare>,
    amount: usize,
}

impl HeldShare {
    /// Makes it so much at least. Whether there was as much left.
    pub(super) fn grow(&mut self, amount: usize) -> bool {
        let more = amount.saturating_sub(self.amount);
        let is_held = more == 0 || self.of.reserve(more);
        if is_held {
            self.amount += more;
        }
        is_held
    }
}

impl Drop for HeldShare {
    fn drop(&mut self) {
        self.of.release(self.amount);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_recording_holds_is_given_back_when_it_is_written_or_let_go() {
        let whole = RecordingBudget::new(100).whole();
        let held = whole.hold(60).unwrap();
        assert!(whole.hold(60).is_none());
        drop(held);
        let mut held = whole.hold(10).unwrap();
        assert!(held.grow(100) && held.grow(50) && !held.grow(101));
        assert!(whole.hold(1).is_none());
        drop(held);
        assert!(whole.hold(100).is_some());
    }

    #[test]
    fn a_function_that_takes_all_that_it_may_leaves_as_much_to_another() {
        let budget = RecordingBudget::new(16);
        let (one, other, third) = (budget.share(), budget.share(), budget.share());
        let all_of =
            |share: &Arc<BudgetShare>| -> Vec<_> { std::iter::from_fn(|| share.hold(1)).collect() };
        let held = all_of(&one);
        assert_eq!(held.len(), 8);
        let more = all_of(&other);
        assert_eq!(more.len(), 4);
        assert_eq!(all_of(&third).len(), 2);
        drop(held);
        assert!(one.hold(6).is_some());
    }

    proptest! {
        #[test]
        fn no_function_leaves_less_than_it_has_when_it_takes(
            steps in prop::collection::vec((0_usize..4, 0_usize..50, any::<bool>()), 0..60),
        ) {
            let budget = RecordingBudget::new(100);
            let shares = [0; 4].map(|_| budget.share());
            let mut held: Vec<HeldShare> = Vec::new();
            for (which, amount, gives_back) in steps {
                if gives_back {
                    held.truncate(held.len() / 2);
                }
                let share = &shares[which];
                if let Some(more) = share.hold(amount) {
                    held.push(more);
                    let all: usize = held.iter().map(|one| one.amount).sum();
                    let own = held.iter().filter(|one| Arc::ptr_eq(&one.of, share));
                    let own: usize = own.map(|one| one.amount).sum();
                    prop_assert!(amount == 0 || own <= 100 - all);
                }
            }
            drop(held);
            prop_assert!(shares[0].hold(50).is_some());
        }
    }
}

//! The boolean operation that the outcome of a comparison goes through, with a further predicate.

use crate::syntax::modifier::{Modifier, Modifiers};

/// How `set`, `setp` and `lop3` combine an outcome with a predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BoolCombine {
    /// There is no further predicate.
    None,
    And,
    Or,
    Xor,
}

impl BoolCombine {
    /// What an instruction's modifiers name.
    pub(crate) fn of(modifiers: &Modifiers) -> BoolCombine {
        if modifiers.has(Modifier::And) {
            BoolCombine::And
        } else if modifiers.has(Modifier::Or) {
            BoolCombine::Or
        } else if modifiers.has(Modifier::Xor) {
            BoolCombine::Xor
        } else {
            BoolCombine::None
        }
    }

    /// Combines two predicates, each 0 or 1.
    pub(crate) fn apply(self, outcome: u64, predicate: u64) -> u64 {
        match self {
            BoolCombine::None => outcome,
            BoolCombine::And => outcome & predicate,
            BoolCombine::Or => outcome | predicate,
            BoolCombine::Xor => outcome ^ predicate,
        }
    }
}

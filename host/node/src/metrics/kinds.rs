//! Numbers by a word, of which there may be few: the first that come have a number of their
//! own, and all others share one. Found without a lock.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many words have a number of their own.
pub(super) const MOST: usize = 31;

/// The longest word that is kept, in bytes.
const LONGEST: usize = 64;

/// Numbers by a word.
#[derive(Default)]
pub(super) struct Kinds {
    kinds: [OnceLock<RegisteredKind>; MOST],
    others: AtomicU64,
}

struct RegisteredKind {
    name: String,
    number: AtomicU64,
}

impl Kinds {
    /// Counts one.
    pub(super) fn add(&self, name: &str) {
        let name = &name[..name.floor_char_boundary(LONGEST)];
        for kind in &self.kinds {
            // Filled from the front, so that a word that is known comes before the first gap.
            let kind = kind.get_or_init(|| RegisteredKind {
                name: name.to_owned(),
                number: AtomicU64::new(0),
            });
            if kind.name == name {
                kind.number.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        self.others.fetch_add(1, Ordering::Relaxed);
    }

    /// Each word with its number, and `other` where there are any.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, u64)> {
        let known = self.kinds.iter().map_while(OnceLock::get);
        let known = known.map(|kind| (kind.name.as_str(), kind.number.load(Ordering::Relaxed)));
        let others = self.others.load(Ordering::Relaxed);
        known.chain((others > 0).then_some(("other", others)))
    }
}

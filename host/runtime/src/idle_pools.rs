//! The instances of all applications of an engine that wait for a next request. They are there to
//! save time: where the engine has no room for another instance, the one gives way that has waited
//! longest, whosever it is.

use crate::lock::ignore_poison;
use std::sync::{Arc, Mutex, Weak};
use std::time::Instant;

/// The waiting instances of one application.
pub(crate) trait IdlePool: Send + Sync {
    /// Since when the one waits that has waited longest; `None` where none waits.
    fn oldest(&self) -> Option<Instant>;

    /// Drops that one. Returns whether there was one.
    fn evict(&self) -> bool;
}

/// The waiting instances of all applications of an engine. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct IdlePools(Arc<Mutex<Vec<Weak<dyn IdlePool>>>>);

impl IdlePools {
    /// Adds an application's, for as long as it is there.
    pub(crate) fn add(&self, pool: Weak<dyn IdlePool>) {
        let mut pools = ignore_poison(self.0.lock());
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(pool);
    }

    /// Drops the instance that has waited longest. Returns whether there was one.
    pub(crate) fn evict_oldest(&self) -> bool {
        let pools: Vec<Arc<dyn IdlePool>> = ignore_poison(self.0.lock())
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        let mut oldest: Vec<_> = pools
            .iter()
            .filter_map(|pool| Some((pool.oldest()?, pool)))
            .collect();
        oldest.sort_by_key(|(since, _)| *since);
        // One that was taken meanwhile has no instance to give.
        oldest.into_iter().any(|(_, pool)| pool.evict())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    /// When each instance began to wait, those first that have waited longest.
    struct Pool(Mutex<Vec<Instant>>);

    impl IdlePool for Pool {
        fn oldest(&self) -> Option<Instant> {
            ignore_poison(self.0.lock()).first().copied()
        }

        fn evict(&self) -> bool {
            let mut waiting = ignore_poison(self.0.lock());
            let has_one = !waiting.is_empty();
            if has_one {
                waiting.remove(0);
            }
            has_one
        }
    }

    #[test]
    fn the_instance_that_waited_longest_gives_way_whichever_application_it_is_of() {
        let pools = IdlePools::default();
        assert!(!pools.evict_oldest());
        let start = Instant::now();
        let pool = |waiting: &[u64]| {
            let waiting = waiting.iter().map(|at| start + Duration::from_secs(*at));
            Arc::new(Pool(Mutex::new(waiting.collect())))
        };
        let all = [pool(&[2, 3]), pool(&[]), pool(&[1, 4])];
        for one in &all {
            let one: Arc<dyn IdlePool> = one.clone();
            pools.add(Arc::downgrade(&one));
        }
        let left = || {
            all.each_ref()
                .map(|pool| ignore_poison(pool.0.lock()).len())
        };
        for expected in [[2, 0, 1], [1, 0, 1], [0, 0, 1], [0, 0, 0]] {
            assert!(pools.evict_oldest());
            assert_eq!(left(), expected);
        }
        assert!(!pools.evict_oldest());
    }

    #[test]
    fn an_application_that_is_gone_has_no_place_in_the_list() {
        let pools = IdlePools::default();
        for _ in 0..100 {
            let pool: Arc<dyn IdlePool> = Arc::new(Pool(Mutex::default()));
            pools.add(Arc::downgrade(&pool));
        }
        assert_eq!(ignore_poison(pools.0.lock()).len(), 1);
    }
}

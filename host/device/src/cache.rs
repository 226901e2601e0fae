//! A cache of checked modules, by the hash of their text, for all tenants of a
//! device; the least recently used ones are evicted. A text is checked once, however
//! many callers need it at the same time. What became of a module's kernels goes with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use blake3::Hash;
use tensor_wasm_ptx::Module;
use tokio::sync::oneshot;

use crate::Error;
use crate::account::InFlightPermit;
use crate::sync::lock;

/// What a module takes besides, in bytes, roughly.
const BYTES_PER_MODULE: u64 = 4096;

type Outcome = Result<Arc<Module>, Error>;

/// The cache.
#[derive(Debug)]
pub(crate) struct ModuleCache {
    limit: u64,
    state: Mutex<CacheState>,
}

#[derive(Debug, Default)]
struct CacheState {
    kept: HashMap<Hash, Kept>,
    /// By when they were last used.
    by_age: BTreeMap<u64, Hash>,
    clock: u64,
    bytes: u64,
    /// The callers that wait for a text that a thread checks now.
    pending: HashMap<Hash, Vec<Waiter>>,
}

/// A caller that waits for a module, and its permit, which is given back before the
/// caller is answered.
#[derive(Debug)]
pub(crate) struct Waiter {
    permit: InFlightPermit,
    reply: oneshot::Sender<Outcome>,
}

impl Waiter {
    pub(crate) fn new(permit: InFlightPermit) -> (Waiter, oneshot::Receiver<Outcome>) {
        let (reply, answer) = oneshot::channel();
        (Waiter { permit, reply }, answer)
    }

    /// Whether the caller has stopped waiting.
    pub(crate) fn is_gone(&self) -> bool {
        self.reply.is_closed()
    }

    fn answer(self, outcome: Outcome) {
        drop(self.permit);
        // It fails where the caller has stopped waiting.
        drop(self.reply.send(outcome));
    }
}

#[derive(Debug)]
struct Kept {
    module: Arc<Module>,
    bytes: u64,
    used: u64,
}

/// The duty to check a text. Dropped, it ends the waits without an answer.
pub(crate) struct CheckClaim {
    cache: Arc<ModuleCache>,
    hash: Hash,
    fulfilled: bool,
}

impl ModuleCache {
    pub(crate) fn new(limit: u64) -> ModuleCache {
        ModuleCache {
            limit,
            state: Mutex::default(),
        }
    }

    /// The module of this text, where it is kept.
    pub(crate) fn get(&self, hash: &Hash) -> Option<Arc<Module>> {
        lock(&self.state).touch(hash)
    }

    /// Answers the waiter: at once where the module is in the cache, later where another
    /// thread checks it. Otherwise the calling thread is to check it, and to do so
    /// now: all tenants' callers that need the text from now on wait for that.
    pub(crate) fn claim(self: &Arc<Self>, hash: Hash, waiter: Waiter) -> Option<CheckClaim> {
        let mut state = lock(&self.state);
        if let Some(module) = state.touch(&hash) {
            drop(state);
            waiter.answer(Ok(module));
            return None;
        }
        if let Some(waiting) = state.pending.get_mut(&hash) {
            waiting.push(waiter);
            return None;
        }
        state.pending.insert(hash, vec![waiter]);
        Some(CheckClaim {
            cache: Arc::clone(self),
            hash,
            fulfilled: false,
        })
    }
}

/// The size of an entry, a checked module.
fn size(module_bytes: u64) -> u64 {
    module_bytes.saturating_add(BYTES_PER_MODULE)
}

impl CheckClaim {
    /// Answers all that wait, and keeps the module if it is one.
    pub(crate) fn fulfil(mut self, outcome: &Outcome) {
        self.fulfilled = true;
        let mut state = lock(&self.cache.state);
        let waiting = state.pending.remove(&self.hash).unwrap_or_default();
        let mut forgotten = Vec::new();
        if let Ok(module) = outcome {
            let bytes = size(module.tree_bytes());
            forgotten = state.keep(self.hash, Arc::clone(module), bytes, self.cache.limit);
        }
        drop(state);
        drop(forgotten);
        for waiter in waiting {
            waiter.answer(outcome.clone());
        }
    }
}

impl Drop for CheckClaim {
    fn drop(&mut self) {
        if !self.fulfilled {
            let waiting = lock(&self.cache.state).pending.remove(&self.hash);
            drop(waiting);
        }
    }
}

impl CacheState {
    fn touch(&mut self, hash: &Hash) -> Option<Arc<Module>> {
        let kept = self.kept.get_mut(hash)?;
        self.by_age.remove(&kept.used);
        self.clock += 1;
        kept.used = self.clock;
        self.by_age.insert(self.clock, *hash);
        Some(Arc::clone(&kept.module))
    }

    /// Keeps a module; what had to make room for it.
    fn keep(&mut self, hash: Hash, module: Arc<Module>, bytes: u64, limit: u64) -> Vec<Kept> {
        let mut forgotten = Vec::new();
        if bytes > limit || self.kept.contains_key(&hash) {
            return forgotten;
        }
        while self.bytes > limit - bytes
            && let Some((_, oldest)) = self.by_age.pop_first()
            && let Some(kept) = self.kept.remove(&oldest)
        {
            self.bytes -= kept.bytes;
            forgotten.push(kept);
        }
        self.clock += 1;
        self.bytes += bytes;
        self.by_age.insert(self.clock, hash);
        self.kept.insert(
            hash,
            Kept {
                module,
                bytes,
                used: self.clock,
            },
        );
        forgotten
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn keep(state: &mut CacheState, number: u8, bytes: u64) {
        let text = b".version 7.0\n.target sm_70\n.address_size 64\n";
        let limits = tensor_wasm_ptx::Limits::default();
        let module = Arc::new(tensor_wasm_ptx::parse(text, &limits).unwrap());
        drop(state.keep(Hash::from_bytes([number; 32]), module, bytes, 100));
    }

    #[test]
    fn modules_are_kept_up_to_the_bound() {
        assert!(size(1000) > 1000);
        assert_eq!(size(u64::MAX), u64::MAX);
        let mut state = CacheState::default();
        for (number, bytes) in [(1, 60), (2, 30), (3, 40), (4, 101)] {
            keep(&mut state, number, bytes);
            assert!(state.bytes <= 100);
        }
        // The first one made room, and the last one is too large for all of it.
        let kept = |number| state.kept.contains_key(&Hash::from_bytes([number; 32]));
        assert_eq!([1, 2, 3, 4].map(kept), [false, true, true, false]);
    }
}

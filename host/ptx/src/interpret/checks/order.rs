//! Which accesses come before which, by what orders threads.
//!
//! Each thread counts its own steps from one synchronisation to the next, and knows how far it has
//! seen each other thread: an access is ordered before a later one where the later thread has seen
//! the earlier one's count. A barrier of the whole block orders everything, so it only begins a new
//! epoch; barriers of a part of the block, `bar.warp.sync` and atomics let threads tell each other
//! what they have seen.

use crate::interpret::barrier::BARRIERS;

/// Threads of a warp.
const LANES: usize = 32;

/// How many places of shared memory remember who updated them. Those beyond share one: so some
/// threads count as ordered that are not, and none the other way round.
const PLACES: usize = 256;

/// What each thread has seen of the others.
#[derive(Debug)]
pub(crate) struct Order {
    /// Goes up with each barrier of the whole block.
    epoch: u32,
    /// Each thread's own count.
    own: Vec<u32>,
    /// What each thread has seen of each; empty as long as it has seen none.
    seen: Vec<Vec<u32>>,
    /// Whether any thread has seen one of another warp: until then only a warp's part is looked at.
    crossed: bool,
    /// What those have seen that came to a barrier and went on.
    arrived: [Vec<u32>; BARRIERS],
    /// What those had seen who updated a place.
    places: Vec<Vec<u32>>,
}

impl Order {
    pub(crate) fn new(threads: usize) -> Order {
        Order {
            epoch: 1,
            own: vec![1; threads],
            seen: vec![Vec::new(); threads],
            crossed: false,
            arrived: Default::default(),
            places: vec![Vec::new(); PLACES],
        }
    }

    pub(crate) fn epoch(&self) -> u32 {
        self.epoch
    }

    /// A thread's count now.
    pub(crate) fn now(&self, thread: usize) -> u32 {
        self.own.get(thread).copied().unwrap_or(0)
    }

    /// Whether what `earlier` did at this count comes before what `later` does now.
    pub(crate) fn is_before(&self, earlier: usize, count: u32, later: usize) -> bool {
        let seen = self.seen.get(later).and_then(|seen| seen.get(earlier));
        earlier == later || seen.is_some_and(|seen| *seen >= count)
    }

    /// All threads of the block have come together.
    pub(crate) fn whole_block(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// These threads of a warp have come together.
    pub(crate) fn warp(&mut self, threads: &[usize]) {
        let Some(first) = threads.first().map(|thread| thread - thread % LANES) else {
            return;
        };
        let range = if self.crossed {
            0..self.own.len()
        } else {
            first..(first + LANES).min(self.own.len())
        };
        let mut all = vec![0; self.own.len()];
        for thread in threads {
            self.tell(*thread, &mut all, range.clone());
        }
        for thread in threads {
            self.hear(*thread, &all, range.clone());
            self.step(*thread);
        }
    }

    /// A thread has come to a barrier and goes on without waiting.
    pub(crate) fn arrives(&mut self, thread: usize, barrier: usize) {
        let Some(slot) = self.arrived.get_mut(barrier) else {
            return;
        };
        let mut all = std::mem::take(slot);
        all.resize(self.own.len(), 0);
        self.tell(thread, &mut all, 0..self.own.len());
        self.step(thread);
        if let Some(slot) = self.arrived.get_mut(barrier) {
            *slot = all;
        }
    }

    /// A part of the block has come together; these threads have waited.
    pub(crate) fn part_of_block(&mut self, threads: &[usize], barrier: usize) {
        self.crossed = true;
        let mut all = match self.arrived.get_mut(barrier) {
            Some(arrived) => std::mem::take(arrived),
            None => Vec::new(),
        };
        let whole = 0..self.own.len();
        all.resize(whole.end, 0);
        for thread in threads {
            self.tell(*thread, &mut all, whole.clone());
        }
        for thread in threads {
            self.hear(*thread, &all, whole.clone());
            self.step(*thread);
        }
    }

    /// A thread reads or writes a place atomically: it hears of who wrote it so before, and tells
    /// who reads it so later.
    pub(crate) fn atomic(&mut self, thread: usize, address: u64, reads: bool, writes: bool) {
        self.crossed = true;
        let index = (address / 4) as usize % PLACES;
        let whole = 0..self.own.len();
        let Some(mut place) = self.places.get_mut(index).map(std::mem::take) else {
            return;
        };
        if reads && !place.is_empty() {
            self.hear(thread, &place, whole.clone());
        }
        if writes {
            place.resize(whole.end, 0);
            self.tell(thread, &mut place, whole);
            self.step(thread);
        }
        if let Some(slot) = self.places.get_mut(index) {
            *slot = place;
        }
    }

    fn step(&mut self, thread: usize) {
        if let Some(own) = self.own.get_mut(thread) {
            *own = own.saturating_add(1);
        }
    }

    /// Adds what a thread has seen, and itself.
    fn tell(&self, thread: usize, all: &mut [u32], range: std::ops::Range<usize>) {
        if let Some(seen) = self.seen.get(thread) {
            raise(all, seen, range);
        }
        if let (Some(own), Some(place)) = (self.own.get(thread), all.get_mut(thread)) {
            *place = (*place).max(*own);
        }
    }

    fn hear(&mut self, thread: usize, all: &[u32], range: std::ops::Range<usize>) {
        let threads = self.own.len();
        if let Some(seen) = self.seen.get_mut(thread) {
            seen.resize(threads, 0);
            raise(seen, all, range);
        }
    }
}

/// Takes the larger of each two.
fn raise(to: &mut [u32], from: &[u32], range: std::ops::Range<usize>) {
    let (Some(to), Some(from)) = (to.get_mut(range.clone()), from.get(range)) else {
        return;
    };
    for (to, from) in to.iter_mut().zip(from) {
        *to = (*to).max(*from);
    }
}

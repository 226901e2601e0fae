//! The happens-before order of a block's threads, by vector clocks (Lamport 1978; Mattern 1989; used
//! as in FastTrack, Flanagan and Freund 2009).
//!
//! Each thread has a clock that advances where it synchronises, and a vector: how far it has seen each
//! other thread's clock. An access happens before a later one of another thread where that thread has
//! seen the clock of the earlier access. A barrier of the whole block orders everything, so it only
//! begins a new phase and no vector is touched; at barriers of a part of the block, at `bar.warp.sync`
//! and at atomics threads join their vectors.

use std::ops::Range;

use crate::simt::barrier::BARRIERS;
use crate::simt::geometry::warp_begin;
use crate::simt::warp::WARP_LANES;

/// How many addresses of shared memory have a vector of those who updated them. Those beyond share
/// one: so some threads count as ordered that are not, and none the other way round.
const ADDRESSES: usize = 256;

/// By thread, how far its clock was seen.
type Vector = Vec<u32>;

/// What each thread has seen of the others.
#[derive(Debug)]
pub(crate) struct VectorClocks {
    /// Goes up with each barrier of the whole block.
    phase: u32,
    /// Each thread's own clock.
    own: Vec<u32>,
    /// What each thread has seen of each; empty as long as it has seen none.
    seen: Vec<Vector>,
    /// Whether any thread has seen one of another warp: until then only a warp's part of a vector is
    /// looked at.
    crossed: bool,
    /// What those have seen that arrived at a barrier without waiting.
    arrived: [Vector; BARRIERS],
    /// What those had seen who updated an address.
    updated: Vec<Vector>,
}

impl VectorClocks {
    pub(crate) fn new(threads: usize) -> VectorClocks {
        VectorClocks {
            phase: 1,
            own: vec![1; threads],
            seen: vec![Vector::new(); threads],
            crossed: false,
            arrived: Default::default(),
            updated: vec![Vector::new(); ADDRESSES],
        }
    }

    /// Which barrier of the whole block came last: accesses of different phases are ordered.
    pub(crate) fn phase(&self) -> u32 {
        self.phase
    }

    /// A thread's clock.
    pub(crate) fn now(&self, thread: u32) -> u32 {
        self.own.get(thread as usize).copied().unwrap_or(0)
    }

    /// Whether what `earlier` did at this time of its clock, in this phase, happens before what
    /// `later` does now.
    pub(crate) fn happens_before(&self, earlier: u32, clock: u32, later: u32) -> bool {
        let seen = self.seen.get(later as usize);
        let seen = seen.and_then(|seen| seen.get(earlier as usize));
        earlier == later || seen.is_some_and(|seen| *seen >= clock)
    }

    fn all(&self) -> Range<usize> {
        0..self.own.len()
    }

    /// All threads of the block have been at a barrier.
    pub(crate) fn synchronize_block(&mut self) {
        self.phase = self.phase.wrapping_add(1);
    }

    /// These threads of a warp have been at its barrier.
    pub(crate) fn synchronize_warp(&mut self, threads: &[u32]) {
        let Some(first) = threads.first().map(|thread| warp_begin(*thread) as usize) else {
            return;
        };
        let range = if self.crossed {
            self.all()
        } else {
            first..(first + WARP_LANES as usize).min(self.own.len())
        };
        let vector = vec![0; self.own.len()];
        self.join(threads, vector, range);
    }

    /// A part of the block has been at a barrier, for which these threads have waited.
    pub(crate) fn synchronize_part(&mut self, threads: &[u32], barrier: u8) {
        self.crossed = true;
        let arrived = self.arrived.get_mut(usize::from(barrier));
        let mut vector = arrived.map(std::mem::take).unwrap_or_default();
        vector.resize(self.own.len(), 0);
        self.join(threads, vector, self.all());
    }

    /// Joins the vectors of threads, and this one: each has then seen what all of them had.
    fn join(&mut self, threads: &[u32], mut vector: Vector, range: Range<usize>) {
        for thread in threads {
            self.release(*thread, &mut vector, range.clone());
        }
        for thread in threads {
            self.acquire(*thread, &vector, range.clone());
            self.advance(*thread);
        }
    }

    /// A thread has arrived at a barrier and goes on without waiting.
    pub(crate) fn arrive(&mut self, thread: u32, barrier: u8) {
        let Some(slot) = self.arrived.get_mut(usize::from(barrier)) else {
            return;
        };
        let mut vector = std::mem::take(slot);
        vector.resize(self.own.len(), 0);
        self.release(thread, &mut vector, self.all());
        self.advance(thread);
        if let Some(slot) = self.arrived.get_mut(usize::from(barrier)) {
            *slot = vector;
        }
    }

    /// A thread reads or writes an address atomically: it acquires from who wrote it so before, and
    /// releases to who reads it so later.
    pub(crate) fn atomic(&mut self, thread: u32, address: u64, reads: bool, writes: bool) {
        self.crossed = true;
        let index = (address / 4) as usize % ADDRESSES;
        let Some(mut vector) = self.updated.get_mut(index).map(std::mem::take) else {
            return;
        };
        if reads && !vector.is_empty() {
            self.acquire(thread, &vector, self.all());
        }
        if writes {
            vector.resize(self.own.len(), 0);
            self.release(thread, &mut vector, self.all());
            self.advance(thread);
        }
        if let Some(slot) = self.updated.get_mut(index) {
            *slot = vector;
        }
    }

    fn advance(&mut self, thread: u32) {
        if let Some(own) = self.own.get_mut(thread as usize) {
            *own = own.saturating_add(1);
        }
    }

    /// Adds to a vector what a thread has seen, and the thread's own clock.
    fn release(&self, thread: u32, vector: &mut [u32], range: Range<usize>) {
        let thread = thread as usize;
        if let Some(seen) = self.seen.get(thread) {
            raise(vector, seen, range);
        }
        if let (Some(own), Some(slot)) = (self.own.get(thread), vector.get_mut(thread)) {
            *slot = (*slot).max(*own);
        }
    }

    /// A thread has seen what a vector says.
    fn acquire(&mut self, thread: u32, vector: &[u32], range: Range<usize>) {
        let threads = self.own.len();
        if let Some(seen) = self.seen.get_mut(thread as usize) {
            seen.resize(threads, 0);
            raise(seen, vector, range);
        }
    }
}

/// Takes the larger of each two.
fn raise(to: &mut [u32], from: &[u32], range: Range<usize>) {
    let (Some(to), Some(from)) = (to.get_mut(range.clone()), from.get(range)) else {
        return;
    };
    for (to, from) in to.iter_mut().zip(from) {
        *to = (*to).max(*from);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An event of the model: threads that synchronise, or an access that is noted.
    #[derive(Clone, Debug)]
    enum Event {
        Join(Vec<u32>),
        Atomic(u32, u64),
        Note(u32),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            prop::collection::btree_set(0u32..40, 1..5)
                .prop_map(|threads| Event::Join(threads.into_iter().collect())),
            (0u32..40, 0u64..3).prop_map(|(thread, place)| Event::Atomic(thread, place * 4)),
            (0u32..40).prop_map(Event::Note),
        ]
    }

    proptest! {
        /// Held against sets of all that each thread has seen.
        #[test]
        fn what_was_seen_by_way_of_others_happened_before(
            events in prop::collection::vec(event(), 1..80),
        ) {
            use std::collections::BTreeSet;
            let mut clocks = VectorClocks::new(40);
            let mut noted: Vec<(u32, u32)> = Vec::new();
            let mut seen: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); 40];
            let mut places: [BTreeSet<usize>; 3] = Default::default();
            for event in events {
                match event {
                    Event::Note(thread) => {
                        seen[thread as usize].insert(noted.len());
                        noted.push((thread, clocks.now(thread)));
                    }
                    Event::Join(threads) => {
                        clocks.synchronize_part(&threads, 1);
                        let all: BTreeSet<usize> = threads
                            .iter()
                            .flat_map(|thread| seen[*thread as usize].iter().copied())
                            .collect();
                        for thread in threads {
                            seen[thread as usize] = all.clone();
                        }
                    }
                    Event::Atomic(thread, address) => {
                        clocks.atomic(thread, address, true, true);
                        let place = &mut places[(address / 4) as usize];
                        let own = &mut seen[thread as usize];
                        own.extend(place.iter().copied());
                        place.extend(own.iter().copied());
                    }
                }
                for (number, (earlier, clock)) in noted.iter().enumerate() {
                    for later in 0..40 {
                        prop_assert_eq!(
                            clocks.happens_before(*earlier, *clock, later),
                            seen[later as usize].contains(&number),
                            "{} of {} before {}", number, earlier, later
                        );
                    }
                }
            }
        }
    }
}

//! Start-time fair queueing (Goyal, Vin and Cheng 1996): weighted fair sharing of a resource among
//! flows, here tenants. Each flow has a *start tag*, the virtual time at which its next work begins:
//! the service that it has received, divided by its weight. The flow with the least tag is served
//! next. The queue's own *virtual time* is the tag of the flow that was served last; a flow that had
//! no work takes it for its tag when it has some again, so that idling earns no credit.
//!
//! As where the algorithm shares a processor (Goyal, Guo and Vin 1996), what a piece of work takes
//! is known only afterwards: it is charged ahead, and corrected.
//!
//! The processor's scheduler takes its next work from the flow in front, and so do the threads that
//! run guests, in the runtime. For worker processes, whose device is shared by others than this host,
//! `remote/fair_share.rs` compares tags only.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

/// Time of the resource divided by a weight: in nanoseconds over 2³², so that the largest weight still
/// tells one nanosecond from none. 128 bits of that outlast any host.
type VirtualTime = u128;

/// The flows that have work, in the order of their start tags. A step costs O(log n) of them. A flow
/// belongs to one queue, and is kept beside it by the owner of both, under its key.
#[derive(Debug)]
pub struct FairQueue<K> {
    backlogged: BTreeSet<(VirtualTime, K)>,
    virtual_time: VirtualTime,
}

impl<K: Ord> Default for FairQueue<K> {
    fn default() -> FairQueue<K> {
        FairQueue {
            backlogged: BTreeSet::new(),
            virtual_time: 0,
        }
    }
}

/// One tenant's share of the resource.
#[derive(Debug)]
pub struct Flow {
    start_tag: VirtualTime,
    weight: u128,
    is_backlogged: bool,
}

impl Flow {
    /// A flow that has received nothing yet. Of the resource it gets a part by this weight.
    pub fn new(weight: NonZeroU32) -> Flow {
        Flow {
            start_tag: 0,
            weight: u128::from(weight.get()),
            is_backlogged: false,
        }
    }

    /// Has another part of the resource from now on. What was charged ahead at the weight before is
    /// corrected at this one.
    pub fn set_weight(&mut self, weight: NonZeroU32) {
        self.weight = u128::from(weight.get());
    }

    /// Whether it is in the queue.
    pub fn is_backlogged(&self) -> bool {
        self.is_backlogged
    }

    fn cost(&self, time: Duration) -> VirtualTime {
        // Less than 2⁹⁴ nanoseconds fit a duration, so nothing is shifted out.
        (time.as_nanos() << 32) / self.weight
    }
}

impl<K: Ord + Copy> FairQueue<K> {
    /// Whether no flow has work that waits.
    pub fn is_empty(&self) -> bool {
        self.backlogged.is_empty()
    }

    /// The flow has work; where it had none, its tag is no less than the virtual time.
    pub fn enqueue(&mut self, key: K, flow: &mut Flow) {
        if !flow.is_backlogged {
            flow.is_backlogged = true;
            flow.start_tag = flow.start_tag.max(self.virtual_time);
            self.backlogged.insert((flow.start_tag, key));
        }
    }

    /// The flow has no work any more.
    pub fn dequeue(&mut self, key: K, flow: &mut Flow) {
        if flow.is_backlogged {
            flow.is_backlogged = false;
            self.backlogged.remove(&(flow.start_tag, key));
        }
    }

    /// The flow with the least tag, which is the virtual time from now on. It stays in the queue.
    pub fn first(&mut self) -> Option<K> {
        self.advance_virtual_time();
        self.backlogged.first().map(|(_, key)| *key)
    }

    /// The virtual time becomes that of the flow that is the furthest behind.
    pub fn advance_virtual_time(&mut self) {
        if let Some((tag, _)) = self.backlogged.first() {
            self.virtual_time = self.virtual_time.max(*tag);
        }
    }

    /// A flow is served at once, past the queue. As with [`first`](Self::first), its tag is the virtual
    /// time from now on; but no later than that of a flow that waits, so that one which comes back behind
    /// a flow of small weight that was served early does not wait for longer than those did.
    pub fn serve(&mut self, flow: &mut Flow) {
        flow.start_tag = flow.start_tag.max(self.virtual_time);
        let waits = self.backlogged.first().map(|(tag, _)| *tag);
        let reached = waits.map_or(flow.start_tag, |waits| flow.start_tag.min(waits));
        self.virtual_time = self.virtual_time.max(reached);
    }

    /// Whether a flow has received no more than its share until now: its tag is not past the
    /// virtual time.
    pub fn is_behind(&self, flow: &Flow) -> bool {
        flow.start_tag <= self.virtual_time
    }

    /// Whether a flow has received more than the one that is next, by their weights, and so much;
    /// than the one that was served last where none waits.
    pub fn is_ahead_of_next(&self, flow: &Flow, by: Duration) -> bool {
        let next = self.backlogged.first();
        let tag = next.map_or(self.virtual_time, |(tag, _)| *tag);
        flow.start_tag > tag.saturating_add(flow.cost(by))
    }

    /// Removes the first flow, whose owner is gone.
    pub fn remove_first(&mut self) {
        self.backlogged.pop_first();
    }

    /// Charges a flow for time of the resource.
    pub fn charge(&mut self, key: K, flow: &mut Flow, time: Duration) {
        let tag = flow.start_tag.saturating_add(flow.cost(time));
        self.move_to(key, flow, tag);
    }

    /// Replaces a charge by the time that the work has taken.
    pub fn correct(&mut self, key: K, flow: &mut Flow, charged: Duration, took: Duration) {
        let tag = flow.start_tag.saturating_sub(flow.cost(charged));
        let tag = tag.saturating_add(flow.cost(took));
        self.move_to(key, flow, tag);
    }

    /// Whether a flow has received more than the first one, by more than this time of the resource.
    pub fn is_ahead(&mut self, flow: &Flow, by: Duration) -> bool {
        self.first().is_some() && flow.start_tag > self.virtual_time.saturating_add(flow.cost(by))
    }

    fn move_to(&mut self, key: K, flow: &mut Flow, tag: VirtualTime) {
        if flow.is_backlogged {
            self.backlogged.remove(&(flow.start_tag, key));
            self.backlogged.insert((tag, key));
        }
        flow.start_tag = tag;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn weight(of: u32) -> NonZeroU32 {
        NonZeroU32::new(of).unwrap()
    }

    /// What a flow does in a test.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        /// The flow in front is served for so many microseconds.
        Serve(u64),
        /// This flow has work, or has none any more.
        Toggle(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            8 => (1_u64..2000).prop_map(Step::Serve),
            1 => (0_usize..4).prop_map(Step::Toggle),
        ];
        prop::collection::vec(step, 0..300)
    }

    proptest! {
        /// The bound of the paper's theorem 1, for flows that both have work all the time: what they
        /// received, each over its weight, differs by no more than their longest service over it.
        #[test]
        fn flows_that_have_work_receive_service_by_their_weights(
            weights in prop::collection::vec(1_u32..1000, 4),
            steps in steps(),
        ) {
            let mut queue = FairQueue::default();
            let mut flows: Vec<Flow> = weights.iter().map(|of| Flow::new(weight(*of))).collect();
            // By each of a pair, since both have had work without a break.
            let mut received = vec![[[0.0; 2]; 4]; 4];
            for (key, flow) in flows.iter_mut().enumerate() {
                queue.enqueue(key, flow);
            }
            for step in steps {
                match step {
                    Step::Serve(microseconds) => {
                        let Some(key) = queue.first() else { continue };
                        let took = Duration::from_micros(microseconds);
                        queue.charge(key, &mut flows[key], took);
                        for (other, flow) in flows.iter().enumerate() {
                            if flow.is_backlogged() {
                                received[key][other][0] += microseconds as f64;
                                received[other][key][1] += microseconds as f64;
                            }
                        }
                    }
                    Step::Toggle(key) => {
                        let flow = &mut flows[key];
                        match flow.is_backlogged() {
                            true => queue.dequeue(key, flow),
                            false => queue.enqueue(key, flow),
                        }
                        received[key] = [[0.0; 2]; 4];
                        for pairs in &mut received {
                            pairs[key] = [0.0; 2];
                        }
                    }
                }
                for (one, pairs) in received.iter().enumerate() {
                    for (other, [mine, theirs]) in pairs.iter().enumerate() {
                        let weights = [weights[one], weights[other]].map(f64::from);
                        let (mine, theirs) = (mine / weights[0], theirs / weights[1]);
                        let bound = 2000.0 / weights[0] + 2000.0 / weights[1];
                        prop_assert!(
                            one == other || (mine - theirs).abs() <= bound,
                            "{mine} {theirs} {bound}"
                        );
                    }
                }
            }
        }

        #[test]
        fn a_corrected_charge_is_as_if_the_right_one_had_been_made(
            of in (1_u32..=u32::MAX).prop_map(weight),
            charged in 0_u64..1 << 40,
            took in 0_u64..1 << 40,
        ) {
            let (mut queue, mut once, mut twice) = (FairQueue::default(), Flow::new(of), Flow::new(of));
            let (charged, took) = (Duration::from_nanos(charged), Duration::from_nanos(took));
            queue.enqueue(1, &mut twice);
            queue.charge(1, &mut twice, charged);
            queue.correct(1, &mut twice, charged, took);
            queue.charge(2, &mut once, took);
            prop_assert_eq!(once.start_tag, twice.start_tag);
        }
    }

    #[test]
    fn idling_earns_no_credit() {
        let mut queue = FairQueue::default();
        let (mut busy, mut idle) = (Flow::new(weight(1)), Flow::new(weight(1)));
        queue.enqueue(1, &mut busy);
        for _ in 0..100 {
            assert_eq!(queue.first(), Some(1));
            queue.charge(1, &mut busy, Duration::from_secs(1));
        }
        queue.enqueue(2, &mut idle);
        assert_eq!(queue.first(), Some(2));
        queue.charge(2, &mut idle, Duration::from_secs(2));
        assert_eq!(queue.first(), Some(1));
    }
}

//! The line in which sessions wait for a thread of the device. First is the
//! session that has had the least of the device's time, measured against its
//! share: a session of three times the share pays a third for the same time.
//! Every step costs O(log n) of the sessions in line.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use super::scheduler::SessionId;

/// The line. What each session has had is kept with the session, as a [`Place`].
#[derive(Debug, Default)]
pub(crate) struct Line {
    order: BTreeSet<(u128, SessionId)>,
    /// What the session last chosen had had: where a session that had nothing
    /// to do joins, so that idling earns no credit.
    floor: u128,
}

/// One session's place.
#[derive(Debug)]
pub(crate) struct Place {
    /// Thread time that it has had, divided by its share: in nanoseconds over
    /// 2³², so that the largest share still tells one nanosecond from none. 128
    /// bits of that outlast any host.
    had: u128,
    share: u128,
    standing: bool,
}

impl Place {
    pub(crate) fn new(share: NonZeroU32) -> Place {
        Place {
            had: 0,
            share: u128::from(share.get()),
            standing: false,
        }
    }

    fn cost(&self, time: Duration) -> u128 {
        // Less than 2⁹⁴ nanoseconds fit a duration, so nothing is shifted out.
        (time.as_nanos() << 32) / self.share
    }
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Puts a session in line, unless it stands there.
    pub(crate) fn join(&mut self, id: SessionId, place: &mut Place) {
        if !place.standing {
            place.standing = true;
            place.had = place.had.max(self.floor);
            self.order.insert((place.had, id));
        }
    }

    /// Takes a session out of the line.
    pub(crate) fn leave(&mut self, id: SessionId, place: &mut Place) {
        if place.standing {
            place.standing = false;
            self.order.remove(&(place.had, id));
        }
    }

    /// Who is first, and goes on standing there.
    pub(crate) fn first(&mut self) -> Option<SessionId> {
        let (had, id) = self.order.first()?;
        self.floor = self.floor.max(*had);
        Some(*id)
    }

    /// Forgets the first, who is gone.
    pub(crate) fn skip(&mut self) {
        self.order.pop_first();
    }

    /// Charges a session for time that a thread gives it.
    pub(crate) fn charge(&mut self, id: SessionId, place: &mut Place, time: Duration) {
        let had = place.had.saturating_add(place.cost(time));
        self.move_to(id, place, had);
    }

    /// Replaces a charge by what was really taken.
    pub(crate) fn correct(
        &mut self,
        id: SessionId,
        place: &mut Place,
        charged: Duration,
        took: Duration,
    ) {
        let had = place.had.saturating_sub(place.cost(charged));
        let had = had.saturating_add(place.cost(took));
        self.move_to(id, place, had);
    }

    fn move_to(&mut self, id: SessionId, place: &mut Place, had: u128) {
        if place.standing {
            self.order.remove(&(place.had, id));
            self.order.insert((had, id));
        }
        place.had = had;
    }
}

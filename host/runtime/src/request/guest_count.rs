//! How many guests work on a request: for whoever counts requests, since a guest may go on after its
//! response, and has its instance until its end.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

/// Counts the guests that work on one request.
pub trait CountsGuests: Send + Sync {
    /// One more does.
    fn guest_began(&self);

    /// One of them has ended.
    fn guest_ended(&self);
}

/// Who counts the guests that work on a request.
#[derive(Clone)]
pub struct GuestCount(Arc<dyn CountsGuests>);

impl GuestCount {
    /// They are counted there.
    pub fn new(counts: Arc<dyn CountsGuests>) -> GuestCount {
        GuestCount(counts)
    }

    fn begin(&self) -> CountedGuest {
        self.0.guest_began();
        CountedGuest(self.0.clone())
    }
}

impl fmt::Debug for GuestCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuestCount").finish_non_exhaustive()
    }
}

/// A guest that works on a request, until this is dropped.
struct CountedGuest(Arc<dyn CountsGuests>);

impl Drop for CountedGuest {
    fn drop(&mut self) {
        self.0.guest_ended();
    }
}

/// What is kept until a guest has ended.
pub(crate) struct KeptForGuest {
    _counted: Option<CountedGuest>,
    /// Of code of the embedder, which has passed the request on.
    _kept: Option<Arc<dyn Any + Send + Sync>>,
}

impl KeptForGuest {
    /// Where nothing is, there is nothing to keep.
    pub(super) fn new(
        count: Option<&GuestCount>,
        kept: Option<Arc<dyn Any + Send + Sync>>,
    ) -> Option<KeptForGuest> {
        (count.is_some() || kept.is_some()).then(|| KeptForGuest {
            _counted: count.map(GuestCount::begin),
            _kept: kept,
        })
    }
}

//! Points in a queue, to wait for and to measure from.

use std::sync::Arc;

use tokio::sync::watch;

use crate::Error;
use crate::account::QuotaCharge;
use crate::backend::QueueBackend;
use crate::spin_wait::spin_then_await;
use crate::submission::{EventState, Failure};
use crate::tenant::Tenant;

/// A point in a queue. Clones are the same point.
#[derive(Clone, Debug)]
pub struct Event {
    shared: Arc<EventShared>,
}

#[derive(Debug)]
struct EventShared {
    state: watch::Receiver<EventState>,
    tenant: Arc<Tenant>,
    queue: Arc<dyn QueueBackend>,
    _charge: QuotaCharge,
}

impl Event {
    pub(crate) fn new(
        state: watch::Receiver<EventState>,
        tenant: Arc<Tenant>,
        queue: Arc<dyn QueueBackend>,
        charge: QuotaCharge,
    ) -> Event {
        Event {
            shared: Arc::new(EventShared {
                state,
                tenant,
                queue,
                _charge: charge,
            }),
        }
    }

    /// Whether [`wait`](Event::wait) would return at once: the point is reached,
    /// or will never be.
    pub fn is_done(&self) -> bool {
        let state = &self.shared.state;
        // An error says that the queue ended without reaching the point.
        !matches!(*state.borrow(), EventState::Pending) || state.has_changed().is_err()
    }

    /// Waits until the queue has done all that was queued before this point.
    ///
    /// # Errors
    /// The error of the work whose failure made the queue drop this point;
    /// [`Error::DeviceLost`] where the instance ended before.
    pub async fn wait(&self) -> Result<(), Error> {
        let mut state = self.shared.state.clone();
        let reached = state.wait_for(|state| !matches!(state, EventState::Pending));
        let reached = spin_then_await(reached, |ready| self.shared.queue.spin(ready)).await;
        let outcome = reached.map_err(|_| Error::lease_ended())?.clone();
        match outcome {
            EventState::Failed(Failure { id, error }) => {
                self.shared.queue.acknowledge(id);
                Err(error)
            }
            EventState::Reached(_) | EventState::Pending => Ok(()),
        }
    }

    /// The time from an earlier point to this one, in nanoseconds; zero where
    /// the other is the later one.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where one of the two is not reached yet, the
    /// failure where it never will be, [`Error::Denied`] where the two are of
    /// different sessions.
    pub fn elapsed_since(&self, earlier: &Event) -> Result<u64, Error> {
        if !Arc::ptr_eq(&earlier.shared.tenant, &self.shared.tenant) {
            return Err(Error::Denied(
                "the two events belong to different tenants' sessions".to_owned(),
            ));
        }
        let (from, to) = (
            earlier.reached("the earlier event")?,
            self.reached("this event")?,
        );
        let elapsed = to.saturating_duration_since(from).as_nanos();
        Ok(u64::try_from(elapsed).unwrap_or(u64::MAX))
    }

    fn reached(&self, which: &str) -> Result<std::time::Instant, Error> {
        match &*self.shared.state.borrow() {
            EventState::Reached(when) => Ok(*when),
            EventState::Failed(failure) => Err(failure.error.clone()),
            EventState::Pending => Err(Error::InvalidLaunch(format!(
                "{which} is not reached yet: wait for it first"
            ))),
        }
    }
}

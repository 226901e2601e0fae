//! Graceful shutdown, in phases that each connection follows.

use tokio::sync::watch;

/// The phase of a server. Phases only go forward.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// It accepts connections and answers requests.
    #[default]
    Serving,
    /// It answers the requests that it has accepted, and accepts no more.
    Draining,
    /// The time for draining is over.
    Closed,
}

/// The sender of the phases: the server.
#[derive(Default)]
pub(super) struct Shutdown(watch::Sender<Phase>);

impl Shutdown {
    pub(super) fn enter(&self, phase: Phase) {
        self.0.send_replace(phase);
    }

    pub(super) fn signal(&self) -> Signal {
        Signal(self.0.subscribe())
    }
}

/// The receiver of the phases: a connection.
pub(super) struct Signal(watch::Receiver<Phase>);

impl Signal {
    /// Waits until the server is in this phase, or a later one, or gone.
    pub(super) fn reached(&self, phase: Phase) -> impl Future<Output = ()> + use<> {
        let mut receiver = self.0.clone();
        async move {
            // An error means that the server is gone, which is past every phase.
            let _ = receiver.wait_for(|current| *current >= phase).await;
        }
    }
}

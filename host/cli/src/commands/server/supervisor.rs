//! What becomes of the server where a thread panics that it can't do without: it drains,
//! and ends as failed, so that whoever supervises the process starts it again. A server
//! that went on would be half dead.

use std::process;
use std::thread;
use std::time::Duration;

use tensor_wasm_device::on_essential_thread_loss;
use tokio::sync::watch;

/// Tells whether a thread was lost.
pub struct Supervisor(watch::Receiver<bool>);

impl Supervisor {
    /// Begins to watch the threads that are started from now on. Once one is lost, the
    /// process has as long as `grace` to drain and end.
    pub fn start(grace: Duration) -> Supervisor {
        let (sender, receiver) = watch::channel(false);
        on_essential_thread_loss(move |name| {
            tracing::error!("the thread {name} is lost: the server drains, and ends as failed");
            sender.send_replace(true);
            // This thread has nothing else to do, and whatever was lost may be needed to drain.
            thread::sleep(grace);
            tracing::error!("the server takes too long to drain: ending at once");
            process::exit(1);
        });
        Supervisor(receiver)
    }

    /// Done once a thread is lost.
    pub fn lost(&self) -> impl Future<Output = ()> + use<> {
        let mut receiver = self.0.clone();
        async move {
            if receiver.wait_for(|lost| *lost).await.is_err() {
                // Nothing is watched: another supervisor was there first.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Whether a thread is lost.
    pub fn has_lost(&self) -> bool {
        *self.0.borrow()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]

    use tensor_wasm_device::spawn_essential;

    use super::*;

    #[test]
    fn the_loss_of_a_thread_ends_the_server() {
        // Its grace is longer than the test.
        let supervisor = Supervisor::start(Duration::from_secs(24 * 60 * 60));
        assert!(!supervisor.has_lost());
        spawn_essential("panics", || panic!("on purpose")).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(supervisor.lost());
        assert!(supervisor.has_lost());
    }
}

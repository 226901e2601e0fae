//! Whether a server can do its work: what `/readyz` answers.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// What of a server is not ready while it accepts no requests.
const SERVER: &str = "server";

/// The parts of what is served that can't do their work now.
pub type UnreadyParts = Pin<Box<dyn Future<Output = Vec<&'static str>> + Send>>;

/// Whether a server accepts requests, and what is behind it can answer them. Clones share one
/// state.
#[derive(Clone, Default)]
pub struct Readiness(Arc<ReadinessState>);

#[derive(Default)]
struct ReadinessState {
    accepts: AtomicBool,
    check: OnceLock<Box<dyn Fn() -> UnreadyParts + Send + Sync>>,
}

impl fmt::Debug for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Readiness").field(&self.get()).finish()
    }
}

impl Readiness {
    /// Whether requests are accepted now.
    pub fn get(&self) -> bool {
        self.0.accepts.load(Ordering::Relaxed)
    }

    /// Sets whether requests are accepted.
    pub fn set(&self, ready: bool) {
        self.0.accepts.store(ready, Ordering::Relaxed);
    }

    /// Has the parts of what is served checked by this, whenever somebody asks. It should end
    /// within a second or two. The first call holds.
    pub fn set_check(&self, check: impl Fn() -> UnreadyParts + Send + Sync + 'static) {
        let _ = self.0.check.set(Box::new(check));
    }

    /// What is not ready, by name: nothing where all is.
    pub async fn unready(&self) -> Vec<&'static str> {
        let mut unready = Vec::new();
        if !self.get() {
            unready.push(SERVER);
        }
        if let Some(check) = self.0.check.get() {
            unready.extend(check().await);
        }
        unready
    }
}

//! Whose turn it is to compile: one component of each tenant at one time, and of all tenants
//! about as many as half of the processors can.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::turns::TenantTurns;

/// Components that are compiled at one time, at least: with two, one tenant that compiles
/// something large does not keep all others waiting.
const LEAST: usize = 2;

/// Who may compile.
pub(super) struct Compilers {
    all: Arc<Semaphore>,
    turns: TenantTurns,
}

impl Default for Compilers {
    fn default() -> Compilers {
        let processors = available_parallelism().map_or(1, NonZeroUsize::get);
        Compilers {
            all: Arc::new(Semaphore::new((processors / 2).max(LEAST))),
            turns: TenantTurns::default(),
        }
    }
}

impl Compilers {
    /// Waits for the tenant's turn, and then for a processor.
    pub(super) async fn permits(&self, tenant: u64) -> CompilePermits {
        let own = self.turns.turn(tenant).await;
        let mut permits = CompilePermits {
            _own: own,
            processor: None,
            all: self.all.clone(),
        };
        permits.resume().await;
        permits
    }
}

/// The turn of a tenant that compiles, until this is dropped.
pub(crate) struct CompilePermits {
    _own: Option<OwnedSemaphorePermit>,
    processor: Option<OwnedSemaphorePermit>,
    all: Arc<Semaphore>,
}

impl CompilePermits {
    /// Other tenants may compile meanwhile: this one's component runs. Its own turn it keeps.
    pub(crate) fn pause(&mut self) {
        self.processor = None;
    }

    /// Waits for a processor again.
    pub(crate) async fn resume(&mut self) {
        if self.processor.is_none() {
            self.processor = self.all.clone().acquire_owned().await.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_tenant_that_compiles_waits_for_itself_and_leaves_a_turn_to_others() {
        let compilers = Compilers::default();
        let first = compilers.permits(1).await;
        let mut second = pin!(compilers.permits(1));
        assert!(second.as_mut().now_or_never().is_none());
        let other = compilers.permits(2).now_or_never();
        assert!(other.is_some());
        drop((first, other));
        assert!(second.await.processor.is_some());
    }

    #[tokio::test]
    async fn a_tenant_whose_component_runs_leaves_others_the_processors_and_keeps_its_turn() {
        let compilers = Compilers {
            all: Arc::new(Semaphore::new(1)),
            turns: TenantTurns::default(),
        };
        let mut first = compilers.permits(1).await;
        let mut other = pin!(compilers.permits(2));
        assert!(other.as_mut().now_or_never().is_none());
        first.pause();
        let other = other.await;
        assert!(compilers.permits(1).now_or_never().is_none());
        assert!(first.resume().now_or_never().is_none());
        drop(other);
        first.resume().await;
        assert!(first.processor.is_some());
    }
}

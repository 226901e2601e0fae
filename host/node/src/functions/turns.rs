//! Turns of tenants: each tenant does one thing of a kind at one time, and waits for itself. So whoever
//! waits for something that all tenants share, such as the one writer of the database, waits behind at
//! most one of each other tenant, however many requests a tenant sends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::lock::ignore_poison;

/// The turns of all tenants.
#[derive(Default)]
pub(crate) struct TenantTurns {
    /// Tenants without a turn have no entry.
    of_tenants: Mutex<HashMap<u64, Arc<Semaphore>>>,
}

impl TenantTurns {
    /// Waits for the tenant's turn, which ends when this is dropped.
    pub(crate) async fn turn(&self, tenant: u64) -> Option<OwnedSemaphorePermit> {
        let own = {
            let mut of_tenants = ignore_poison(self.of_tenants.lock());
            of_tenants.retain(|_, own| Arc::strong_count(own) > 1);
            let own = of_tenants.entry(tenant);
            own.or_insert_with(|| Arc::new(Semaphore::new(1))).clone()
        };
        // It is never closed.
        own.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_tenant_waits_for_itself_and_for_no_other() {
        let turns = TenantTurns::default();
        let first = turns.turn(1).await;
        let mut second = pin!(turns.turn(1));
        assert!(second.as_mut().now_or_never().is_none());
        assert!(turns.turn(2).now_or_never().flatten().is_some());
        drop(first);
        assert!(second.await.is_some());
        assert_eq!(ignore_poison(turns.of_tenants.lock()).len(), 2);
    }
}

//! The memory of all instances of one tenant together: the sum of what the accounts of its
//! instances say ([`super::account`]), against a limit of the tenant.
//!
//! An instance is the tenant's whose request it serves, from the moment on at which that tenant
//! is known. An instance that is reused is the present request's tenant's, and until the next
//! request comes the last one's.

use crate::lock::ignore_poison;
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

/// How many accounts there may be before those that nobody uses are dropped. A tenant is any
/// number that a caller may name.
const ACCOUNTS: usize = 1024;

/// The memory that the instances of each tenant may have together, shared by all applications of
/// a host.
pub struct TenantMemory {
    /// Of a tenant, in bytes; `None` for no limit. Asked for each instance: it may change.
    limit_of: Box<dyn Fn(u64) -> Option<usize> + Send + Sync>,
    accounts: RwLock<HashMap<u64, Arc<TenantAccount>>>,
}

impl TenantMemory {
    /// Each tenant has the limit that this function says, in bytes, or none.
    pub fn new(limit_of: impl Fn(u64) -> Option<usize> + Send + Sync + 'static) -> TenantMemory {
        TenantMemory {
            limit_of: Box::new(limit_of),
            accounts: RwLock::default(),
        }
    }

    /// No tenant has a limit.
    pub fn unlimited() -> TenantMemory {
        TenantMemory::new(|_| None)
    }

    /// What the instances of a tenant have now, in bytes; 0 for a tenant without a limit.
    pub fn used(&self, tenant: u64) -> usize {
        let accounts = ignore_poison(self.accounts.read());
        accounts
            .get(&tenant)
            .map_or(0, |account| account.used.load(Ordering::Relaxed))
    }

    /// The account of a tenant, with the limit that it has now; `None` for one without a limit.
    pub(crate) fn account(&self, tenant: u64) -> Option<Arc<TenantAccount>> {
        let limit = (self.limit_of)(tenant)?;
        if let Some(account) = ignore_poison(self.accounts.read()).get(&tenant) {
            account.limit.store(limit, Ordering::Relaxed);
            return Some(account.clone());
        }
        let mut accounts = ignore_poison(self.accounts.write());
        if accounts.len() >= ACCOUNTS {
            // Whoever has one holds it, and under this lock nobody gets one.
            accounts.retain(|_, account| Arc::strong_count(account) > 1);
        }
        let account = accounts.entry(tenant).or_insert_with(|| {
            Arc::new(TenantAccount {
                tenant,
                limit: AtomicUsize::new(limit),
                used: AtomicUsize::new(0),
            })
        });
        Some(account.clone())
    }
}

impl fmt::Debug for TenantMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TenantMemory").finish_non_exhaustive()
    }
}

/// What the instances of one tenant have, and may have, in bytes.
#[derive(Debug)]
pub(crate) struct TenantAccount {
    tenant: u64,
    limit: AtomicUsize,
    used: AtomicUsize,
}

/// The instances of a tenant would have more than they may.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "another {requested} bytes would take the instances of tenant {tenant} past their limit of \
     memory, {limit} bytes (`--tenant-memory-bytes`)"
)]
pub(crate) struct TenantExhausted {
    tenant: u64,
    requested: usize,
    limit: usize,
}

impl TenantAccount {
    fn take(&self, bytes: usize) -> Result<(), TenantExhausted> {
        let limit = self.limit.load(Ordering::Relaxed);
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= limit)
            });
        match taken {
            Ok(_) => Ok(()),
            Err(_) => Err(TenantExhausted {
                tenant: self.tenant,
                requested: bytes,
                limit,
            }),
        }
    }
}

impl TenantMemory {
    /// Charges a tenant for what all its instances start from; nothing, where it has no limit.
    ///
    /// # Errors
    ///
    /// [`TenantExhausted`]
    pub(crate) fn hold(
        &self,
        tenant: u64,
        bytes: usize,
    ) -> Result<Option<TenantCharge>, TenantExhausted> {
        let account = self.account(tenant);
        account
            .map(|account| TenantCharge::new(account, bytes))
            .transpose()
    }
}

/// What one instance, or an image, has of its tenant's memory, until it is dropped.
#[derive(Debug)]
pub(crate) struct TenantCharge {
    account: Arc<TenantAccount>,
    bytes: usize,
}

impl TenantCharge {
    /// Charges a tenant for an instance.
    ///
    /// # Errors
    ///
    /// [`TenantExhausted`]
    pub(super) fn new(
        account: Arc<TenantAccount>,
        bytes: usize,
    ) -> Result<TenantCharge, TenantExhausted> {
        account.take(bytes)?;
        Ok(TenantCharge { account, bytes })
    }

    /// Who is charged.
    pub(super) fn tenant(&self) -> u64 {
        self.account.tenant
    }

    /// The instance has more.
    ///
    /// # Errors
    ///
    /// [`TenantExhausted`], and nothing more is charged.
    pub(super) fn add(&mut self, bytes: usize) -> Result<(), TenantExhausted> {
        self.account.take(bytes)?;
        self.bytes += bytes;
        Ok(())
    }

    /// The instance turns out to have no more than this.
    pub(super) fn lower_to(&mut self, bytes: usize) {
        let freed = self.bytes.saturating_sub(bytes);
        self.bytes -= freed;
        self.account.used.fetch_sub(freed, Ordering::Relaxed);
    }
}

impl Drop for TenantCharge {
    fn drop(&mut self) {
        self.account.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn memory() -> TenantMemory {
        TenantMemory::new(|tenant| (tenant != 9).then_some(100))
    }

    #[test]
    fn instances_of_a_tenant_share_its_limit_and_others_have_their_own() {
        let memory = memory();
        let charge = |tenant, bytes| TenantCharge::new(memory.account(tenant).unwrap(), bytes);
        let first = charge(7, 60).unwrap();
        let mut second = charge(7, 30).unwrap();
        assert!(second.add(11).is_err());
        second.add(10).unwrap();
        let error = charge(7, 1).unwrap_err().to_string();
        assert!(error.contains("tenant 7"), "{error}");
        assert!(
            error.contains("100 bytes (`--tenant-memory-bytes`)"),
            "{error}"
        );
        assert_eq!((memory.used(7), memory.used(8)), (100, 0));
        let other = charge(8, 100).unwrap();
        drop(first);
        second.lower_to(5);
        assert_eq!(memory.used(7), 5);
        drop((second, other));
        assert_eq!((memory.used(7), memory.used(8)), (0, 0));
    }

    #[test]
    fn a_limit_that_changes_counts_from_the_next_instance_on() {
        let limit = Arc::new(AtomicUsize::new(100));
        let of = limit.clone();
        let memory = TenantMemory::new(move |_| Some(of.load(Ordering::Relaxed)));
        let charge = |bytes| TenantCharge::new(memory.account(7).unwrap(), bytes);
        let first = charge(90).unwrap();
        assert!(charge(20).is_err());
        limit.store(110, Ordering::Relaxed);
        let second = charge(20).unwrap();
        limit.store(50, Ordering::Relaxed);
        assert!(charge(1).is_err());
        assert_eq!(memory.used(7), 110);
        drop((first, second));
        assert!(charge(50).is_ok());
    }

    #[test]
    fn a_tenant_without_a_limit_has_no_account() {
        assert!(memory().account(9).is_none());
        assert!(TenantMemory::unlimited().account(7).is_none());
    }

    #[test]
    fn accounts_that_nobody_uses_make_room_for_others() {
        let memory = memory();
        let kept = TenantCharge::new(memory.account(0).unwrap(), 1).unwrap();
        for tenant in 10..10 + 3 * ACCOUNTS as u64 {
            drop(TenantCharge::new(memory.account(tenant).unwrap(), 1));
        }
        assert!(memory.accounts.read().unwrap().len() <= ACCOUNTS);
        assert_eq!(memory.used(0), 1);
        drop(kept);
    }

    #[test]
    fn no_number_overflows() {
        let memory = TenantMemory::new(|_| Some(usize::MAX));
        let mut charge = TenantCharge::new(memory.account(0).unwrap(), usize::MAX).unwrap();
        assert!(charge.add(1).is_err());
        charge.lower_to(0);
        assert_eq!(memory.used(0), 0);
    }
}

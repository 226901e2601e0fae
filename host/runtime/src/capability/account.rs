//! The account of one instance: the bytes of its linear memories and tables, and those that
//! the host holds for it, against one limit. All of them count in the account of the tenant too
//! whose request the instance serves ([`super::tenant_memory`]).
//!
//! What the host holds is counted as a garbage collector counts: each call that makes the
//! host hold more adds to a sum that only grows, and once the sum reaches the limit, or is far from
//! what was measured last, what is still held is measured. So nothing has to be told when something
//! is dropped, and an instance that is reused takes little more of its tenant's account than it holds.

use super::tenant_memory::{TenantCharge, TenantExhausted, TenantMemory};
use crate::request::HandleError;
use std::fmt;

/// What may be reserved before what is held is measured again, in bytes; where more was held, as
/// much as that, so that measuring costs little beside what is reserved.
const SLACK_BYTES: usize = 1 << 20;

/// What an instance holds, and may hold, in bytes.
#[derive(Debug)]
pub(crate) struct InstanceAccount {
    limit: usize,
    /// Linear memories and tables, which never shrink.
    guest: usize,
    /// What the host held when that was last measured, and what was reserved since.
    host: usize,
    /// What the host held when that was last measured.
    measured: usize,
    /// Both together, as its tenant is charged for them.
    tenant: Option<TenantCharge>,
    /// Whether a growth was refused, which is logged once.
    refused: bool,
}

/// There is no room for more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountExhausted {
    #[error(transparent)]
    Instance(#[from] InstanceExhausted),
    #[error(transparent)]
    Tenant(#[from] TenantExhausted),
}

/// The instance would hold more than it may.
#[derive(Debug, thiserror::Error)]
pub(crate) struct InstanceExhausted {
    requested: usize,
    guest: usize,
    host: usize,
    limit: usize,
}

impl fmt::Display for InstanceExhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "another {} bytes would take the instance past its limit of memory, {} bytes \
             (`--max-memory-bytes`): its linear memories and tables have {} bytes, and the host \
             holds {} bytes of header fields, bodies and other resources for it",
            self.requested, self.limit, self.guest, self.host
        )
    }
}

impl InstanceAccount {
    pub(crate) fn new(limit: usize) -> InstanceAccount {
        InstanceAccount {
            limit,
            guest: 0,
            host: 0,
            measured: 0,
            tenant: None,
            refused: false,
        }
    }

    /// Begins to serve a tenant, which is charged for all that the instance holds; or nobody,
    /// where no tenant is known. `measure` tells what the host holds.
    ///
    /// # Errors
    ///
    /// [`HandleError::TenantCapacityExhausted`], and nobody is charged.
    pub(crate) fn serve(
        &mut self,
        tenants: &TenantMemory,
        tenant: Option<u64>,
        measure: impl FnOnce() -> usize,
    ) -> Result<(), HandleError> {
        if self.tenant.as_ref().map(TenantCharge::tenant) == tenant {
            return Ok(());
        }
        self.tenant = None;
        let Some((tenant, account)) = tenant.and_then(|id| Some((id, tenants.account(id)?))) else {
            return Ok(());
        };
        let charge = TenantCharge::new(account.clone(), self.guest + self.host).or_else(|_| {
            self.settle(measure());
            TenantCharge::new(account, self.guest + self.host)
        });
        match charge {
            Ok(charge) => {
                self.tenant = Some(charge);
                Ok(())
            }
            Err(error) => {
                tracing::info!("an instance can't serve its tenant: {error}");
                Err(HandleError::TenantCapacityExhausted { tenant })
            }
        }
    }

    /// Reserves bytes that the host is to hold. `measure` tells what it holds now, about.
    ///
    /// # Errors
    ///
    /// [`AccountExhausted`], and nothing is reserved.
    pub(crate) fn reserve(
        &mut self,
        bytes: usize,
        measure: impl FnOnce() -> usize,
    ) -> Result<(), AccountExhausted> {
        self.make_room(bytes, measure)?;
        self.host += bytes;
        Ok(())
    }

    /// Whether a linear memory or a table may grow by so many bytes, which are counted then.
    pub(crate) fn grow(&mut self, bytes: usize, measure: impl FnOnce() -> usize) -> bool {
        match self.make_room(bytes, measure) {
            Ok(()) => {
                self.guest += bytes;
                true
            }
            Err(error) => {
                if !self.refused {
                    self.refused = true;
                    tracing::info!("an instance's memory does not grow: {error}");
                }
                false
            }
        }
    }

    fn make_room(
        &mut self,
        bytes: usize,
        measure: impl FnOnce() -> usize,
    ) -> Result<(), AccountExhausted> {
        let reserved = self.host.saturating_sub(self.measured);
        let is_current = reserved <= SLACK_BYTES.max(self.measured);
        if is_current && self.fits(bytes) && self.charge(bytes).is_ok() {
            return Ok(());
        }
        self.settle(measure());
        if let Some(tenant) = &mut self.tenant {
            tenant.lower_to(self.guest + self.host);
        }
        if !self.fits(bytes) {
            return Err(AccountExhausted::Instance(InstanceExhausted {
                requested: bytes,
                guest: self.guest,
                host: self.host,
                limit: self.limit,
            }));
        }
        Ok(self.charge(bytes)?)
    }

    fn settle(&mut self, measured: usize) {
        self.host = measured;
        self.measured = measured;
    }

    fn charge(&mut self, bytes: usize) -> Result<(), TenantExhausted> {
        match &mut self.tenant {
            Some(tenant) => tenant.add(bytes),
            None => Ok(()),
        }
    }

    fn fits(&self, bytes: usize) -> bool {
        let sum = self.guest.checked_add(self.host);
        sum.and_then(|sum| sum.checked_add(bytes))
            .is_some_and(|sum| sum <= self.limit)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_an_instance_no_longer_holds_is_not_its_tenants_for_long() {
        let tenants = TenantMemory::new(|_| Some(usize::MAX));
        let mut account = InstanceAccount::new(usize::MAX);
        account.serve(&tenants, Some(1), || 0).unwrap();
        let (mut measured, mut most) = (0, 0);
        for _ in 0..10_000 {
            let measure = || {
                measured += 1;
                5000
            };
            account.reserve(10_000, measure).unwrap();
            most = most.max(tenants.used(1));
        }
        assert!(most <= SLACK_BYTES + 25_000, "{most}");
        // About once for each slack.
        assert!((80..=110).contains(&measured), "{measured}");
    }

    #[test]
    fn what_an_instance_holds_is_charged_to_the_tenant_that_it_serves() {
        let tenants = TenantMemory::new(|_| Some(100));
        let used = || [tenants.used(1), tenants.used(2)];
        let mut account = InstanceAccount::new(1000);
        assert!(account.grow(60, || 0));
        account.serve(&tenants, Some(1), || 0).unwrap();
        account.reserve(30, || 0).unwrap();
        account.serve(&tenants, Some(1), || 0).unwrap();
        assert_eq!(used(), [90, 0]);
        assert!(!account.grow(11, || 30));
        assert!(account.grow(11, || 10));
        assert_eq!(used(), [81, 0]);
        account.serve(&tenants, Some(2), || 10).unwrap();
        assert_eq!(used(), [0, 81]);
        let mut another = InstanceAccount::new(1000);
        assert!(another.grow(20, || 0));
        assert!(another.serve(&tenants, Some(2), || 0).is_err());
        account.serve(&tenants, None, || 0).unwrap();
        assert_eq!(used(), [0, 0]);
        another.serve(&tenants, Some(2), || 0).unwrap();
        drop(another);
        assert_eq!(used(), [0, 0]);
    }

    #[test]
    fn what_was_dropped_since_makes_room_in_the_tenants_account() {
        let tenants = TenantMemory::new(|_| Some(100));
        let mut account = InstanceAccount::new(1000);
        account.reserve(200, || 0).unwrap();
        account.serve(&tenants, Some(1), || 70).unwrap();
        assert_eq!(tenants.used(1), 70);
        assert!(account.reserve(31, || 70).is_err());
        account.reserve(30, || 70).unwrap();
        assert_eq!(tenants.used(1), 100);
    }

    #[test]
    fn memories_and_what_the_host_holds_share_one_limit() {
        let mut account = InstanceAccount::new(100);
        assert!(account.grow(60, || 0));
        assert!(account.reserve(40, || 0).is_ok());
        assert!(!account.grow(1, || 40));
        assert!(account.reserve(1, || 40).is_err());
    }

    #[test]
    fn what_was_dropped_since_makes_room() {
        let mut account = InstanceAccount::new(100);
        for _ in 0..1000 {
            assert!(account.reserve(30, || 0).is_ok());
        }
        assert!(account.reserve(71, || 30).is_err());
        assert!(account.reserve(70, || 30).is_ok());
    }

    #[test]
    fn no_number_overflows() {
        let mut account = InstanceAccount::new(usize::MAX);
        assert!(account.grow(usize::MAX, || 0));
        assert!(!account.grow(1, || usize::MAX));
        assert!(account.reserve(usize::MAX, || usize::MAX).is_err());
    }

    #[test]
    fn the_error_names_the_limit() {
        let error = InstanceAccount::new(7).reserve(8, || 0);
        let text = error.map_err(|error| error.to_string());
        assert!(text.is_err_and(|text| text.contains("7 bytes (`--max-memory-bytes`)")));
    }
}

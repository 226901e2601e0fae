//! A tenant on a device: its account, whichever backend the device has.

use std::sync::Arc;

use crate::Error;
use crate::account::{Account, QuotaCharge, Resource};

/// What the objects of one session have in common. A buffer or kernel belongs to a session if it has
/// the session's very tenant.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) account: Arc<Account>,
}

/// What a tenant is charged for one allocation.
#[derive(Debug)]
#[expect(dead_code, reason = "charges end when they are dropped")]
pub(crate) struct BufferCharge {
    count: QuotaCharge,
    bytes: QuotaCharge,
}

impl Tenant {
    /// Charges an allocation.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`].
    pub(crate) fn charge_buffer(&self, bytes: u64) -> Result<BufferCharge, Error> {
        Ok(BufferCharge {
            count: self.account.charge(Resource::Buffers, 1)?,
            bytes: self.account.charge(Resource::Memory, bytes)?,
        })
    }
}

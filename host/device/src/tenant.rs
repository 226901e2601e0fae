//! A tenant on a device: its account, whichever backend the device has.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use crate::Error;
use crate::account::{Account, QuotaCharge, Resource};
use crate::memory_meter::{MemoryMeter, MeteredMemory};
use crate::sync::lock;

/// What the objects of one session have in common. A buffer or kernel belongs to a session if it has
/// the session's very tenant.
#[derive(Debug)]
pub(crate) struct Tenant {
    pub(crate) account: Arc<Account>,
    /// The charges for the host's memory of the modules that are loaded, by the modules' places in
    /// memory.
    modules: Mutex<HashMap<usize, Weak<QuotaCharge>>>,
}

/// What a tenant is charged for one allocation.
#[derive(Debug)]
#[expect(dead_code, reason = "charges end when they are dropped")]
pub(crate) struct BufferCharge {
    count: QuotaCharge,
    bytes: QuotaCharge,
    metered: MeteredMemory,
}

/// What a tenant is charged for one loaded module.
#[derive(Debug)]
#[expect(dead_code, reason = "charges end when they are dropped")]
pub(crate) struct ModuleCharge {
    /// None for the host's own.
    count: Option<QuotaCharge>,
    /// Shared by all that the tenant has loaded of the same text, which is in memory once.
    host_bytes: Arc<QuotaCharge>,
}

impl Tenant {
    pub(crate) fn new(account: Account) -> Tenant {
        Tenant {
            account: Arc::new(account),
            modules: Mutex::default(),
        }
    }

    /// Charges a module for the memory of the host that it takes, beside its own place among the
    /// tenant's modules, if it has one.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`].
    pub(crate) fn charge_module(
        &self,
        count: Option<QuotaCharge>,
        module: &Arc<tensor_wasm_ptx::Module>,
    ) -> Result<ModuleCharge, Error> {
        let mut modules = lock(&self.modules);
        // Whoever holds the charge holds the module, so that no other one has its place.
        let place = Arc::as_ptr(module).addr();
        let charged = modules.get(&place).and_then(Weak::upgrade);
        let host_bytes = match charged {
            Some(charged) => charged,
            None => {
                modules.retain(|_, charge| charge.strong_count() > 0);
                let bytes = module.host_bytes();
                let charge = Arc::new(self.account.charge(Resource::HostMemory, bytes)?);
                modules.insert(place, Arc::downgrade(&charge));
                charge
            }
        };
        Ok(ModuleCharge { count, host_bytes })
    }

    /// Charges an allocation, which `holder` meters too.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`].
    pub(crate) fn charge_buffer(
        &self,
        bytes: u64,
        holder: Option<&MemoryMeter>,
    ) -> Result<BufferCharge, Error> {
        Ok(BufferCharge {
            count: self.account.charge(Resource::Buffers, 1)?,
            bytes: self.account.charge(Resource::Memory, bytes)?,
            metered: MeteredMemory::new(
                self.account.memory_meter().clone(),
                holder.cloned(),
                bytes,
            ),
        })
    }
}

//! One component instance's hold on its tenant's session. When the instance
//! ends, whatever it queued ends too.

use std::sync::{Arc, OnceLock};

use tokio::sync::oneshot;

use crate::account::Resource;
use crate::cache::Claim;
use crate::cpu::{LaneId, LeaseId, Scheduler};
use crate::session::Shared;
use crate::{Buffer, Error, Info, Module, Queue};

/// One instance's hold on a session. Dropping it discards what the instance's
/// queues still have to do, and stops its running kernels within about a
/// millisecond.
#[derive(Debug)]
pub struct Lease {
    session: Arc<Shared>,
    id: LeaseId,
    /// Where modules are compiled; opened with the first one.
    loader: OnceLock<LaneId>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.scheduler().close(self.id);
    }
}

impl Lease {
    pub(crate) fn new(session: &Arc<Shared>) -> Lease {
        let id = session.device.shared.scheduler.add_lease();
        Lease {
            session: Arc::clone(session),
            id,
            loader: OnceLock::new(),
        }
    }

    fn scheduler(&self) -> &Scheduler {
        &self.session.device.shared.scheduler
    }

    /// What the device is, and how much of it this tenant may use and uses.
    pub fn info(&self) -> Info {
        let account = &self.session.tenant.account;
        Info {
            description: self.session.device.description(),
            memory_limit: account.limits().memory_bytes,
            memory_used: account.memory_used(),
        }
    }

    /// Memory on the device, filled with zeros. Zero bytes are allowed.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] at the tenant's limit, [`Error::OutOfMemory`]
    /// where the device is full.
    pub fn allocate(&self, bytes: u64) -> Result<Buffer, Error> {
        Buffer::allocate(&self.session.tenant, bytes, false)
    }

    /// Checks and compiles a PTX module, on the device's threads. What was
    /// compiled is kept, for all tenants, under the hash of its text.
    ///
    /// # Errors
    /// [`Error::InvalidModule`] with what is wrong and where;
    /// [`Error::QuotaExceeded`] and [`Error::OutOfMemory`] where the module, or
    /// the variables that it declares, find no room.
    pub async fn load(&self, ptx: Vec<u8>) -> Result<Module, Error> {
        let device = &self.session.device.shared;
        let charge = self.session.tenant.account.charge(Resource::Modules, 1)?;
        let hash = blake3::hash(&ptx);
        let parsed = match device.cache.get(&hash) {
            Some(parsed) => parsed,
            None => self.compile(ptx, hash).await?,
        };
        Module::new(parsed, &self.session.tenant, charge)
    }

    async fn compile(
        &self,
        ptx: Vec<u8>,
        hash: blake3::Hash,
    ) -> Result<Arc<tensor_wasm_ptx::Module>, Error> {
        let device = &self.session.device.shared;
        // Before the claim: others may wait for it, and must not wait for this
        // tenant's own limits.
        let ticket = self.session.tenant.account.ticket(ptx.len() as u64).await?;
        let permit = loop {
            match device.cache.claim(hash) {
                Claim::Ready(parsed) => return Ok(parsed),
                Claim::Wait(receiver) => {
                    // Where the instance that compiles it ends, nothing is sent.
                    if let Ok(outcome) = receiver.await {
                        return outcome;
                    }
                }
                Claim::Compile(permit) => break permit,
            }
        };
        let limits = device.ptx.clone();
        let (sender, receiver) = oneshot::channel();
        let task = Box::new(move || {
            let parsed = tensor_wasm_ptx::parse(&ptx, &limits);
            let outcome = parsed.map(Arc::new).map_err(Error::InvalidModule);
            permit.fulfil(&outcome, ptx.len() as u64);
            // The caller may have stopped waiting.
            drop(sender.send(outcome));
        });
        let loader = *self
            .loader
            .get_or_init(|| self.scheduler().add_lane(self.session.id, self.id, ()));
        self.scheduler().push_task(loader, task, ticket)?;
        receiver.await.map_err(|_| {
            Error::DeviceLost("the device failed while it compiled the module".to_owned())
        })?
    }

    /// A queue for work on the device.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] at the tenant's limit.
    pub fn create_queue(&self) -> Result<Queue, Error> {
        let charge = self.session.tenant.account.charge(Resource::Queues, 1)?;
        Ok(Queue::new(&self.session, self.id, charge))
    }
}

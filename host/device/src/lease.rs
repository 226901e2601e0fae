//! One component instance's hold on its tenant's session. When the instance
//! ends, whatever it queued ends too.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::account::Resource;
use crate::cache::Asker;
use crate::cpu::{LaneId, LeaseId};
use crate::remote::Worker;
use crate::session::Shared;
use crate::sync::lock;
use crate::{Backend, Buffer, Error, Info, Module, Output, Queue};

/// Up to this, in bytes, a module's text is hashed by the caller, who finds it
/// in the cache then without asking a thread.
const SHORT_TEXT: usize = 256 << 10;

/// One instance's hold on a session. Dropping it discards what the instance's
/// queues still have to do, stops its running kernels within about a
/// millisecond, and ends every call that waits on one of its queues with
/// [`Error::DeviceLost`].
pub struct Lease {
    session: Arc<Shared>,
    id: LeaseId,
    /// Where modules are compiled; opened with the first one.
    loader: OnceLock<(LeaseId, LaneId)>,
    ended: CancellationToken,
    /// The tenant's worker, where the device has any, once it is asked for.
    worker: OnceCell<Option<Arc<Worker>>>,
    /// The lease's queues there.
    queues: Mutex<Vec<u64>>,
    /// Where its kernels print.
    output: Option<Arc<dyn Output>>,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let device = &self.session.device.shared;
        device.scheduler.close(self.id);
        if let Some((id, _)) = self.loader.get() {
            device.compiler.close(*id);
        }
        self.ended.cancel();
        if let Some(Some(worker)) = self.worker.get() {
            for queue in lock(&self.queues).drain(..) {
                worker.close(queue);
            }
            worker.leave();
        }
        self.session.leases.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Lease {
    pub(crate) fn new(session: &Arc<Shared>, output: Option<Arc<dyn Output>>) -> Lease {
        session.leases.fetch_add(1, Ordering::AcqRel);
        let id = session.device.shared.scheduler.add_lease();
        Lease {
            session: Arc::clone(session),
            id,
            loader: OnceLock::new(),
            ended: CancellationToken::new(),
            worker: OnceCell::new(),
            queues: Mutex::default(),
            output,
        }
    }

    /// Sees that the device is there: where it is in processes of its own, that the
    /// tenant has one. What uses the device does this by itself; asked beforehand, it
    /// tells early what is wrong.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where there is none.
    pub async fn open(&self) -> Result<(), Error> {
        self.worker().await.map(|_| ())
    }

    /// Whether the device that this lease used is lost, and all that was on it. A new
    /// lease gets another.
    pub fn is_lost(&self) -> bool {
        matches!(self.worker.get(), Some(Some(worker)) if worker.is_lost())
    }

    async fn worker(&self) -> Result<Option<&Arc<Worker>>, Error> {
        let worker = self
            .worker
            .get_or_try_init(|| self.session.worker())
            .await?;
        Ok(worker.as_ref())
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
    pub async fn allocate(&self, bytes: u64) -> Result<Buffer, Error> {
        match self.worker().await? {
            None => self.allocate_here(bytes),
            Some(worker) => Buffer::allocate_in(worker, &self.session.tenant, bytes).await,
        }
    }

    /// Memory of this process.
    pub(crate) fn allocate_here(&self, bytes: u64) -> Result<Buffer, Error> {
        Buffer::allocate(&self.session.tenant, bytes, false)
    }

    /// Checks and compiles a PTX module, on threads that the device has for
    /// that: one text of a tenant at a time, and tenants take turns. What was
    /// compiled is kept, for all tenants, under the hash of its text.
    ///
    /// # Errors
    /// [`Error::InvalidModule`] with what is wrong and where;
    /// [`Error::QuotaExceeded`] and [`Error::OutOfMemory`] where the module, or
    /// the variables that it declares, find no room.
    pub async fn load(&self, ptx: Vec<u8>) -> Result<Module, Error> {
        let tenant = &self.session.tenant;
        let charge = tenant.account.charge(Resource::Modules, 1)?;
        if let Some(worker) = self.worker().await? {
            // The worker gets the text too, or what was understood of it.
            let hash = blake3::hash(&ptx);
            let parsed = match self.session.device.shared.cache.get(&hash) {
                Some(parsed) => parsed,
                None => self.compile(ptx.clone(), Some(hash)).await?,
            };
            let text = self.text_for_worker(&parsed, ptx);
            return Module::load_in(worker, parsed, &text, hash, tenant, charge).await;
        }
        let hash = (ptx.len() <= SHORT_TEXT).then(|| blake3::hash(&ptx));
        let kept = hash.and_then(|hash| self.session.device.shared.cache.get(&hash));
        let parsed = match kept {
            Some(parsed) => parsed,
            None => self.compile(ptx, hash).await?,
        };
        Module::new(parsed, tenant, charge)
    }

    /// What a worker is to load: on the processor the author's own text, so that its
    /// lines are told; for a driver what our parser understood, printed anew, so that
    /// the driver's own parser reads nothing else, with each rounding said, so that its
    /// compiler computes what we do.
    fn text_for_worker(&self, parsed: &tensor_wasm_ptx::Module, text: Vec<u8>) -> Vec<u8> {
        match self.session.device.shared.description.backend {
            Backend::Cpu => text,
            Backend::Cuda => format!("{parsed:#}").into_bytes(),
        }
    }

    async fn compile(
        &self,
        ptx: Vec<u8>,
        hash: Option<blake3::Hash>,
    ) -> Result<Arc<tensor_wasm_ptx::Module>, Error> {
        let device = &self.session.device.shared;
        let ticket = self.session.tenant.account.ticket(ptx.len() as u64).await?;
        let (cache, limits) = (Arc::clone(&device.cache), device.ptx.clone());
        let (checks, engine) = (device.checks, Arc::clone(&device.engine));
        let (asker, answer) = Asker::new(ticket);
        // Claimed when it runs, not when it is queued: who waits for the same
        // text waits for a thread at work, never for another tenant's turn.
        let task = Box::new(move || {
            let hash = hash.unwrap_or_else(|| blake3::hash(&ptx));
            if asker.is_gone() {
                return;
            }
            if let Some(permit) = cache.claim(hash, asker) {
                let parsed = tensor_wasm_ptx::parse(&ptx, &limits);
                let outcome = parsed.map(Arc::new).map_err(Error::InvalidModule);
                // Checked kernels are interpreted.
                let code_bytes = match &outcome {
                    Ok(module) if !checks => crate::cpu::compiled::prepare(module, &engine),
                    _ => 0,
                };
                let text_bytes = ptx.len() as u64;
                drop(ptx);
                permit.fulfil(&outcome, text_bytes, code_bytes);
            }
        });
        let (_, loader) = *self.loader.get_or_init(|| {
            let id = device.compiler.add_lease();
            let lane = device.compiler.add_lane(self.session.compiler_id, id, ());
            (id, lane)
        });
        device.compiler.push_task(loader, task)?;
        answer.await.map_err(|_| {
            Error::DeviceLost("the device failed while it compiled the module".to_owned())
        })?
    }

    /// A queue for work on the device.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] at the tenant's limit.
    pub async fn create_queue(&self) -> Result<Queue, Error> {
        let charge = self.session.tenant.account.charge(Resource::Queues, 1)?;
        let ended = self.ended.clone();
        match self.worker().await? {
            None => Ok(Queue::new(
                &self.session,
                self.id,
                ended,
                charge,
                self.output.clone(),
            )),
            Some(worker) => {
                let (number, queue) = Queue::new_in(worker, &self.session, ended, charge)?;
                lock(&self.queues).push(number);
                Ok(queue)
            }
        }
    }
}

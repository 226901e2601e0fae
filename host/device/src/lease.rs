//! One component instance's hold on its tenant's session. When the instance
//! ends, whatever it queued ends too.

mod operations;

use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;

use crate::account::{QuotaCharge, Resource};
use crate::backend::LeaseBackend;
use crate::cache::Waiter;
use crate::identity::{LeaseId, QueueId};
use crate::linear::{self, Element, Gemm, Gemv};
use crate::memory_meter::MemoryMeter;
use crate::meter::{Meter, MeterSlot};
use crate::queue::QueueOwner;
use crate::reclaimer::RetiringModule;
use crate::session::SessionShared;
use crate::{Buffer, Error, Info, Kernel, Module, Output, Queue, Session};

use operations::OperationKernels;

/// Up to this, in bytes, a module's text is hashed by the caller, who finds it
/// in the cache then without asking a thread.
const SHORT_TEXT: usize = 256 << 10;

/// One instance's hold on a session. Dropping it discards what the instance's
/// queues still have to do, stops its running kernels within about a
/// millisecond, and ends every call that waits on one of its queues with
/// [`Error::DeviceLost`].
pub struct Lease {
    session: Arc<SessionShared>,
    /// Where modules are checked, with the scheduler of the device's compiler; opened
    /// with the first one.
    compiler: OnceLock<(LeaseId, QueueId)>,
    ended: CancellationToken,
    /// Once the device is asked for something.
    backend: OnceCell<Box<dyn LeaseBackend>>,
    /// Where its kernels print.
    output: Option<Arc<dyn Output>>,
    /// Meters what is allocated through it.
    memory: Option<MemoryMeter>,
    /// Whom the launches are charged to that its queues take from now on.
    meter: Arc<MeterSlot>,
    /// The kernels for products of matrices where the device executes none itself, one for each type
    /// of elements.
    products: [OnceCell<Kernel>; 5],
    /// Those of the other operations.
    operations: OperationKernels,
    /// What exists until it has ended, and its queues' work is done.
    kept: Option<Arc<dyn Send + Sync>>,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        drop(self.backend.take());
        self.meter.set(None);
        if let Some((id, _)) = self.compiler.get() {
            self.session.device.shared.compiler.close(*id);
        }
        self.ended.cancel();
        self.session.leases.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Session {
    /// A hold on the session for one component instance. What its kernels print is
    /// dropped.
    pub fn lease(&self) -> Lease {
        Lease::new(&self.shared, None)
    }

    /// A hold on the session for one component instance, whose kernels print here. What
    /// kernels in a process of their own print is logged, with the tenant's name.
    pub fn lease_printing(&self, output: Arc<dyn Output>) -> Lease {
        Lease::new(&self.shared, Some(output))
    }
}

impl Lease {
    fn new(session: &Arc<SessionShared>, output: Option<Arc<dyn Output>>) -> Lease {
        session.leases.fetch_add(1, Ordering::AcqRel);
        Lease {
            session: Arc::clone(session),
            compiler: OnceLock::new(),
            ended: CancellationToken::new(),
            backend: OnceCell::new(),
            output,
            memory: None,
            meter: Arc::default(),
            products: Default::default(),
            operations: OperationKernels::default(),
            kept: None,
        }
    }

    /// Has what is allocated through it metered by this meter, beside the tenant's: to be said
    /// before the device is used.
    #[must_use]
    pub fn with_memory_meter(mut self, meter: MemoryMeter) -> Lease {
        self.memory = Some(meter);
        self
    }

    /// Charges the launches that its queues take from now on to this meter, until it is
    /// called again. Those before are charged to the meter that was set when they came.
    pub fn charge_to(&self, meter: Arc<dyn Meter>) {
        self.meter.set(Some(meter));
    }

    /// Keeps a value until this lease is dropped, or is given another value, and the work is done
    /// of all queues that it makes from now on. The value's own `Drop` so learns when nothing of
    /// them counts in the tenant's limits any more: a kernel that runs when the lease is dropped
    /// takes a moment to be stopped.
    pub fn keep_until_done(&mut self, value: Arc<dyn Send + Sync>) {
        self.kept = Some(value);
    }

    /// Sees that the device is there: where it is in processes of its own, that the
    /// tenant has one. What uses the device does this by itself; called beforehand, it
    /// says early what is wrong.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] where there is none.
    pub async fn open(&self) -> Result<(), Error> {
        self.backend().await.map(|_| ())
    }

    /// Whether the device that this lease used is lost, and all that was on it. A new
    /// lease gets another.
    pub fn is_lost(&self) -> bool {
        self.backend.get().is_some_and(|backend| backend.is_lost())
    }

    async fn backend(&self) -> Result<&dyn LeaseBackend, Error> {
        let backend = self
            .backend
            .get_or_try_init(|| Arc::clone(&self.session.backend).open_lease(self.memory.clone()))
            .await?;
        Ok(backend.as_ref())
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
        let (address, allocation) = self.backend().await?.allocate(bytes).await?;
        Ok(Buffer::new(
            &self.session.tenant,
            address,
            bytes,
            allocation,
        ))
    }

    /// Checks a PTX module, on threads that the device has for that: one text
    /// of a tenant at a time, and tenants take turns. A checked module is kept,
    /// for all tenants, under the hash of its text; its kernels are compiled
    /// when each is launched for the first time.
    ///
    /// # Errors
    /// [`Error::InvalidModule`] with what is wrong and where;
    /// [`Error::QuotaExceeded`] and [`Error::OutOfMemory`] where the module, what
    /// the host holds of it, or the variables that it declares, find no room.
    pub async fn load(&self, ptx: Vec<u8>) -> Result<Module, Error> {
        let account = &self.session.tenant.account;
        let count = account.charge(Resource::Modules, 1)?;
        self.load_counted(ptx, Some(count)).await
    }

    /// Loads one of the host's own modules, which does not count as one of the tenant's: each instance has
    /// those that it uses, so that a tenant would have as many as it gets requests at a time. There are few
    /// of them, and what the host holds of each is charged once.
    async fn load_own(&self, text: String) -> Result<Module, Error> {
        self.load_counted(text.into(), None).await
    }

    async fn load_counted(
        &self,
        ptx: Vec<u8>,
        count: Option<QuotaCharge>,
    ) -> Result<Module, Error> {
        let tenant = &self.session.tenant;
        let backend = self.backend().await?;
        let ptx = Arc::new(ptx);
        let hash = (ptx.len() <= SHORT_TEXT).then(|| blake3::hash(&ptx));
        let kept = hash.and_then(|hash| self.session.device.shared.cache.get(&hash));
        let parsed = match kept {
            Some(parsed) => parsed,
            None => self.check(&ptx, hash).await?,
        };
        let retiring = RetiringModule::new(&parsed, &self.session.device.shared.reclaimer);
        // Dropped before that, wherever this ends.
        let parsed = parsed;
        let charge = tenant.charge_module(count, &parsed)?;
        let loaded = backend.load(&parsed, &ptx, hash).await?;
        Ok(Module::new(parsed, loaded, tenant, charge, retiring))
    }

    async fn check(
        &self,
        ptx: &Arc<Vec<u8>>,
        hash: Option<blake3::Hash>,
    ) -> Result<Arc<tensor_wasm_ptx::Module>, Error> {
        let device = &self.session.device.shared;
        let account = &self.session.tenant.account;
        let permit = account.in_flight_permit(ptx.len() as u64).await?;
        let (cache, limits) = (Arc::clone(&device.cache), device.ptx.clone());
        let ptx = Arc::clone(ptx);
        let (waiter, answer) = Waiter::new(permit);
        // Claimed when it runs, not when it is queued: a caller that waits for the same
        // text waits for a thread that compiles it, never for another tenant's turn.
        let task = Box::new(move || {
            let hash = hash.unwrap_or_else(|| blake3::hash(&ptx));
            if waiter.is_gone() {
                return;
            }
            if let Some(claim) = cache.claim(hash, waiter) {
                let parsed = tensor_wasm_ptx::parse(&ptx, &limits);
                let outcome = parsed.map(Arc::new).map_err(Error::InvalidModule);
                drop(ptx);
                claim.fulfil(&outcome);
            }
        });
        let (_, queue) = *self.compiler.get_or_init(|| {
            let id = device.compiler.add_lease();
            let session = self.session.compiler_id;
            let queue = device.compiler.add_queue(session, id, Box::new(()));
            (id, queue)
        });
        device.compiler.push_task(queue, task)?;
        answer.await.map_err(|_| {
            Error::DeviceLost("the device failed while it checked the module".to_owned())
        })?
    }

    /// Queues a product of matrices on one of this lease's queues. It counts as a launch in all limits,
    /// and what `a` and `b` hold is read when the queue comes to it.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where the shapes do not fit each other, or where the result shares bytes
    /// with what is read; [`Error::OutOfRange`] where an operand does not lie within its buffer;
    /// [`Error::Denied`] for another session's buffer.
    pub async fn gemm(&self, queue: &Queue, gemm: Gemm) -> Result<(), Error> {
        queue.check_operands(&gemm)?;
        let Some(shape) = linear::checked(&gemm)? else {
            return Ok(());
        };
        if queue.executes_products() {
            return queue.gemm(gemm, shape).await;
        }
        let kernel = self.product_kernel(gemm.element).await?;
        for (config, arguments) in linear::launches(&gemm, &shape) {
            queue.launch(&kernel, config, arguments).await?;
        }
        Ok(())
    }

    /// The kernel for products of a type, which is loaded when it is first asked for.
    async fn product_kernel(&self, element: Element) -> Result<Kernel, Error> {
        let slot = match element {
            Element::F32 => &self.products[0],
            Element::F64 => &self.products[1],
            Element::F16 => &self.products[2],
            Element::BF16 => &self.products[3],
            Element::S8 => &self.products[4],
        };
        let kernel = slot.get_or_try_init(|| async {
            let module = self.load_own(linear::module(element)).await?;
            module.kernel(linear::KERNEL)
        });
        Ok(kernel.await?.clone())
    }

    /// As [`gemm`](Lease::gemm), of a matrix and a vector.
    ///
    /// # Errors
    /// As those of `gemm`.
    pub async fn gemv(&self, queue: &Queue, gemv: Gemv) -> Result<(), Error> {
        self.gemm(queue, gemv.into_gemm()).await
    }

    /// A queue for work on the device.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] at the tenant's limit.
    pub async fn create_queue(&self) -> Result<Queue, Error> {
        let charge = self.session.tenant.account.charge(Resource::Queues, 1)?;
        let backend = self.backend().await?;
        let instance = QueueOwner {
            ended: self.ended.clone(),
            meter: Arc::clone(&self.meter),
            kept: self.kept.clone(),
        };
        Queue::open(
            &self.session,
            backend,
            instance,
            charge,
            self.output.clone(),
        )
    }
}

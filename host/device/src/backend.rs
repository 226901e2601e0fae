//! The seam between what a device promises and what runs the kernels. There are two backends: the
//! processor in this process ([`cpu`](crate::cpu)), and a worker process for each tenant
//! ([`remote`](crate::remote)), which has the processor or a GPU. Neither knows the other.
//!
//! The traits mirror the lifetimes: a [`Backend`] lives as long as its device, a [`SessionBackend`] as
//! its tenant's session, a [`LeaseBackend`] as its instance, a [`QueueBackend`] as its queue and the
//! queue's events. What they make for a tenant, an [`Allocation`](crate::buffer::Allocation) or a
//! [`LoadedModule`](crate::module::LoadedModule), is dropped with its last handle.

use std::any::Any;
use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use crate::buffer::Allocation;
use crate::identity::{FailureId, SessionId};
use crate::memory_meter::MemoryMeter;
use crate::module::LoadedModule;
use crate::spin_wait::spin_until;
use crate::staging::Staging;
use crate::submission::Submission;
use crate::tenant::Tenant;
use crate::{Error, Output};

/// A future on the heap, as methods of trait objects return it.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Memory that was allocated, and its device address.
pub(crate) type Allocated = (u64, Box<dyn Allocation>);

/// What is dropped once the work of a queue is over, which may be later than its last handle.
pub(crate) type QueueGuard = Box<dyn Any + Send>;

/// What runs a device's kernels.
pub(crate) trait Backend: Debug + Send + Sync {
    /// Called once for each session. Does nothing that takes long.
    /// `compiler` is the session with the scheduler of the device's compiler.
    fn open_session(
        &self,
        tenant: &Arc<Tenant>,
        name: &str,
        compiler: SessionId,
    ) -> Arc<dyn SessionBackend>;

    /// How many worker processes there are now.
    fn workers(&self) -> usize;

    /// Whether tenants can use the device now, as far as is known.
    fn is_available(&self) -> bool;

    /// Called when the device's last handle is dropped: threads and processes end by themselves.
    fn shut_down(&self);
}

/// One tenant's use of a backend.
pub(crate) trait SessionBackend: Debug + Send + Sync {
    /// Called when an instance first uses the device. May wait until a process has been started.
    /// What is allocated through the lease is metered by `memory`, too.
    fn open_lease(
        self: Arc<Self>,
        memory: Option<MemoryMeter>,
    ) -> BoxFuture<'static, Result<Box<dyn LeaseBackend>, Error>>;
}

/// One instance's use of a backend. Dropped, it ends the work of the instance's queues.
pub(crate) trait LeaseBackend: Debug + Send + Sync {
    /// Whether what was on the device is gone.
    fn is_lost(&self) -> bool;

    /// Zeroed memory, charged to the tenant.
    fn allocate(&self, bytes: u64) -> BoxFuture<'_, Result<Allocated, Error>>;

    /// Loads a module that was parsed from this text, and gives its variables their memory and first
    /// values.
    fn load<'a>(
        &'a self,
        parsed: &'a Arc<tensor_wasm_ptx::Module>,
        text: &'a [u8],
        hash: Option<blake3::Hash>,
    ) -> BoxFuture<'a, Result<Box<dyn LoadedModule>, Error>>;

    /// A queue whose kernels print to `output`.
    fn create_queue(
        &self,
        guard: QueueGuard,
        output: Option<Arc<dyn Output>>,
    ) -> Result<Arc<dyn QueueBackend>, Error>;
}

/// One queue. All that can be said against a command was said before it comes here, but for a loss of
/// the device.
pub(crate) trait QueueBackend: Debug + Send + Sync {
    /// Where the bytes of writes and reads lie on their way.
    fn staging(&self) -> &Staging;

    /// Whether it executes products of matrices. Where it does not, kernels are launched for them.
    fn executes_products(&self) -> bool;

    /// Appends a command. Never waits.
    ///
    /// # Errors
    /// [`Error::DeviceLost`] once the instance has ended or the device is lost, and
    /// [`Error::InvalidLaunch`] where the backend refuses a launch.
    fn push(&self, submission: Submission) -> Result<(), Error>;

    /// A caller waits for an answer: polls until it is `ready`, or until that is not worth its time any
    /// more.
    fn spin(&self, ready: &mut dyn FnMut() -> bool) {
        spin_until(ready);
    }

    /// Somebody has learnt of a failure of this queue, and commands run again.
    fn acknowledge(&self, failure: FailureId);

    /// The queue's last handle is gone: its work goes on, and then the queue ends.
    fn retire(&self);
}

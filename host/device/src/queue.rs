//! Queues: work for a device, in order.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::account::{InFlightPermit, QuotaCharge, Resource};
use crate::backend::{LeaseBackend, QueueBackend};
use crate::command::Command;
use crate::linear::{GEMM, Gemm, GemmShape};
use crate::meter::{LaunchCharge, MeterSlot};
use crate::session::SessionShared;
use crate::spin_wait::spin_then_await;
use crate::submission::{EventSignal, Handles, Reply, Submission};
use crate::{Argument, Buffer, Error, Event, Kernel, LaunchConfig, Output, launch};

mod pieces;

/// Work for a device, done in order; queues run beside one another. Clones are
/// the same queue. When the last is gone, what is queued is still done.
///
/// What only queues work returns at once, unless the tenant has reached its
/// limit of queued work: then it waits until some of it is done. Calls check
/// their arguments before they queue anything. An error of queued work comes
/// back from the next call that waits: [`read`](Queue::read),
/// [`synchronize`](Queue::synchronize), or [`Event::wait`] for an event behind
/// it. What was queued in between is dropped; then the queue is as good as new.
///
/// Buffers and kernels must be of the queue's own session; whichever of its
/// leases they came from. Another session's are refused with [`Error::Denied`],
/// before anything is queued or waited for.
///
/// Every call fails with [`Error::DeviceLost`] once the [`Lease`](crate::Lease)
/// that the queue came from is dropped.
#[derive(Clone, Debug)]
pub struct Queue {
    shared: Arc<QueueShared>,
}

struct QueueShared {
    session: Arc<SessionShared>,
    backend: Arc<dyn QueueBackend>,
    owner: QueueOwner,
}

/// What a queue has of its lease.
pub(crate) struct QueueOwner {
    /// The lease's end.
    pub(crate) ended: CancellationToken,
    /// Whom launches are charged to.
    pub(crate) meter: Arc<MeterSlot>,
    /// What the lease has kept until its queues' work is done.
    pub(crate) kept: Option<Arc<dyn Send + Sync>>,
}

impl std::fmt::Debug for QueueShared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("backend", &self.backend)
            .finish_non_exhaustive()
    }
}

/// What exists until a queue's work is done.
#[expect(dead_code, reason = "it is only dropped")]
struct Guard {
    charge: QuotaCharge,
    session: Arc<SessionShared>,
    /// Dropped after the charge.
    kept: Option<Arc<dyn Send + Sync>>,
}

impl Drop for QueueShared {
    fn drop(&mut self) {
        self.backend.retire();
    }
}

impl Queue {
    /// A queue of an instance, whose kernels print to `output`.
    ///
    /// # Errors
    /// [`Error::DeviceLost`].
    pub(crate) fn open(
        session: &Arc<SessionShared>,
        lease: &dyn LeaseBackend,
        owner: QueueOwner,
        charge: QuotaCharge,
        output: Option<Arc<dyn Output>>,
    ) -> Result<Queue, Error> {
        let guard = Guard {
            charge,
            session: Arc::clone(session),
            kept: owner.kept.clone(),
        };
        let shared = QueueShared {
            session: Arc::clone(session),
            backend: lease.create_queue(Box::new(guard), output)?,
            owner,
        };
        Ok(Queue {
            shared: Arc::new(shared),
        })
    }

    /// Queues a write of `data` to a buffer, `offset` bytes from its start.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] where the range does not lie within the buffer.
    pub async fn write(&self, target: &Buffer, offset: u64, data: Vec<u8>) -> Result<(), Error> {
        let bytes = data.len() as u64;
        self.check(target, "a write", offset, bytes)?;
        let permit = self.permit(bytes).await?;
        match self.shared.backend.staging().adopt(data) {
            Ok(data) => {
                let target = target.clone();
                let command = Command::Write {
                    target,
                    offset,
                    data,
                };
                self.push(command, Some(permit))
            }
            Err(data) => self.write_pieces(target, offset, &data, permit).await,
        }
    }

    /// As [`write`](Queue::write), from where the bytes are: they are copied once, to
    /// where the device finds them, before this returns.
    ///
    /// # Errors
    /// As those of `write`, and [`Error::OutOfMemory`] where the host has no room for
    /// the copy.
    pub async fn write_from(&self, target: &Buffer, offset: u64, data: &[u8]) -> Result<(), Error> {
        let bytes = data.len() as u64;
        self.check(target, "a write", offset, bytes)?;
        let permit = self.permit(bytes).await?;
        self.write_pieces(target, offset, data, permit).await
    }

    /// Waits for what is queued, then reads `bytes` bytes, from `offset` bytes
    /// behind the buffer's start on.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] where the range does not lie within the buffer,
    /// [`Error::OutOfMemory`] where the host has no room for the answer, and the
    /// first error of what was queued.
    pub async fn read(&self, source: &Buffer, offset: u64, bytes: u64) -> Result<Vec<u8>, Error> {
        self.check(source, "a read", offset, bytes)?;
        let permit = self.permit(bytes).await?;
        self.read_pieces(source, offset, bytes, Some(permit)).await
    }

    /// As [`read`](Queue::read), while the tenant's commands are held back.
    pub(crate) async fn read_held(
        &self,
        source: &Buffer,
        offset: u64,
        bytes: u64,
    ) -> Result<Vec<u8>, Error> {
        self.check(source, "a read", offset, bytes)?;
        self.read_pieces(source, offset, bytes, None).await
    }

    /// Appends a command while the tenant's commands are held back.
    pub(crate) fn push_held(&self, command: Command<Handles>) -> Result<(), Error> {
        self.push(command, None)
    }

    /// Queues a copy from one buffer to another, or within one: ranges may overlap.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] where one of the ranges does not lie within its buffer.
    pub async fn copy(
        &self,
        source: &Buffer,
        source_offset: u64,
        target: &Buffer,
        target_offset: u64,
        bytes: u64,
    ) -> Result<(), Error> {
        self.check(source, "a copy from here", source_offset, bytes)?;
        self.check(target, "a copy to here", target_offset, bytes)?;
        let command = Command::Copy {
            source: source.clone(),
            source_offset,
            target: target.clone(),
            target_offset,
            bytes,
        };
        self.submit(command, 0).await
    }

    /// Queues setting every byte of a range to `value`.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] where the range does not lie within the buffer.
    pub async fn fill(
        &self,
        target: &Buffer,
        offset: u64,
        bytes: u64,
        value: u8,
    ) -> Result<(), Error> {
        self.check(target, "a fill", offset, bytes)?;
        let command = Command::Fill {
            target: target.clone(),
            offset,
            bytes,
            value,
        };
        self.submit(command, 0).await
    }

    /// Queues a launch. One that comes before the tenant's rate of launches
    /// allows it waits, and then counts by itself: dropped before, it counts
    /// for nothing.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where extents, shared memory or arguments fit
    /// neither kernel nor device; [`Error::OutOfRange`] for a pointer outside of
    /// its buffer; [`Error::Denied`] for another session's kernel or buffer.
    pub async fn launch(
        &self,
        kernel: &Kernel,
        config: LaunchConfig,
        arguments: Vec<Argument>,
    ) -> Result<(), Error> {
        let SessionShared { device, tenant, .. } = &*self.shared.session;
        kernel.module().belongs_to(tenant)?;
        launch::check(kernel, &config, &device.shared.description)?;
        let mut arguments = launch::pack(kernel, arguments, tenant)?;
        let rate_permit = tenant.account.rate_permit(&device.shared.timer);
        let rate_permit = self.unless_ended(rate_permit).await?;
        let held_bytes = arguments.held_bytes();
        let charge = self.charge(kernel.name(), &config);
        let meter = charge.as_ref().map(|charge| Arc::clone(charge.meter()));
        arguments.charge = charge;
        let command = Command::Launch {
            kernel: kernel.clone(),
            config,
            arguments,
        };
        self.submit(command, held_bytes).await?;
        if let Some(meter) = meter {
            meter.launched();
        }
        if let Some(rate_permit) = rate_permit {
            rate_permit.spend();
        }
        Ok(())
    }

    /// Whether the device executes products of matrices itself.
    pub(crate) fn executes_products(&self) -> bool {
        self.shared.backend.executes_products()
    }

    /// Queues a product of matrices for a device that executes it itself.
    ///
    /// # Errors
    /// As those of [`Lease::gemm`](crate::Lease::gemm).
    pub(crate) async fn gemm(&self, gemm: Gemm, shape: GemmShape) -> Result<(), Error> {
        let SessionShared { device, tenant, .. } = &*self.shared.session;
        let rate_permit = tenant.account.rate_permit(&device.shared.timer);
        let rate_permit = self.unless_ended(rate_permit).await?;
        let charge = self.charge(GEMM, &shape.as_launch());
        let meter = charge.as_ref().map(|charge| Arc::clone(charge.meter()));
        let command = Command::Gemm {
            shape: Box::new(shape),
            a: gemm.a.buffer,
            b: gemm.b.buffer,
            c: gemm.c.buffer,
            bias: gemm.bias.map(|bias| bias.buffer),
            charge,
        };
        self.submit(command, size_of::<GemmShape>() as u64).await?;
        if let Some(meter) = meter {
            meter.launched();
        }
        if let Some(rate_permit) = rate_permit {
            rate_permit.spend();
        }
        Ok(())
    }

    /// Whether a buffer is one of the queue's session.
    ///
    /// # Errors
    /// [`Error::Denied`].
    pub(crate) fn check_session(&self, buffer: &Buffer) -> Result<(), Error> {
        buffer.belongs_to(&self.shared.session.tenant)
    }

    /// Whether the operands of a product are those of the queue's session.
    ///
    /// # Errors
    /// [`Error::Denied`].
    pub(crate) fn check_operands(&self, gemm: &Gemm) -> Result<(), Error> {
        let tenant = &self.shared.session.tenant;
        let bias = gemm.bias.as_ref().map(|bias| &bias.buffer);
        let buffers = [&gemm.a.buffer, &gemm.b.buffer, &gemm.c.buffer];
        let mut all = buffers.into_iter().chain(bias);
        all.try_for_each(|buffer| buffer.belongs_to(tenant))
    }

    /// What a launch is charged to that is queued now.
    fn charge(&self, kernel: &str, config: &LaunchConfig) -> Option<LaunchCharge> {
        self.shared.owner.meter.current().map(|meter| {
            let number = meter.begins(kernel, config);
            LaunchCharge::new(meter, number)
        })
    }

    /// Marks this point of the queue.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] at the tenant's limit of events.
    pub async fn record_event(&self) -> Result<Event, Error> {
        let tenant = &self.shared.session.tenant;
        let charge = tenant.account.charge(Resource::Events, 1)?;
        let (signal, state) = EventSignal::channel();
        self.submit(Command::Event(signal), 0).await?;
        let queue = Arc::clone(&self.shared.backend);
        Ok(Event::new(state, Arc::clone(tenant), queue, charge))
    }

    /// Waits until all that is queued is done.
    ///
    /// # Errors
    /// The first error of what was queued.
    pub async fn synchronize(&self) -> Result<(), Error> {
        let (reply, answer) = Reply::channel();
        self.submit(Command::Fence(reply), 0).await?;
        spin_then_await(answer, |ready| self.shared.backend.spin(ready))
            .await
            .map_err(|_| Error::lease_ended())?
    }

    /// Queues a command that was checked, and makes the host hold `staged_bytes` bytes.
    ///
    /// # Errors
    /// As those of [`QueueBackend::push`].
    pub(crate) async fn submit(
        &self,
        command: Command<Handles>,
        staged_bytes: u64,
    ) -> Result<(), Error> {
        let permit = self.permit(staged_bytes).await?;
        self.push(command, Some(permit))
    }

    fn push(&self, command: Command<Handles>, permit: Option<InFlightPermit>) -> Result<(), Error> {
        match &command {
            // It may write to whatever its tenant has.
            Command::Launch { .. } => self.shared.session.tenant.account.count_launch(),
            Command::Write { target, .. }
            | Command::Copy { target, .. }
            | Command::Refresh { copy: target, .. }
            | Command::Fill { target, .. }
            | Command::Gemm { c: target, .. } => target.count_write(),
            Command::Read { .. } | Command::Event(_) | Command::Fence(_) => {}
        }
        self.shared.backend.push(Submission { command, permit })
    }

    fn check(&self, buffer: &Buffer, what: &str, offset: u64, bytes: u64) -> Result<(), Error> {
        buffer.belongs_to(&self.shared.session.tenant)?;
        buffer.check_range(what, offset, bytes)
    }

    async fn permit(&self, staged_bytes: u64) -> Result<InFlightPermit, Error> {
        let account = &self.shared.session.tenant.account;
        self.unless_ended(account.in_flight_permit(staged_bytes))
            .await?
    }

    /// Waits for what may take long for other reasons than this queue's work,
    /// but no longer than the lease lives.
    async fn unless_ended<T>(&self, what: impl Future<Output = T>) -> Result<T, Error> {
        let outcome = self.shared.owner.ended.run_until_cancelled(what).await;
        outcome.ok_or_else(Error::lease_ended)
    }
}

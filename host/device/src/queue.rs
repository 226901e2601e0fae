//! Queues: work for a device, in order.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::account::{Charge, Resource, Ticket};
use crate::command::{Command, EventState, LaunchCommand, Queued};
use crate::cpu::{LaneId, LeaseId};
use crate::session::Shared;
use crate::{Argument, Buffer, Error, Event, Kernel, LaunchConfig, launch};

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

#[derive(Debug)]
struct QueueShared {
    session: Arc<Shared>,
    lane: LaneId,
    /// The lease's end.
    ended: CancellationToken,
}

/// What lives until a queue's work is done.
struct Hold {
    _charge: Charge,
    _session: Arc<Shared>,
}

impl Drop for QueueShared {
    fn drop(&mut self) {
        self.session.device.shared.scheduler.retire(self.lane);
    }
}

impl Queue {
    pub(crate) fn new(
        session: &Arc<Shared>,
        lease: LeaseId,
        ended: CancellationToken,
        charge: Charge,
    ) -> Queue {
        let hold = Hold {
            _charge: charge,
            _session: Arc::clone(session),
        };
        let lane = session
            .device
            .shared
            .scheduler
            .add_lane(session.id, lease, hold);
        Queue {
            shared: Arc::new(QueueShared {
                session: Arc::clone(session),
                lane,
                ended,
            }),
        }
    }

    /// Queues a write of `data` to a buffer, `offset` bytes from its start.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] where the range does not lie within the buffer.
    pub async fn write(&self, target: &Buffer, offset: u64, data: Vec<u8>) -> Result<(), Error> {
        let bytes = data.len() as u64;
        self.check(target, "a write", offset, bytes)?;
        self.queue(
            bytes,
            Command::Write {
                target: target.clone(),
                offset,
                data,
            },
        )
        .await
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
        let ticket = self.ticket(bytes).await?;
        let into = usize::try_from(bytes)
            .ok()
            .and_then(|bytes| bytemuck::allocation::try_zeroed_slice_box(bytes).ok())
            .ok_or(Error::OutOfMemory { bytes })?
            .into_vec();
        let (reply, answer) = oneshot::channel();
        let command = Command::Read {
            source: source.clone(),
            offset,
            into,
            reply,
        };
        self.push(Queued { command, ticket })?;
        answer.await.map_err(|_| Error::lease_ended())?
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
        let (source, target) = (source.clone(), target.clone());
        self.queue(
            0,
            Command::Copy {
                source,
                source_offset,
                target,
                target_offset,
                bytes,
            },
        )
        .await
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
        self.queue(
            0,
            Command::Fill {
                target: target.clone(),
                offset,
                bytes,
                value,
            },
        )
        .await
    }

    /// Queues a launch. One that comes before the tenant's rate of launches
    /// allows it waits, and then pays for itself alone: dropped before, it counts
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
        let Shared { device, tenant, .. } = &*self.shared.session;
        kernel.module().belongs_to(tenant)?;
        launch::check(kernel, &config, &device.shared.description)?;
        let launch::Packed { arguments, held } = launch::pack(kernel, arguments, tenant)?;
        let (tenant, kernel) = (Arc::clone(tenant), kernel.clone());
        let command = LaunchCommand {
            tenant,
            kernel,
            config,
            arguments,
            _held: held,
        };
        let timer = &self.shared.session.device.shared.timer;
        let account = &self.shared.session.tenant.account;
        let turn = self.unless_ended(account.turn(timer)).await?;
        self.queue(0, Command::Launch(command)).await?;
        if let Some(turn) = turn {
            turn.take();
        }
        Ok(())
    }

    /// Marks this point of the queue.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] at the tenant's limit of events.
    pub async fn record_event(&self) -> Result<Event, Error> {
        let session = &self.shared.session;
        let charge = session.tenant.account.charge(Resource::Events, 1)?;
        let (signal, state) = watch::channel(EventState::Pending);
        self.queue(0, Command::Event(signal)).await?;
        Ok(Event::new(
            state,
            Arc::clone(session),
            self.shared.lane,
            charge,
        ))
    }

    /// Waits until all that is queued is done.
    ///
    /// # Errors
    /// The first error of what was queued.
    pub async fn synchronize(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        self.queue(0, Command::Fence(reply)).await?;
        answer.await.map_err(|_| Error::lease_ended())?
    }

    fn check(&self, buffer: &Buffer, what: &str, offset: u64, bytes: u64) -> Result<(), Error> {
        buffer.belongs_to(&self.shared.session.tenant)?;
        buffer.check_range(what, offset, bytes)
    }

    async fn queue(&self, staged_bytes: u64, command: Command) -> Result<(), Error> {
        let ticket = self.ticket(staged_bytes).await?;
        self.push(Queued { command, ticket })
    }

    async fn ticket(&self, staged_bytes: u64) -> Result<Ticket, Error> {
        let account = &self.shared.session.tenant.account;
        self.unless_ended(account.ticket(staged_bytes)).await?
    }

    /// Waits for what may take long for other reasons than this queue's work,
    /// but no longer than the lease lives.
    async fn unless_ended<T>(&self, what: impl Future<Output = T>) -> Result<T, Error> {
        let outcome = self.shared.ended.run_until_cancelled(what).await;
        outcome.ok_or_else(Error::lease_ended)
    }

    fn push(&self, queued: Queued) -> Result<(), Error> {
        self.shared
            .session
            .device
            .shared
            .scheduler
            .push(self.shared.lane, queued)
    }
}

//! Queues: work for a device, in order.

use std::sync::Arc;

use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;

use crate::account::{Charge, Resource, Ticket};
use crate::command::{Command, EventState, LaunchCommand, Queued};
use crate::cpu::{LaneId, LeaseId, PoisonId};
use crate::remote::{Remote, Worker};
use crate::session::Shared;
use crate::{Argument, Buffer, Error, Event, Kernel, LaunchConfig, Output, launch, patience};

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
    session: Arc<Shared>,
    lane: LaneRef,
    /// The lease's end.
    ended: CancellationToken,
    /// Where its kernels print.
    output: Option<Arc<dyn Output>>,
}

impl std::fmt::Debug for QueueShared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Queue")
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

/// Where a queue's work is done.
#[derive(Clone, Debug)]
pub(crate) enum LaneRef {
    /// On the threads of this process.
    Here(LaneId),
    /// In the tenant's worker, under this number.
    Worker(Arc<Worker>, u64),
}

impl LaneRef {
    /// Someone was told of the queue's failure.
    pub(crate) fn acknowledge(&self, session: &Shared, poison: PoisonId) {
        match self {
            LaneRef::Here(lane) => session.device.shared.scheduler.acknowledge(*lane, poison),
            LaneRef::Worker(worker, queue) => worker.acknowledge(*queue, poison),
        }
    }
}

/// What lives until a queue's work is done.
#[derive(Debug)]
pub(crate) struct Hold {
    _charge: Charge,
    _session: Arc<Shared>,
}

impl Drop for QueueShared {
    fn drop(&mut self) {
        match &self.lane {
            LaneRef::Here(lane) => self.session.device.shared.scheduler.retire(*lane),
            // Where the lease has ended, it was closed, and this does no more.
            LaneRef::Worker(worker, queue) => worker.retire(*queue),
        }
    }
}

impl Queue {
    pub(crate) fn new(
        session: &Arc<Shared>,
        lease: LeaseId,
        ended: CancellationToken,
        charge: Charge,
        output: Option<Arc<dyn Output>>,
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
        Queue::on(session, LaneRef::Here(lane), ended, output)
    }

    /// A queue in the tenant's worker, and its number there.
    ///
    /// # Errors
    /// [`Error::DeviceLost`].
    pub(crate) fn new_in(
        worker: &Arc<Worker>,
        session: &Arc<Shared>,
        ended: CancellationToken,
        charge: Charge,
    ) -> Result<(u64, Queue), Error> {
        let hold = Hold {
            _charge: charge,
            _session: Arc::clone(session),
        };
        let number = worker.add_lane(hold)?;
        let lane = LaneRef::Worker(Arc::clone(worker), number);
        Ok((number, Queue::on(session, lane, ended, None)))
    }

    fn on(
        session: &Arc<Shared>,
        lane: LaneRef,
        ended: CancellationToken,
        output: Option<Arc<dyn Output>>,
    ) -> Queue {
        Queue {
            shared: Arc::new(QueueShared {
                session: Arc::clone(session),
                lane,
                ended,
                output,
            }),
        }
    }

    /// The queue as its worker knows it, where it is in one.
    fn remote(&self) -> Option<Remote<'_>> {
        match &self.shared.lane {
            LaneRef::Here(_) => None,
            LaneRef::Worker(worker, number) => Some(Remote {
                worker,
                number: *number,
            }),
        }
    }

    /// Queues a write of `data` to a buffer, `offset` bytes from its start.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] where the range does not lie within the buffer.
    pub async fn write(&self, target: &Buffer, offset: u64, data: Vec<u8>) -> Result<(), Error> {
        match self.remote() {
            None => {
                let bytes = data.len() as u64;
                self.check(target, "a write", offset, bytes)?;
                let ticket = self.ticket(bytes).await?;
                self.push_write(target, offset, data, ticket)
            }
            Some(_) => self.write_from(target, offset, &data).await,
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
        let ticket = self.ticket(bytes).await?;
        if let Some(remote) = self.remote() {
            return self
                .unless_ended(remote.write(target, offset, data, ticket))
                .await?;
        }
        let mut copy = Vec::new();
        copy.try_reserve_exact(data.len())
            .map_err(|_| Error::OutOfMemory { bytes })?;
        copy.extend_from_slice(data);
        self.push_write(target, offset, copy, ticket)
    }

    fn push_write(
        &self,
        target: &Buffer,
        offset: u64,
        data: Vec<u8>,
        ticket: Ticket,
    ) -> Result<(), Error> {
        let command = Command::Write {
            target: target.clone(),
            offset,
            data,
        };
        self.push(Queued { command, ticket })
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
        if let Some(remote) = self.remote() {
            return self
                .unless_ended(remote.read(source, offset, bytes, ticket))
                .await?;
        }
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
        patience::soon(answer)
            .await
            .map_err(|_| Error::lease_ended())?
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
        if let Some(remote) = self.remote() {
            let ticket = self.ticket(0).await?;
            let (from, to) = ((source, source_offset), (target, target_offset));
            return remote.copy(from, to, bytes, ticket);
        }
        let (source, target) = (source.clone(), target.clone());
        self.queue(Command::Copy {
            source,
            source_offset,
            target,
            target_offset,
            bytes,
        })
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
        if let Some(remote) = self.remote() {
            let ticket = self.ticket(0).await?;
            return remote.fill(target, offset, bytes, value, ticket);
        }
        self.queue(Command::Fill {
            target: target.clone(),
            offset,
            bytes,
            value,
        })
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
        let timer = &self.shared.session.device.shared.timer;
        let account = &self.shared.session.tenant.account;
        let turn = self.unless_ended(account.turn(timer)).await?;
        match self.remote() {
            None => {
                let command = LaunchCommand {
                    tenant: Arc::clone(tenant),
                    kernel: kernel.clone(),
                    config,
                    arguments,
                    output: self.shared.output.clone(),
                    _held: held,
                };
                self.queue(Command::Launch(command)).await?;
            }
            Some(remote) => {
                let ticket = self.ticket(0).await?;
                remote.launch(kernel, config, &arguments, held, ticket)?;
            }
        }
        if let Some(turn) = turn {
            turn.take();
        }
        Ok(())
    }

    /// Queues a launch that was checked already, by the host whose worker this is. The
    /// buffers that the arguments point to are held there.
    ///
    /// # Errors
    /// [`Error::InvalidLaunch`] where the interpreter refuses it.
    pub(crate) async fn launch_packed(
        &self,
        kernel: Kernel,
        config: LaunchConfig,
        arguments: Vec<u8>,
    ) -> Result<(), Error> {
        let command = LaunchCommand {
            tenant: Arc::clone(&self.shared.session.tenant),
            kernel,
            config,
            arguments,
            output: self.shared.output.clone(),
            _held: Vec::new(),
        };
        self.queue(Command::Launch(command)).await
    }

    /// Marks this point of the queue.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`] at the tenant's limit of events.
    pub async fn record_event(&self) -> Result<Event, Error> {
        let session = &self.shared.session;
        let charge = session.tenant.account.charge(Resource::Events, 1)?;
        let (signal, state) = watch::channel(EventState::Pending);
        match self.remote() {
            None => self.queue(Command::Event(signal)).await?,
            Some(remote) => {
                let ticket = self.ticket(0).await?;
                remote.mark(signal, ticket)?;
            }
        }
        let lane = self.shared.lane.clone();
        Ok(Event::new(state, Arc::clone(session), lane, charge))
    }

    /// Waits until all that is queued is done.
    ///
    /// # Errors
    /// The first error of what was queued.
    pub async fn synchronize(&self) -> Result<(), Error> {
        let (reply, answer) = oneshot::channel();
        match self.remote() {
            None => self.queue(Command::Fence(reply)).await?,
            Some(remote) => {
                let ticket = self.ticket(0).await?;
                remote.fence(reply, ticket)?;
            }
        }
        patience::soon(answer)
            .await
            .map_err(|_| Error::lease_ended())?
    }

    fn check(&self, buffer: &Buffer, what: &str, offset: u64, bytes: u64) -> Result<(), Error> {
        buffer.belongs_to(&self.shared.session.tenant)?;
        buffer.check_range(what, offset, bytes)
    }

    /// Queues what makes the host hold no bytes.
    async fn queue(&self, command: Command) -> Result<(), Error> {
        let ticket = self.ticket(0).await?;
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
        match &self.shared.lane {
            LaneRef::Here(lane) => {
                let scheduler = &self.shared.session.device.shared.scheduler;
                scheduler.push(*lane, queued)
            }
            LaneRef::Worker(..) => Err(Error::lease_ended()),
        }
    }
}

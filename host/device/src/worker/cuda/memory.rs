//! Device memory: given out zeroed, scrubbed when it comes back. A thread does both, and unloads
//! modules, since the driver takes its time with all of that: it may wait for every kernel that runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, mpsc};

use cudarc::driver::sys::CUdevice_attribute;

use super::driver::{self, Context, Device, Outcome, Refusal, Stream};
use super::failure::{Faults, Severity, severity};
use crate::channel::wire::{Answer, WireError};
use crate::identity::BufferId;
use crate::sync::lock;
use crate::worker::lost::{Lost, NotStarted};
use crate::worker::outbox::Outbox;

/// What a worker's process has allocated: address and size in bytes.
type Allocations = Arc<Mutex<HashMap<BufferId, (u64, u64)>>>;

pub(super) struct Memory {
    allocations: Allocations,
    orders: mpsc::Sender<Order>,
    pooled: bool,
}

enum Order {
    Allocate(BufferId, u64),
    Free(BufferId),
    /// What gives something back to the device when it is dropped.
    Drop(Box<dyn Send>),
}

impl Memory {
    pub(super) fn start(
        device: Device,
        context: Context,
        outbox: &Outbox,
        faults: &Arc<Faults>,
    ) -> Result<Memory, NotStarted> {
        let pools = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED;
        let refused = |refusal| NotStarted::of(refusal, "the device's memory can't be used");
        let pooled = device.attribute(pools).map_err(refused)? != 0;
        let stream = Stream::create().map_err(refused)?;
        let allocations = Allocations::default();
        let (orders, received) = mpsc::channel();
        let keeper = Keeper {
            stream,
            pooled,
            allocations: Arc::clone(&allocations),
            outbox: outbox.clone(),
            faults: Arc::clone(faults),
        };
        std::thread::Builder::new()
            .name("memory".to_owned())
            .spawn(move || keeper.run(context, &received))
            .map_err(|error| Lost(format!("there is no thread: {error}")))?;
        Ok(Memory {
            allocations,
            orders,
            pooled,
        })
    }

    /// Whether the device has memory pools, whose memory comes and goes in the order of a stream.
    pub(super) fn is_pooled(&self) -> bool {
        self.pooled
    }

    pub(super) fn allocate(&self, id: BufferId, bytes: u64) -> Result<(), Lost> {
        self.order(Order::Allocate(id, bytes))
    }

    pub(super) fn free(&self, id: BufferId) -> Result<(), Lost> {
        self.order(Order::Free(id))
    }

    /// Drops what gives something back to the device.
    pub(super) fn retire(&self, retired: impl Send + 'static) -> Result<(), Lost> {
        self.order(Order::Drop(Box::new(retired)))
    }

    fn order(&self, order: Order) -> Result<(), Lost> {
        self.orders
            .send(order)
            .map_err(|_| Lost("the thread that has the device's memory is gone".to_owned()))
    }

    /// The address of a range of an allocation, if it lies in it.
    pub(super) fn range(&self, id: BufferId, offset: u64, bytes: u64) -> Option<u64> {
        let (address, size) = *lock(&self.allocations).get(&id)?;
        let end = offset.checked_add(bytes)?;
        (end <= size).then(|| address + offset)
    }
}

/// What the thread has.
struct Keeper {
    stream: Stream,
    pooled: bool,
    allocations: Allocations,
    outbox: Outbox,
    faults: Arc<Faults>,
}

impl Keeper {
    fn run(self, context: Context, orders: &mpsc::Receiver<Order>) {
        if let Err(refusal) = context.enter() {
            return self.faults.report(refusal);
        }
        while let Ok(order) = orders.recv() {
            match order {
                Order::Allocate(id, bytes) => self.allocate(id, bytes),
                Order::Free(id) => self.free(id),
                Order::Drop(retired) => drop(retired),
            }
        }
    }

    fn allocate(&self, id: BufferId, bytes: u64) {
        let outcome = match self.zeroed(bytes.max(1)) {
            Ok(address) => {
                lock(&self.allocations).insert(id, (address, bytes));
                Ok(address)
            }
            // Out of memory, or more than the driver takes for a number of bytes.
            Err(refusal) if severity(refusal) == Severity::Call => {
                Err(WireError::OutOfMemory(bytes))
            }
            Err(refusal) => return self.faults.report(refusal),
        };
        self.outbox.send(&Answer::Allocated { id, outcome });
    }

    fn zeroed(&self, bytes: u64) -> Outcome<u64> {
        let bytes = usize::try_from(bytes).map_err(|_| Refusal::OUT_OF_MEMORY)?;
        let address = match self.pooled {
            true => self.stream.allocate(bytes)?,
            false => driver::allocate(bytes)?,
        };
        let filled = self
            .stream
            .fill(address, 0, bytes)
            .and_then(|()| self.stream.synchronize());
        if let Err(refusal) = filled {
            // Where it can't be given back either, the process is broken anyway.
            let _ = self.give_back(address);
            return Err(refusal);
        }
        Ok(address)
    }

    /// What is freed goes back to the device at once. A pool that kept some (a release threshold) would
    /// allocate faster, but other tenants would find a device full that by the host's account is not.
    fn free(&self, id: BufferId) {
        let Some((address, bytes)) = lock(&self.allocations).remove(&id) else {
            return;
        };
        let scrubbed = self
            .stream
            .fill(address, 0, bytes.max(1) as usize)
            .and_then(|()| self.give_back(address))
            // Pools give memory back to the device at such a point.
            .and_then(|()| self.stream.synchronize());
        if let Err(refusal) = scrubbed {
            self.faults.report(refusal);
        }
    }

    fn give_back(&self, address: u64) -> Outcome<()> {
        match self.pooled {
            true => self.stream.free(address),
            false => self
                .stream
                .synchronize()
                .and_then(|()| driver::free(address)),
        }
    }
}

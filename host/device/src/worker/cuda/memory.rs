//! Device memory: given out zeroed, scrubbed when it comes back. A thread does both,
//! since the driver takes its time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, mpsc};

use cudarc::driver::sys::{CUdevice_attribute, CUresult};

use super::driver::{self, Context, Device, Outcome, Refusal, Stream};
use super::failure::{Faults, Kind, kind};
use crate::channel::wire::{Answer, Failure};
use crate::sync::lock;
use crate::worker::{Lost, Outbox};

/// What a worker's process has allocated: address and size in bytes.
type Allocations = Arc<Mutex<HashMap<u64, (u64, u64)>>>;

pub(super) struct Memory {
    allocations: Allocations,
    orders: mpsc::Sender<Order>,
}

enum Order {
    Allocate(u64, u64),
    Free(u64),
}

impl Memory {
    pub(super) fn start(
        device: Device,
        context: Context,
        outbox: &Outbox,
        faults: &Arc<Faults>,
    ) -> Result<Memory, Lost> {
        let pools = CUdevice_attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED;
        let lost = |error: Refusal| Lost(format!("the device's memory can't be used: {error}"));
        let pooled = device.attribute(pools).map_err(lost)? != 0;
        let stream = Stream::create().map_err(lost)?;
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
        })
    }

    pub(super) fn allocate(&self, id: u64, bytes: u64) -> Result<(), Lost> {
        self.order(Order::Allocate(id, bytes))
    }

    pub(super) fn free(&self, id: u64) -> Result<(), Lost> {
        self.order(Order::Free(id))
    }

    fn order(&self, order: Order) -> Result<(), Lost> {
        self.orders
            .send(order)
            .map_err(|_| Lost("the thread that has the device's memory is gone".to_owned()))
    }

    /// The address of a range of an allocation, if it lies in it.
    pub(super) fn range(&self, id: u64, offset: u64, bytes: u64) -> Option<u64> {
        let (address, size) = *lock(&self.allocations).get(&id)?;
        let end = offset.checked_add(bytes)?;
        (end <= size).then(|| address + offset)
    }
}

/// What the thread has.
struct Keeper {
    stream: Stream,
    /// Whether the device has memory pools, whose memory comes and goes in the order
    /// of a stream.
    pooled: bool,
    allocations: Allocations,
    outbox: Outbox,
    faults: Arc<Faults>,
}

impl Keeper {
    fn run(self, context: Context, orders: &mpsc::Receiver<Order>) {
        if let Err(refusal) = context.enter() {
            return self.faults.tell(refusal);
        }
        while let Ok(order) = orders.recv() {
            match order {
                Order::Allocate(id, bytes) => self.allocate(id, bytes),
                Order::Free(id) => self.free(id),
            }
        }
    }

    fn allocate(&self, id: u64, bytes: u64) {
        let outcome = match self.zeroed(bytes.max(1)) {
            Ok(address) => {
                lock(&self.allocations).insert(id, (address, bytes));
                Ok(address)
            }
            Err(Refusal(CUresult::CUDA_ERROR_OUT_OF_MEMORY)) => Err(Failure::Full(bytes)),
            Err(refusal) if kind(refusal) == Kind::Call => Err(Failure::DeviceLost(format!(
                "the driver gives no memory: {refusal}"
            ))),
            Err(refusal) => return self.faults.tell(refusal),
        };
        self.outbox.send(&Answer::Allocated { id, outcome });
    }

    fn zeroed(&self, bytes: u64) -> Outcome<u64> {
        let full = Refusal(CUresult::CUDA_ERROR_OUT_OF_MEMORY);
        let bytes = usize::try_from(bytes).map_err(|_| full)?;
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

    fn free(&self, id: u64) {
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
            self.faults.tell(refusal);
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

/// Copies on the device. Ranges may overlap, which the driver does not allow: then
/// the bytes go by way of others.
pub(super) fn copy(stream: Stream, to: u64, from: u64, bytes: usize) -> Outcome<()> {
    if bytes == 0 || to == from {
        return Ok(());
    }
    if to.abs_diff(from) >= bytes as u64 {
        return stream.copy(to, from, bytes);
    }
    let between = stream.allocate(bytes)?;
    stream.copy(between, from, bytes)?;
    stream.copy(to, between, bytes)?;
    stream.free(between)
}

//! A device that does nothing by itself: a test says when a thread takes work,
//! how long that took, and what time it is.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::cpu::{Processor, SLICE, Scheduler, perform};
use crate::timer::{Clock, Timer};
use crate::{CpuConfig, Device, Extent, Kernel, LaunchConfig, Lease};

/// A clock that stands still until it is moved.
#[derive(Clone, Debug)]
pub(crate) struct ManualClock(Arc<Mutex<Instant>>);

impl ManualClock {
    pub(crate) fn move_to(&self, at: Instant) {
        let mut now = self.0.lock().unwrap();
        *now = at.max(*now);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        *self.0.lock().unwrap()
    }
}

/// The device, its clock, and the schedulers of its kernels and of its compiler.
pub(crate) struct ManualDevice {
    pub(crate) device: Device,
    pub(crate) clock: ManualClock,
    pub(crate) scheduler: Arc<Scheduler>,
    pub(crate) compiler: Arc<Scheduler>,
    processor: Arc<Processor>,
}

pub(crate) fn manual_device(memory_bytes: u64) -> ManualDevice {
    let clock = ManualClock(Arc::new(Mutex::new(Instant::now())));
    let config = CpuConfig {
        memory_bytes: Some(memory_bytes),
        ..CpuConfig::default()
    };
    let timer = Arc::new(Timer::new(Box::new(clock.clone())));
    let (device, processor) = Device::without_threads(config, timer);
    ManualDevice {
        clock,
        scheduler: Arc::clone(processor.scheduler()),
        compiler: Arc::clone(&device.shared.compiler),
        device,
        processor,
    }
}

pub(crate) fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// The result of what need not wait.
pub(crate) fn at_once<T>(future: impl Future<Output = T>) -> T {
    match poll(pin!(future)) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("this waits"),
    }
}

/// Does a slice of the next work, as one thread would; false where there is none.
pub(crate) fn step(scheduler: &Scheduler) -> bool {
    let Some((queue, work)) = scheduler.try_next() else {
        return false;
    };
    scheduler.settle(queue, perform(work), SLICE);
    true
}

/// A kernel that does nothing, and was compiled.
pub(crate) fn empty_kernel(device: &ManualDevice, lease: &Lease) -> Kernel {
    let kernel = unused_kernel(device, lease);
    device.processor.compile_now(&kernel);
    kernel
}

/// A kernel that does nothing, and that nobody has used.
pub(crate) fn unused_kernel(device: &ManualDevice, lease: &Lease) -> Kernel {
    loaded_kernel(device, lease, &empty_module("nothing"), "nothing")
}

/// A kernel of a module, of which nothing is compiled.
pub(crate) fn loaded_kernel(
    device: &ManualDevice,
    lease: &Lease,
    module: &str,
    kernel: &str,
) -> Kernel {
    let mut load = pin!(lease.load(module.to_owned().into()));
    loop {
        if let Poll::Ready(module) = poll(load.as_mut()) {
            return module.unwrap().kernel(kernel).unwrap();
        }
        assert!(step(&device.compiler));
    }
}

/// The text of a module with one kernel, which does nothing.
pub(crate) fn empty_module(kernel: &str) -> String {
    format!(
        ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry {kernel}() {{ ret; }}\n"
    )
}

pub(crate) fn one_thread() -> LaunchConfig {
    let one = Extent { x: 1, y: 1, z: 1 };
    LaunchConfig {
        grid: one,
        block: one,
        shared_bytes: 0,
    }
}

pub(crate) fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

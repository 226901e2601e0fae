//! What a driver does that the suite's own does not: each test here has a driver without a device of
//! its own.

use std::ffi::OsString;

use tensor_wasm_device::{CpuConfig, Device, Error, Lease, Limits, Queue, WorkerConfig};

use super::common::{in_time, kernel, line, pointer, queues, workers};
use super::instances::instance;
use crate::driver::Driver;

/// A device of this driver; `None` where the suite tests another kind of device.
fn device(driver: &Driver) -> Option<Device> {
    if !instance().is_cuda() {
        return None;
    }
    let workers = workers();
    let mut path = OsString::from("LD_LIBRARY_PATH=");
    path.push(driver.folder());
    let mut program = vec!["/usr/bin/env".into(), path];
    program.extend(workers.program);
    let config = WorkerConfig { program, ..workers };
    Some(Device::cuda(0, CpuConfig::default(), config).unwrap())
}

const MIB: u64 = 1 << 20;

/// Copies ranges of a buffer over others that overlap them.
async fn copies_overlapping(lease: &Lease, queue: &Queue) -> Result<(), Error> {
    let bytes = 3 * MIB;
    let buffer = lease.allocate(bytes).await?;
    let data: Vec<u8> = (0..bytes).map(|i| (i % 251) as u8).collect();
    for (from, to) in [(0, 5), (5, 0), (70_000, 3), (0, 1_200_000)] {
        let copied = bytes - from.max(to);
        queue.write(&buffer, 0, data.clone()).await?;
        queue.copy(&buffer, from, &buffer, to, copied).await?;
        let mut expected = data.clone();
        expected.copy_within(from as usize..(from + copied) as usize, to as usize);
        assert!(
            queue.read(&buffer, 0, bytes).await? == expected,
            "{from} to {to}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn overlapping_copies_keep_none_of_the_device_s_memory() {
    for switches in [
        "memory_bytes = 41943040",
        "memory_bytes = 41943040\npools = false",
    ] {
        let driver = Driver::new(switches);
        let Some(device) = device(&driver) else {
            return;
        };
        in_time(async {
            let session = device.session(Limits::default());
            let lease = session.lease();
            let queues = queues(&lease, 14).await;
            for queue in &queues {
                copies_overlapping(&lease, queue).await.unwrap();
            }
            // All that tenants may have: a quarter is for contexts.
            let all = lease.allocate(30 * MIB).await.unwrap();
            let full = lease.allocate(1).await;
            assert!(matches!(full, Err(Error::OutOfMemory { .. })), "{full:?}");
            drop(all);
        })
        .await;
    }
}

#[tokio::test]
async fn the_memory_of_an_overlapping_copy_counts_while_it_is_queued() {
    let driver = Driver::new("memory_bytes = 41943040");
    let Some(device) = device(&driver) else {
        return;
    };
    in_time(async {
        let session = device.session(Limits::default());
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let wait = kernel(&lease, "wait_for").await;
        let (flag, buffer) = (
            lease.allocate(4).await.unwrap(),
            lease.allocate(MIB).await.unwrap(),
        );
        let before = device.memory_used();
        queue
            .launch(&wait, line(1, 1), vec![pointer(&flag)])
            .await
            .unwrap();
        // One has it after the other.
        for _ in 0..2 {
            queue.copy(&buffer, 0, &buffer, 8, 1000).await.unwrap();
        }
        // These need none.
        queue.copy(&buffer, 0, &buffer, 1000, 1000).await.unwrap();
        queue.copy(&buffer, 8, &buffer, 8, 1000).await.unwrap();
        assert_eq!(device.memory_used(), before + MIB);
        let rest = lease
            .allocate(30 * MIB - device.memory_used())
            .await
            .unwrap();
        let other = lease.create_queue().await.unwrap();
        let full = other.copy(&buffer, 0, &buffer, 8, 1000).await;
        assert!(matches!(full, Err(Error::OutOfMemory { .. })), "{full:?}");
        other.fill(&flag, 0, 4, 1).await.unwrap();
        queue.synchronize().await.unwrap();
        drop(rest);
        other.copy(&buffer, 0, &buffer, 8, 1000).await.unwrap();
        other.synchronize().await.unwrap();
        assert_eq!(device.memory_used(), before);
    })
    .await;
}

//! Kernels that are checked as they run, on a device that does so.

use tensor_wasm_device::{Argument, Buffer, CpuConfig, Error, Kernel, Lease, Limits, Queue};

use super::common::{bytes_of, device_with, in_time, kernel, line, pointer, values_of};
use super::instances::instance;

/// Values of a buffer.
const COUNT: u32 = 100_000;

/// A tenant's hold on a device with checks, and a queue of it.
async fn checked() -> (Lease, Queue) {
    let config = CpuConfig {
        checks: true,
        ..CpuConfig::default()
    };
    let lease = device_with(config).session(Limits::default()).lease();
    let queue = lease.create_queue().await.unwrap();
    (lease, queue)
}

/// Adds 1 to all values of a buffer.
async fn add(queue: &Queue, add: &Kernel, buffer: &Buffer) -> Result<Vec<u32>, Error> {
    let arguments = vec![pointer(buffer), Argument::U32(COUNT), Argument::U32(1)];
    let grid = line(COUNT.div_ceil(256), 256);
    queue.launch(add, grid, arguments).await?;
    values_of(queue, buffer).await
}

#[track_caller]
fn assert_uninitialised(result: Result<Vec<u32>, Error>) {
    let Err(Error::Fault(fault)) = result else {
        panic!("{result:?}")
    };
    assert!(fault.message.contains("uninitialised read"), "{fault}");
    assert!(fault.message.contains("parameter `values`"), "{fault}");
}

#[tokio::test]
async fn what_the_host_writes_fills_or_copies_may_be_read_and_nothing_else() {
    if !instance().has_checks {
        return;
    }
    in_time(async {
        let (lease, queue) = checked().await;
        let kernel = kernel(&lease, "add").await;
        let bytes = u64::from(COUNT) * 4;
        let fresh = lease.allocate(bytes).await.unwrap();
        let buffer = lease.allocate(bytes).await.unwrap();
        assert_uninitialised(add(&queue, &kernel, &buffer).await);

        let values: Vec<u32> = (0..COUNT).collect();
        queue.write(&buffer, 0, bytes_of(&values)).await.unwrap();
        let added = add(&queue, &kernel, &buffer).await.unwrap();
        assert!(added.iter().zip(&values).all(|(a, b)| *a == b + 1));

        // What is copied from where nothing was written counts as not written.
        queue.copy(&fresh, 0, &buffer, 400, 4).await.unwrap();
        assert_uninitialised(add(&queue, &kernel, &buffer).await);
        queue.fill(&buffer, 400, 4, 0).await.unwrap();
        let added = add(&queue, &kernel, &buffer).await.unwrap();
        // Some blocks may have run before the mistake was found.
        assert!((1..=2).contains(&added[100]), "{}", added[100]);

        queue.copy(&buffer, 0, &fresh, 0, bytes).await.unwrap();
        add(&queue, &kernel, &fresh).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_block_that_is_right_runs_as_without_checks() {
    if !instance().has_checks {
        return;
    }
    in_time(async {
        let (lease, queue) = checked().await;
        let kernel = kernel(&lease, "reverse").await;
        let values: Vec<u32> = (0..64 * 100).collect();
        let buffer = lease.allocate(64 * 100 * 4).await.unwrap();
        queue.write(&buffer, 0, bytes_of(&values)).await.unwrap();
        let arguments = vec![pointer(&buffer)];
        queue
            .launch(&kernel, line(100, 64), arguments)
            .await
            .unwrap();
        let reversed: Vec<u32> = values
            .chunks(64)
            .flat_map(|block| block.iter().rev().copied())
            .collect();
        assert_eq!(values_of(&queue, &buffer).await.unwrap(), reversed);
    })
    .await;
}

//! Operations are launches in all limits: deadlines, the end of their instance, shares, metering.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tensor_wasm_device::{
    Attention, Buffer, CpuConfig, Element, Error, HeadRows, LaunchConfig, LaunchTimes, Lease,
    Limits, Meter, Norm, NormKind, Reduce, Reduction, Softmax, TopK,
};

use super::super::common::{
    assert_stopped, device, device_with, in_time, nothing_is_held, session,
};
use super::super::instances::instance;
use super::{rows, vector};

/// An attention that takes long.
async fn long(lease: &Lease) -> Attention {
    let tokens = 1 << 15;
    let [input, output] = [(); 2].map(|()| lease.allocate(tokens * 32 * 4));
    let (input, output) = (input.await.unwrap(), output.await.unwrap());
    let heads = |buffer| HeadRows {
        buffer,
        offset: 0,
        row_stride: 32,
        head_stride: 0,
        batch_stride: 0,
    };
    Attention {
        element: Element::F32,
        batch: 1,
        heads: 1,
        key_heads: 1,
        queries: tokens,
        keys: tokens,
        size: 32,
        scale: 1.0,
        is_causal: false,
        lengths: None,
        q: heads(input.clone()),
        k: heads(input.clone()),
        v: heads(input),
        output: heads(output),
    }
}

async fn brief(lease: &Lease) -> Reduce {
    let [input, output] = [(); 2].map(|()| lease.allocate(400));
    Reduce {
        reduction: Reduction::Sum,
        element: Element::F32,
        rows: 10,
        columns: 10,
        input: rows(&input.await.unwrap(), 10),
        output: vector(&output.await.unwrap()),
    }
}

#[tokio::test]
async fn an_operation_that_takes_too_long_is_stopped_and_what_is_behind_it_dropped() {
    if !instance().contains_failures {
        return;
    }
    in_time(async {
        let device = device(1);
        let session = device.session(Limits {
            kernel_time: Duration::from_millis(5),
            ..Limits::default()
        });
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let attention = long(&lease).await;
        let output = attention.output.buffer.clone();
        lease.attention(&queue, attention).await.unwrap();
        assert_stopped(&queue, &output, "attention").await;
    })
    .await;
}

#[tokio::test]
async fn an_operation_ends_with_its_instance() {
    in_time(async {
        let device = device(2);
        let session = device.session(Limits::default());
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let attention = long(&lease).await;
        lease.attention(&queue, attention).await.unwrap();
        drop((queue, lease));
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn an_operation_keeps_no_neighbour_waiting_for_its_end() {
    if !instance().has_slices {
        return;
    }
    in_time(async {
        let device = device(1);
        let (one, other) = (
            device.session(Limits::default()).lease(),
            device.session(Limits::default()).lease(),
        );
        let queue = one.create_queue().await.unwrap();
        let attention = long(&one).await;
        one.attention(&queue, attention).await.unwrap();
        let second = other.create_queue().await.unwrap();
        let reduce = brief(&other).await;
        other.reduce(&second, reduce).await.unwrap();
        second.synchronize().await.unwrap();
        let first = queue.record_event().await.unwrap();
        assert!(!first.is_done());
    })
    .await;
}

#[tokio::test]
async fn the_checks_of_kernels_find_nothing_in_operations() {
    if !instance().has_checks {
        return;
    }
    in_time(async {
        let config = CpuConfig {
            checks: true,
            ..CpuConfig::default()
        };
        let lease = device_with(config).session(Limits::default()).lease();
        let queue = lease.create_queue().await.unwrap();
        // Rows of a warp, and of a block.
        for columns in [40, 2050] {
            let input = lease.allocate(4 * 3 * columns).await.unwrap();
            queue.fill(&input, 0, input.size(), 0x3f).await.unwrap();
            let [output, found] = [(); 2].map(|()| lease.allocate(input.size()));
            let (output, found) = (output.await.unwrap(), found.await.unwrap());
            let [of_input, of_output] = [&input, &output].map(|buffer| rows(buffer, columns));
            let softmax = Softmax {
                element: Element::F32,
                rows: 3,
                columns,
                scale: 1.0,
                causal_queries: Some(3),
                lengths: None,
                mask: None,
                input: of_input.clone(),
                output: of_output.clone(),
            };
            lease.softmax(&queue, softmax).await.unwrap();
            let norm = Norm {
                kind: NormKind::Layer,
                element: Element::F32,
                rows: 3,
                columns,
                epsilon: 1.0,
                weight: Some(vector(&input)),
                bias: None,
                input: of_output.clone(),
                output: of_output.clone(),
            };
            lease.norm(&queue, norm).await.unwrap();
            let top_k = TopK {
                element: Element::F32,
                rows: 3,
                columns,
                k: 4,
                input: of_input,
                values: of_output,
                indices: rows(&found, columns),
            };
            lease.top_k(&queue, top_k).await.unwrap();
            let reduce = Reduce {
                reduction: Reduction::Sum,
                element: Element::F32,
                rows: 3,
                columns,
                input: rows(&input, columns),
                output: vector(&output),
            };
            lease.reduce(&queue, reduce).await.unwrap();
            queue.synchronize().await.unwrap();
        }
        let [input, output] = [(); 2].map(|()| lease.allocate(70 * 40 * 4));
        let (input, output) = (input.await.unwrap(), output.await.unwrap());
        queue.fill(&input, 0, input.size(), 0x3f).await.unwrap();
        let heads = |buffer: &Buffer| HeadRows {
            buffer: buffer.clone(),
            offset: 0,
            row_stride: 40,
            head_stride: 0,
            batch_stride: 0,
        };
        let attention = Attention {
            queries: 70,
            keys: 70,
            size: 40,
            is_causal: true,
            q: heads(&input),
            k: heads(&input),
            v: heads(&input),
            output: heads(&output),
            ..long(&lease).await
        };
        lease.attention(&queue, attention).await.unwrap();
        queue.synchronize().await.unwrap();
    })
    .await;
}

/// Counts what it is charged.
#[derive(Debug, Default)]
struct Count {
    names: std::sync::Mutex<Vec<String>>,
    launched: AtomicU64,
    ran: AtomicU64,
}

impl Meter for Count {
    fn begins(&self, kernel: &str, _: &LaunchConfig) -> u64 {
        self.names.lock().unwrap().push(kernel.to_owned());
        0
    }

    fn launched(&self) {
        self.launched.fetch_add(1, Ordering::SeqCst);
    }

    fn ran(&self, _: LaunchTimes) {
        self.ran.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn an_operation_is_charged_once_as_a_launch_is() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let count = Arc::new(Count::default());
        lease.charge_to(count.clone());
        let reduce = brief(&lease).await;
        for _ in 0..3 {
            lease.reduce(&queue, reduce.clone()).await.unwrap();
        }
        queue.synchronize().await.unwrap();
        assert_eq!(count.names.lock().unwrap().as_slice(), ["reduce"; 3]);
        assert_eq!(count.launched.load(Ordering::SeqCst), 3);
        assert_eq!(count.ran.load(Ordering::SeqCst), 3);
    })
    .await;
}

#[tokio::test]
async fn kernels_of_the_host_count_as_no_modules_in_however_many_instances() {
    in_time(async {
        let device = device(1);
        let session = device.session(Limits {
            modules: 0,
            ..Limits::default()
        });
        let mut instances = Vec::new();
        for _ in 0..3 {
            let lease = session.lease();
            let queue = lease.create_queue().await.unwrap();
            let mut reduce = brief(&lease).await;
            for reduction in [Reduction::Sum, Reduction::Max] {
                reduce.reduction = reduction;
                lease.reduce(&queue, reduce.clone()).await.unwrap();
            }
            queue.synchronize().await.unwrap();
            instances.push((lease, queue));
        }
        assert_eq!(session.usage().modules, 0);
    })
    .await;
}

#[tokio::test]
async fn what_the_host_holds_of_its_kernels_counts_once_for_the_tenant() {
    in_time(async {
        let device = device(1);
        let session = device.session(Limits {
            host_bytes: 1,
            ..Limits::default()
        });
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let reduce = brief(&lease).await;
        let refused = lease.reduce(&queue, reduce).await;
        let Err(Error::QuotaExceeded { requested, .. }) = refused else {
            panic!("{refused:?}");
        };
        let session = device.session(Limits {
            host_bytes: requested,
            ..Limits::default()
        });
        let mut instances = Vec::new();
        for _ in 0..3 {
            let lease = session.lease();
            let queue = lease.create_queue().await.unwrap();
            let reduce = brief(&lease).await;
            lease.reduce(&queue, reduce).await.unwrap();
            instances.push((lease, queue));
        }
    })
    .await;
}

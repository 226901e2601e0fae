//! What launches cost is charged once, and to whom they were charged when they were queued.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use tensor_wasm_device::{Argument, Error, LaunchTimes, Limits, Meter};

use super::common::{device, in_time, kernel, line, nothing_is_held, pointer, values_of};

/// Adds up what it is charged.
#[derive(Debug, Default)]
struct Total {
    launches: AtomicU64,
    ended: AtomicU64,
    device_nanoseconds: AtomicU64,
}

impl Total {
    fn launches(&self) -> u64 {
        self.launches.load(Ordering::SeqCst)
    }

    fn ended(&self) -> u64 {
        self.ended.load(Ordering::SeqCst)
    }

    fn device_time(&self) -> Duration {
        Duration::from_nanos(self.device_nanoseconds.load(Ordering::SeqCst))
    }
}

impl Meter for Total {
    fn launched(&self) {
        self.launches.fetch_add(1, Ordering::SeqCst);
    }

    fn ran(&self, launch: LaunchTimes) {
        assert!(launch.latency > Duration::ZERO);
        self.ended.fetch_add(1, Ordering::SeqCst);
        let nanoseconds = launch.device.as_nanos() as u64;
        self.device_nanoseconds
            .fetch_add(nanoseconds, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_launch_is_charged_before_whoever_waits_for_it_goes_on() {
    in_time(async {
        let device = device(2);
        let session = device.session(Limits::default());
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let add = kernel(&lease, "add").await;
        let buffer = lease.allocate(4096).await.unwrap();
        let total = Arc::new(Total::default());
        // Whoever sets no meter pays for nothing.
        let arguments = || vec![pointer(&buffer), Argument::U32(1024), Argument::U32(1)];
        queue.launch(&add, line(8, 128), arguments()).await.unwrap();
        lease.charge_to(total.clone());
        for launches in 1..=20 {
            queue.launch(&add, line(8, 128), arguments()).await.unwrap();
            queue.synchronize().await.unwrap();
            assert_eq!((total.launches(), total.ended()), (launches, launches));
        }
        assert!(total.device_time() > Duration::ZERO);
        assert_eq!(values_of(&queue, &buffer).await.unwrap(), [21; 1024]);
    })
    .await;
}

#[tokio::test]
async fn a_launch_that_is_stopped_is_charged_for_as_long_as_it_ran() {
    in_time(async {
        let limit = Duration::from_millis(50);
        let device = device(2);
        let session = device.session(Limits {
            kernel_time: limit,
            ..Limits::default()
        });
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let spin = kernel(&lease, "spin").await;
        let total = Arc::new(Total::default());
        lease.charge_to(total.clone());
        queue.launch(&spin, line(1, 1), vec![]).await.unwrap();
        let error = queue.synchronize().await.unwrap_err();
        assert!(
            matches!(error, Error::DeadlineExceeded(_) | Error::DeviceLost(_)),
            "{error}"
        );
        assert_eq!((total.launches(), total.ended()), (1, 1));
        assert!(total.device_time() >= limit / 2, "{total:?}");
    })
    .await;
}

#[tokio::test]
async fn launches_of_two_requests_of_one_instance_are_told_apart_though_they_run_together() {
    in_time(async {
        let device = device(2);
        let session = device.session(Limits::default());
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let tally = kernel(&lease, "tally").await;
        let buffer = lease.allocate(4).await.unwrap();
        let (first, second) = (Arc::new(Total::default()), Arc::new(Total::default()));
        for (meter, launches) in [(&first, 30), (&second, 12)] {
            lease.charge_to(meter.clone());
            for _ in 0..launches {
                let arguments = vec![pointer(&buffer)];
                queue.launch(&tally, line(2, 32), arguments).await.unwrap();
            }
        }
        queue.synchronize().await.unwrap();
        assert_eq!((first.launches(), first.ended()), (30, 30));
        assert_eq!((second.launches(), second.ended()), (12, 12));
        drop((lease, queue, tally, buffer));
        nothing_is_held(&session).await;
        // Nobody keeps the meters.
        assert_eq!(Arc::strong_count(&first), 1);
        assert_eq!(Arc::strong_count(&second), 1);
    })
    .await;
}

#[tokio::test]
async fn memory_is_charged_for_as_long_as_it_is_held() {
    in_time(async {
        let device = device(1);
        let session = device.session(Limits::default());
        let lease = session.lease();
        assert_eq!(session.memory_byte_nanoseconds(), 0);
        let (before, mut steps) = (Instant::now(), Vec::new());
        let one = lease.allocate(1000).await.unwrap();
        let first = Instant::now();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let inner = first.elapsed();
        let two = lease.allocate(3000).await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
        drop((one, two));
        let longest = before.elapsed();
        for _ in 0..100 {
            steps.push(session.memory_byte_nanoseconds());
            tokio::time::sleep(Duration::from_millis(1)).await;
            if session.usage().memory_bytes == 0 {
                break;
            }
        }
        // The rest is 0, once the memory is given back.
        let end = session.memory_byte_nanoseconds();
        assert_eq!(session.usage().memory_bytes, 0);
        assert!(steps.is_sorted() && *steps.last().unwrap() <= end);
        let least = 1000 * inner.as_nanos() + 4000 * Duration::from_millis(20).as_nanos();
        let most = 4000 * (longest + Duration::from_secs(1)).as_nanos();
        assert!(end >= least && end <= most, "{least} <= {end} <= {most}");
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(session.memory_byte_nanoseconds(), end);
    })
    .await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Of three requests in turn, each with launches that it waits for or not, of which some
    /// fail: each launch is charged once, to its own request.
    #[test]
    fn each_launch_is_charged_once(
        steps in proptest::collection::vec((0..3_usize, 0..4_u32, any::<bool>()), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(in_time(async {
            let device = device(2);
            let session = device.session(Limits::default());
            let lease = session.lease();
            let queue = lease.create_queue().await.unwrap();
            let tally = kernel(&lease, "tally").await;
            let buffer = lease.allocate(4).await.unwrap();
            let requests: [Arc<Total>; 3] = Default::default();
            let mut expected = [0; 3];
            for (request, launches, waits) in steps {
                lease.charge_to(requests[request].clone());
                for _ in 0..launches {
                    let arguments = vec![pointer(&buffer)];
                    queue.launch(&tally, line(1, 32), arguments).await.unwrap();
                    expected[request] += 1;
                }
                if waits {
                    queue.synchronize().await.unwrap();
                }
            }
            queue.synchronize().await.unwrap();
            for (request, launches) in requests.iter().zip(expected) {
                assert_eq!((request.launches(), request.ended()), (launches, launches));
            }
            let sum: u32 = expected.iter().map(|launches| *launches as u32).sum();
            assert_eq!(values_of(&queue, &buffer).await.unwrap(), [sum * 32]);
        }));
    }
}

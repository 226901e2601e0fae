//! Limits are exact, and nothing that was taken stays taken.

use std::future::Future;
use std::num::{NonZeroU32, NonZeroUsize};
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use tensor_wasm_device::{Argument, CpuConfig, Error, Limits, Session, Usage};

use super::common::{
    device, device_with, in_time, kernel, line, nothing_is_held, nothing_is_used, pointer, queues,
    values_of,
};
use super::instances::instance;

#[tokio::test]
async fn memory_is_limited_to_the_byte_and_given_back_on_drop() {
    let session = device(1).session(Limits {
        memory_bytes: 1024,
        ..Limits::default()
    });
    let lease = session.lease();
    let first = lease.allocate(1000).await.unwrap();
    let second = lease.allocate(24).await.unwrap();
    assert!(matches!(
        lease.allocate(1).await,
        Err(Error::QuotaExceeded {
            limit: 1024,
            requested: 1025,
            ..
        })
    ));
    assert_eq!(
        (lease.info().memory_used, lease.info().memory_limit),
        (1024, 1024)
    );
    let again = first.clone();
    drop(first);
    assert!(lease.allocate(1000).await.is_err());
    drop(again);
    drop(lease.allocate(1000).await.unwrap());
    assert!(lease.allocate(u64::MAX).await.is_err());
    drop(second);
    assert_eq!(session.usage(), Usage::default());
}

#[tokio::test]
async fn a_full_device_is_told_from_a_full_quota() {
    let device = device_with(CpuConfig {
        threads: NonZeroUsize::new(1),
        memory_bytes: Some(1000),
        ..CpuConfig::default()
    });
    let (one, other) = (
        device.session(Limits::default()),
        device.session(Limits::default()),
    );
    let (one_lease, other_lease) = (one.lease(), other.lease());
    let held = one_lease.allocate(900).await.unwrap();
    assert!(matches!(
        other_lease.allocate(101).await,
        Err(Error::OutOfMemory { bytes: 101 })
    ));
    assert_eq!(other.usage(), Usage::default());
    drop(held);
    other_lease.allocate(1000).await.unwrap();
}

#[tokio::test]
async fn queues_events_buffers_and_modules_are_counted() {
    in_time(async {
        let limits = Limits {
            buffers: 2,
            modules: 2,
            queues: 2,
            events: 2,
            ..Limits::default()
        };
        let session = device(1).session(limits);
        let lease = session.lease();
        let full = |result: Result<(), Error>| {
            assert!(matches!(
                result,
                Err(Error::QuotaExceeded {
                    limit: 2,
                    requested: 3,
                    ..
                })
            ));
        };
        let queues = [
            lease.create_queue().await.unwrap(),
            lease.create_queue().await.unwrap(),
        ];
        full(lease.create_queue().await.map(drop));
        let events = [
            queues[0].record_event().await,
            queues[1].record_event().await,
        ];
        full(queues[0].record_event().await.map(drop));
        let buffers = [
            lease.allocate(0).await.unwrap(),
            lease.allocate(0).await.unwrap(),
        ];
        full(lease.allocate(0).await.map(drop));
        let load = || lease.load(super::common::KERNELS.into());
        let modules = [load().await.unwrap(), load().await.unwrap()];
        full(load().await.map(drop));
        assert_eq!(session.usage().modules, 2);
        drop((queues, events, buffers, modules));
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn the_hosts_memory_of_modules_is_limited_and_a_text_counts_once() {
    in_time(async {
        let device = device(1);
        let probe = device.session(Limits::default());
        let lease = probe.lease();
        let module = lease.load(super::common::KERNELS.into()).await.unwrap();
        let bytes = probe.usage().host_bytes;
        assert!(bytes > super::common::KERNELS.len() as u64, "{bytes}");
        let again = lease.load(super::common::KERNELS.into()).await.unwrap();
        assert_eq!(probe.usage().host_bytes, bytes);
        // A kernel keeps its module.
        let kernel = again.kernel("add").unwrap();
        drop((module, again));
        assert_eq!(probe.usage().host_bytes, bytes);
        drop(kernel);
        assert_eq!(probe.usage().host_bytes, 0);

        let session = device.session(Limits {
            host_bytes: bytes + bytes / 2,
            ..Limits::default()
        });
        let lease = session.lease();
        let module = lease.load(super::common::KERNELS.into()).await.unwrap();
        let other = format!("{}// another text\n", super::common::KERNELS);
        let refused = lease.load(other.clone().into()).await;
        let Err(Error::QuotaExceeded { resource, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(resource, "host memory of modules in bytes");
        assert_eq!(session.usage().modules, 1);
        drop(module);
        lease.load(other.into()).await.unwrap();
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn the_arguments_of_queued_launches_count_as_staged() {
    in_time(async {
        let session = device(1).session(Limits {
            kernel_time: Duration::from_millis(200),
            ..Limits::default()
        });
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let (spin, add) = (kernel(&lease, "spin").await, kernel(&lease, "add").await);
        let buffer = lease.allocate(4).await.unwrap();
        queue.launch(&spin, line(1, 1), vec![]).await.unwrap();
        for _ in 0..10 {
            let arguments = vec![pointer(&buffer), Argument::U32(1), Argument::U32(1)];
            queue.launch(&add, line(1, 1), arguments).await.unwrap();
        }
        assert!(session.usage().staged_bytes >= 640, "{:?}", session.usage());
        drop((queue, lease, buffer, spin, add));
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn a_call_that_queues_waits_while_too_much_is_in_flight() {
    in_time(async {
        let session = device(1).session(Limits {
            launches_in_flight: 2,
            kernel_time: Duration::from_millis(200),
            ..Limits::default()
        });
        let lease = session.lease();
        let (queue, buffer) = (
            lease.create_queue().await.unwrap(),
            lease.allocate(8).await.unwrap(),
        );
        let spin = kernel(&lease, "spin").await;
        queue.launch(&spin, line(1, 1), vec![]).await.unwrap();
        queue.fill(&buffer, 0, 8, 1).await.unwrap();
        assert_eq!(session.usage().launches_in_flight, 2);
        {
            let mut third = pin!(queue.fill(&buffer, 0, 8, 2));
            let polled = third.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
            // Once the launch has run into its limit there is room.
            third.await.unwrap();
        }
        assert!(matches!(
            queue.synchronize().await,
            Err(Error::DeadlineExceeded(_))
        ));
        if instance().contains_failures {
            assert_eq!(queue.read(&buffer, 0, 1).await.unwrap(), [0]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_write_larger_than_the_staging_limit_goes_alone() {
    in_time(async {
        let session = device(1).session(Limits {
            staged_bytes: 128,
            ..Limits::default()
        });
        let lease = session.lease();
        let (queue, buffer) = (
            lease.create_queue().await.unwrap(),
            lease.allocate(4096).await.unwrap(),
        );
        for value in 0..20 {
            queue.write(&buffer, 0, vec![value; 4096]).await.unwrap();
            assert!(session.usage().staged_bytes <= 128);
        }
        assert_eq!(queue.read(&buffer, 0, 4096).await.unwrap(), [19; 4096]);
        assert_eq!(session.usage().staged_bytes, 0);
    })
    .await;
}

#[tokio::test]
async fn by_the_time_a_wait_is_over_what_the_work_held_is_given_back() {
    in_time(async {
        let session = device(2).session(Limits::default());
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let add = kernel(&lease, "add").await;
        for _ in 0..50 {
            let buffer = lease.allocate(4096).await.unwrap();
            let arguments = vec![pointer(&buffer), Argument::U32(1024), Argument::U32(1)];
            queue.launch(&add, line(16, 64), arguments).await.unwrap();
            drop(buffer);
            queue.synchronize().await.unwrap();
            let usage = session.usage();
            assert_eq!((usage.memory_bytes, usage.launches_in_flight), (0, 0));
        }
    })
    .await;
}

#[tokio::test]
async fn by_the_time_a_module_is_loaded_its_text_is_given_back() {
    in_time(async {
        let session = device(2).session(Limits::default());
        let lease = session.lease();
        for number in 0..50 {
            let text = format!("{}// {number}\n", super::common::KERNELS);
            lease.load(text.into()).await.unwrap();
            assert_eq!(session.usage(), Usage::default());
        }
    })
    .await;
}

#[tokio::test]
async fn dropping_a_lease_stops_an_endless_kernel_and_gives_back_what_it_held() {
    in_time(async {
        let session = device(2).session(Limits {
            kernel_time: Duration::from_secs(3600),
            ..Limits::default()
        });
        for _ in 0..5 {
            let lease = session.lease();
            let queue = lease.create_queue().await.unwrap();
            let wait_for = kernel(&lease, "wait_for").await;
            let flag = lease.allocate(4).await.unwrap();
            queue
                .launch(&wait_for, line(8, 32), vec![pointer(&flag)])
                .await
                .unwrap();
            queue.write(&flag, 0, vec![1; 4]).await.unwrap();
            let event = queue.record_event().await.unwrap();
            assert!(!event.is_done());
            assert!(matches!(
                event.elapsed_since(&event),
                Err(Error::InvalidLaunch(_))
            ));
            let waiting = tokio::spawn({
                let queue = queue.clone();
                async move { queue.synchronize().await }
            });
            tokio::task::yield_now().await;
            drop(lease);
            assert!(matches!(waiting.await.unwrap(), Err(Error::DeviceLost(_))));
            assert!(matches!(event.wait().await, Err(Error::DeviceLost(_))));
            drop((queue, wait_for, flag, event));
            nothing_is_held(&session).await;
        }
    })
    .await;
}

#[tokio::test]
async fn launches_that_need_much_state_take_turns_and_all_end() {
    in_time(async {
        // 64 threads with 128 KiB of local memory each.
        let text = r#".version 7.0
.target sm_70
.address_size 64
.visible .entry heavy(.param .u64 count)
{
    .local .align 8 .b8 scratch[131072];
    .reg .b32 %r<3>;
    .reg .b64 %rd<3>;
    ld.param.u64 %rd1, [count];
    mov.u64 %rd2, scratch;
    mov.u32 %r1, 1;
    st.local.u32 [%rd2+131068], %r1;
    ld.local.u32 %r2, [%rd2+131068];
    red.global.add.u32 [%rd1], %r2;
    ret;
}
"#;
        let session = device(2).session(Limits::default());
        let lease = session.lease();
        let heavy = lease
            .load(text.into())
            .await
            .unwrap()
            .kernel("heavy")
            .unwrap();
        let count = lease.allocate(4).await.unwrap();
        let queues = queues(&lease, 8).await;
        for _ in 0..3 {
            for queue in &queues {
                queue
                    .launch(&heavy, line(2, 64), vec![pointer(&count)])
                    .await
                    .unwrap();
            }
        }
        for queue in &queues {
            queue.synchronize().await.unwrap();
        }
        assert_eq!(values_of(&queues[0], &count).await.unwrap(), [8 * 3 * 128]);
        for queue in &queues {
            queue
                .launch(&heavy, line(1000, 64), vec![pointer(&count)])
                .await
                .unwrap();
        }
        drop((lease, queues, heavy, count));
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn launches_per_second_let_a_seconds_worth_through_and_then_keep_their_pace() {
    in_time(async {
        let session = device(2).session(Limits {
            launches_per_second: NonZeroU32::new(200),
            ..Limits::default()
        });
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let (tally, count) = (
            kernel(&lease, "tally").await,
            lease.allocate(4).await.unwrap(),
        );
        let started = Instant::now();
        for _ in 0..210 {
            queue
                .launch(&tally, line(1, 1), vec![pointer(&count)])
                .await
                .unwrap();
        }
        assert!(started.elapsed() >= Duration::from_millis(50));
        assert_eq!(values_of(&queue, &count).await.unwrap(), [210]);
    })
    .await;
}

#[tokio::test]
async fn a_device_counts_what_all_tenants_hold_until_it_is_back_with_the_host() {
    in_time(async {
        let device = device(2);
        let sessions: Vec<_> = (0..3).map(|_| device.session(Limits::default())).collect();
        let mut buffers = Vec::new();
        for session in &sessions {
            let lease = session.lease();
            buffers.push(lease.allocate(100).await.unwrap());
            buffers.push(lease.allocate(8 << 20).await.unwrap());
        }
        assert_eq!(device.memory_used(), 3 * (100 + (8 << 20)));
        drop(buffers);
        assert!(sessions.iter().all(Session::is_idle));
        nothing_is_used(&device).await;
    })
    .await;
}

#[tokio::test]
async fn a_tenant_that_frees_memory_may_have_it_again_at_once() {
    let device = device_with(CpuConfig {
        threads: NonZeroUsize::new(1),
        memory_bytes: Some(64 << 20),
        ..CpuConfig::default()
    });
    let session = device.session(Limits::default());
    let lease = session.lease();
    for _ in 0..200 {
        drop(lease.allocate(64 << 20).await.unwrap());
    }
}

#[tokio::test]
async fn a_session_is_idle_once_nothing_is_held_and_no_instance_runs() {
    in_time(async {
        let session = device(1).session(Limits::default());
        assert!(session.is_idle());
        let lease = session.lease();
        assert_eq!(session.usage(), Usage::default());
        assert!(!session.is_idle());
        let kept = session.residency();
        kept.keep("weights", lease.allocate(0).await.unwrap())
            .unwrap();
        drop(lease);
        assert!(!session.is_idle());
        kept.release("weights").unwrap();
        assert!(session.is_idle());
    })
    .await;
}

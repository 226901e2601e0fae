//! Limits are exact, and nothing that was taken stays taken.

use std::future::Future;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use proptest::prelude::*;
use tensor_wasm_device::{
    Argument, Buffer, CpuConfig, Device, Error, Event, Limits, Module, Usage,
};

use crate::common::{device, in_time, kernel, line, nothing_is_held, pointer, values_of};

#[test]
fn memory_is_limited_to_the_byte_and_given_back_on_drop() {
    let session = device(1).session(Limits {
        memory_bytes: 1024,
        ..Limits::default()
    });
    let lease = session.lease();
    let first = lease.allocate(1000).unwrap();
    let second = lease.allocate(24).unwrap();
    assert!(matches!(
        lease.allocate(1),
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
    assert!(lease.allocate(1000).is_err());
    drop(again);
    drop(lease.allocate(1000).unwrap());
    assert!(lease.allocate(u64::MAX).is_err());
    drop(second);
    assert_eq!(session.usage(), Usage::default());
}

#[test]
fn a_full_device_is_told_from_a_full_quota() {
    let device = Device::cpu(CpuConfig {
        threads: NonZeroUsize::new(1),
        memory_bytes: Some(1000),
        ..CpuConfig::default()
    })
    .unwrap();
    let (one, other) = (
        device.session(Limits::default()),
        device.session(Limits::default()),
    );
    let (one_lease, other_lease) = (one.lease(), other.lease());
    let held = one_lease.allocate(900).unwrap();
    assert!(matches!(
        other_lease.allocate(101),
        Err(Error::OutOfMemory { bytes: 101 })
    ));
    assert_eq!(other.usage(), Usage::default());
    drop(held);
    other_lease.allocate(1000).unwrap();
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
        let queues = [lease.create_queue().unwrap(), lease.create_queue().unwrap()];
        full(lease.create_queue().map(drop));
        let events = [
            queues[0].record_event().await,
            queues[1].record_event().await,
        ];
        full(queues[0].record_event().await.map(drop));
        let buffers = [lease.allocate(0).unwrap(), lease.allocate(0).unwrap()];
        full(lease.allocate(0).map(drop));
        let load = || lease.load(crate::common::KERNELS.into());
        let modules = [load().await.unwrap(), load().await.unwrap()];
        full(load().await.map(drop));
        assert_eq!(session.usage().modules, 2);
        drop((queues, events, buffers, modules));
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
        let (queue, buffer) = (lease.create_queue().unwrap(), lease.allocate(8).unwrap());
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
        assert_eq!(queue.read(&buffer, 0, 1).await.unwrap(), [0]);
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
        let (queue, buffer) = (lease.create_queue().unwrap(), lease.allocate(4096).unwrap());
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
        let queue = lease.create_queue().unwrap();
        let add = kernel(&lease, "add").await;
        for _ in 0..50 {
            let buffer = lease.allocate(4096).unwrap();
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
async fn dropping_a_lease_stops_an_endless_kernel_and_gives_back_what_it_held() {
    in_time(async {
        let session = device(2).session(Limits {
            kernel_time: Duration::from_secs(3600),
            ..Limits::default()
        });
        for _ in 0..5 {
            let lease = session.lease();
            let queue = lease.create_queue().unwrap();
            let wait_for = kernel(&lease, "wait_for").await;
            let flag = lease.allocate(4).unwrap();
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
        let count = lease.allocate(4).unwrap();
        let queues: Vec<_> = (0..8).map(|_| lease.create_queue().unwrap()).collect();
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

/// One thing that a component may do. Numbers choose among what is there.
#[derive(Clone, Debug)]
enum Step {
    Allocate(u16),
    Drop(usize),
    Write(usize, u8),
    Fill(usize, u8),
    Copy(usize, usize),
    Read(usize),
    Add(usize),
    Spin,
    Stray,
    Event,
    WaitForEvent(usize),
    NewQueue,
    DropQueue,
    Synchronize,
    Keep(usize, u8),
    Release(u8),
    Load,
    NextInstance,
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0_usize..8;
    prop_oneof![
        4 => any::<u16>().prop_map(Step::Allocate),
        2 => n.clone().prop_map(Step::Drop),
        3 => (n.clone(), any::<u8>()).prop_map(|(n, value)| Step::Write(n, value)),
        2 => (n.clone(), any::<u8>()).prop_map(|(n, value)| Step::Fill(n, value)),
        2 => (n.clone(), n.clone()).prop_map(|(from, to)| Step::Copy(from, to)),
        2 => n.clone().prop_map(Step::Read),
        3 => n.clone().prop_map(Step::Add),
        1 => Just(Step::Spin),
        1 => Just(Step::Stray),
        2 => Just(Step::Event),
        1 => n.clone().prop_map(Step::WaitForEvent),
        1 => Just(Step::NewQueue),
        1 => Just(Step::DropQueue),
        1 => Just(Step::Synchronize),
        1 => (n.clone(), 0_u8..4).prop_map(|(n, name)| Step::Keep(n, name)),
        1 => (0_u8..4).prop_map(Step::Release),
        1 => Just(Step::Load),
        1 => Just(Step::NextInstance),
    ]
}

async fn carry_out(steps: Vec<Step>) {
    let session = device(2).session(Limits {
        memory_bytes: 100_000,
        buffers: 8,
        modules: 3,
        queues: 3,
        events: 4,
        launches_in_flight: 8,
        staged_bytes: 32_768,
        kernel_time: Duration::from_millis(20),
    });
    let kept = session.residency();
    let mut lease = session.lease();
    let mut buffers: Vec<Buffer> = Vec::new();
    let mut events: Vec<Event> = Vec::new();
    let mut modules: Vec<Module> = Vec::new();
    let mut queues = vec![lease.create_queue().unwrap()];
    for step in steps {
        // Whether a step succeeds does not matter here: what it leaves behind does.
        let queue = queues.last().cloned();
        let pick = |n: usize| (!buffers.is_empty()).then(|| buffers[n % buffers.len()].clone());
        match (step, queue) {
            (Step::Allocate(bytes), _) => buffers.extend(lease.allocate(bytes.into())),
            (Step::Drop(n), _) if !buffers.is_empty() => drop(buffers.remove(n % buffers.len())),
            (Step::NewQueue, _) => queues.extend(lease.create_queue()),
            (Step::DropQueue, _) => drop(queues.pop()),
            (Step::Keep(n, name), _) => {
                if let Some(buffer) = pick(n) {
                    let _ = kept.keep(&name.to_string(), buffer);
                }
            }
            (Step::Release(name), _) => kept.release(&name.to_string()).unwrap(),
            (Step::Load, _) => modules.extend(lease.load(crate::common::KERNELS.into()).await),
            (Step::NextInstance, _) => {
                lease = session.lease();
                queues = lease.create_queue().into_iter().collect();
            }
            (Step::WaitForEvent(n), _) if !events.is_empty() => {
                let event = events.swap_remove(n % events.len());
                let _ = event.wait().await;
            }
            (step, Some(queue)) => {
                let launch = |name: &str| modules.last().map(|module| module.kernel(name).unwrap());
                let _ = match step {
                    Step::Write(n, value) => match pick(n) {
                        Some(to) => queue.write(&to, 0, vec![value; to.size() as usize]).await,
                        None => Ok(()),
                    },
                    Step::Fill(n, value) => match pick(n) {
                        Some(buffer) => queue.fill(&buffer, 0, buffer.size(), value).await,
                        None => Ok(()),
                    },
                    Step::Copy(from, to) => match (pick(from), pick(to)) {
                        (Some(from), Some(to)) => {
                            queue
                                .copy(&from, 0, &to, 0, from.size().min(to.size()))
                                .await
                        }
                        _ => Ok(()),
                    },
                    Step::Read(n) => match pick(n) {
                        Some(buffer) => queue.read(&buffer, 0, buffer.size()).await.map(drop),
                        None => Ok(()),
                    },
                    Step::Add(n) => match (pick(n), launch("add")) {
                        (Some(buffer), Some(add)) => {
                            let count = Argument::U32(buffer.size() as u32 / 4);
                            let arguments = vec![pointer(&buffer), count, Argument::U32(1)];
                            queue.launch(&add, line(8, 128), arguments).await
                        }
                        _ => Ok(()),
                    },
                    Step::Spin => match launch("spin") {
                        Some(spin) => queue.launch(&spin, line(4, 32), vec![]).await,
                        None => Ok(()),
                    },
                    Step::Stray => match launch("tell") {
                        Some(tell) => {
                            let arguments = vec![Argument::U64(64), Argument::U64(0)];
                            queue.launch(&tell, line(4, 32), arguments).await
                        }
                        None => Ok(()),
                    },
                    Step::Event => queue.record_event().await.map(|event| events.push(event)),
                    Step::Synchronize => queue.synchronize().await,
                    _ => Ok(()),
                };
            }
            _ => {}
        }
        let usage = session.usage();
        assert!(usage.memory_bytes <= 100_000 && usage.buffers <= 8 && usage.modules <= 3);
        assert!(usage.queues <= 3 && usage.events <= 4 && usage.launches_in_flight <= 8);
    }
    drop((lease, queues, buffers, events, modules, kept));
    nothing_is_held(&session).await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn whatever_an_instance_does_nothing_is_held_in_the_end(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(in_time(carry_out(steps)));
    }
}

//! Order, events, and the ends of queues.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use tensor_wasm_device::{
    Argument, Buffer, Device, Error, Event, Kernel, Lease, Limits, Module, Queue, Residency,
    Session,
};

use super::common::{device, in_time, kernel, line, nothing_is_held, pointer, session, values_of};

#[tokio::test]
async fn a_queue_does_its_work_in_order() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let (a, b) = (
            lease.allocate(4096).await.unwrap(),
            lease.allocate(4096).await.unwrap(),
        );
        for round in 1..=50 {
            queue.fill(&a, 0, 4096, round).await.unwrap();
            queue.copy(&a, 0, &b, 0, 4096).await.unwrap();
            queue.write(&a, 0, vec![0; 4096]).await.unwrap();
            queue.copy(&b, 0, &a, 2048, 2048).await.unwrap();
        }
        let found = queue.read(&a, 0, 4096).await.unwrap();
        assert_eq!(found[..2048], [0; 2048]);
        assert_eq!(found[2048..], [50; 2048]);
    })
    .await;
}

#[tokio::test]
async fn events_mark_points_and_measure_between_them() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let buffer = lease.allocate(1 << 20).await.unwrap();
        let before = queue.record_event().await.unwrap();
        queue.fill(&buffer, 0, 1 << 20, 1).await.unwrap();
        let after = queue.record_event().await.unwrap();
        after.wait().await.unwrap();
        assert!(before.is_done() && after.is_done());
        assert!(after.elapsed_since(&before).unwrap() > 0);
        assert_eq!(before.elapsed_since(&after).unwrap(), 0);
        assert_eq!(after.elapsed_since(&after.clone()).unwrap(), 0);
    })
    .await;
}

/// A kernel, and a variable, so that the module is not kept loaded.
const WITH_A_VARIABLE: &str = ".version 7.0
.target sm_70
.address_size 64
.visible .global .align 8 .u64 counter = 7;
.visible .entry peek(.param .u64 out)
{
    .reg .b64 %rd<3>;
    ld.param.u64 %rd1, [out];
    ld.global.u64 %rd2, [counter];
    st.global.u64 [%rd1], %rd2;
    ret;
}
";

#[tokio::test]
async fn a_module_that_is_unloaded_while_a_kernel_runs_holds_up_no_other_queue() {
    in_time(async {
        let session = device(2).session(Limits {
            kernel_time: Duration::from_secs(3600),
            ..Limits::default()
        });
        let lease = session.lease();
        let (busy, other) = (
            lease.create_queue().await.unwrap(),
            lease.create_queue().await.unwrap(),
        );
        let out = lease.allocate(8).await.unwrap();
        let module = lease.load(WITH_A_VARIABLE.into()).await.unwrap();
        let peek = module.kernel("peek").unwrap();
        other
            .launch(&peek, line(1, 1), vec![pointer(&out)])
            .await
            .unwrap();
        assert_eq!(values_of(&other, &out).await.unwrap(), [7, 0]);
        let spin = kernel(&lease, "spin").await;
        busy.launch(&spin, line(1, 1), vec![]).await.unwrap();
        let after = busy.record_event().await.unwrap();
        drop((module, peek));
        let tell = kernel(&lease, "tell").await;
        let arguments = vec![pointer(&out), Argument::U64(9)];
        other.launch(&tell, line(1, 1), arguments).await.unwrap();
        assert_eq!(values_of(&other, &out).await.unwrap(), [9, 0]);
        assert!(!after.is_done());
    })
    .await;
}

#[tokio::test]
async fn a_dropped_queue_still_does_its_work() {
    in_time(async {
        let session = session();
        let lease = session.lease();
        let buffer = lease.allocate(8 << 20).await.unwrap();
        let queue = lease.create_queue().await.unwrap();
        queue.fill(&buffer, 0, 8 << 20, 7).await.unwrap();
        let event = queue.record_event().await.unwrap();
        drop(queue);
        event.wait().await.unwrap();
        let queue = lease.create_queue().await.unwrap();
        assert_eq!(queue.read(&buffer, (8 << 20) - 1, 1).await.unwrap(), [7]);
        drop((buffer, queue, event));
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn handles_outlive_their_lease_but_only_to_say_so() {
    in_time(async {
        let session = session();
        let lease = session.lease();
        let (queue, buffer) = (
            lease.create_queue().await.unwrap(),
            lease.allocate(8).await.unwrap(),
        );
        let event = queue.record_event().await.unwrap();
        event.wait().await.unwrap();
        drop(lease);
        assert!(matches!(
            queue.write(&buffer, 0, vec![1]).await,
            Err(Error::DeviceLost(_))
        ));
        assert!(matches!(
            queue.read(&buffer, 0, 1).await,
            Err(Error::DeviceLost(_))
        ));
        assert!(matches!(
            queue.synchronize().await,
            Err(Error::DeviceLost(_))
        ));
        assert!(matches!(
            queue.record_event().await,
            Err(Error::DeviceLost(_))
        ));
        assert!(event.is_done());
        event.wait().await.unwrap();
        assert_eq!(buffer.size(), 8);
        drop((queue, buffer, event));
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn a_caller_that_stops_waiting_leaves_the_queue_in_order() {
    in_time(async {
        let session = session();
        let lease = session.lease();
        let (queue, buffer) = (
            lease.create_queue().await.unwrap(),
            lease.allocate(4 << 20).await.unwrap(),
        );
        queue.fill(&buffer, 0, 4 << 20, 3).await.unwrap();
        {
            let read = pin!(queue.read(&buffer, 0, 4 << 20));
            let _ = read.poll(&mut Context::from_waker(Waker::noop()));
            let synchronize = pin!(queue.synchronize());
            let _ = synchronize.poll(&mut Context::from_waker(Waker::noop()));
        }
        queue.fill(&buffer, 0, 1, 4).await.unwrap();
        assert_eq!(queue.read(&buffer, 0, 2).await.unwrap(), [4, 3]);
        drop((queue, buffer));
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn every_call_that_waits_may_move_between_threads() {
    fn may_move<T: Send>(_: impl FnOnce(&Queue, &Buffer) -> T) {}
    fn shared<T: Send + Sync + 'static>() {}
    may_move(|queue, buffer| {
        let (queue, buffer) = (queue.clone(), buffer.clone());
        async move {
            queue.write(&buffer, 0, Vec::new()).await?;
            queue.copy(&buffer, 0, &buffer, 0, 0).await?;
            queue.fill(&buffer, 0, 0, 0).await?;
            queue.record_event().await?.wait().await?;
            queue.read(&buffer, 0, 0).await?;
            queue.synchronize().await
        }
    });
    shared::<(Device, Session, Lease, Residency)>();
    shared::<(Buffer, Module, Kernel, Queue, Event, Argument)>();
}

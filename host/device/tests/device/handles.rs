//! Handles in the wrong hands: an instance may serve one tenant after another,
//! and what it holds of the one is worth nothing on a queue of the other.

use std::future::Future;

use tensor_wasm_device::{Argument, Error, Limits, Usage};

use super::common::{device, in_time, kernel, line, nothing_is_held, pointer, session, values_of};

async fn denied<T>(call: impl Future<Output = Result<T, Error>>) {
    match call.await {
        Err(Error::Denied(message)) => assert!(message.contains("another tenant's"), "{message}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("allowed"),
    }
}

#[tokio::test]
async fn another_tenants_handles_are_denied_by_every_call_and_nothing_is_touched() {
    in_time(async {
        let device = device(2);
        // Of another tenant, and of another session of the same tenant alike.
        let (mine, theirs) = (
            device.session(Limits::default()),
            device.session(Limits::default()),
        );
        let (lease, their_lease) = (mine.lease(), theirs.lease());
        let (queue, their_queue) = (
            lease.create_queue().await.unwrap(),
            their_lease.create_queue().await.unwrap(),
        );
        let (buffer, secret) = (
            lease.allocate(8).await.unwrap(),
            their_lease.allocate(8).await.unwrap(),
        );
        queue.fill(&buffer, 0, 8, 1).await.unwrap();
        their_queue.fill(&secret, 0, 8, 2).await.unwrap();
        their_queue.synchronize().await.unwrap();
        let (tally, their_tally) = (
            kernel(&lease, "tally").await,
            kernel(&their_lease, "tally").await,
        );
        queue.synchronize().await.unwrap();
        let (used, theirs_used) = (mine.usage(), theirs.usage());

        denied(queue.read(&secret, 0, 8)).await;
        denied(queue.write(&secret, 0, vec![3; 8])).await;
        denied(queue.fill(&secret, 0, 8, 3)).await;
        denied(queue.copy(&secret, 0, &buffer, 0, 8)).await;
        denied(queue.copy(&buffer, 0, &secret, 0, 8)).await;
        denied(queue.copy(&secret, 0, &secret, 0, 8)).await;
        // Not even how large it is comes out.
        denied(queue.read(&secret, 0, 9)).await;
        denied(queue.launch(&tally, line(1, 1), vec![pointer(&secret)])).await;
        denied(queue.launch(&their_tally, line(1, 1), vec![pointer(&buffer)])).await;
        denied(queue.launch(&their_tally, line(1, 1), vec![pointer(&secret)])).await;
        let far = Argument::Pointer {
            buffer: secret.clone(),
            offset: 9,
        };
        denied(queue.launch(&tally, line(1, 1), vec![far])).await;
        denied(async { mine.residency().keep("x", secret.clone()) }).await;

        // Both go on as if nothing had been asked, and nothing is held for it.
        queue.synchronize().await.unwrap();
        assert_eq!((mine.usage(), theirs.usage()), (used, theirs_used));
        assert_eq!(queue.read(&buffer, 0, 8).await.unwrap(), [1; 8]);
        assert_eq!(their_queue.read(&secret, 0, 8).await.unwrap(), [2; 8]);
        their_queue
            .launch(&their_tally, line(1, 1), vec![pointer(&secret)])
            .await
            .unwrap();
        assert_eq!(
            values_of(&their_queue, &secret).await.unwrap(),
            [0x0202_0203, 0x0202_0202]
        );
    })
    .await;
}

#[tokio::test]
async fn points_of_two_tenants_queues_are_not_measured_against_each_other() {
    in_time(async {
        let device = device(1);
        let (mine, theirs) = (
            device.session(Limits::default()),
            device.session(Limits::default()),
        );
        let (lease, their_lease) = (mine.lease(), theirs.lease());
        let (queue, their_queue) = (
            lease.create_queue().await.unwrap(),
            their_lease.create_queue().await.unwrap(),
        );
        let event = queue.record_event().await.unwrap();
        let foreign = their_queue.record_event().await.unwrap();
        event.wait().await.unwrap();
        foreign.wait().await.unwrap();
        for result in [event.elapsed_since(&foreign), foreign.elapsed_since(&event)] {
            assert!(matches!(result, Err(Error::Denied(_))), "{result:?}");
        }
        let other_queue = lease.create_queue().await.unwrap();
        let later = other_queue.record_event().await.unwrap();
        later.wait().await.unwrap();
        later.elapsed_since(&event).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_tenants_own_buffers_and_kernels_work_on_the_queues_of_its_other_instances() {
    in_time(async {
        let session = session();
        let (first, second) = (session.lease(), session.lease());
        let (count, tally) = (
            first.allocate(4).await.unwrap(),
            kernel(&first, "tally").await,
        );
        let queue = second.create_queue().await.unwrap();
        for expected in [1, 2] {
            queue
                .launch(&tally, line(1, 1), vec![pointer(&count)])
                .await
                .unwrap();
            assert_eq!(values_of(&queue, &count).await.unwrap(), [expected]);
        }
        // An instance's end ends its queues, not the memory that others hold.
        drop(first);
        assert_eq!(values_of(&queue, &count).await.unwrap(), [2]);
        drop((second, queue, count, tally));
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn a_next_session_of_a_tenant_does_not_take_the_handles_of_the_last() {
    in_time(async {
        let device = device(1);
        let last = device.session(Limits::default());
        let (kept, buffer) = (last.residency(), last.lease().allocate(8).await.unwrap());
        drop(last);
        let next = device.session(Limits::default());
        let lease = next.lease();
        let queue = lease.create_queue().await.unwrap();
        denied(queue.read(&buffer, 0, 8)).await;
        denied(async { kept.keep("x", lease.allocate(8).await?) }).await;
        drop((queue, lease));
        assert_eq!(next.usage(), Usage::default());
    })
    .await;
}

//! No tenant keeps the device from another.

use std::num::NonZeroU32;
use std::time::Duration;

use tensor_wasm_device::{Argument, Limits};

use super::common::{
    bytes_of, device, in_time, kernel, line, nothing_is_held, pointer, queues, values_of,
};
use super::instances::instance;

#[tokio::test]
async fn sixteen_endless_tenants_do_not_keep_a_healthy_one_from_its_work() {
    in_time(async {
        let device = device(2);
        let limits = Limits {
            kernel_time: Duration::from_secs(3600),
            ..Limits::default()
        };
        // A driver without a device runs each kernel on threads of its own, which the
        // operating system has to share out.
        let (tenants, queues) = match instance().has_slices {
            true => (16, 16),
            false => (2, 1),
        };
        let mut endless = Vec::new();
        for _ in 0..tenants {
            let session = device.session(limits.clone());
            let lease = session.lease();
            let spin = kernel(&lease, "spin").await;
            // Every queue that the tenant may have, and more blocks than threads.
            let mut events = Vec::new();
            for _ in 0..queues {
                let queue = lease.create_queue().await.unwrap();
                queue.launch(&spin, line(64, 256), vec![]).await.unwrap();
                events.push(queue.record_event().await.unwrap());
            }
            endless.push((session, lease, events));
        }

        let lease = device.session(Limits::default()).lease();
        let queue = lease.create_queue().await.unwrap();
        let add = kernel(&lease, "add").await;
        let buffer = lease.allocate(4096).await.unwrap();
        for round in 0..10 {
            queue
                .write(&buffer, 0, bytes_of(&[round; 1024]))
                .await
                .unwrap();
            let arguments = vec![pointer(&buffer), Argument::U32(1024), Argument::U32(1)];
            queue.launch(&add, line(8, 128), arguments).await.unwrap();
            assert_eq!(values_of(&queue, &buffer).await.unwrap(), [round + 1; 1024]);
        }

        for (session, lease, events) in endless {
            assert!(events.iter().all(|event| !event.is_done()));
            drop((lease, events));
            nothing_is_held(&session).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_thousand_queued_launches_do_not_keep_another_tenant_from_its_one() {
    in_time(async {
        let device = device(2);
        let greedy = device.session(Limits {
            kernel_time: Duration::from_secs(3600),
            share: NonZeroU32::MAX,
            ..Limits::default()
        });
        let lease = greedy.lease();
        let (wait_for, tally) = (
            kernel(&lease, "wait_for").await,
            kernel(&lease, "tally").await,
        );
        let (flag, count) = (
            lease.allocate(4).await.unwrap(),
            lease.allocate(4).await.unwrap(),
        );
        let queues = queues(&lease, 15).await;
        // Compiled by now, which takes time that whoever launches it first is charged for. With a
        // share so small the other tenant would then wait longer than any test lasts.
        let first = lease.allocate(4).await.unwrap();
        let arguments = vec![pointer(&first)];
        queues[0]
            .launch(&tally, line(1, 1), arguments)
            .await
            .unwrap();
        queues[0].synchronize().await.unwrap();
        // Each queue begins with a launch that takes both threads and ends only
        // when it is told to, so none of the greedy tenant's ends meanwhile.
        for queue in &queues {
            let arguments = vec![pointer(&flag)];
            queue
                .launch(&wait_for, line(2, 32), arguments)
                .await
                .unwrap();
        }
        for number in 0..1000 {
            let arguments = vec![pointer(&count)];
            let queue = &queues[number % queues.len()];
            queue.launch(&tally, line(1, 1), arguments).await.unwrap();
        }
        let queued = greedy.usage().launches_in_flight;

        let other = device.session(Limits {
            share: NonZeroU32::MIN,
            ..Limits::default()
        });
        let one = other.lease();
        let queue = one.create_queue().await.unwrap();
        let (once, done) = (kernel(&one, "tally").await, one.allocate(4).await.unwrap());
        queue
            .launch(&once, line(1, 1), vec![pointer(&done)])
            .await
            .unwrap();
        queue.synchronize().await.unwrap();
        assert_eq!(greedy.usage().launches_in_flight, queued);

        let last = lease.create_queue().await.unwrap();
        last.write(&flag, 0, vec![1; 4]).await.unwrap();
        for queue in &queues {
            queue.synchronize().await.unwrap();
        }
        assert_eq!(values_of(&last, &count).await.unwrap(), [1000]);
    })
    .await;
}

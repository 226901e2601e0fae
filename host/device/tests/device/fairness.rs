//! No tenant keeps the device from another.

use std::time::Duration;

use tensor_wasm_device::{Argument, Limits};

use crate::common::{bytes_of, device, in_time, kernel, line, nothing_is_held, pointer, values_of};

#[tokio::test]
async fn sixteen_endless_tenants_do_not_keep_a_healthy_one_from_its_work() {
    in_time(async {
        let device = device(2);
        let limits = Limits {
            kernel_time: Duration::from_secs(3600),
            ..Limits::default()
        };
        let mut endless = Vec::new();
        for _ in 0..16 {
            let session = device.session(limits.clone());
            let lease = session.lease();
            let spin = kernel(&lease, "spin").await;
            // Every queue that the tenant may have, and more blocks than threads.
            let mut events = Vec::new();
            for _ in 0..16 {
                let queue = lease.create_queue().unwrap();
                queue.launch(&spin, line(64, 256), vec![]).await.unwrap();
                events.push(queue.record_event().await.unwrap());
            }
            endless.push((session, lease, events));
        }

        let lease = device.session(Limits::default()).lease();
        let queue = lease.create_queue().unwrap();
        let add = kernel(&lease, "add").await;
        let buffer = lease.allocate(4096).unwrap();
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

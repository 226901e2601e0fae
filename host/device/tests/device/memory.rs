//! Buffers and transfers.

use tensor_wasm_device::{Error, Limits};

use super::common::{in_time, session};

#[tokio::test]
async fn what_is_written_comes_back() {
    in_time(async {
        let lease = session().lease();
        let (queue, buffer) = (
            lease.create_queue().await.unwrap(),
            lease.allocate(1000).await.unwrap(),
        );
        let data: Vec<u8> = (0..700_u32).map(|i| (i * 7) as u8).collect();
        queue.write(&buffer, 13, data.clone()).await.unwrap();
        assert_eq!(queue.read(&buffer, 13, 700).await.unwrap(), data);
        let all = queue.read(&buffer, 0, 1000).await.unwrap();
        assert_eq!(all[..13], [0; 13]);
        assert_eq!(all[713..], [0; 287]);
    })
    .await;
}

#[tokio::test]
async fn memory_starts_as_zeros_also_where_another_tenant_used_it_before() {
    in_time(async {
        let device = super::common::device(2);
        for _ in 0..8 {
            let lease = device.session(Limits::default()).lease();
            let queue = lease.create_queue().await.unwrap();
            for bytes in [1, 100, 5000, 3 << 20] {
                let buffer = lease.allocate(bytes).await.unwrap();
                let found = queue.read(&buffer, 0, bytes).await.unwrap();
                assert!(found.iter().all(|byte| *byte == 0));
                queue.fill(&buffer, 0, bytes, 0xaa).await.unwrap();
                queue.synchronize().await.unwrap();
            }
        }
    })
    .await;
}

#[tokio::test]
async fn copies_within_one_buffer_may_overlap_either_way() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let size = 300_001;
        let data: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
        for (from, to) in [(0, 5), (5, 0), (3, 70_003), (70_003, 3), (17, 17)] {
            let bytes = size - from.max(to);
            let buffer = lease.allocate(size).await.unwrap();
            queue.write(&buffer, 0, data.clone()).await.unwrap();
            queue.copy(&buffer, from, &buffer, to, bytes).await.unwrap();
            let mut expected = data.clone();
            expected.copy_within(from as usize..(from + bytes) as usize, to as usize);
            assert!(
                queue.read(&buffer, 0, size).await.unwrap() == expected,
                "{from} to {to}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn ranges_outside_of_a_buffer_are_refused_and_change_nothing() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let (buffer, other) = (
            lease.allocate(64).await.unwrap(),
            lease.allocate(64).await.unwrap(),
        );
        for (offset, bytes) in [
            (60, 5_u64),
            (65, 0),
            (u64::MAX, 1),
            (u64::MAX, u64::MAX),
            (0, 65),
        ] {
            let out = |result: Result<(), Error>| {
                assert!(
                    matches!(result, Err(Error::OutOfRange(_))),
                    "{offset} {bytes}"
                );
            };
            out(queue.read(&buffer, offset, bytes).await.map(drop));
            out(queue.fill(&buffer, offset, bytes, 1).await);
            out(queue.copy(&buffer, offset, &other, 0, bytes).await);
            out(queue.copy(&other, 0, &buffer, offset, bytes).await);
            if bytes <= 65 {
                out(queue.write(&buffer, offset, vec![1; bytes as usize]).await);
            }
        }
        assert_eq!(queue.read(&buffer, 0, 64).await.unwrap(), [0; 64]);
        assert_eq!(queue.read(&buffer, 64, 0).await.unwrap(), Vec::<u8>::new());
    })
    .await;
}

#[tokio::test]
async fn a_buffer_may_have_no_bytes() {
    in_time(async {
        let lease = session().lease();
        let (queue, buffer) = (
            lease.create_queue().await.unwrap(),
            lease.allocate(0).await.unwrap(),
        );
        assert_eq!(buffer.size(), 0);
        queue.write(&buffer, 0, Vec::new()).await.unwrap();
        assert_eq!(queue.read(&buffer, 0, 0).await.unwrap(), Vec::<u8>::new());
    })
    .await;
}

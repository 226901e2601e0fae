//! Buffers that outlive an instance.

use tensor_wasm_device::{Error, Usage};

use super::common::{in_time, session};

#[tokio::test]
async fn a_later_instance_finds_what_an_earlier_one_kept() {
    in_time(async {
        let session = session();
        let kept = session.residency();
        {
            let lease = session.lease();
            let (queue, buffer) = (
                lease.create_queue().await.unwrap(),
                lease.allocate(4).await.unwrap(),
            );
            queue.write(&buffer, 0, vec![1, 2, 3, 4]).await.unwrap();
            queue.synchronize().await.unwrap();
            kept.keep("weights", buffer).unwrap();
        }
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let found = kept.lookup("weights").unwrap().unwrap();
        assert_eq!(queue.read(&found, 0, 4).await.unwrap(), [1, 2, 3, 4]);
        assert!(session.residency().lookup("weights").unwrap().is_none());
        kept.release("weights").unwrap();
        kept.release("weights").unwrap();
        assert_eq!(session.usage().memory_bytes, 4);
        drop((found, queue));
        assert_eq!(session.usage(), Usage::default());
    })
    .await;
}

#[tokio::test]
async fn the_first_buffer_under_a_name_stays() {
    let session = session();
    let (lease, kept) = (session.lease(), session.residency());
    kept.keep("a", lease.allocate(1).await.unwrap()).unwrap();
    assert_eq!(
        kept.keep("a", lease.allocate(2).await.unwrap())
            .unwrap()
            .size(),
        1
    );
    assert_eq!(session.usage().memory_bytes, 1);
}

#[tokio::test]
async fn names_are_bounded_in_length_and_number() {
    let session = session();
    let (lease, kept) = (session.lease(), session.residency());
    let buffer = lease.allocate(1).await.unwrap();
    let long = "n".repeat(257);
    assert!(matches!(
        kept.keep(&long, buffer.clone()),
        Err(Error::OutOfRange(_))
    ));
    for number in 0..1024 {
        kept.keep(&format!("{number:0>256}"), buffer.clone())
            .unwrap();
    }
    assert!(matches!(
        kept.keep("one more", buffer),
        Err(Error::QuotaExceeded {
            limit: 1024,
            requested: 1025,
            ..
        })
    ));
}

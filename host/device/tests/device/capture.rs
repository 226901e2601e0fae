//! Named buffers as they were at one moment, while work goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tensor_wasm_device::{Argument, Capture, Limits, Session, Usage};
use tokio::time::timeout;

use super::common::{bytes_of, device, in_time, kernel, line, nothing_is_held, pointer, session};
use super::instances::instance;

const COUNT: u32 = 1 << 16;
const BYTES: u64 = 4 * COUNT as u64;

async fn values(capture: &Capture, place: usize) -> Vec<u32> {
    let mut values = Vec::new();
    // In two parts, as whoever has no room for the whole reads it.
    for part in 0..2 {
        let bytes = capture.read(place, part * BYTES / 2, BYTES / 2).await;
        let bytes = bytes.unwrap();
        let words = bytes.as_chunks().0.iter();
        values.extend(words.map(|word| u32::from_le_bytes(*word)));
    }
    values
}

#[tokio::test]
async fn a_capture_has_all_buffers_as_they_were_at_one_moment_and_work_goes_on() {
    in_time(async {
        let session = session();
        let kept = session.residency();
        let lease = session.lease();
        for name in ["a", "b"] {
            let buffer = lease.allocate(BYTES).await.unwrap();
            kept.keep(name, buffer).unwrap();
        }
        let over = Arc::new(AtomicBool::new(false));
        let working = {
            let (kept, over) = (kept.clone(), over.clone());
            async move {
                let add = kernel(&lease, "add").await;
                let queue = lease.create_queue().await.unwrap();
                let mut rounds = 0;
                while !over.load(Ordering::Relaxed) {
                    for name in ["a", "b"] {
                        let buffer = kept.lookup(name).unwrap().unwrap();
                        let arguments =
                            vec![pointer(&buffer), Argument::U32(COUNT), Argument::U32(1)];
                        let launch = queue.launch(&add, line(COUNT / 256, 256), arguments);
                        launch.await.unwrap();
                    }
                    queue.synchronize().await.unwrap();
                    rounds += 1;
                }
                rounds
            }
        };
        let working = tokio::spawn(working);
        let mut before = 0;
        for _ in 0..3 {
            let capture = session.capture(&[&kept]).await.unwrap();
            let names = capture.buffers().iter();
            let names: Vec<_> = names.map(|one| (one.name.as_str(), one.bytes())).collect();
            assert_eq!(names, [("a", BYTES), ("b", BYTES)]);
            tokio::time::sleep(Duration::from_millis(20)).await;
            let (a, b) = (values(&capture, 0).await, values(&capture, 1).await);
            assert!(
                a.iter().all(|value| *value == a[0]),
                "in the middle of a kernel"
            );
            assert!(
                b.iter().all(|value| *value == b[0]),
                "in the middle of a kernel"
            );
            assert!(a[0] - b[0] <= 1, "{} {}", a[0], b[0]);
            assert!(a[0] >= before);
            before = a[0];
            assert!(capture.finish() < Duration::from_secs(60));
        }
        over.store(true, Ordering::Relaxed);
        assert!(working.await.unwrap() >= before);
        drop(kept);
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn a_capture_of_a_large_buffer_has_what_kernels_wrote_at_its_ends() {
    const LARGE: u64 = (40 << 20) + 1000;
    const COUNT: u32 = 1000;
    in_time(async {
        let session = session();
        let kept = session.residency();
        let lease = session.lease();
        let buffer = lease.allocate(LARGE).await.unwrap();
        kept.keep("large", buffer.clone()).unwrap();
        let places = [0, (20 << 20) + 4, LARGE - 4 * u64::from(COUNT)];
        let over = Arc::new(AtomicBool::new(false));
        let working = {
            let over = over.clone();
            async move {
                let add = kernel(&lease, "add").await;
                let queue = lease.create_queue().await.unwrap();
                // What is in the way of finding out: the whole is written.
                queue.fill(&buffer, 0, LARGE, 0).await.unwrap();
                while !over.load(Ordering::Relaxed) {
                    for offset in places {
                        let buffer = buffer.clone();
                        let at = Argument::Pointer { buffer, offset };
                        let arguments = vec![at, Argument::U32(COUNT), Argument::U32(1)];
                        let launch = queue.launch(&add, line(COUNT.div_ceil(256), 256), arguments);
                        launch.await.unwrap();
                    }
                    queue.synchronize().await.unwrap();
                }
            }
        };
        let working = tokio::spawn(working);
        let mut before = 0;
        for _ in 0..5 {
            let capture = session.capture(&[&kept]).await.unwrap();
            let mut counts = Vec::new();
            for offset in places {
                let bytes = capture.read(0, offset, 4 * u64::from(COUNT)).await.unwrap();
                let words = bytes.as_chunks().0.iter();
                let values: Vec<u32> = words.map(|word| u32::from_le_bytes(*word)).collect();
                let is_whole = values.iter().all(|value| *value == values[0]);
                assert!(is_whole, "in the middle of a kernel");
                counts.push(values[0]);
            }
            let (first, last) = (counts[0], counts[2]);
            assert!(first >= counts[1] && counts[1] >= last, "{counts:?}");
            assert!(first - last <= 1 && last >= before, "{counts:?} {before}");
            before = last;
            let between = capture.read(0, 1 << 20, 1 << 20).await.unwrap();
            assert!(between.iter().all(|byte| *byte == 0));
        }
        over.store(true, Ordering::Relaxed);
        working.await.unwrap();
        drop(kept);
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn a_capture_has_what_was_written_while_it_was_made() {
    in_time(async {
        let session = session();
        let kept = session.residency();
        let lease = session.lease();
        // The first one takes long to copy, and is not written to.
        for (name, bytes) in [("large", 64 << 20), ("small", 8)] {
            let buffer = lease.allocate(bytes).await.unwrap();
            kept.keep(name, buffer).unwrap();
        }
        let queue = lease.create_queue().await.unwrap();
        let small = kept.lookup("small").unwrap().unwrap();
        let over = AtomicBool::new(false);
        let writing = async {
            let mut count = 0_u64;
            while !over.load(Ordering::Relaxed) {
                count += 1;
                let bytes = count.to_le_bytes().to_vec();
                queue.write(&small, 0, bytes).await.unwrap();
                queue.synchronize().await.unwrap();
            }
            count
        };
        let capturing = async {
            let mut before = 0;
            for _ in 0..4 {
                let capture = session.capture(&[&kept]).await.unwrap();
                let bytes = capture.read(1, 0, 8).await.unwrap();
                let count = u64::from_le_bytes(bytes.try_into().unwrap());
                assert!(count > before, "{count} {before}");
                before = count;
            }
            over.store(true, Ordering::Relaxed);
            before
        };
        let (written, captured) = tokio::join!(writing, capturing);
        assert!(captured <= written);
    })
    .await;
}

/// A session with a buffer that leaves no room for another of its size.
async fn full() -> (Session, tensor_wasm_device::Residency) {
    let session = device(2).session(Limits {
        memory_bytes: BYTES + BYTES / 2,
        ..Limits::default()
    });
    let kept = session.residency();
    let lease = session.lease();
    let buffer = lease.allocate(BYTES).await.unwrap();
    let queue = lease.create_queue().await.unwrap();
    let numbers: Vec<u32> = (0..COUNT).collect();
    queue.write(&buffer, 0, bytes_of(&numbers)).await.unwrap();
    queue.synchronize().await.unwrap();
    kept.keep("full", buffer).unwrap();
    (session, kept)
}

#[tokio::test]
async fn where_there_is_no_room_for_copies_work_is_held_back_until_all_is_read() {
    in_time(async {
        let (session, kept) = full().await;
        let capture = session.capture(&[&kept]).await.unwrap();
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        let buffer = kept.lookup("full").unwrap().unwrap();
        let filling = queue.fill(&buffer, 0, BYTES, 0xff);
        let mut filling = std::pin::pin!(filling);
        assert!(
            timeout(Duration::from_millis(50), &mut filling)
                .await
                .is_err()
        );
        let numbers: Vec<u32> = (0..COUNT).collect();
        assert_eq!(values(&capture, 0).await, numbers);
        assert!(capture.finish() >= Duration::from_millis(50));
        filling.await.unwrap();
        queue.synchronize().await.unwrap();
        assert_eq!(queue.read(&buffer, 0, 4).await.unwrap(), [0xff; 4]);
        assert_eq!(session.usage().memory_bytes, BYTES);
    })
    .await;
}

#[tokio::test]
async fn a_capture_that_is_given_up_holds_nothing_back() {
    in_time(async {
        let (session, kept) = full().await;
        drop(session.capture(&[&kept]).await.unwrap());
        let lease = session.lease();
        let queue = lease.create_queue().await.unwrap();
        queue.synchronize().await.unwrap();
        if !instance().has_slices {
            return;
        }
        // Also where it still waits for what runs.
        let spin = kernel(&lease, "spin").await;
        let other = session.lease();
        let spinning = other.create_queue().await.unwrap();
        spinning.launch(&spin, line(1, 1), vec![]).await.unwrap();
        let residencies = [&kept];
        let capturing = session.capture(&residencies);
        assert!(timeout(Duration::from_millis(50), capturing).await.is_err());
        queue.synchronize().await.unwrap();
        drop((spinning, other));
    })
    .await;
}

#[tokio::test]
async fn a_capture_of_nothing_is_empty_and_other_tenants_are_not_held_back() {
    in_time(async {
        let device = device(2);
        let one = device.session(Limits {
            memory_bytes: 4,
            ..Limits::default()
        });
        let kept = one.residency();
        assert!(kept.is_empty());
        let capture = one.capture(&[&kept]).await.unwrap();
        assert!(capture.buffers().is_empty());
        drop(capture);
        kept.keep("a", one.lease().allocate(4).await.unwrap())
            .unwrap();
        let capture = one.capture(&[&kept]).await.unwrap();
        let other = device.session(Limits::default());
        let lease = other.lease();
        let queue = lease.create_queue().await.unwrap();
        queue.synchronize().await.unwrap();
        assert!(capture.read(0, 0, 5).await.is_err());
        assert!(capture.read(1, 0, 0).await.is_err());
        drop((capture, kept, queue, lease));
        nothing_is_held(&one).await;
        assert_eq!(other.usage(), Usage::default());
    })
    .await;
}

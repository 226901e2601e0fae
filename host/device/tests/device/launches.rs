//! Launches that work, and those that are refused before they run.

use tensor_wasm_device::{Argument, Error, Extent, LaunchConfig, Limits};

use super::common::{bytes_of, device, in_time, kernel, line, pointer, session, values_of};

#[tokio::test]
async fn a_kernel_computes_on_what_was_written() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let add = kernel(&lease, "add").await;
        let input: Vec<u32> = (0..10_000).collect();
        let buffer = lease.allocate(40_000).await.unwrap();
        queue.write(&buffer, 0, bytes_of(&input)).await.unwrap();
        let arguments = vec![pointer(&buffer), Argument::U32(9_999), Argument::U32(7)];
        queue.launch(&add, line(100, 128), arguments).await.unwrap();
        let mut expected: Vec<u32> = input.iter().map(|value| value + 7).collect();
        expected[9_999] = 9_999;
        assert_eq!(values_of(&queue, &buffer).await.unwrap(), expected);
    })
    .await;
}

#[tokio::test]
async fn a_pointer_may_lead_into_a_buffer() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let add = kernel(&lease, "add").await;
        let buffer = lease.allocate(16).await.unwrap();
        let inside = Argument::Pointer {
            buffer: buffer.clone(),
            offset: 8,
        };
        queue
            .launch(
                &add,
                line(1, 32),
                vec![inside, Argument::U32(1), Argument::U32(3)],
            )
            .await
            .unwrap();
        assert_eq!(values_of(&queue, &buffer).await.unwrap(), [0, 0, 3, 0]);
        let behind = Argument::Pointer {
            buffer: buffer.clone(),
            offset: 17,
        };
        let refused = queue
            .launch(
                &add,
                line(1, 1),
                vec![behind, Argument::U32(0), Argument::U32(0)],
            )
            .await;
        assert!(matches!(refused, Err(Error::OutOfRange(_))));
    })
    .await;
}

#[tokio::test]
async fn threads_of_a_block_meet_at_a_barrier() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let reverse = kernel(&lease, "reverse").await;
        let input: Vec<u32> = (0..640).collect();
        let buffer = lease.allocate(2560).await.unwrap();
        queue.write(&buffer, 0, bytes_of(&input)).await.unwrap();
        queue
            .launch(&reverse, line(10, 64), vec![pointer(&buffer)])
            .await
            .unwrap();
        let expected: Vec<u32> = input
            .chunks(64)
            .flat_map(|chunk| chunk.iter().rev().copied())
            .collect();
        assert_eq!(values_of(&queue, &buffer).await.unwrap(), expected);
    })
    .await;
}

#[tokio::test]
async fn every_thread_of_every_block_runs_once() {
    in_time(async {
        let lease = device(4).session(Limits::default()).lease();
        let queue = lease.create_queue().await.unwrap();
        let tally = kernel(&lease, "tally").await;
        let count = lease.allocate(4).await.unwrap();
        let config = LaunchConfig {
            grid: Extent { x: 7, y: 5, z: 3 },
            block: Extent { x: 8, y: 4, z: 2 },
            shared_bytes: 0,
        };
        for _ in 0..20 {
            queue
                .launch(&tally, config, vec![pointer(&count)])
                .await
                .unwrap();
        }
        assert_eq!(values_of(&queue, &count).await.unwrap(), [20 * 105 * 64]);
    })
    .await;
}

#[tokio::test]
async fn a_queue_may_release_what_a_kernel_of_another_waits_for() {
    in_time(async {
        let lease = device(1).session(Limits::default()).lease();
        let (one, other) = (
            lease.create_queue().await.unwrap(),
            lease.create_queue().await.unwrap(),
        );
        let wait_for = kernel(&lease, "wait_for").await;
        let flag = lease.allocate(4).await.unwrap();
        one.launch(&wait_for, line(3, 32), vec![pointer(&flag)])
            .await
            .unwrap();
        let event = one.record_event().await.unwrap();
        assert!(!event.is_done());
        other.write(&flag, 0, vec![1, 0, 0, 0]).await.unwrap();
        event.wait().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_refused_by_name() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let add = kernel(&lease, "add").await;
        let buffer = lease.allocate(4).await.unwrap();
        let p = || pointer(&buffer);
        let n = Argument::U32(0);
        for (arguments, says) in [
            (vec![], "takes 3 arguments"),
            (
                vec![p(), n.clone()],
                "values: u64 (or a pointer), count: u32, amount: u32",
            ),
            (vec![p(), n.clone(), n.clone(), n.clone()], "4 are given"),
            (
                vec![p(), p(), n.clone()],
                "argument 2 of kernel `add` is a pointer",
            ),
            (
                vec![p(), Argument::S16(0), n.clone()],
                "parameter `count` is u32",
            ),
            (vec![p(), Argument::F32(0.0), n.clone()], "is an f32"),
            (
                vec![n.clone(), n.clone(), n.clone()],
                "parameter `values` is u64 (or a pointer)",
            ),
            (
                vec![Argument::Bytes(vec![0; 8]), n.clone(), n.clone()],
                "is 8 bytes",
            ),
        ] {
            match queue.launch(&add, line(1, 1), arguments).await {
                Err(Error::InvalidLaunch(message)) => {
                    assert!(message.contains(says), "{message} does not say {says}");
                }
                other => panic!("{other:?}"),
            }
        }
        queue.synchronize().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn extents_that_no_device_has_are_refused() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let tally = kernel(&lease, "tally").await;
        let buffer = lease.allocate(4).await.unwrap();
        let one = Extent { x: 1, y: 1, z: 1 };
        let most = u32::MAX;
        for (grid, block, shared_bytes) in [
            (Extent { x: 0, ..one }, one, 0),
            (Extent { z: 0, ..one }, one, 0),
            (one, Extent { y: 0, ..one }, 0),
            (Extent { x: 1 << 31, ..one }, one, 0),
            (Extent { y: 65_536, ..one }, one, 0),
            (
                Extent {
                    x: most,
                    y: most,
                    z: most,
                },
                one,
                0,
            ),
            (one, Extent { x: 1025, ..one }, 0),
            (one, Extent { x: 33, y: 32, z: 1 }, 0),
            (one, Extent { z: 65, ..one }, 0),
            (
                one,
                Extent {
                    x: most,
                    y: most,
                    z: most,
                },
                0,
            ),
            (one, one, lease.info().description.max_shared_bytes + 1),
            (one, one, most),
        ] {
            let config = LaunchConfig {
                grid,
                block,
                shared_bytes,
            };
            let refused = queue.launch(&tally, config, vec![pointer(&buffer)]).await;
            assert!(
                matches!(refused, Err(Error::InvalidLaunch(_))),
                "{config:?}"
            );
        }
        assert_eq!(values_of(&queue, &buffer).await.unwrap(), [0]);
    })
    .await;
}

/// Stores each thread's number at the end of dynamic shared memory, and stores what its neighbour put
/// there to the buffer.
const AT_THE_END: &str = ".version 8.0
.target sm_70
.address_size 64
.extern .shared .align 16 .b8 dynamic[];
.visible .entry at_the_end(.param .u64 values)
{
    .reg .b32 %r<8>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [values];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, %dynamic_smem_size;
    mov.u32 %r3, dynamic;
    add.u32 %r2, %r2, %r3;
    shl.b32 %r4, %r1, 2;
    sub.u32 %r5, %r2, %r4;
    add.u32 %r6, %r1, 100;
    st.shared.u32 [%r5+-4], %r6;
    bar.sync 0;
    xor.b32 %r4, %r4, 4;
    sub.u32 %r5, %r2, %r4;
    ld.shared.u32 %r6, [%r5+-4];
    mul.wide.u32 %rd2, %r1, 4;
    add.u64 %rd3, %rd1, %rd2;
    st.global.u32 [%rd3], %r6;
    ret;
}
";

#[tokio::test]
async fn a_block_may_have_all_the_shared_memory_of_the_device() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let buffer = lease.allocate(64 * 4).await.unwrap();
        let module = lease.load(AT_THE_END.into()).await.unwrap();
        let kernel = module.kernel("at_the_end").unwrap();
        let config = LaunchConfig {
            grid: Extent { x: 3, y: 1, z: 1 },
            block: Extent { x: 64, y: 1, z: 1 },
            shared_bytes: lease.info().description.max_shared_bytes,
        };
        assert!(config.shared_bytes > 48 << 10);
        queue
            .launch(&kernel, config, vec![pointer(&buffer)])
            .await
            .unwrap();
        let expected: Vec<u32> = (0..64).map(|thread| (thread ^ 1) + 100).collect();
        assert_eq!(values_of(&queue, &buffer).await.unwrap(), expected);
    })
    .await;
}

#[tokio::test]
async fn shared_memory_that_is_declared_and_that_a_launch_adds_may_be_more_than_48_kib_together() {
    in_time(async {
        // 40 KiB are declared, and 4 are used of what is added.
        let text = AT_THE_END
            .replace(
                ".reg .b32 %r<8>;",
                ".shared .align 16 .b8 declared[40960];\n    .reg .b32 %r<8>;",
            )
            .replace(
                "add.u32 %r6, %r1, 100;",
                "add.u32 %r6, %r1, 100;\n    mov.u32 %r7, declared;\n    st.shared.u32 [%r7], %r6;",
            );
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let buffer = lease.allocate(64 * 4).await.unwrap();
        let module = lease.load(text.into()).await.unwrap();
        let kernel = module.kernel("at_the_end").unwrap();
        let expected: Vec<u32> = (0..64).map(|thread| (thread ^ 1) + 100).collect();
        for kibibytes in [4, 20, 20, 16, 100, 4] {
            let config = LaunchConfig {
                shared_bytes: kibibytes << 10,
                ..line(1, 64)
            };
            queue.fill(&buffer, 0, 64 * 4, 0).await.unwrap();
            queue
                .launch(&kernel, config, vec![pointer(&buffer)])
                .await
                .unwrap();
            let found = values_of(&queue, &buffer).await.unwrap();
            assert_eq!(found, expected, "{kibibytes} KiB");
        }
    })
    .await;
}

/// Stores the last word of a structure that is passed by value.
const LARGE: &str = ".version 8.1
.target sm_70
.address_size 64
.visible .entry large(.param .align 4 .b8 structure[32000], .param .u64 values)
{
    .reg .b32 %r<2>;
    .reg .b64 %rd<2>;
    ld.param.u64 %rd1, [values];
    ld.param.u32 %r1, [structure+31996];
    st.global.u32 [%rd1], %r1;
    ret;
}
";

#[tokio::test]
async fn arguments_may_take_nearly_32_kibibytes() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let buffer = lease.allocate(4).await.unwrap();
        let module = lease.load(LARGE.into()).await.unwrap();
        let kernel = module.kernel("large").unwrap();
        for count in 1..5u32 {
            let structure: Vec<u32> = (0..8000).map(|word| word * count).collect();
            let arguments = vec![Argument::Bytes(bytes_of(&structure)), pointer(&buffer)];
            queue.launch(&kernel, line(1, 1), arguments).await.unwrap();
            assert_eq!(values_of(&queue, &buffer).await.unwrap(), [7999 * count]);
        }
    })
    .await;
}

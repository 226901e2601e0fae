//! What a kernel does wrong comes back as a value, to its own queue and to
//! nobody else.

use std::time::Duration;

use tensor_wasm_device::{Argument, Error, Extent, Limits};

use super::common::{
    KERNELS, device, in_time, kernel, line, nothing_is_held, pointer, session, values_of,
};
use super::instances::instance;

#[tokio::test]
async fn a_fault_names_kernel_block_thread_and_line() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let add = kernel(&lease, "add").await;
        // 100 values are there, 128 are said to be.
        let buffer = lease.allocate(400).await.unwrap();
        let arguments = vec![pointer(&buffer), Argument::U32(128), Argument::U32(1)];
        queue.launch(&add, line(2, 64), arguments).await.unwrap();
        let Err(Error::Fault(fault)) = queue.synchronize().await else {
            panic!("no fault")
        };
        assert_eq!(fault.kernel, "add");
        if !instance().contains_failures {
            // The driver tells no more.
            assert!(fault.message.contains("illegal"), "{fault}");
            return;
        }
        assert_eq!(fault.block, Some(Extent { x: 1, y: 0, z: 0 }));
        assert_eq!(fault.thread, Some(Extent { x: 36, y: 0, z: 0 }));
        let at = KERNELS
            .lines()
            .position(|line| line.contains("ld.global.u32 %r7"))
            .unwrap();
        assert_eq!(fault.line, Some(at as u32 + 1));
    })
    .await;
}

#[tokio::test]
async fn a_fault_names_the_line_of_the_source_where_the_text_has_it() {
    if !instance().contains_failures {
        return;
    }
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let text = ".version 7.0\n.target sm_70\n.address_size 64\n.file 1 \"src/lib.rs\"\n\
            .visible .entry k()\n{\n.reg .b64 %d<2>;\n.loc 1 41 9\nmov.u64 %d1, 0;\n\
            .loc 1 42 9\nst.global.u64 [%d1], %d1;\nret;\n}\n";
        let kernel = lease.load(text.into()).await.unwrap().kernel("k").unwrap();
        queue.launch(&kernel, line(1, 1), vec![]).await.unwrap();
        let Err(Error::Fault(fault)) = queue.synchronize().await else {
            panic!("no fault")
        };
        assert_eq!(fault.line, Some(11));
        assert!(fault.message.ends_with(" (src/lib.rs:42)"), "{fault}");
    })
    .await;
}

#[tokio::test]
async fn the_next_call_that_waits_is_told_and_what_lies_between_is_dropped() {
    in_time(async {
        let session = session();
        for wait in 0..3 {
            let lease = session.lease();
            let queue = lease.create_queue().await.unwrap();
            let tell = kernel(&lease, "tell").await;
            let buffer = lease.allocate(4).await.unwrap();
            queue.fill(&buffer, 0, 4, 1).await.unwrap();
            let null = vec![Argument::U64(0), Argument::U64(0)];
            queue.launch(&tell, line(1, 1), null).await.unwrap();
            queue.fill(&buffer, 0, 4, 2).await.unwrap();
            let event = queue.record_event().await.unwrap();
            queue.fill(&buffer, 0, 4, 3).await.unwrap();
            let told = match wait {
                0 => queue.synchronize().await,
                1 => queue.read(&buffer, 0, 4).await.map(drop),
                _ => event.wait().await,
            };
            assert!(matches!(told, Err(Error::Fault(_))), "{told:?}");
            if !instance().contains_failures {
                let lost = queue.read(&buffer, 0, 4).await;
                assert!(matches!(lost, Err(Error::DeviceLost(_))), "{lost:?}");
                continue;
            }
            assert_eq!(queue.read(&buffer, 0, 4).await.unwrap(), [1; 4]);
            assert!(matches!(event.wait().await, Err(Error::Fault(_))));
            assert!(matches!(event.elapsed_since(&event), Err(Error::Fault(_))));
            assert!(event.is_done());
            queue.fill(&buffer, 0, 4, 4).await.unwrap();
            queue.synchronize().await.unwrap();
            assert_eq!(queue.read(&buffer, 0, 4).await.unwrap(), [4; 4]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_fault_stays_with_its_queue() {
    in_time(async {
        let session = session();
        let lease = session.lease();
        let (faulty, healthy) = (
            lease.create_queue().await.unwrap(),
            lease.create_queue().await.unwrap(),
        );
        let (tell, tally) = (kernel(&lease, "tell").await, kernel(&lease, "tally").await);
        let count = lease.allocate(4).await.unwrap();
        let null = vec![Argument::U64(0), Argument::U64(0)];
        if !instance().contains_failures {
            // There a fault is the whole tenant's: see the tests of workers.
            return;
        }
        faulty.launch(&tell, line(50, 32), null).await.unwrap();
        healthy
            .launch(&tally, line(50, 32), vec![pointer(&count)])
            .await
            .unwrap();
        assert_eq!(values_of(&healthy, &count).await.unwrap(), [1600]);
        assert!(matches!(faulty.synchronize().await, Err(Error::Fault(_))));
        drop((tell, tally, count, faulty, healthy));
        nothing_is_held(&session).await;
    })
    .await;
}

#[tokio::test]
async fn endless_kernels_meet_their_deadline_and_the_next_launch_works() {
    in_time(async {
        let session = device(2).session(Limits {
            kernel_time: Duration::from_millis(50),
            ..Limits::default()
        });
        let mut lease = session.lease();
        let mut queue = lease.create_queue().await.unwrap();
        let mut tally = kernel(&lease, "tally").await;
        let mut count = lease.allocate(4).await.unwrap();
        let endless = ["spin", "spin_barriers", "spin_warps", "spin_counts", "spin"];
        for (round, name) in (1..).zip(endless) {
            let spin = kernel(&lease, name).await;
            queue.launch(&spin, line(100, 64), vec![]).await.unwrap();
            match queue.synchronize().await {
                Err(Error::DeadlineExceeded(message)) => {
                    assert!(
                        message.contains(&format!("`{name}`")) && message.contains("50ms"),
                        "{message}"
                    );
                }
                other => panic!("{other:?}"),
            }
            if !instance().contains_failures {
                // No driver ends a kernel alone: the tenant gets its device anew.
                assert!(lease.is_lost());
                lease = session.lease();
                queue = lease.create_queue().await.unwrap();
                tally = kernel(&lease, "tally").await;
                count = lease.allocate(4).await.unwrap();
            }
            let round = if instance().contains_failures {
                round
            } else {
                1
            };
            queue
                .launch(&tally, line(1, 32), vec![pointer(&count)])
                .await
                .unwrap();
            assert_eq!(values_of(&queue, &count).await.unwrap(), [32 * round]);
        }
    })
    .await;
}

#[tokio::test]
async fn a_barrier_that_others_never_reach_is_a_fault() {
    in_time(async {
        let text = r#".version 7.0
.target sm_70
.address_size 64
.visible .entry stuck()
{
    .reg .pred %p;
    .reg .b32 %r<2>;
    mov.u32 %r1, %tid.x;
    setp.eq.u32 %p, %r1, 0;
    @%p bra OTHER;
    bar.sync 0;
    ret;
OTHER:
    bar.sync 1;
    ret;
}
"#;
        if !instance().contains_failures {
            // Some hang and some go on: what the device does is not CUDA's to say.
            return;
        }
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let stuck = lease
            .load(text.into())
            .await
            .unwrap()
            .kernel("stuck")
            .unwrap();
        queue.launch(&stuck, line(4, 64), vec![]).await.unwrap();
        let Err(Error::Fault(fault)) = queue.synchronize().await else {
            panic!("no fault")
        };
        assert_eq!(fault.kernel, "stuck");
        assert!(fault.message.contains("barrier"), "{fault}");
    })
    .await;
}

#[tokio::test]
async fn an_address_is_worth_nothing_to_another_tenant() {
    in_time(async {
        let device = device(2);
        let (mine, theirs) = (
            device.session(Limits::default()),
            device.session(Limits::default()),
        );
        let their_session = theirs;
        let (mine, mut theirs) = (mine.lease(), their_session.lease());
        let queue = mine.create_queue().await.unwrap();
        let (tell, out) = (kernel(&mine, "tell").await, mine.allocate(8).await.unwrap());
        let filler = mine.allocate(1 << 20).await.unwrap();
        let secret = mine.allocate(8).await.unwrap();
        queue.fill(&filler, 0, 1 << 20, 0x5e).await.unwrap();
        queue.fill(&secret, 0, 8, 0x5e).await.unwrap();
        queue
            .launch(&tell, line(1, 1), vec![pointer(&out), pointer(&secret)])
            .await
            .unwrap();
        let address = queue.read(&out, 0, 8).await.unwrap();
        let address = u64::from_le_bytes(address.try_into().unwrap());

        // The owner reads it by its number; to the other it leads nowhere.
        let peek = kernel(&mine, "peek").await;
        let arguments = vec![pointer(&out), Argument::U64(address)];
        queue.launch(&peek, line(1, 1), arguments).await.unwrap();
        assert_eq!(queue.read(&out, 0, 4).await.unwrap(), [0x5e; 4]);

        for guess in [address, address + 4, 0, u64::MAX - 7] {
            if theirs.is_lost() {
                theirs = their_session.lease();
            }
            let queue = theirs.create_queue().await.unwrap();
            let (peek, out) = (
                kernel(&theirs, "peek").await,
                theirs.allocate(8).await.unwrap(),
            );
            let arguments = vec![pointer(&out), Argument::U64(guess)];
            queue.launch(&peek, line(1, 1), arguments).await.unwrap();
            assert!(
                matches!(queue.synchronize().await, Err(Error::Fault(_))),
                "{guess:#x}"
            );
            if instance().contains_failures {
                assert_eq!(queue.read(&out, 0, 8).await.unwrap(), [0; 8]);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_freed_buffer_is_not_reached_by_its_old_address() {
    in_time(async {
        let lease = session().lease();
        let queue = lease.create_queue().await.unwrap();
        let (tell, peek) = (kernel(&lease, "tell").await, kernel(&lease, "peek").await);
        let (out, freed) = (
            lease.allocate(8).await.unwrap(),
            lease.allocate(8).await.unwrap(),
        );
        queue
            .launch(&tell, line(1, 1), vec![pointer(&out), pointer(&freed)])
            .await
            .unwrap();
        let address = queue.read(&out, 0, 8).await.unwrap();
        let address = u64::from_le_bytes(address.try_into().unwrap());
        drop(freed);
        let _reusing_its_memory = lease.allocate(8).await.unwrap();
        let arguments = vec![pointer(&out), Argument::U64(address)];
        queue.launch(&peek, line(1, 1), arguments).await.unwrap();
        assert!(matches!(queue.synchronize().await, Err(Error::Fault(_))));
    })
    .await;
}

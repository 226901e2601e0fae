//! What only devices in processes of their own promise.

use std::time::Duration;

use tensor_wasm_device::{CpuConfig, Device, Error, Limits, WorkerConfig};

use super::common::{KERNELS, in_time, line, nothing_is_held, nothing_is_used, workers};

#[tokio::test]
async fn a_worker_that_takes_more_memory_than_it_may_is_ended() {
    in_time(async {
        let config = WorkerConfig {
            // Less than any process has.
            overhead_bytes: 0,
            ..workers()
        };
        let device = Device::isolated(CpuConfig::default(), config).unwrap();
        let session = device.session(Limits {
            memory_bytes: 0,
            staged_bytes: 0,
            kernel_time: Duration::from_secs(3600),
            ..Limits::default()
        });
        let lease = session.lease();
        // The worker may be ended at any of these calls, or while the kernel runs.
        let endless = async {
            let queue = lease.create_queue().await?;
            let spin = lease.load(KERNELS.into()).await?.kernel("spin")?;
            queue.launch(&spin, line(1, 1), vec![]).await?;
            queue.synchronize().await
        };
        let Err(Error::DeviceLost(message)) = endless.await else {
            panic!("it goes on");
        };
        assert!(message.contains("bytes of memory"), "{message}");
        drop(lease);
        nothing_is_held(&session).await;
        nothing_is_used(&device).await;
    })
    .await;
}

#[tokio::test]
async fn a_program_that_is_no_worker_is_an_error_and_no_hang() {
    in_time(async {
        for (program, timeout) in [
            ("/bin/true", Duration::from_secs(60)),
            ("/does/not/exist", Duration::from_secs(60)),
            ("/bin/cat", Duration::from_millis(200)),
        ] {
            let config = WorkerConfig {
                program: vec![program.into()],
                timeout,
                ..WorkerConfig::default()
            };
            let device = Device::isolated(CpuConfig::default(), config).unwrap();
            let lease = device.session(Limits::default()).lease();
            let opened = lease.open().await;
            assert!(
                matches!(opened, Err(Error::DeviceLost(_))),
                "{program}: {opened:?}"
            );
            let loaded = lease.load(KERNELS.into()).await;
            assert!(loaded.is_err(), "{program}");
            assert_eq!(device.workers(), 0, "{program}");
        }
    })
    .await;
}

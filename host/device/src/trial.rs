//! A trial of a device before it is used: a worker, in its sandbox, has to do once what it will do for
//! tenants. The process that lists devices is in no sandbox and opens none of them, so what it says of a
//! device is not enough: its node may be out of reach, the driver's compiler missing, or a call refused.

use std::time::Duration;

use crate::remote::Workers;
use crate::{Argument, Device, Error, Extent, LaunchConfig, Limits};

/// Each thread writes three times its number.
const KERNEL: &str = "
.version 7.0
.target sm_50
.address_size 64
.visible .entry trial(.param .u64 values)
{
    .reg .b32 %r<3>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [values];
    mov.u32 %r1, %tid.x;
    mul.wide.u32 %rd2, %r1, 4;
    add.u64 %rd3, %rd1, %rd2;
    mul.lo.u32 %r2, %r1, 3;
    st.global.u32 [%rd3], %r2;
    ret;
}
";

/// A warp.
const THREADS: u32 = 32;

/// What did not work.
pub(crate) struct Failed {
    /// What was to be done, as an infinitive.
    pub(crate) step: &'static str,
    pub(crate) error: Error,
}

/// Has a worker of its own use the device, and waits until the process is gone. It blocks for as long as
/// that takes, and may be called within a runtime.
///
/// # Errors
/// What did not work.
pub(crate) fn run(device: &Device, workers: &Workers, limit: Duration) -> Result<(), Failed> {
    let outcome = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("device-trial".to_owned());
        let trial = thread.spawn_scoped(scope, || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .build()?;
            Ok(runtime.block_on(async {
                let outcome = attempt(device).await;
                // What the worker has on the device would be missing for the first tenant. One that
                // does not end in time is told of in the log.
                let _ = tokio::time::timeout(limit, workers.gone()).await;
                outcome
            }))
        });
        let joined = trial.map(std::thread::ScopedJoinHandle::join);
        joined.unwrap_or_else(|error| Ok(Err(error)))
    });
    let no_thread = |error: std::io::Error| Failed {
        step: "begin",
        error: Error::DeviceLost(format!("no thread can be had: {error}")),
    };
    match outcome {
        Ok(outcome) => outcome.map_err(no_thread)?,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

async fn attempt(device: &Device) -> Result<(), Failed> {
    let at = |step| move |error| Failed { step, error };
    // As lists of processes and the log show it.
    let session = device.session_of("trial", Limits::default());
    let lease = session.lease();
    let open = at("open the device");
    lease.open().await.map_err(open)?;
    let compile = at("compile a kernel");
    let module = lease.load(KERNEL.into()).await.map_err(compile)?;
    let kernel = module.kernel("trial").map_err(compile)?;
    let queue = lease.create_queue().await.map_err(at("create a queue"))?;
    let bytes = u64::from(THREADS) * 4;
    let buffer = lease.allocate(bytes).await.map_err(at("allocate memory"))?;
    let write = at("copy data to the device");
    let data = vec![0xff; THREADS as usize * 4];
    queue.write(&buffer, 0, data).await.map_err(write)?;
    queue.synchronize().await.map_err(write)?;
    let launch = at("run a kernel");
    let line = |x| Extent { x, y: 1, z: 1 };
    let config = LaunchConfig {
        grid: line(1),
        block: line(THREADS),
        shared_bytes: 0,
    };
    let pointer = Argument::Pointer {
        buffer: buffer.clone(),
        offset: 0,
    };
    let launched = queue.launch(&kernel, config, vec![pointer]).await;
    launched.map_err(launch)?;
    queue.synchronize().await.map_err(launch)?;
    let read = at("copy data from the device");
    let found = queue.read(&buffer, 0, bytes).await.map_err(read)?;
    let expected: Vec<u8> = (0..THREADS)
        .flat_map(|thread| (3 * thread).to_le_bytes())
        .collect();
    match found == expected {
        true => Ok(()),
        false => Err(Failed {
            step: "run a kernel",
            error: Error::DeviceLost(format!("it wrote {found:?}")),
        }),
    }
}

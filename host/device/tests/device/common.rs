//! Kernels that many tests launch, and short ways to say common things.

use std::future::Future;
use std::num::NonZeroUsize;
use std::time::Duration;

use tensor_wasm_device::{
    Argument, Buffer, CpuConfig, Device, Error, Extent, Kernel, LaunchConfig, Lease, Limits, Queue,
    Session, Usage, WorkerConfig,
};

use super::instances::instance;

/// Each kernel is small and does one thing; line numbers count from the first line.
pub const KERNELS: &str = r#".version 7.0
.target sm_70
.address_size 64

// values[i] += amount, for i < count
.visible .entry add(.param .u64 values, .param .u32 count, .param .u32 amount)
{
    .reg .pred %p;
    .reg .b32 %r<8>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [values];
    ld.param.u32 %r1, [count];
    ld.param.u32 %r2, [amount];
    mov.u32 %r3, %ctaid.x;
    mov.u32 %r4, %ntid.x;
    mov.u32 %r5, %tid.x;
    mad.lo.s32 %r6, %r3, %r4, %r5;
    setp.ge.u32 %p, %r6, %r1;
    @%p bra DONE;
    mul.wide.u32 %rd2, %r6, 4;
    add.s64 %rd3, %rd1, %rd2;
    ld.global.u32 %r7, [%rd3];
    add.u32 %r7, %r7, %r2;
    st.global.u32 [%rd3], %r7;
DONE:
    ret;
}

// never ends
.visible .entry spin()
{
    .reg .b32 %r<2>;
    mov.u32 %r1, 0;
AGAIN:
    add.u32 %r1, %r1, 1;
    bra AGAIN;
}

// ends once *flag is not zero
.visible .entry wait_for(.param .u64 flag)
{
    .reg .pred %p;
    .reg .b32 %r<2>;
    .reg .b64 %rd<2>;
    ld.param.u64 %rd1, [flag];
AGAIN:
    ld.volatile.global.u32 %r1, [%rd1];
    setp.eq.u32 %p, %r1, 0;
    @%p bra AGAIN;
    ret;
}

// ever, from barrier to barrier
.visible .entry spin_barriers()
{
AGAIN:
    bar.sync 0;
    bra AGAIN;
}

// ever, from one step of the warp to the next
.visible .entry spin_warps()
{
    .reg .pred %p;
    .reg .b32 %r<2>;
AGAIN:
    setp.eq.u32 %p, 0, 0;
    vote.sync.ballot.b32 %r1, %p, -1;
    bra AGAIN;
}

// ever, by barriers that count
.visible .entry spin_counts()
{
    .reg .pred %p;
    .reg .b32 %r<2>;
    setp.eq.u32 %p, 0, 0;
AGAIN:
    barrier.sync 1, 64;
    bar.red.popc.u32 %r1, 0, %p;
    bra AGAIN;
}

// *out = value
.visible .entry tell(.param .u64 out, .param .u64 value)
{
    .reg .b64 %rd<3>;
    ld.param.u64 %rd1, [out];
    ld.param.u64 %rd2, [value];
    st.global.u64 [%rd1], %rd2;
    ret;
}

// *out = *(u32 *)address
.visible .entry peek(.param .u64 out, .param .u64 address)
{
    .reg .b32 %r<2>;
    .reg .b64 %rd<3>;
    ld.param.u64 %rd1, [out];
    ld.param.u64 %rd2, [address];
    ld.global.u32 %r1, [%rd2];
    st.global.u32 [%rd1], %r1;
    ret;
}

// *count += 1, by every thread
.visible .entry tally(.param .u64 count)
{
    .reg .b32 %r<2>;
    .reg .b64 %rd<2>;
    ld.param.u64 %rd1, [count];
    atom.global.add.u32 %r1, [%rd1], 1;
    ret;
}

// reverses each block's 64 values by way of shared memory
.visible .entry reverse(.param .u64 values)
{
    .shared .align 4 .b8 held[256];
    .reg .b32 %r<10>;
    .reg .b64 %rd<4>;
    ld.param.u64 %rd1, [values];
    mov.u32 %r1, %tid.x;
    mov.u32 %r2, %ctaid.x;
    shl.b32 %r3, %r2, 6;
    add.u32 %r4, %r3, %r1;
    mul.wide.u32 %rd2, %r4, 4;
    add.s64 %rd3, %rd1, %rd2;
    ld.global.u32 %r5, [%rd3];
    shl.b32 %r6, %r1, 2;
    mov.u32 %r7, held;
    add.u32 %r8, %r7, %r6;
    st.shared.u32 [%r8], %r5;
    bar.sync 0;
    sub.u32 %r8, %r7, %r6;
    ld.shared.u32 %r9, [%r8+252];
    st.global.u32 [%rd3], %r9;
    ret;
}
"#;

/// A device of the instance under test.
pub fn device(threads: usize) -> Device {
    device_with(CpuConfig {
        threads: NonZeroUsize::new(threads),
        ..CpuConfig::default()
    })
}

pub fn device_with(config: CpuConfig) -> Device {
    instance().open(config)
}

/// Workers that are this crate's example.
pub fn workers() -> WorkerConfig {
    let here = std::env::current_exe().unwrap();
    let example = here
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/device_worker");
    WorkerConfig {
        program: vec![example.into()],
        // Some tests have more tenants than most machines.
        workers: 64,
        ..WorkerConfig::default()
    }
}

pub fn session() -> Session {
    device(2).session(Limits::default())
}

pub async fn kernel(lease: &Lease, name: &str) -> Kernel {
    lease
        .load(KERNELS.into())
        .await
        .unwrap()
        .kernel(name)
        .unwrap()
}

pub async fn queues(lease: &Lease, count: usize) -> Vec<Queue> {
    let mut queues = Vec::new();
    for _ in 0..count {
        queues.push(lease.create_queue().await.unwrap());
    }
    queues
}

pub fn line(blocks: u32, threads: u32) -> LaunchConfig {
    LaunchConfig {
        grid: Extent {
            x: blocks,
            y: 1,
            z: 1,
        },
        block: Extent {
            x: threads,
            y: 1,
            z: 1,
        },
        shared_bytes: 0,
    }
}

pub fn pointer(buffer: &Buffer) -> Argument {
    Argument::Pointer {
        buffer: buffer.clone(),
        offset: 0,
    }
}

pub fn bytes_of(values: &[u32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

pub async fn values_of(queue: &Queue, buffer: &Buffer) -> Result<Vec<u32>, Error> {
    let bytes = queue.read(buffer, 0, buffer.size()).await?;
    Ok(bytes
        .as_chunks()
        .0
        .iter()
        .map(|chunk| u32::from_le_bytes(*chunk))
        .collect())
}

/// A test that hangs should say so. The time is far above what any test takes.
pub async fn in_time<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), what)
        .await
        .expect("the test hangs")
}

/// Waits until the session holds nothing: what was cancelled may still be at the
/// end of its slice.
pub async fn nothing_is_held(session: &Session) {
    for _ in 0..60_000 {
        if session.usage() == Usage::default() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(session.usage(), Usage::default());
}

/// The operation of this name, which was queued and takes longer than it may, is stopped, what stands
/// behind it is dropped, and the queue is as good as new.
pub async fn assert_stopped(queue: &Queue, output: &Buffer, name: &str) {
    queue.fill(output, 0, 4, 1).await.unwrap();
    let ended = queue.synchronize().await;
    let Err(Error::DeadlineExceeded(message)) = ended else {
        panic!("{ended:?}");
    };
    assert!(message.contains(name), "{message}");
    queue.fill(output, 0, 4, 2).await.unwrap();
    assert_eq!(queue.read(output, 0, 4).await.unwrap(), [2; 4]);
}

/// Waits until the device holds no memory: a thread of its own gives it back.
pub async fn nothing_is_used(device: &Device) {
    for _ in 0..60_000 {
        if device.memory_used() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(device.memory_used(), 0);
}

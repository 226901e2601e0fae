//! What a device costs that is used by way of a worker's process, as a host uses it: how long a
//! launch takes that is waited for, how many can be queued a second, how fast copies are, how
//! long a worker takes to start, and how long after a fault a tenant is served again.
//!
//! ```text
//! measure [--gpu N | --isolated] [--launches N] [--copying MILLISECONDS] [--starts N] [BYTES]...
//! measure --devices
//! ```
//!
//! It prints one JSON object, as `plain` of `tests/driver` does for cudarc alone, and wants the
//! example `device_worker` beside it. With the driver without a device, `stand_in` is true there,
//! and the numbers say what our own share costs, and nothing about a device.

use std::error::Error as StdError;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tensor_wasm_device::{
    CpuConfig, Device, Error, Extent, Kernel, LaunchConfig, Lease, Limits, Queue, WorkerConfig,
    worker,
};

const KERNELS: &str = "
.version 7.0
.target sm_70
.address_size 64
.visible .entry nothing() { ret; }
.visible .entry broken()
{
    .reg .b64 %rd<2>;
    mov.u64 %rd1, 0;
    st.global.u64 [%rd1], %rd1;
    ret;
}
";

const SIZES: [u64; 4] = [4 << 10, 1 << 20, 64 << 20, 1 << 30];

/// How often copies of one kind are repeated, at least and at most.
const FEWEST: usize = 3;
const MOST: usize = 10_000;

/// The one launch that everything here is measured with.
const ONE: LaunchConfig = LaunchConfig {
    grid: Extent { x: 1, y: 1, z: 1 },
    block: Extent { x: 1, y: 1, z: 1 },
    shared_bytes: 0,
};

type Result<T> = std::result::Result<T, Box<dyn StdError + Send + Sync>>;

/// What is measured, and how long.
struct Plan {
    /// `None` for the processor in processes of its own.
    gpu: Option<u32>,
    launches: usize,
    copying: Duration,
    starts: usize,
    sizes: Vec<u64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut plan = Plan {
        gpu: Some(0),
        launches: 10_000,
        copying: Duration::from_millis(500),
        starts: 5,
        sizes: Vec::new(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().ok_or(format!("{argument} wants a number"));
        match argument.as_str() {
            "--devices" => return devices(),
            "--isolated" => plan.gpu = None,
            "--gpu" => plan.gpu = Some(number()?.parse()?),
            "--launches" => plan.launches = number()?.parse()?,
            "--copying" => plan.copying = Duration::from_millis(number()?.parse()?),
            "--starts" => plan.starts = number()?.parse()?,
            _ => plan.sizes.push(argument.parse()?),
        }
    }
    if plan.sizes.is_empty() {
        plan.sizes.extend(SIZES);
    }
    // On a thread of the executor, as a host's requests are.
    let figures = tokio::spawn(measure(plan)).await??;
    println!("{figures:#}");
    Ok(())
}

/// The devices that the driver shows, as JSON; an error where there is none.
fn devices() -> Result<()> {
    let found = worker::probe()?;
    let devices: Vec<Value> = found
        .devices
        .iter()
        .map(|device| {
            json!({
                "name": device.name,
                "stand_in": is_stand_in(&device.name),
                "target": device.target,
                "multiprocessors": device.multiprocessors,
                "max_shared_bytes": device.max_shared_bytes,
                "memory_bytes": device.memory_bytes,
            })
        })
        .collect();
    let answer = json!({ "driver": found.driver, "devices": devices });
    println!("{answer:#}");
    Ok(())
}

/// By the name that the driver without a device gives to what it has instead.
fn is_stand_in(name: &str) -> bool {
    name.contains("no GPU")
}

async fn measure(plan: Plan) -> Result<Value> {
    let program = std::env::current_exe()?.with_file_name("device_worker");
    let workers = WorkerConfig {
        program: vec![program.into()],
        ..WorkerConfig::default()
    };
    let device = match plan.gpu {
        Some(ordinal) => Device::cuda(ordinal, CpuConfig::default(), workers)?,
        None => Device::isolated(CpuConfig::default(), workers)?,
    };
    let description = device.description();
    let limits = Limits {
        memory_bytes: description.memory_bytes,
        ..Limits::default()
    };
    let lease = device.session(limits.clone()).lease();
    let kernel = kernel(&lease, "nothing").await?;
    let queue = lease.create_queue().await?;

    let mut waited = Vec::with_capacity(plan.launches);
    for _ in 0..plan.launches {
        let begun = Instant::now();
        queue.launch(&kernel, ONE, Vec::new()).await?;
        queue.synchronize().await?;
        waited.push(begun.elapsed());
    }
    let begun = Instant::now();
    for _ in 0..plan.launches {
        queue.launch(&kernel, ONE, Vec::new()).await?;
    }
    let handed_over = begun.elapsed();
    queue.synchronize().await?;
    let done = begun.elapsed();

    let mut copies = Vec::new();
    for bytes in plan.sizes {
        copies.extend(copy(&lease, &queue, bytes, plan.copying).await?);
    }
    drop((queue, kernel, lease));

    let (mut starts, mut recoveries) = (Vec::new(), Vec::new());
    for _ in 0..plan.starts {
        // Of a tenant of its own each: who brings its worker down again and again waits.
        starts.push(start(&device, &limits).await?);
        if plan.gpu.is_some() {
            recoveries.push(recovery(&device, &limits).await?);
        }
    }

    let per_second = |time: Duration| (plan.launches as f64 / time.as_secs_f64()).round();
    Ok(json!({
        "device": description.name,
        "driver": description.driver,
        "stand_in": is_stand_in(&description.name),
        "waited_launch_ns": distribution(waited),
        "queued_launches": {
            "launches": plan.launches,
            "handed_over_per_second": per_second(handed_over),
            "done_per_second": per_second(done),
        },
        "copies": copies,
        "start_ns": distribution(starts),
        "recovery_ns": distribution(recoveries),
    }))
}

async fn kernel(lease: &Lease, name: &str) -> Result<Kernel> {
    Ok(lease.load(KERNELS.into()).await?.kernel(name)?)
}

/// Copies each way; nothing where the device has no room for it.
async fn copy(lease: &Lease, queue: &Queue, bytes: u64, long: Duration) -> Result<Vec<Value>> {
    let buffer = match lease.allocate(bytes).await {
        Err(Error::OutOfMemory { .. } | Error::QuotaExceeded { .. }) => return Ok(Vec::new()),
        other => other?,
    };
    let data = vec![1_u8; usize::try_from(bytes)?];
    let mut lines = Vec::new();
    for direction in ["to_device", "to_host"] {
        let (mut times, since) = (Vec::new(), Instant::now());
        while times.len() <= FEWEST || (times.len() < MOST && since.elapsed() < long) {
            let begun = Instant::now();
            match direction {
                "to_device" => {
                    queue.write_from(&buffer, 0, &data).await?;
                    queue.synchronize().await?;
                    times.push(begun.elapsed());
                }
                _ => {
                    let read = queue.read(&buffer, 0, bytes).await?;
                    times.push(begun.elapsed());
                    drop(read);
                }
            }
        }
        // The first one warms up.
        times.remove(0);
        times.sort();
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        lines.push(json!({
            "bytes": bytes,
            "direction": direction,
            "bytes_per_second": (bytes as f64 / median.as_secs_f64().max(1e-9)).round(),
            "ns": distribution(times),
        }));
    }
    Ok(lines)
}

/// How long a tenant that has no worker waits for one.
async fn start(device: &Device, limits: &Limits) -> Result<Duration> {
    let session = device.session(limits.clone());
    let lease = session.lease();
    let begun = Instant::now();
    lease.open().await?;
    Ok(begun.elapsed())
}

/// How long it takes from the answer that tells of a kernel's fault to the next kernel's end.
async fn recovery(device: &Device, limits: &Limits) -> Result<Duration> {
    let session = device.session(limits.clone());
    let lease = session.lease();
    let broken = kernel(&lease, "broken").await?;
    let queue = lease.create_queue().await?;
    queue.launch(&broken, ONE, Vec::new()).await?;
    let answer = queue.synchronize().await;
    let begun = Instant::now();
    if !matches!(answer, Err(Error::Fault(_))) {
        return Err(format!("a kernel that writes to address 0 ended with {answer:?}").into());
    }
    if !lease.is_lost() {
        return Err("the device outlived the fault of a kernel".into());
    }
    let lease = session.lease();
    let nothing = kernel(&lease, "nothing").await?;
    let queue = lease.create_queue().await?;
    queue.launch(&nothing, ONE, Vec::new()).await?;
    queue.synchronize().await?;
    Ok(begun.elapsed())
}

fn distribution(mut times: Vec<Duration>) -> Value {
    times.sort();
    let at = |part: f64| {
        let index = (times.len().saturating_sub(1) as f64 * part).round() as usize;
        let time = times.get(index).map_or(0, Duration::as_nanos);
        u64::try_from(time).unwrap_or(u64::MAX)
    };
    json!({
        "times": times.len(),
        "least": at(0.0),
        "p50": at(0.5),
        "p90": at(0.9),
        "p99": at(0.99),
        "most": at(1.0),
    })
}

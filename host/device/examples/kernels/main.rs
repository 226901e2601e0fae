//! How fast kernels run on the processor, against the same algorithm in Rust.
//!
//! ```text
//! cargo run --release -p tensor-wasm-device --example kernels
//! ```
//!
//! Each line: what, with how many threads, what the device reaches, what Rust reaches, the ratio.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod native;

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use tensor_wasm_device::{
    Argument, Buffer, CpuConfig, Device, Extent, Kernel, LaunchConfig, Lease, Limits, Queue,
};

const KERNELS: &str = include_str!("../../../ptx/tests/data/kernels.ptx");
const SAXPY: &str = include_str!("../../../../components/saxpy/kernels/saxpy.ptx");
const NAIVE: &str = include_str!("../../../ptx/corpus/matmul_naive/nvrtc.ptx");
const TILED: &str = include_str!("../../../ptx/corpus/matmul_tiled/nvrtc.ptx");
const MANDELBROT: &str = include_str!("../../../ptx/corpus/mandelbrot/nvrtc.ptx");
const EMPTY: &str =
    ".version 7.0\n.target sm_70\n.address_size 64\n.visible .entry empty() { ret; }\n";

struct Bench {
    lease: Lease,
    queue: Queue,
    threads: usize,
    rounds: u32,
}

const fn extent(x: u32, y: u32) -> Extent {
    Extent { x, y, z: 1 }
}

impl Bench {
    async fn new(threads: usize, rounds: u32) -> Bench {
        let device = Device::cpu(CpuConfig {
            threads: NonZeroUsize::new(threads),
            ..CpuConfig::default()
        });
        let limits = Limits {
            kernel_time: Duration::from_secs(100),
            ..Limits::default()
        };
        let lease = device.unwrap().session(limits).lease();
        let queue = lease.create_queue().await.unwrap();
        Bench {
            lease,
            queue,
            threads,
            rounds,
        }
    }

    async fn kernel(&self, text: &str, name: &str) -> Kernel {
        let module = self.lease.load(text.into()).await.unwrap();
        module.kernel(name).unwrap()
    }

    async fn floats(&self, count: usize) -> Buffer {
        let buffer = self.lease.allocate(4 * count as u64).await.unwrap();
        let values = native::values(count);
        let bytes = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        self.queue.write(&buffer, 0, bytes).await.unwrap();
        buffer
    }

    /// The shortest time of a few.
    async fn time(
        &self,
        kernel: &Kernel,
        grid: Extent,
        block: Extent,
        arguments: Vec<Argument>,
    ) -> f64 {
        let config = LaunchConfig {
            grid,
            block,
            shared_bytes: 0,
        };
        let mut best = f64::INFINITY;
        for _ in 0..self.rounds {
            let began = Instant::now();
            self.queue
                .launch(kernel, config, arguments.clone())
                .await
                .unwrap();
            self.queue.synchronize().await.unwrap();
            best = best.min(began.elapsed().as_secs_f64());
        }
        best
    }

    fn native(&self, mut work: impl FnMut(usize)) -> f64 {
        let mut best = f64::INFINITY;
        for _ in 0..self.rounds {
            let began = Instant::now();
            work(self.threads);
            best = best.min(began.elapsed().as_secs_f64());
        }
        best
    }

    fn report(&self, what: &str, work: f64, unit: &str, device: f64, native: f64) {
        let (device, native) = (work / device / 1e9, work / native / 1e9);
        let ratio = device / native;
        println!(
            "| {what} | {} | {device:.2} | {native:.2} | {unit} | {ratio:.2} |",
            self.threads
        );
    }

    async fn vectors(&self, what: &str, count: usize) {
        let (a, b, c) = (
            self.floats(count).await,
            self.floats(count).await,
            self.floats(count).await,
        );
        let (grid, block) = (extent(count as u32 / 256, 1), extent(256, 1));
        let kernel = self.kernel(KERNELS, "vector_add").await;
        let n = Argument::U32(count as u32);
        let arguments = vec![pointer(&a), pointer(&b), pointer(&c), n.clone()];
        let device = self.time(&kernel, grid, block, arguments).await;
        let (x, y) = (native::values(count), native::values(count));
        let mut z = vec![0.0; count];
        let native = self.native(|threads| native::add(&x, &y, &mut z, threads));
        let bytes = 12.0 * count as f64;
        self.report(
            &format!("vector add, {what}"),
            bytes,
            "GB/s",
            device,
            native,
        );
        let kernel = self.kernel(SAXPY, "saxpy").await;
        let arguments = vec![pointer(&a), pointer(&b), Argument::F32(2.0), n];
        let device = self.time(&kernel, grid, block, arguments).await;
        let native = self.native(|threads| native::saxpy(&mut z, &x, 2.0, threads));
        self.report(&format!("saxpy, {what}"), bytes, "GB/s", device, native);
    }

    async fn matmuls(&self, n: usize) {
        let (a, b, c) = (
            self.floats(n * n).await,
            self.floats(n * n).await,
            self.floats(n * n).await,
        );
        let (x, y) = (native::values(n * n), native::values(n * n));
        let mut z = vec![0.0; n * n];
        let native = self.native(|threads| native::matmul(&x, &y, &mut z, n, threads));
        let flops = 2.0 * (n as f64).powi(3);
        let size = Argument::U32(n as u32);
        let arguments = vec![
            pointer(&c),
            pointer(&a),
            pointer(&b),
            size.clone(),
            size.clone(),
            size,
        ];
        let grid = extent(n as u32 / 16, n as u32 / 16);
        for (what, text, name) in [
            ("naive matmul", NAIVE, "matmul_naive"),
            ("tiled matmul", TILED, "matmul_tiled"),
        ] {
            let kernel = self.kernel(text, name).await;
            let device = self
                .time(&kernel, grid, extent(16, 16), arguments.clone())
                .await;
            self.report(what, flops, "GFLOP/s", device, native);
        }
    }

    async fn mandelbrot(&self, width: usize, height: usize) {
        let out = self
            .lease
            .allocate(4 * (width * height) as u64)
            .await
            .unwrap();
        let (left, top, step, most) = (-2.0, -1.0, 2.0 / height as f64, 200);
        let mut counts = vec![0; width * height];
        let native = self.native(|threads| {
            native::mandelbrot(&mut counts, width, (left, top, step), most, threads)
        });
        let iterations: f64 = counts.iter().map(|count| f64::from(*count)).sum();
        let kernel = self.kernel(MANDELBROT, "mandelbrot").await;
        let arguments = vec![
            pointer(&out),
            Argument::U32(width as u32),
            Argument::U32(height as u32),
            Argument::F64(left),
            Argument::F64(top),
            Argument::F64(step),
            Argument::U32(most),
        ];
        let grid = extent(width as u32 / 32, height as u32 / 8);
        let device = self.time(&kernel, grid, extent(32, 8), arguments).await;
        self.report(
            "Mandelbrot, doubles",
            iterations,
            "G iterations/s",
            device,
            native,
        );
    }

    async fn latency(&self) {
        let kernel = self.kernel(EMPTY, "empty").await;
        let (one, count) = (extent(1, 1), 2000);
        let config = LaunchConfig {
            grid: one,
            block: one,
            shared_bytes: 0,
        };
        let began = Instant::now();
        for _ in 0..count {
            self.queue.launch(&kernel, config, vec![]).await.unwrap();
        }
        self.queue.synchronize().await.unwrap();
        let queued = began.elapsed() / count;
        let began = Instant::now();
        for _ in 0..count {
            self.queue.launch(&kernel, config, vec![]).await.unwrap();
            self.queue.synchronize().await.unwrap();
        }
        let waited = began.elapsed() / count;
        println!(
            "an empty launch: {queued:?} one after another, {waited:?} when each is waited for"
        );
    }
}

/// How long loading takes: compiled; from the folder by another device, the shortest of a few; and
/// how much of that is work of our own, which is done each time.
async fn loads() {
    let folder = format!("tensor-wasm-example-{}", std::process::id());
    let folder = std::env::temp_dir().join(folder);
    for (what, text) in [
        ("tiled matmul", TILED),
        ("saxpy", SAXPY),
        ("all tests' kernels", KERNELS),
    ] {
        let load = async || {
            let device = Device::cpu(CpuConfig {
                kernel_folder: Some(folder.clone()),
                ..CpuConfig::default()
            });
            let lease = device.unwrap().session(Limits::default()).lease();
            // The engine is made for the first kernel.
            lease.load(EMPTY.into()).await.unwrap();
            let began = Instant::now();
            lease.load(text.into()).await.unwrap();
            began.elapsed()
        };
        let compiled = load().await;
        let mut kept = Duration::MAX;
        let mut own = Duration::MAX;
        for _ in 0..5 {
            kept = kept.min(load().await);
            let began = Instant::now();
            let module =
                tensor_wasm_ptx::parse(text.as_bytes(), &tensor_wasm_ptx::Limits::default());
            let module = std::sync::Arc::new(module.unwrap());
            for entry in module.entries() {
                drop(tensor_wasm_ptx::lower::lower(&module, entry.name()));
            }
            own = own.min(began.elapsed());
        }
        println!("loading {what}: {compiled:?}, {kept:?} from the folder, {own:?} of it our own");
    }
    drop(std::fs::remove_dir_all(folder));
}

fn pointer(buffer: &Buffer) -> Argument {
    Argument::Pointer {
        buffer: buffer.clone(),
        offset: 0,
    }
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let all = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    runtime.block_on(loads());
    println!("| kernel | threads | here | Rust | unit | ratio |");
    println!("|---|---:|---:|---:|---|---:|");
    let mut counts = vec![1, all];
    counts.dedup();
    for threads in counts {
        runtime.block_on(async {
            let bench = Bench::new(threads, if quick { 2 } else { 7 }).await;
            bench
                .vectors("in memory", if quick { 1 << 20 } else { 1 << 24 })
                .await;
            bench.vectors("in cache", 1 << 15).await;
            bench.matmuls(if quick { 128 } else { 512 }).await;
            bench.mandelbrot(512, if quick { 64 } else { 512 }).await;
            bench.latency().await;
        });
    }
}

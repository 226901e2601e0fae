//! How fast kernels in Rust run on the processor, against what NVIDIA's compiler makes of the same
//! kernels in CUDA C: both texts on one thread, on the same values, in turns.
//!
//! ```text
//! TENSOR_WASM_TEST_PTX=FOLDER cargo test -p tensor-wasm-guest --features testing --test corpus
//! cargo run --release -p tensor-wasm-device --example rust_kernels -- FOLDER
//! ```
//!
//! The first command leaves the text of each kernel in Rust in a folder. The results of both must
//! agree. `--only TEXT` measures the kernels whose names have that in them, `--rounds COUNT` takes the
//! best of so many, `--quick` takes small problems, and `--json FILE` writes the figures for programs.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod case;
mod cases;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tensor_wasm_device::{
    Argument, Buffer, CpuConfig, Device, Kernel, LaunchConfig, Lease, Limits, Queue,
};

use case::{Arg, Case};

/// Up to so much longer a kernel in Rust may take.
const GOAL: f64 = 1.2;

/// How long a kernel is measured, for each text, at least.
const MEASURED: Duration = Duration::from_millis(300);

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut folder, mut only, mut rounds, mut json) = (None, String::new(), 7, None);
    let mut is_quick = false;
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().expect("a value after the option");
        match argument.as_str() {
            "--only" => only = value(),
            "--rounds" => rounds = value().parse().expect("a number of rounds"),
            "--json" => json = Some(value()),
            "--quick" => is_quick = true,
            _ => folder = Some(PathBuf::from(argument)),
        }
    }
    let folder = folder.expect("the folder with the texts of kernels in Rust");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let rows = runtime.unwrap().block_on(async {
        let bench = Bench::new(rounds, is_quick).await;
        println!("| kernel | NVRTC, ms | Rust, ms | Rust / NVRTC |\n|---|---:|---:|---:|");
        let mut rows = Vec::new();
        for case in cases::all(is_quick) {
            if !case.name.contains(&only) {
                continue;
            }
            let [nvrtc, rust] = bench.compare(&case, &folder).await;
            let ratio = rust / nvrtc;
            let (name, before, after) = (case.name, nvrtc * 1e3, rust * 1e3);
            println!("| {name} | {before:.3} | {after:.3} | {ratio:.2} |");
            rows.push((name, nvrtc, rust));
        }
        rows
    });
    let within = rows.iter().filter(|(_, nvrtc, rust)| rust / nvrtc <= GOAL);
    println!(
        "\n{} of {} within {GOAL} of NVRTC's time.",
        within.count(),
        rows.len()
    );
    if let Some(path) = json {
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, nvrtc, rust)| json!({ "kernel": name, "nvrtc_s": nvrtc, "rust_s": rust }))
            .collect();
        let text = serde_json::to_string_pretty(&json!({ "rows": rows })).unwrap();
        std::fs::write(path, text + "\n").unwrap();
    }
}

/// A device with one thread, and a queue on it.
struct Bench {
    lease: Lease,
    queue: Queue,
    rounds: usize,
    measured: Duration,
}

/// A kernel with arguments of its own.
struct Side {
    kernel: Kernel,
    config: LaunchConfig,
    arguments: Vec<Argument>,
    buffers: Vec<Buffer>,
}

impl Bench {
    async fn new(rounds: usize, is_quick: bool) -> Bench {
        let device = Device::cpu(CpuConfig {
            threads: NonZeroUsize::new(1),
            ..CpuConfig::default()
        });
        let limits = Limits {
            kernel_time: Duration::from_secs(100),
            ..Limits::default()
        };
        let lease = device.unwrap().session(limits).lease();
        let queue = lease.create_queue().await.unwrap();
        let measured = if is_quick { Duration::ZERO } else { MEASURED };
        Bench {
            lease,
            queue,
            rounds: if is_quick { 1 } else { rounds },
            measured,
        }
    }

    /// Seconds of NVRTC's text and of Rust's, the best of some rounds, from the launch's call to the end
    /// of the queue.
    async fn compare(&self, case: &Case, folder: &Path) -> [f64; 2] {
        let corpus = format!("{}/../ptx/corpus", env!("CARGO_MANIFEST_DIR"));
        let nvrtc = PathBuf::from(corpus).join(case.corpus).join("nvrtc.ptx");
        let rust = folder.join(format!("{}.rust.ptx", case.name));
        let nvrtc = self.side(case, &nvrtc, case.entry, false).await;
        let rust = self.side(case, &rust, case.name, true).await;
        for side in [&nvrtc, &rust] {
            self.time(case, side).await;
        }
        let buffers = case.args.iter().filter_map(Arg::buffer);
        for (number, expected) in buffers.enumerate() {
            let found = self.read(&rust, number, &expected.bytes).await;
            let reference = self.read(&nvrtc, number, &expected.bytes).await;
            if let Err(what) = expected.values.agree(&found, &reference) {
                panic!("{}, buffer {number}: {what}", case.name);
            }
        }
        let mut best = [f64::INFINITY; 2];
        let began = Instant::now();
        let mut round = 0;
        while round < self.rounds || began.elapsed() < 2 * self.measured {
            for (best, side) in best.iter_mut().zip([&nvrtc, &rust]) {
                *best = best.min(self.time(case, side).await);
            }
            round += 1;
        }
        best
    }

    /// A kernel of a text, with buffers of its own.
    async fn side(&self, case: &Case, text: &Path, entry: &str, is_rust: bool) -> Side {
        let text = std::fs::read_to_string(text)
            .unwrap_or_else(|error| panic!("{}: {error}", text.display()));
        let module = self.lease.load(text.into()).await.unwrap();
        let (mut arguments, mut buffers) = (Vec::new(), Vec::new());
        for arg in &case.args {
            match arg {
                Arg::Buffer(contents) => {
                    let bytes = contents.bytes.clone();
                    let buffer = self.lease.allocate(bytes.len() as u64).await.unwrap();
                    let count = bytes.len() as u64 / contents.element;
                    self.queue.write(&buffer, 0, bytes).await.unwrap();
                    arguments.push(Argument::Pointer {
                        buffer: buffer.clone(),
                        offset: 0,
                    });
                    // A slice has its length too.
                    if is_rust {
                        arguments.push(Argument::U64(count));
                    }
                    buffers.push(buffer);
                }
                Arg::Value(value) => arguments.push(value.clone()),
            }
        }
        let config = LaunchConfig {
            grid: case.grid,
            block: case.block,
            shared_bytes: if is_rust { 0 } else { case.dynamic_shared },
        };
        Side {
            kernel: module.kernel(entry).unwrap(),
            config,
            arguments,
            buffers,
        }
    }

    async fn read(&self, side: &Side, number: usize, expected: &[u8]) -> Vec<u8> {
        let buffer = side.buffers.get(number).unwrap();
        let bytes = expected.len() as u64;
        self.queue.read(buffer, 0, bytes).await.unwrap().to_vec()
    }

    /// Seconds of one launch, on the values that the buffers have first.
    async fn time(&self, case: &Case, side: &Side) -> f64 {
        let contents = case.args.iter().filter_map(Arg::buffer);
        for (buffer, contents) in side.buffers.iter().zip(contents) {
            let bytes = contents.bytes.clone();
            self.queue.write(buffer, 0, bytes).await.unwrap();
        }
        self.queue.synchronize().await.unwrap();
        let arguments = side.arguments.clone();
        let began = Instant::now();
        let launched = self.queue.launch(&side.kernel, side.config, arguments);
        launched.await.unwrap();
        self.queue.synchronize().await.unwrap();
        began.elapsed().as_secs_f64()
    }
}

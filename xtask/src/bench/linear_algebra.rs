//! `cargo xtask bench linear-algebra`: how fast a guest multiplies matrices on the processor, by the
//! queue, beside the same crate called natively on as many threads.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::rounds::{STOP, tensor_wasm_serve};
use crate::{
    components::Which,
    http::{Connection, request},
    product,
    server::Server,
    steps::Steps,
    workspace::{Profile, Workspace},
};

/// Rows and columns of the result, and how many products each element sums up.
const SHAPES: [[u64; 3]; 12] = [
    [64, 64, 64],
    [128, 128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [1024, 1024, 1024],
    [2048, 2048, 2048],
    [1, 384, 1536],
    [16, 384, 384],
    [32, 1536, 384],
    [512, 384, 1536],
    [2048, 64, 64],
    [64, 64, 2048],
];

/// Measure products of matrices on the processor.
///
/// A component that is served multiplies by its queue, and waits for each product; the crate
/// `gemm`, which computes them there too, is called natively in a process of its own, on as many
/// threads. Both are measured in turns, on all threads, and the best time of each counts.
#[derive(clap::Args)]
pub struct Arguments {
    /// Few and small products: shows in a few seconds that everything works
    #[arg(long)]
    quick: bool,
    /// How often each way has its turn
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: u32,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where something does not build, a product is wrong, or a file can't be written.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(product::STEPS + 2);
    let binary = product::build(workspace, &mut steps, Which::All, Profile::Release)?;
    // With the binary, so that both have the same features and the engine is compiled once.
    let example = [
        ["--package", "tensor-wasm", "--bin", "tensor-wasm"],
        ["--package", "tensor-wasm-device", "--example", "products"],
    ];
    let step = steps.begin("building the native measurement for release");
    step.run(
        workspace
            .cargo(["build", "--release"])
            .args(example.concat()),
    )?;
    step.done("built");

    let step = steps.begin("measuring");
    let component = workspace.components_folder().join("tests/multiplies.wasm");
    let server = tensor_wasm_serve(&binary, &component, "multiplies", None).start()?;
    let native = workspace.target().join("release/examples/products");
    let rounds = if arguments.quick { 1 } else { arguments.rounds };
    let largest = if arguments.quick { 256 } else { u64::MAX };
    let mut rows = Vec::new();
    println!("| shape | native µs | guest µs | GFLOP/s | of native |\n|---|---:|---:|---:|---:|");
    for shape in SHAPES {
        let [m, n, k] = shape;
        if shape.into_iter().max() > Some(largest) {
            continue;
        }
        let [native, guest] = in_turns(&native, &server, shape, rounds)?;
        println!(
            "| {m} × {n} × {k} | {:.1} | {:.1} | {:.1} | {:.2} |",
            native / 1e3,
            guest / 1e3,
            2.0 * (m * n * k) as f64 / guest,
            native / guest
        );
        rows.push(json!({
            "m": m, "n": n, "k": k, "native_ns": native, "guest_ns": guest, "ratio": native / guest,
        }));
    }
    server.stop(STOP)?;
    step.done(format_args!("{} shapes", rows.len()));
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string_pretty(&json!({ "rows": rows }))? + "\n";
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The best times of both ways, in nanoseconds.
fn in_turns(native: &Path, server: &Server, shape: [u64; 3], rounds: u32) -> Result<[f64; 2]> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut connection = runtime.block_on(Connection::open(server.address()))?;
    let [m, n, k] = shape;
    // About a tenth of a second at 100 GFLOP/s, but no fewer than a few.
    let repeated = (5_000_000_000 / (m * n * k)).clamp(5, 2000);
    let path = format!("/{m}/{n}/{k}?rounds={repeated}");
    let request = request("GET", &path, server.address(), &[], &[]);
    let mut best = [f64::MAX; 2];
    for _ in 0..rounds {
        let output = Command::new(native)
            .args(["--rounds", "1", "--shape", &format!("{m},{n},{k}")])
            .output()
            .context("cannot run the native measurement")?;
        let said: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            format!("the native measurement failed: {said}")
        })?;
        let took = said.get("native_us").and_then(Value::as_f64);
        best[0] = best[0].min(took.context("no time was measured natively")? * 1e3);
        let response = runtime.block_on(connection.exchange(&request))?;
        let answer: Value = serde_json::from_slice(&response.body)?;
        let took = answer.get("nanoseconds").and_then(Value::as_f64);
        ensure!(took.is_some(), "the guest answered {answer}");
        best[1] = best[1].min(took.unwrap_or(f64::MAX));
    }
    Ok(best)
}

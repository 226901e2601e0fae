//! `cargo xtask bench embeddings`: texts a second of the component `embeddings` with a real model, beside
//! ONNX Runtime and candle on as many threads.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    components::Which,
    kernels::python_with,
    models::{self, MODEL},
    product,
    server::{Server, ServerKind},
    steps::{Step, Steps},
    workspace::{Profile, Workspace},
};

/// ONNX Runtime, and what it needs.
const PACKAGES: [&str; 5] = [
    "numpy==2.4.6",
    "onnx==1.23.2",
    "onnxruntime==1.32.0",
    "safetensors==0.8.0",
    "tokenizers==0.23.3",
];

/// What is measured beside us, by the names that the script has for them.
const OTHERS: [&str; 2] = ["onnxruntime", "candle"];

/// Measure embeddings of texts by all-MiniLM-L6-v2 on the processor.
///
/// One text and 32 at a time, of 16 and of 128 tokens; a client of one connection, and ONNX Runtime and
/// candle in a process of its own each, in turns, on all threads. Needs Python 3 with venv, and a network.
#[derive(clap::Args)]
pub struct Arguments {
    /// One short round: shows in a minute that everything works
    #[arg(long)]
    quick: bool,
    /// How often each way has its turn
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: u32,
    /// Use this binary instead of building one for release
    #[arg(long, value_name = "FILE")]
    bin: Option<PathBuf>,
    /// Write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where something does not build or can't be installed, and where a request is refused.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let builds = if arguments.bin.is_some() {
        0
    } else {
        product::STEPS
    };
    let mut steps = Steps::new(builds + 4);
    let binary = match &arguments.bin {
        Some(binary) => binary.canonicalize().context("cannot find the binary")?,
        None => product::build(workspace, &mut steps, Which::Examples, Profile::Release)?,
    };
    let step = steps.begin("installing the model");
    let outcome = models::install(workspace, &step)?;
    step.done(outcome);
    let step = steps.begin("installing ONNX Runtime");
    let mut python = PathBuf::new();
    for package in PACKAGES {
        step.at(package);
        python = python_with(workspace, &step, "models-venv", package)?;
    }
    step.done(PACKAGES.join(", "));
    let step = steps.begin("building what calls candle");
    let candle = candle(workspace, &step)?;
    step.done("built");

    let step = steps.begin("measuring");
    let folder = models::folder(workspace);
    let mut rows = Vec::new();
    println!(
        "| instances | texts at a time | tokens each | texts/s | ONNX Runtime | candle | of the better | MiB | ONNX Runtime | candle |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (instances, reuse) in [("one a request", "1"), ("reused", "1000")] {
        let component = workspace.components_folder().join("embeddings.wasm");
        let server = Server::start(
            Command::new(&binary)
                .arg("serve")
                .arg(component)
                .args(["--addr", "127.0.0.1:0", "--gpu", "cpu", "--reuse", reuse])
                .arg("--dir")
                .arg(format!("{}::/models/{MODEL}", folder.display())),
            ServerKind::TensorWasm,
        )?;
        let [rounds, seconds] = match arguments.quick {
            true => ["1".to_owned(), "1".to_owned()],
            false => [arguments.rounds.to_string(), "3".to_owned()],
        };
        let measured = step.run(
            Command::new(&python)
                .arg(workspace.root().join("xtask/models/bench.py"))
                .arg(format!("http://{}", server.address()))
                .arg(&folder)
                .args([MODEL, &rounds, &seconds])
                .arg(&candle),
        )?;
        let mut lines = measured
            .stdout
            .iter()
            .map(|line| serde_json::from_str(line).context("the measurement wrote something else"))
            .collect::<Result<Vec<Value>>>()?;
        let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        let memory = lines.pop().unwrap_or_default();
        let others = OTHERS.map(|way| number(&memory[way]));
        let ours = server.peak_resident_bytes().unwrap_or(0) as f64;
        for row in lines {
            let rate = number(&row["server"]);
            let rates = OTHERS.map(|way| number(&row[way]));
            let [onnxruntime, candle] = rates;
            let [own, of_onnxruntime, of_candle] =
                [ours, others[0], others[1]].map(|bytes| bytes / 1_048_576.0);
            println!(
                "| {instances} | {} | {} | {rate:.1} | {onnxruntime:.1} | {candle:.1} | {:.2} | {own:.0} | {of_onnxruntime:.0} | {of_candle:.0} |",
                row["texts"],
                row["tokens"],
                rate / onnxruntime.max(candle),
            );
            rows.push(json!({
                "instances": instances,
                "texts": row["texts"],
                "tokens": row["tokens"],
                "texts_per_second": rate,
                "onnxruntime_texts_per_second": onnxruntime,
                "candle_texts_per_second": candle,
                "resident_bytes": ours,
                "onnxruntime_resident_bytes": others[0],
                "candle_resident_bytes": others[1],
            }));
        }
    }
    step.done("measured");
    if let Some(file) = &arguments.json {
        let text = serde_json::to_string_pretty(&rows)? + "\n";
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

/// Builds the program that calls candle, which is no part of this workspace.
fn candle(workspace: &Workspace, step: &Step) -> Result<PathBuf> {
    let manifest = workspace.root().join("xtask/models/candle/Cargo.toml");
    let target = workspace.target().join("candle");
    step.run(
        workspace
            .cargo(["build", "--release", "--locked", "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(&target),
    )?;
    Ok(target.join("release/embeddings-by-candle"))
}

//! What launches, copies, a worker's start and a recovery cost on this device, beside the same work in plain
//! cudarc: `bench device` in short.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tensor_wasm_test_process::Process;

use crate::{
    bench::figures::{Report, rows},
    gpu_check::{record::Record, run::Run},
};

/// Launches, what one kind of copy takes, how many workers are started, and copies' sizes in bytes.
const LONG: Plan = Plan {
    launches: "20000",
    copying_ms: "500",
    starts: "5",
    sizes: &["4096", "1048576", "67108864", "1073741824"],
    rounds: 3,
};
const SHORT: Plan = Plan {
    launches: "200",
    copying_ms: "10",
    starts: "1",
    sizes: &["4096", "1048576"],
    rounds: 1,
};

struct Plan {
    launches: &'static str,
    copying_ms: &'static str,
    starts: &'static str,
    sizes: &'static [&'static str],
    rounds: usize,
}

pub fn measure(run: &Run<'_>, record: &mut Record) -> Result<()> {
    // The driver without a device has little memory, and its figures say nothing.
    let plan = if run.is_short || !run.is_real() {
        SHORT
    } else {
        LONG
    };
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for round in 1..=plan.rounds {
        let outcome = one(run, "measure", &plan, &["--starts", plan.starts]).and_then(|figures| {
            ours.push(figures);
            plain.push(one(run, "plain", &plan, &[])?);
            Ok(())
        });
        match outcome {
            Ok(()) => {}
            Err(error) if plain.is_empty() => return Err(error),
            // What was measured before is as good as ever.
            Err(error) => {
                record.left_out(format_args!("rounds from {round} on"), format!("{error:#}"))?;
                break;
            }
        }
        let kept = serde_json::json!({ "ours": ours, "plain": plain });
        fs::write(run.out.join("figures.json"), format!("{kept:#}\n"))?;
    }
    ours.truncate(plain.len());
    let report = Report {
        conditions: vec![("figures", format!("medians of {} rounds", plain.len()))],
        rows: rows(&ours, &plain),
    };
    record.text(&report.markdown());
    for (name, pointer) in [
        (
            "a launch that is waited for, p50, ns",
            "/waited_launch_ns/p50",
        ),
        ("launches in a second", "/queued_launches/done_per_second"),
        ("a worker's start, p50, ns", "/start_ns/p50"),
        ("served again after a fault, p50, ns", "/recovery_ns/p50"),
    ] {
        let figure = |figures: &[Value]| {
            figures
                .first()
                .and_then(|one| one.pointer(pointer))
                .cloned()
        };
        record.fact(name, figure(&ours).unwrap_or_default())?;
        if let Some(theirs) = figure(&plain) {
            record.fact(format_args!("{name}, plain cudarc"), theirs)?;
        }
    }
    record.check(
        "both measured",
        Ok(format!("{} rounds, see figures.json", plain.len())),
    )
}

/// What one of the programs says.
fn one(run: &Run<'_>, program: &str, plan: &Plan, more: &[&str]) -> Result<Value> {
    let mut command = Command::new(run.bundle.example(program));
    command.args(["--launches", plan.launches, "--copying", plan.copying_ms]);
    command.args(more).args(plan.sizes);
    let mut process = Process::spawn(run.gpu.set(&mut command))?;
    let limit = run.remaining(Duration::from_secs(300));
    let status = process.wait(limit)?;
    let status = status.with_context(|| format!("{program} takes longer than {limit:.0?}"))?;
    if !status.success() {
        bail!(
            "{program} ended with {status}: {}",
            process.stderr.text().trim()
        );
    }
    let said = process.stdout.text();
    serde_json::from_str(&said).with_context(|| format!("{program} says no figures:\n{said}"))
}

//! `cargo xtask bench device`: what stands between a host and its GPU: our path, by way of a
//! worker's process, beside the same work in plain cudarc.
//!
//! Two programs measure, one after the other in each round: what slows the machine down for a
//! while slows both. Without a GPU both get the driver without a device, and the table says so.

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::figures::{Report, rows};
use crate::{
    stand_in::{self, Gpu},
    steps::{Step, Steps},
    workspace::{Profile, Workspace},
};

/// Launches for each second that is asked for, and what part of a second one kind of copy takes.
const LAUNCHES: u64 = 20_000;
const COPYING_MS: u64 = 500;

/// Workers that are started, and that are brought down, in each round.
const STARTS: u64 = 5;

/// The sizes of copies, in bytes; the last takes too long for a look.
const SIZES: [u64; 4] = [4 << 10, 1 << 20, 64 << 20, 1 << 30];

/// Measure what our path to a GPU costs, beside plain cudarc.
///
/// Launches that are waited for, launches that are queued, copies each way, the
/// start of a tenant's worker, and how soon it is served again after a fault.
/// Without an NVIDIA driver, the driver without a device stands in: the figures
/// then are our own share, and say nothing about a GPU. The table also goes to
/// target/bench/device.json.
#[derive(clap::Args)]
pub struct Arguments {
    /// How long each figure is measured in each round, roughly.
    #[arg(long, default_value_t = 1, value_name = "N")]
    seconds: u64,
    /// How often both are measured; figures are medians.
    #[arg(long, default_value_t = 5, value_name = "N")]
    rounds: usize,
    /// Which of the driver's devices.
    #[arg(long, default_value_t = 0, value_name = "N")]
    gpu: u32,
    /// One short round without the largest copies: shows that everything works,
    /// and measures little.
    #[arg(long)]
    quick: bool,
    /// Write the figures to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// Where something does not build or a measurement fails.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let folder = workspace.target().join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut steps = Steps::new(4);

    let step = steps.begin("building our side for release (the first time takes minutes)");
    let programs = stand_in::build_programs(
        workspace,
        &step,
        Profile::Release,
        &["measure", "device_worker"],
    )?;
    step.done(workspace.relative(&programs));

    let step = steps.begin("building plain cudarc for release");
    let driver = stand_in::build(workspace, &step, Profile::Release)?;
    step.done("built");

    let step = steps.begin("looking for a GPU");
    let gpu = Gpu::find(&programs.join("measure"), &driver, &folder)?;
    step.done(gpu.said());

    let rounds = if arguments.quick {
        1
    } else {
        arguments.rounds.max(1)
    };
    let step = steps.begin("measuring");
    let (mut ours, mut plain) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        step.at(format_args!("round {round} of {rounds}: ours"));
        let starts = if arguments.quick { 1 } else { STARTS }.to_string();
        ours.push(figures(
            &step,
            arguments,
            gpu.set(&mut Command::new(programs.join("measure")))
                .args(["--starts", &starts]),
        )?);
        step.at(format_args!("round {round} of {rounds}: plain cudarc"));
        plain.push(figures(
            &step,
            arguments,
            gpu.set(&mut Command::new(programs.join("plain"))),
        )?);
    }
    step.done(format_args!("{rounds} rounds"));

    let report = Report {
        conditions: conditions(&gpu, &ours, rounds, arguments.seconds, arguments.quick),
        rows: rows(&ours, &plain),
    };
    println!("{}", report.markdown());
    let mut figures = report.json();
    if let Some(figures) = figures.as_object_mut() {
        figures.insert("rounds".to_owned(), json!({ "ours": ours, "plain": plain }));
    }
    let figures = serde_json::to_string_pretty(&figures)?;
    let kept = folder.join("device.json");
    for path in std::iter::once(&kept).chain(&arguments.json) {
        fs::write(path, &figures).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("figures of every round: {}", workspace.relative(&kept));
    Ok(())
}

/// What one of the programs says.
fn figures(step: &Step, arguments: &Arguments, command: &mut Command) -> Result<Value> {
    let (launches, copying, sizes) = match arguments.quick {
        true => (LAUNCHES / 20, COPYING_MS / 5, 3),
        false => {
            let seconds = arguments.seconds.max(1);
            (LAUNCHES * seconds, COPYING_MS * seconds, SIZES.len())
        }
    };
    command
        .args(["--gpu", &arguments.gpu.to_string()])
        .args(["--launches", &launches.to_string()])
        .args(["--copying", &copying.to_string()])
        .args(SIZES.iter().take(sizes).map(u64::to_string));
    let said = step.run(command)?.stdout.join("\n");
    serde_json::from_str(&said).with_context(|| format!("no figures:\n{said}"))
}

fn conditions(
    gpu: &Gpu,
    ours: &[Value],
    rounds: usize,
    seconds: u64,
    quick: bool,
) -> Vec<(&'static str, String)> {
    let text = |name: &str| {
        let value = ours.first().and_then(|figures| figures.get(name));
        value
            .and_then(Value::as_str)
            .unwrap_or("unknown")
            .to_owned()
    };
    let device = match gpu {
        Gpu::Real => format!("{}, driver for CUDA {}", text("device"), text("driver")),
        Gpu::StandIn(_) => {
            "NONE: a driver without a device stands in. These figures are our share alone, and say nothing about a GPU".to_owned()
        }
    };
    let each = match quick {
        true => "one short round: they measure little".to_owned(),
        false => format!("medians of {rounds} rounds, about {seconds} s for each in a round"),
    };
    vec![
        ("device", device),
        ("machine", super::rounds::machine()),
        ("figures", each),
    ]
}

impl Gpu {
    /// What was found.
    fn said(&self) -> &'static str {
        match self {
            Gpu::Real => "there is one",
            Gpu::StandIn(_) => "there is none: a driver without a device stands in",
        }
    }
}

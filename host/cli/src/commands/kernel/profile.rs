//! `tensor-wasm kernel profile`: counts what a kernel does, line by line.

mod html;
mod table;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use tensor_wasm_device::Argument;
use tensor_wasm_ptx::interpret::InterpretedLaunch;
use tensor_wasm_ptx::interpret::profile::{LineProfile, Profile};
use tensor_wasm_ptx::simt::{self, RunError};
use tensor_wasm_ptx::{Entry, VariableSpace};

use super::launch::{Given, LaunchOptions, Prepared};
use super::memory::Buffers;

/// Count what a kernel does: executions, divergence, accesses, waits
///
/// Runs the kernel once in the interpreter, which needs no GPU, and counts for each line
/// of its text: executions by threads and by warps, branches in which a warp diverges,
/// sectors of device memory that its accesses touch, conflicts on banks of shared memory,
/// and the steps that threads wait at barriers. The counts are exact and the same on each
/// run, so that a test can assert them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm kernel profile saxpy.ptx --arg @y.f32 --arg @x.f32 --arg 2.5 --arg 100
  tensor-wasm kernel profile sum.ptx --arg zeros:4096:f32 --arg zeros:16:f32 --html sum.html
  tensor-wasm kernel profile sum.ptx --arg zeros:4096:f32 --json | jq .total.global")]
pub struct ProfileCommand {
    #[command(flatten)]
    launch: LaunchOptions,
    /// How many instructions all threads together may execute
    #[arg(long, value_name = "NUMBER", default_value_t = 2_000_000_000)]
    max_steps: u64,
    /// Write a page with the text beside the counts
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

/// What was counted, with the text that it is about.
struct Profiled<'a> {
    prepared: &'a Prepared,
    profile: Profile,
    /// Why it ended early.
    failure: Option<String>,
}

impl ProfileCommand {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let prepared = self.launch.prepare()?;
        let (profile, ended) = self.profile(&prepared)?;
        let profiled = Profiled {
            prepared: &prepared,
            profile,
            failure: ended.err().map(|error| match error {
                RunError::StepLimit { limit } => format!(
                    "the kernel did not end within {limit} instructions; --max-steps allows more"
                ),
                fault => fault.to_string(),
            }),
        };
        if let Some(path) = &self.html {
            std::fs::write(path, profiled.html())
                .with_context(|| format!("can't write {}", path.display()))?;
        }
        match self.json {
            true => crate::commands::print_json(&profiled.report())?,
            false => crate::commands::print(&profiled.table())?,
        }
        // What was counted until then helps to see why.
        match &profiled.failure {
            None => Ok(ExitCode::SUCCESS),
            Some(failure) => {
                tell!("error: {failure}");
                Ok(ExitCode::FAILURE)
            }
        }
    }

    fn profile(&self, prepared: &Prepared) -> anyhow::Result<(Profile, Result<(), RunError>)> {
        let memory = Buffers::default();
        let mut symbols = Vec::new();
        for variable in prepared.module.globals() {
            let bytes = usize::try_from(variable.bytes())?;
            let is_constant = variable.space() == VariableSpace::Const;
            symbols.push(memory.add(vec![0; bytes], is_constant)?);
        }
        for (variable, symbol) in prepared.module.globals().iter().zip(&symbols) {
            memory.set(*symbol, &variable.initial(&symbols));
        }
        let entry = prepared.module.entry(&prepared.kernel);
        let entry = entry.context("the kernel is not there")?;
        let arguments = packed(entry, prepared, &memory)?;
        let launch = simt::Launch::new(
            prepared.module.clone(),
            &prepared.kernel,
            prepared.grid,
            prepared.block,
            prepared.shared,
            arguments,
            symbols,
        )?;
        Ok(InterpretedLaunch::profile_grid(
            launch,
            &memory,
            self.max_steps,
        ))
    }
}

/// The arguments as the kernel finds them.
fn packed(entry: &Entry, prepared: &Prepared, memory: &Buffers) -> anyhow::Result<Vec<u8>> {
    let mut packed = vec![0; entry.param_bytes() as usize];
    for (param, (name, given)) in entry.params().iter().zip(&prepared.arguments) {
        let bytes = match given {
            Given::Buffer(numbers) => memory
                .add(numbers.bytes.clone(), false)?
                .to_le_bytes()
                .to_vec(),
            Given::Value(value) => bytes_of(value),
        };
        let start = param.offset as usize;
        let target = packed.get_mut(start..start.saturating_add(bytes.len()));
        let target = target.with_context(|| format!("parameter {name} has no room"))?;
        target.copy_from_slice(&bytes);
    }
    Ok(packed)
}

fn bytes_of(value: &Argument) -> Vec<u8> {
    match value {
        // Buffers are not values here.
        Argument::Pointer { .. } => Vec::new(),
        Argument::U8(value) => value.to_le_bytes().to_vec(),
        Argument::U16(value) | Argument::F16(value) | Argument::BF16(value) => {
            value.to_le_bytes().to_vec()
        }
        Argument::U32(value) => value.to_le_bytes().to_vec(),
        Argument::U64(value) => value.to_le_bytes().to_vec(),
        Argument::S8(value) => value.to_le_bytes().to_vec(),
        Argument::S16(value) => value.to_le_bytes().to_vec(),
        Argument::S32(value) => value.to_le_bytes().to_vec(),
        Argument::S64(value) => value.to_le_bytes().to_vec(),
        Argument::F32(value) => value.to_le_bytes().to_vec(),
        Argument::F64(value) => value.to_le_bytes().to_vec(),
        Argument::Bytes(bytes) => bytes.clone(),
    }
}

/// The result, in the shape that scripts may rely on.
#[derive(Serialize)]
struct Report<'a> {
    kernel: &'a str,
    grid: [u32; 3],
    block: [u32; 3],
    blocks: u64,
    threads: u64,
    /// Whether requests and branches of warps are too many, since a kernel did too much at once.
    is_split: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
    total: Counts,
    lines: Vec<LineReport>,
}

#[derive(Serialize)]
struct LineReport {
    line: u32,
    text: String,
    #[serde(flatten)]
    counts: Counts,
}

/// What was counted. The names are those of [`LineProfile`].
#[derive(Serialize)]
struct Counts {
    executions: u64,
    predicated_off: u64,
    warp_executions: u64,
    branches: u64,
    divergent_branches: u64,
    global: Global,
    shared: SharedMemoryCounts,
    local_bytes: u64,
    barrier_arrivals: u64,
    barrier_waited_steps: u64,
}

#[derive(Serialize)]
struct Global {
    requests: u64,
    sectors: u64,
    ideal_sectors: u64,
    bytes_read: u64,
    bytes_written: u64,
}

#[derive(Serialize)]
struct SharedMemoryCounts {
    requests: u64,
    wavefronts: u64,
    bank_conflicts: u64,
    bytes_read: u64,
    bytes_written: u64,
}

impl From<&LineProfile> for Counts {
    fn from(line: &LineProfile) -> Counts {
        Counts {
            executions: line.executions,
            predicated_off: line.predicated_off,
            warp_executions: line.warp_executions,
            branches: line.branches,
            divergent_branches: line.divergent_branches,
            global: Global {
                requests: line.global.requests,
                sectors: line.global.sectors,
                ideal_sectors: line.global.ideal_sectors,
                bytes_read: line.global.bytes_read,
                bytes_written: line.global.bytes_written,
            },
            shared: SharedMemoryCounts {
                requests: line.shared.requests,
                wavefronts: line.shared.wavefronts,
                bank_conflicts: line.shared.bank_conflicts,
                bytes_read: line.shared.bytes_read,
                bytes_written: line.shared.bytes_written,
            },
            local_bytes: line.local_bytes,
            barrier_arrivals: line.barrier_arrivals,
            barrier_waited_steps: line.barrier_waited_steps,
        }
    }
}

impl Profiled<'_> {
    fn report(&self) -> Report<'_> {
        let Prepared {
            kernel,
            grid,
            block,
            ..
        } = self.prepared;
        let text = self.lines();
        let lines = self
            .profile
            .lines
            .iter()
            .map(|(number, counted)| LineReport {
                line: *number,
                text: line_text(&text, *number).to_owned(),
                counts: counted.into(),
            });
        Report {
            kernel,
            grid: [grid.x, grid.y, grid.z],
            block: [block.x, block.y, block.z],
            blocks: self.profile.blocks,
            threads: self.profile.threads,
            is_split: self.profile.is_split,
            failure: self.failure.as_deref(),
            total: (&self.profile.total()).into(),
            lines: lines.collect(),
        }
    }

    /// The lines of the module's text.
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.prepared.text);
        text.lines().map(str::to_owned).collect()
    }
}

/// A line of the text, from 1.
fn line_text(lines: &[String], number: u32) -> &str {
    let index = (number as usize).checked_sub(1);
    let line = index.and_then(|index| lines.get(index));
    line.map_or("", |line| line.trim())
}

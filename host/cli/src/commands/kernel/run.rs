//! `tensor-wasm kernel run`: launches a kernel on files of numbers, on the processor.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use tensor_wasm_device::{Argument, CpuConfig, Device, LaunchConfig, Limits, Output};

use super::launch::{Given, LaunchOptions, Prepared};
use super::numbers::Numbers;
use crate::commands::build::seconds;
use crate::values;

/// How many numbers of a buffer are shown.
const SHOWN: usize = 8;

/// How many bytes go to or from the device at a time.
const PIECE: usize = 16 << 20;

/// Launch a kernel on files of numbers, on the processor
///
/// Makes a buffer of each file, launches the kernel once, and shows what is in the
/// buffers then. Needs no GPU and no component.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm kernel run double.ptx --arg @numbers.npy --arg 1000 --out 0=doubled.npy
  tensor-wasm kernel run saxpy.ptx --arg @y.f32 --arg @x.f32 --arg 2.5 --arg 100 --checks
  tensor-wasm kernel run fill.ptx --arg zeros:4096:f32 --arg 4096 --block 128 --json")]
pub struct Run {
    #[command(flatten)]
    launch: LaunchOptions,
    /// Write a buffer to a file after the launch, as .npy or as bytes: the number of its argument,
    /// from 0, or the name of its parameter; repeatable
    #[arg(long, value_name = "ARGUMENT=FILE")]
    out: Vec<String>,
    /// Check each access, as `serve --kernel-checks` does, which is slow
    #[arg(long)]
    checks: bool,
    /// How long the kernel may run
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "60s")]
    timeout: Duration,
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

/// Shows what a kernel prints, apart from the result.
struct Stderr;

impl Output for Stderr {
    fn print(&self, text: &[u8]) {
        crate::output::to_stderr(format_args!("{}", String::from_utf8_lossy(text)));
    }
}

/// The result, in the shape that scripts may rely on.
#[derive(Serialize)]
struct Report {
    kernel: String,
    grid: [u32; 3],
    block: [u32; 3],
    nanoseconds: u64,
    buffers: Vec<BufferReport>,
}

#[derive(Serialize)]
struct BufferReport {
    argument: usize,
    parameter: String,
    #[serde(rename = "type")]
    element: &'static str,
    length: usize,
    changed: bool,
    first: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    written_to: Vec<String>,
}

impl Run {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let prepared = self.launch.prepare()?;
        let outputs = self.outputs(&prepared)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .context("can't wait for the device")?;
        let (nanoseconds, after) = runtime.block_on(self.launched(&prepared))?;
        for (argument, path) in &outputs {
            if let Some((_, numbers)) = after.iter().find(|(number, _)| number == argument) {
                numbers.write(path)?;
            }
        }
        let buffers = after.iter().filter_map(|(number, numbers)| {
            let (parameter, given) = prepared.arguments.get(*number)?;
            let Given::Buffer(before) = given else {
                return None;
            };
            let written = outputs.iter().filter(|(argument, _)| argument == number);
            Some(BufferReport {
                argument: *number,
                parameter: parameter.clone(),
                element: numbers.element.name(),
                length: numbers.len(),
                changed: numbers.bytes != before.bytes,
                first: numbers.first(SHOWN),
                written_to: written
                    .map(|(_, path)| path.display().to_string())
                    .collect(),
            })
        });
        let report = Report {
            kernel: prepared.kernel.clone(),
            grid: [prepared.grid.x, prepared.grid.y, prepared.grid.z],
            block: [prepared.block.x, prepared.block.y, prepared.block.z],
            nanoseconds,
            buffers: buffers.collect(),
        };
        match self.json {
            true => crate::commands::print_json(&report)?,
            false => crate::commands::print(&report.text())?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Which buffers are written where.
    fn outputs(&self, prepared: &Prepared) -> anyhow::Result<Vec<(usize, PathBuf)>> {
        let find = |text: &String| {
            let (name, path) = text
                .split_once('=')
                .with_context(|| format!("--out {text}: write ARGUMENT=FILE"))?;
            let mut named = prepared.arguments.iter();
            let by_name = named.position(|(parameter, _)| parameter == name);
            let number = by_name.or_else(|| name.parse().ok());
            match number.and_then(|number| prepared.arguments.get(number)) {
                Some((_, Given::Buffer(_))) => Ok((number.unwrap_or(0), PathBuf::from(path))),
                Some(_) => anyhow::bail!("--out {text}: argument {name} is a number and no buffer"),
                None => anyhow::bail!(
                    "--out {text}: there is no argument {name}: write a number below {}, or the \
                     name of a parameter",
                    prepared.arguments.len()
                ),
            }
        };
        self.out.iter().map(find).collect()
    }

    /// Launches the kernel: how long it took on the device, and its buffers after it.
    async fn launched(&self, prepared: &Prepared) -> anyhow::Result<(u64, Vec<(usize, Numbers)>)> {
        let device = Device::cpu(CpuConfig {
            checks: self.checks,
            ..CpuConfig::default()
        })?;
        let session = device.session(Limits {
            memory_bytes: u64::MAX,
            kernel_time: self.timeout,
            ..Limits::default()
        });
        let lease = session.lease_printing(Arc::new(Stderr));
        let kernel = lease
            .load(prepared.text.clone())
            .await?
            .kernel(&prepared.kernel)?;
        let queue = lease.create_queue().await?;
        let mut arguments = Vec::with_capacity(prepared.arguments.len());
        let mut buffers = Vec::new();
        for (number, (_, given)) in prepared.arguments.iter().enumerate() {
            arguments.push(match given {
                Given::Value(value) => value.clone(),
                Given::Buffer(numbers) => {
                    let buffer = lease.allocate(numbers.bytes.len() as u64).await?;
                    let mut offset = 0;
                    for piece in numbers.bytes.chunks(PIECE) {
                        queue.write_from(&buffer, offset, piece).await?;
                        offset += piece.len() as u64;
                    }
                    buffers.push((number, buffer.clone(), numbers));
                    Argument::Pointer { buffer, offset: 0 }
                }
            });
        }
        let config = LaunchConfig {
            grid: prepared.grid,
            block: prepared.block,
            shared_bytes: prepared.shared,
        };
        let before = queue.record_event().await?;
        queue.launch(&kernel, config, arguments).await?;
        let after = queue.record_event().await?;
        queue.synchronize().await?;
        let nanoseconds = after.elapsed_since(&before)?;
        let mut results = Vec::with_capacity(buffers.len());
        for (number, buffer, numbers) in buffers {
            let mut bytes = Vec::with_capacity(numbers.bytes.len());
            while bytes.len() < numbers.bytes.len() {
                let length = (numbers.bytes.len() - bytes.len()).min(PIECE) as u64;
                bytes.extend(queue.read(&buffer, bytes.len() as u64, length).await?);
            }
            results.push((number, numbers.with(bytes)));
        }
        Ok((nanoseconds, results))
    }
}

impl Report {
    fn text(&self) -> String {
        let extent = |[x, y, z]: [u32; 3]| format!("{x} x {y} x {z}");
        let mut text = format!(
            "kernel {}: {} blocks of {} threads, {}\n",
            self.kernel,
            extent(self.grid),
            extent(self.block),
            seconds(Duration::from_nanos(self.nanoseconds)),
        );
        for buffer in &self.buffers {
            let more = match buffer.length > buffer.first.len() {
                true => ", …",
                false => "",
            };
            let changed = if buffer.changed { "" } else { ", unchanged" };
            text += &format!(
                "  {} {} ({} x {}{changed}): {}{more}\n",
                buffer.argument,
                buffer.parameter,
                buffer.length,
                buffer.element,
                buffer.first.join(", "),
            );
            for path in &buffer.written_to {
                text += &format!("    written to {path}\n");
            }
        }
        text
    }
}

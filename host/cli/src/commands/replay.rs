//! `tensor-wasm replay`: runs a recorded request again, and says where it differs.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use serde::Serialize;
use tensor_wasm_node::recordings::{ReadRecording, ReplayOptions, component_path, read, replay};
use tensor_wasm_runtime::{Difference, Directory, Ending, Recorded, ReplayOutcome, Tolerance};

use super::{print, print_json};
use crate::values;

/// How the program ends where a call differs.
const DIFFERS: u8 = 3;

/// How it ends where the recording ends before its request does.
const IS_INCOMPLETE: u8 = 4;

/// Run a recorded request again, and say where it differs
///
/// Runs the request of a file that `serve --record` or `node --record` has written, on the
/// processor, with checks of its kernels. What came to the guest from outside comes from the
/// recording: its request, clocks, random numbers, settings and responses of other servers.
/// What the device computes is computed again, and compared. Ends with 0 where everything is the
/// same, with 3 where a call differs, with 4 where everything is the same as far as the recording
/// goes, and with 1 where it can't be replayed.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm replay recordings/1764500000000-request.recording
  tensor-wasm replay request.recording --component image.wasm --json
  tensor-wasm replay request.recording --secret authorization='Bearer abc'
  tensor-wasm replay request.recording --calls")]
pub struct Replay {
    /// The recording
    file: PathBuf,
    /// The component, where it does not lie in `components` beside the recording
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// Replay with a component that is not the recorded one, to see where it differs
    #[arg(long, requires = "component")]
    any_component: bool,
    /// A directory that the guest could open, read-only; repeatable
    #[arg(long = "dir", value_name = "HOST::GUEST", value_parser = values::directory)]
    directories: Vec<Directory>,
    /// The value of a header, an environment variable or a setting that is left out of the
    /// recording; repeatable
    #[arg(long = "secret", value_name = "KEY=VALUE", value_parser = values::variable)]
    secrets: Vec<(String, String)>,
    /// Take 32-bit floating-point numbers that were read from the device for the same where they lie
    /// so near, relative to the larger one: for what a GPU has computed
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = tolerance)]
    tolerance: f32,
    /// How long it may take
    #[arg(long, value_name = "TIME", value_parser = values::duration, default_value = "10min")]
    timeout: Duration,
    /// Run kernels compiled, without checks, which is faster
    #[arg(long)]
    no_kernel_checks: bool,
    /// Show the recorded calls, one a line, and replay nothing
    #[arg(long)]
    calls: bool,
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

/// How far numbers may lie from each other.
fn tolerance(text: &str) -> Result<f32, String> {
    let number: Option<f32> = text.parse().ok();
    let number = number.filter(|number| (0.0..1.0).contains(number));
    number.ok_or_else(|| "write a number from 0 to below 1, for example 1e-5".to_owned())
}

/// The result, in the shape that scripts may rely on.
#[derive(Serialize)]
struct Report<'a> {
    result: &'static str,
    request_id: &'a str,
    component: &'a str,
    program: &'a str,
    calls: u64,
    recorded_calls: u64,
    tolerated_reads: u64,
    redacted: &'a [String],
    recorded_ending: &'a Ending,
    ending: &'a Ending,
    difference: Option<&'a Difference>,
}

impl Replay {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut recording = read(&self.file)?;
        if self.calls {
            let calls = String::from_utf8_lossy(&recording.recorded.journal);
            print(&shown(&calls))?;
            return Ok(ExitCode::SUCCESS);
        }
        let component = self.component(&recording)?;
        let options = ReplayOptions {
            component: super::read(&component)?,
            any_component: self.any_component,
            directories: self.directories.clone(),
            given: self.secrets.clone(),
            tolerance: Tolerance(self.tolerance),
            checks: !self.no_kernel_checks,
            timeout: self.timeout,
        };
        let runtime = tokio::runtime::Runtime::new().context("can't start threads")?;
        let recorded = Recorded {
            journal: std::mem::take(&mut recording.recorded.journal),
            data: std::mem::take(&mut recording.recorded.data),
            ..recording.recorded.clone()
        };
        let outcome = runtime.block_on(replay(recorded, options))?;
        let (result, code) = match (&outcome.difference, outcome.reached_end) {
            (Some(_), _) => ("differs", DIFFERS),
            (None, true) => ("incomplete", IS_INCOMPLETE),
            (None, false) => ("same", 0),
        };
        match self.json {
            true => print_json(&report(result, &recording, &outcome))?,
            false => print(&shown(&text(&recording, &outcome)))?,
        }
        Ok(ExitCode::from(code))
    }

    /// Where the component lies.
    fn component(&self, recording: &ReadRecording) -> anyhow::Result<PathBuf> {
        if let Some(path) = &self.component {
            return Ok(path.clone());
        }
        let digest = &recording.recorded.request.component;
        match component_path(&self.file, digest) {
            Some(path) => Ok(path),
            None => bail!(
                "the component {digest} is not in `components` beside {}: give it with `--component`",
                self.file.display()
            ),
        }
    }
}

fn report<'a>(
    result: &'static str,
    recording: &'a ReadRecording,
    outcome: &'a ReplayOutcome,
) -> Report<'a> {
    let request = &recording.recorded.request;
    Report {
        result,
        request_id: &request.request_id,
        component: &request.component,
        program: &recording.program,
        calls: outcome.calls,
        recorded_calls: outcome.recorded,
        tolerated_reads: outcome.tolerated,
        redacted: &request.redacted,
        recorded_ending: &recording.recorded.ending,
        ending: &outcome.ending,
        difference: outcome.difference.as_ref(),
    }
}

/// A text for a terminal, which takes no orders from what a file says.
fn shown(text: &str) -> String {
    let shown = text.chars().map(|c| match c {
        '\n' => c,
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    });
    shown.collect()
}

/// The result in words.
fn text(recording: &ReadRecording, outcome: &ReplayOutcome) -> String {
    let recorded = &recording.recorded;
    let request = &recorded.request;
    let mut text = format!(
        "request {}: {} {}\nrecorded by {}, component {}\n",
        request.request_id,
        request.method,
        request.target.escape_debug(),
        recording.program,
        request.component
    );
    if let Some(device) = &recording.device {
        text += &format!("recorded on {} ({})\n", device.name, device.backend);
    }
    if !request.redacted.is_empty() {
        text += &format!("redacted: {}\n", request.redacted.join(", "));
    }
    if outcome.tolerated > 0 {
        text += &format!("within the tolerance: {} reads\n", outcome.tolerated);
    }
    match &outcome.difference {
        Some(difference) => {
            text += &format!(
                "differs: call {} of {}, {}: its {}\n",
                difference.index, outcome.recorded, difference.call, difference.what
            );
            if !difference.arguments.is_null() {
                text += &format!("  arguments {}\n", difference.arguments);
            }
            text += &format!("  expected  {}\n", difference.expected);
            text += &format!("  found     {}\n", difference.found);
        }
        None if outcome.reached_end => {
            let why = match recorded.truncated {
                true => "the recording has as much as it may have (--record-max-bytes)".to_owned(),
                false => format!("it was ended there: {}", ending(&recorded.ending)),
            };
            text += &format!(
                "the same as far as it is recorded: {} calls; {why}\n",
                outcome.calls
            );
        }
        None => {
            text += &format!(
                "the same: {} calls, {}\n",
                outcome.calls,
                ending(&outcome.ending)
            );
        }
    }
    text
}

fn ending(ending: &Ending) -> String {
    let outcome = match (ending.status, &ending.error) {
        (_, Some(error)) => error.clone(),
        (Some(status), None) => format!("status {status}"),
        (None, None) => "no response".to_owned(),
    };
    match &ending.trap {
        Some(trap) => format!("{outcome}: {trap}"),
        None => outcome,
    }
}

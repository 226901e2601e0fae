//! `cargo xtask gpu-check`: what only a GPU can show, as a script for a machine that is to be had for a
//! quarter of an hour. Everything that it runs is put into one folder first, the bundle, which also runs
//! where there is neither cargo nor a network.

mod bundle;
mod child;
mod parts;
mod record;
mod results;
mod run;
mod script;
mod service;

use std::{
    ffi::OsStr,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use clap::Parser;

use self::{bundle::Bundle, record::Record, run::Run};
use crate::{
    stand_in::{self, Gpu},
    steps::{Step, Steps},
    workspace::{Profile, Workspace},
};

/// What a bundle is packed into.
const ARCHIVE: &str = "gpu-check.tar.gz";

/// The exit status where there is no GPU.
pub const NO_GPU: u8 = 2;

/// The most that a bundle may be, so that it is soon on another machine, in bytes.
const MOST_PACKED: u64 = 60 << 20;

/// Check this machine's NVIDIA GPU.
///
/// Looks at the machine, asks the driver for its devices, serves a request, runs
/// the kernels of host/ptx/corpus on the device and on the processor, makes the
/// device fail in earnest below two tenants, runs the device's own tests, and
/// measures launches and copies beside plain cudarc. The most valuable comes first,
/// and each thing is written when it is seen, to results.jsonl and results.md, so
/// that a stop at any point leaves what was seen. CUDA_VISIBLE_DEVICES chooses
/// another device. Without a GPU it ends with status 2.
#[derive(clap::Args)]
pub struct Arguments {
    /// Build everything for release, and pack it into gpu-check.tar.gz, which runs
    /// by ./gpu-check on machines without cargo and network; check nothing.
    #[arg(long, conflicts_with = "prebuilt")]
    pack: bool,
    /// Build nothing: run from this folder, that of an unpacked archive.
    #[arg(long, value_name = "DIR")]
    prebuilt: Option<PathBuf>,
    #[command(flatten)]
    how: How,
}

/// Check this machine's NVIDIA GPU, by the programs beside this one.
///
/// Looks at the machine, asks the driver for its devices, serves a request, runs
/// kernels on the device and on the processor, makes the device fail in earnest,
/// runs the device's own tests, and measures launches and copies. Each thing is
/// written when it is seen, to results.jsonl and results.md. Without a GPU it ends
/// with status 2.
#[derive(Parser)]
#[command(bin_name = "gpu-check", disable_version_flag = true)]
struct Alone {
    #[command(flatten)]
    how: How,
}

/// How it is checked.
#[derive(clap::Args)]
struct How {
    /// Where the results go: target/gpu-check in a checkout, else gpu-check-results.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// How long it may take. What there is no time for is left out, and said to be.
    #[arg(long, value_name = "N", default_value_t = 14)]
    minutes: u64,
    /// Only a look at everything.
    #[arg(long)]
    short: bool,
    /// Run on the driver without a device: this tests the script itself, and shows
    /// nothing of a GPU.
    #[arg(long)]
    driver_without_a_device: bool,
}

/// There is nothing to check: what to do.
#[derive(Debug)]
pub struct NoGpu;

impl fmt::Display for NoGpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no GPU was checked; what was seen of the machine is in the results.\nRun this on a machine with an NVIDIA \
             GPU and a driver for CUDA 12.0 or newer, on which `nvidia-smi` lists it; in a container, start that with \
             `--gpus all`. To test the command itself, without a GPU: `--driver-without-a-device`",
        )
    }
}

impl std::error::Error for NoGpu {}

/// Runs the command where it needs no checkout: as `gpu-check`, the program of a bundle, and with
/// `--prebuilt`. `None` where it needs one.
///
/// # Errors
/// As [`run()`].
pub fn run_alone(arguments: Option<&Arguments>) -> Option<Result<()>> {
    if let Some(arguments) = arguments {
        let folder = arguments.prebuilt.as_ref()?;
        return Some(check_in(folder, &arguments.how));
    }
    let called = std::env::args_os().next().map(PathBuf::from)?;
    if called.file_name() != Some(OsStr::new(bundle::PROGRAM)) {
        return None;
    }
    let arguments = Alone::parse();
    let program = std::env::current_exe().context("the system does not say where this program is");
    Some(program.and_then(|program| {
        let folder = program.parent().context("the program lies nowhere")?;
        check_in(folder, &arguments.how)
    }))
}

fn check_in(folder: &Path, how: &How) -> Result<()> {
    let bundle = Bundle::open(folder)?;
    let out = how
        .out
        .clone()
        .unwrap_or_else(|| "gpu-check-results".into());
    check(&bundle, how, &out)
}

/// Runs the command in a checkout.
///
/// # Errors
/// [`NoGpu`], where something does not build, and where a check fails.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(1 + usize::from(arguments.pack));
    let how = &arguments.how;
    // What it costs is measured; the driver without a device costs what it costs.
    let profile = match how.driver_without_a_device && !arguments.pack {
        true => Profile::Dev,
        false => Profile::Release,
    };
    let folder = workspace.target().join("gpu-check");
    let root = folder.join("bundle").join(bundle::PROGRAM);
    let step = steps.begin(match profile {
        Profile::Dev => "building everything that is run",
        Profile::Release => {
            "building everything that is run, for release (the first time takes minutes)"
        }
    });
    let bundle = Bundle::assemble(workspace, &step, profile, &root)?;
    step.done(workspace.relative(&root));
    if !arguments.pack {
        let out = how.out.clone().unwrap_or(folder);
        return check(&bundle, how, &out);
    }
    let step = steps.begin("packing it");
    let archive = how.out.clone().unwrap_or(folder);
    fs::create_dir_all(&archive).with_context(|| format!("cannot create {}", archive.display()))?;
    let archive = archive.join(ARCHIVE);
    let bytes = bundle.pack(&step, &archive)?;
    step.done(format_args!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)));
    if bytes > MOST_PACKED {
        bail!(
            "{} has more than {} MiB",
            archive.display(),
            MOST_PACKED >> 20
        );
    }
    println!(
        "{}: on the machine with the GPU, `tar -xzf gpu-check.tar.gz && gpu-check/gpu-check`",
        workspace.relative(&archive)
    );
    Ok(())
}

/// Packs what the tests have built, unpacks it elsewhere, and runs the script from there, in short and on
/// the driver without a device.
///
/// # Errors
/// Where something does not build, and where a check fails.
pub fn test(workspace: &Workspace, step: &Step) -> Result<String> {
    let folder = workspace.target().join("gpu-check-test");
    let root = folder.join("bundle").join(bundle::PROGRAM);
    let bundle = Bundle::assemble(workspace, step, Profile::Dev, &root)?;
    step.at("packing");
    let elsewhere = tempfile::tempdir()?;
    let archive = folder.join(ARCHIVE);
    bundle.pack(step, &archive)?;
    let mut tar = Command::new("tar");
    tar.arg("--extract")
        .arg("--file")
        .arg(&archive)
        .current_dir(&elsewhere);
    step.run(&mut tar)?;
    step.at("the script");
    let out = folder.join("results");
    let program = elsewhere.path().join(bundle::PROGRAM).join(bundle::PROGRAM);
    let mut command = Command::new(program);
    command
        .args(["--driver-without-a-device", "--short", "--out"])
        .arg(&out);
    // There is no cargo on the other machine, and nothing that it sets.
    step.run(command.env_clear().current_dir("/"))?;
    let page = fs::read_to_string(out.join("results.md"))?;
    Ok(format!(
        "{} checks passed",
        page.matches("\n- passed: ").count()
    ))
}

/// Runs the script.
fn check(bundle: &Bundle, how: &How, out: &Path) -> Result<()> {
    fs::create_dir_all(out).with_context(|| format!("cannot create {}", out.display()))?;
    let out = fs::canonicalize(out)?;
    let gpu = match how.driver_without_a_device {
        true => Gpu::StandIn(stand_in(bundle, &out)?),
        false => Gpu::Real,
    };
    let mut run = Run::new(bundle, gpu, &out, how.short);
    let mut head = format!("Seen on {} (universal time).", results::today());
    if !run.is_real() {
        head = format!(
            "**NO GPU: a driver without a device stands in. This tests the script, and shows nothing of a GPU.**\n\n{head}"
        );
    }
    let mut record = Record::begin(&out, head)?;
    let budget = Duration::from_secs(60 * how.minutes);
    let has_device = script::play(&mut run, &mut record, budget)?;
    println!("{}", record.markdown());
    let (passed, left_out) = record.counts();
    println!(
        "{passed} checks passed, {left_out} things were left out; all of it is in {}",
        out.display()
    );
    let failures = record.failures();
    match (has_device, failures.as_slice()) {
        (false, _) if run.is_real() => Err(NoGpu.into()),
        (_, []) => Ok(()),
        (_, failures) => bail!("not everything is as it should be: {}", failures.join("; ")),
    }
}

/// A folder with the driver without a device. Its device has little memory, so that it is soon full.
fn stand_in(bundle: &Bundle, out: &Path) -> Result<PathBuf> {
    let folder = stand_in::prepare(&bundle.driver(), out)?;
    let switches = folder.join("libcuda.switches");
    fs::write(&switches, "memory_bytes = 268435456\n")
        .with_context(|| format!("cannot write {}", switches.display()))?;
    Ok(folder)
}

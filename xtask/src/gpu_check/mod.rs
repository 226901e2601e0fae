//! `cargo xtask gpu-check`: what only a GPU can show: compiled kernels give the same results there
//! as on the processor, and the host survives kernels that fault there.

mod results;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use self::results::{Results, Tests};
use crate::{
    stand_in::{self, Gpu},
    steps::{Step, Steps},
    workspace::{Profile, Workspace},
};

/// What is tested, and its tests: kernels with expectations in one module, and in all others what a
/// device promises, faults and limits included.
const PACKAGE: &str = "tensor-wasm-device";
const TESTS: &str = "device";
const CORPUS: &str = "corpus::";

/// The exit status where there is no GPU.
pub const NO_GPU: u8 = 2;

/// Check this machine's NVIDIA GPU against the processor.
///
/// Lists the devices, runs each kernel of host/ptx/corpus on the first one and on
/// the processor, compares them bit for bit where docs/numerics.md promises that
/// and with the kernel's expectation elsewhere, and runs the device's own tests,
/// those of faults and limits included. Prints a table, writes it as JSON too, and
/// as docs/gpu-results.md. CUDA_VISIBLE_DEVICES chooses another device. Without a
/// GPU it ends with status 2.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where the results go: target/gpu-check, if not given.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run on the driver without a device: this tests the command itself, shows
    /// nothing of a GPU, and does not write docs/gpu-results.md.
    #[arg(long)]
    driver_without_a_device: bool,
}

/// There is nothing to check: why, and what to do.
#[derive(Debug)]
pub struct NoGpu(String);

impl fmt::Display for NoGpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no GPU was checked: {}.\nRun this on a machine with an NVIDIA GPU and a driver for CUDA 12.0 or newer, on which \
             `nvidia-smi` lists it; in a container, start that with `--gpus all`. To test the command itself, \
             without a GPU: `cargo xtask gpu-check --driver-without-a-device`",
            self.0
        )
    }
}

impl std::error::Error for NoGpu {}

/// Runs the command.
///
/// # Errors
/// [`NoGpu`], where something does not build, and where a check fails.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let out = match &arguments.out {
        Some(folder) => folder.clone(),
        None => workspace.target().join("gpu-check"),
    };
    fs::create_dir_all(&out).with_context(|| format!("cannot create {}", out.display()))?;
    let out = fs::canonicalize(&out)?;
    let mut steps = Steps::new(4 + usize::from(arguments.driver_without_a_device));

    let step = steps.begin("building the programs that ask the driver, and are workers");
    let names = ["measure", "device_worker"];
    let programs = stand_in::build_programs(workspace, &step, Profile::Dev, &names)?;
    step.done(workspace.relative(&programs));

    let gpu = if arguments.driver_without_a_device {
        let step = steps.begin("building the driver without a device");
        let library = stand_in::build(workspace, &step, Profile::Dev)?;
        step.done("built");
        Gpu::StandIn(stand_in::prepare(&library, &out)?)
    } else {
        Gpu::Real
    };

    let step = steps.begin("asking the driver for its devices");
    let lists = programs.join("measure");
    let found = match &gpu {
        Gpu::Real => stand_in::real_devices(&lists)?.map_err(NoGpu)?,
        Gpu::StandIn(_) => {
            let asked = step.run(gpu.set(Command::new(&lists).arg("--devices")))?;
            serde_json::from_str(&asked.stdout.join("\n"))?
        }
    };
    step.done(results::devices(&found).join(", "));

    let step = steps.begin("running kernels on the device and on the processor");
    let kernels = out.join("kernels.jsonl");
    // From an earlier run.
    let _ = fs::remove_file(&kernels);
    // One after the other, as the times are to be those of each alone.
    let mut command = test(workspace, &gpu, &[CORPUS, "--test-threads=1"]);
    command.env("TENSOR_WASM_CORPUS_RESULTS", &kernels);
    let scenarios = run_tests(&step, &mut command)?;
    let lines = fs::read_to_string(&kernels).unwrap_or_default();
    let kernels = results::kernels(&lines, &corpus(workspace)?)?;
    step.done(results::summary(&kernels));

    let step = steps.begin("running the device's own tests, those of failures included");
    let device = run_tests(&step, &mut test(workspace, &gpu, &["--skip", CORPUS]))?;
    step.done(&device);

    let results = Results {
        is_real: matches!(gpu, Gpu::Real),
        found,
        commit: commit(workspace),
        kernels,
        corpus: scenarios,
        device,
    };
    println!("{}", results.markdown());
    let path = out.join("results.json");
    write(&path, &serde_json::to_string_pretty(&results.json())?)?;
    println!("as JSON: {}", workspace.relative(&path));
    if results.is_real {
        let page = workspace.root().join("docs/gpu-results.md");
        write(&page, &results.page())?;
        println!("wrote {}", workspace.relative(&page));
    }
    let failures = results.failures();
    if !failures.is_empty() {
        bail!("not everything is as it should be: {}", failures.join("; "));
    }
    println!("all checks passed, in {}", steps.elapsed());
    Ok(())
}

/// The package's tests on the device, those that these arguments choose.
fn test(workspace: &Workspace, gpu: &Gpu, chosen: &[&str]) -> Command {
    let mut command = workspace.cargo(["test", "--package", PACKAGE, "--no-fail-fast"]);
    command.args(["--test", TESTS, "--"]).args(chosen);
    gpu.set(command.env("TENSOR_WASM_TEST_DEVICE", "cuda"));
    command
}

/// Runs tests, and keeps what they say for the report rather than failing.
fn run_tests(step: &Step, command: &mut Command) -> Result<Tests> {
    let mut tests = Tests::default();
    tests.succeeded = step.run_shown(command, &mut |line| tests.read(line))?;
    Ok(tests)
}

/// The kernels that there should be results of, each with the compiler that it comes from.
fn corpus(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let folder = workspace.root().join("host/ptx/corpus");
    let mut names = Vec::new();
    for kernel in fs::read_dir(&folder).with_context(|| format!("no {}", folder.display()))? {
        let kernel = kernel?;
        // The folder has a page, too.
        let Ok(files) = fs::read_dir(kernel.path()) else {
            continue;
        };
        for file in files {
            let path = file?.path();
            if let (Some("ptx"), Some(compiler)) = (
                path.extension().and_then(|end| end.to_str()),
                path.file_stem().and_then(|stem| stem.to_str()),
            ) {
                let name = kernel.file_name().to_string_lossy().into_owned();
                names.push((name, compiler.to_owned()));
            }
        }
    }
    Ok(names)
}

/// What was checked.
fn commit(workspace: &Workspace) -> Value {
    let mut git = Command::new("git");
    git.current_dir(workspace.root());
    let output = git.args(["describe", "--always", "--dirty"]).output();
    match output {
        Ok(output) if output.status.success() => {
            Value::String(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => Value::Null,
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

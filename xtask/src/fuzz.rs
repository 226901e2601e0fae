//! `cargo xtask fuzz`: bytes that libFuzzer makes up, for what reads, checks, runs and compiles
//! kernels (`host/ptx/fuzz`), and what reads snapshots (`host/snapshot/fuzz`).
//!
//! The flags are those that cargo-fuzz would give, less its sanitizers, which look for what code
//! without `unsafe` can't do: so the stable compiler does, and nothing has to be installed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use anyhow::{Context, Result, bail};

use crate::{steps::Steps, workspace::Workspace};

/// Look for inputs on which the handling of kernels or snapshots panics, hangs or contradicts itself.
///
/// Without a target, all but `differential`, which needs an engine that takes minutes to build, and
/// `snapshot`, which needs crates of its own. Needs a C++ compiler, for libFuzzer.
#[derive(clap::Args)]
pub struct Arguments {
    /// The only target to run
    target: Option<Target>,
    /// How long to run, all targets together
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Run this input and nothing else, to see what a finding was
    #[arg(long, requires = "target", conflicts_with = "seconds")]
    input: Option<PathBuf>,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq)]
enum Target {
    /// Any bytes are parsed or refused, and print as they were
    Parse,
    /// Mutated kernels print as they were, and the interpreter runs them
    Mutate,
    /// Whatever is parsed, the interpreter runs
    Interpret,
    /// Whatever is parsed is compiled to a valid module, or refused
    Compile,
    /// Kernels made at random do the same, compiled and interpreted
    Differential,
    /// Any bytes are read as a snapshot, or refused
    Snapshot,
}

impl Target {
    const QUICK: [Target; 4] = [
        Target::Parse,
        Target::Mutate,
        Target::Interpret,
        Target::Compile,
    ];

    /// The crates that have them.
    const CRATES: [&str; 2] = ["host/ptx/fuzz", "host/snapshot/fuzz"];

    /// The crate that has it.
    fn crate_folder(self) -> &'static str {
        match self {
            Target::Snapshot => Target::CRATES[1],
            _ => Target::CRATES[0],
        }
    }

    fn name(self) -> &'static str {
        match self {
            Target::Parse => "parse",
            Target::Mutate => "mutate",
            Target::Interpret => "interpret",
            Target::Compile => "compile",
            Target::Differential => "differential",
            Target::Snapshot => "snapshot",
        }
    }
}

/// Coverage instrumentation, as libFuzzer expects it.
const COVERAGE: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";

/// An input that takes longer, or more memory, is a finding too.
const BOUNDS: [&str; 2] = ["-timeout=20", "-rss_limit_mb=2048"];

/// Runs the command.
///
/// # Errors
/// Where a target does not build, and where one finds something.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    if let Some(input) = &arguments.input
        && !input.is_file()
    {
        bail!("there is no input at {}", input.display());
    }
    let targets = match arguments.target {
        Some(target) => vec![target],
        None => Target::QUICK.to_vec(),
    };
    let mut steps = Steps::new(1 + targets.len());
    let fuzzer = Fuzzer {
        workspace,
        folder: workspace.target().join("fuzz"),
    };

    let step = steps.begin("building with coverage");
    for folder in Target::CRATES {
        let of_crate = targets.iter().filter(|one| one.crate_folder() == folder);
        let of_crate: Vec<_> = of_crate.copied().collect();
        if !of_crate.is_empty() {
            step.run(&mut fuzzer.build(folder, &of_crate)?)
                .context("a C++ compiler is needed too")?;
        }
    }
    let programs = fuzzer.programs();
    step.done(programs.display());

    let each = (arguments.seconds / targets.len() as u64).max(1);
    let mut findings = Vec::new();
    for target in targets {
        let step = steps.begin(&format!("fuzzing `{}`", target.name()));
        let mut command = Command::new(programs.join(target.name()));
        let began = SystemTime::now();
        match &arguments.input {
            Some(input) => command.args(BOUNDS).arg(input),
            None => fuzzer.fuzz(&mut command, target, each)?,
        };
        let mut last = String::new();
        let mut remember = |line: &str| {
            if line.contains("cov:") {
                line.trim().clone_into(&mut last);
            }
        };
        // The trace of a finding is shown; progress is not.
        let passed = match arguments.input {
            Some(_) => step.run_shown(&mut command, &mut remember)?,
            None => step.run_quietly(&mut command, &mut remember)?,
        };
        if passed {
            step.done(if last.is_empty() { "passed" } else { &last });
            continue;
        }
        let found = match &arguments.input {
            Some(input) => Some(input.clone()),
            None => newest(&fuzzer.findings(target), began),
        };
        findings.push(report(workspace, target, found.as_deref()));
        step.done("found something");
    }
    if !findings.is_empty() {
        bail!("{}", findings.join("\n"));
    }
    println!("nothing was found, in {}", steps.elapsed());
    Ok(())
}

/// What to do about a finding.
fn report(workspace: &Workspace, target: Target, found: Option<&Path>) -> String {
    let name = target.name();
    let Some(found) = found else {
        return format!("`{name}` ended with an error and left no input: see above");
    };
    let shown = workspace.relative(found);
    format!(
        "`{name}` fails on {shown}. See it again: `cargo xtask fuzz {name} --input {shown}`. Once it is \
         mended, keep the input in {}/regressions/{name}.",
        target.crate_folder()
    )
}

/// The newest file of a folder that is not older than this.
fn newest(folder: &Path, began: SystemTime) -> Option<PathBuf> {
    let files = fs::read_dir(folder).ok()?.flatten();
    files
        .filter_map(|file| Some((file.metadata().ok()?.modified().ok()?, file.path())))
        .filter(|(written, _)| *written >= began)
        .max()
        .map(|(_, path)| path)
}

struct Fuzzer<'w> {
    workspace: &'w Workspace,
    /// What is built, inputs worth keeping, and findings.
    folder: PathBuf,
}

impl Fuzzer<'_> {
    fn build(&self, crate_folder: &str, targets: &[Target]) -> Result<Command> {
        let manifest = self.workspace.root().join(crate_folder).join("Cargo.toml");
        let mut command = self.workspace.cargo(["build", "--release"]);
        command
            .arg("--manifest-path")
            .arg(manifest)
            .arg("--target-dir")
            .arg(&self.folder)
            // Programs that run while building, which are not for the target, get no coverage.
            .args(["--target", &host(self.workspace)?])
            .env("RUSTFLAGS", COVERAGE)
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        for target in targets {
            command.args(["--bin", target.name()]);
        }
        if targets.contains(&Target::Differential) {
            command.args(["--features", "engine"]);
        }
        Ok(command)
    }

    fn programs(&self) -> PathBuf {
        let host = host(self.workspace).unwrap_or_default();
        self.folder.join(host).join("release")
    }

    fn regressions(&self, target: Target) -> PathBuf {
        let folder = self.workspace.root().join(target.crate_folder());
        folder.join("regressions").join(target.name())
    }

    fn findings(&self, target: Target) -> PathBuf {
        self.folder.join("findings").join(target.name())
    }

    fn fuzz<'c>(
        &self,
        command: &'c mut Command,
        target: Target,
        seconds: u64,
    ) -> Result<&'c mut Command> {
        let kept = self.folder.join("corpus").join(target.name());
        let findings = self.findings(target);
        for folder in [&kept, &findings] {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        command
            .args(BOUNDS)
            .arg(format!("-max_total_time={seconds}"))
            .arg("-print_final_stats=1")
            .arg(format!("-artifact_prefix={}/", findings.display()))
            .arg(kept)
            .arg(self.regressions(target));
        // Texts begin with those of the corpus; choices, as long as makes sense at once.
        let kernels = self.workspace.root().join("host/ptx");
        match target {
            Target::Parse | Target::Interpret => command
                .arg("-max_len=65536")
                .arg(kernels.join("corpus"))
                .arg(kernels.join("tests/data")),
            Target::Snapshot => command
                .arg("-max_len=65536")
                .arg(self.workspace.root().join("host/snapshot/tests/golden")),
            Target::Mutate | Target::Compile => command.args(["-max_len=96", "-len_control=0"]),
            Target::Differential => command.args(["-max_len=600", "-len_control=0"]),
        };
        Ok(command)
    }
}

/// The compiler's own target: `x86_64-unknown-linux-gnu`.
fn host(workspace: &Workspace) -> Result<String> {
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    let output = command
        .current_dir(workspace.root())
        .arg("-vV")
        .output()
        .context("cannot ask rustc for its target")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .context("rustc does not say its target")
}

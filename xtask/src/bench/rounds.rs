//! Putting servers under load: what `bench serve` and `bench policy` share.
//!
//! All servers of one number of connections run at once, and are put under
//! load in turn, round after round: what slows the machine down for a while
//! slows all of them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};

use super::{
    load::{Generator, Load, Outcome},
    report::{Cell, Report},
};
use crate::{
    components::Which,
    product,
    server::{Server, ServerKind},
    steps::{Step, Steps},
    workspace::{Profile, Workspace},
};

/// How long each server is under load before its first round.
const WARM_UP: Duration = Duration::from_secs(1);

/// How long a server may take to end after SIGTERM.
pub(super) const STOP: Duration = Duration::from_secs(30);

/// How much is measured.
#[derive(clap::Args)]
pub struct Amount {
    /// How long each subject is measured in each round.
    #[arg(long, default_value_t = 5, value_name = "N")]
    seconds: u64,
    /// How often each subject is measured; figures are medians.
    #[arg(long, default_value_t = 3, value_name = "N")]
    rounds: usize,
    /// How many connections send at a time.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    connections: Vec<usize>,
    /// One round of one second: shows that everything works, and measures little.
    #[arg(long)]
    quick: bool,
    /// Write the figures to this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// One way to serve a component.
pub struct Subject {
    /// What it is called in the table.
    pub name: String,
    /// Whose server it is.
    pub kind: ServerKind,
    /// What is started.
    pub program: PathBuf,
    /// With what.
    pub arguments: Vec<String>,
    /// The path of each request.
    pub path: &'static str,
    /// What requests carry to be let through.
    pub authorization: Option<String>,
    /// The place of the subject to compare with.
    pub against: Option<usize>,
}

/// What a measurement is made with.
pub struct Bench<'a> {
    /// The project.
    pub workspace: &'a Workspace,
    /// Our binary, built for release.
    pub binary: &'a Path,
    /// Where files of the measurement lie.
    pub folder: &'a Path,
    /// Whether `wasmtime` is on the path.
    pub with_wasmtime: bool,
}

/// Builds what is needed, asks for the subjects, measures them and prints the table.
/// The figures of every round go to `target/bench/NAME.json`.
///
/// # Errors
/// Where something does not build or a server fails.
pub fn run(
    workspace: &Workspace,
    name: &str,
    amount: &Amount,
    subjects: impl FnOnce(&Bench<'_>, &Step) -> Result<Vec<Subject>>,
) -> Result<()> {
    let folder = workspace.target().join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut steps = Steps::new(product::STEPS + 1 + amount.connections.len());

    let binary = product::build(workspace, &mut steps, Which::All, Profile::Release)?;

    let step = steps.begin("preparing");
    let wasmtime = version("wasmtime");
    let bench = Bench {
        workspace,
        binary: &binary,
        folder: &folder,
        with_wasmtime: wasmtime.is_some(),
    };
    let subjects = subjects(&bench, &step)?;
    let compared = subjects
        .iter()
        .any(|subject| subject.kind == ServerKind::Wasmtime);
    let generator = Generator::find();
    step.done(match &wasmtime {
        Some(version) if compared => format!("compared with {version}"),
        Some(_) | None => "ours alone".to_owned(),
    });

    let (rounds, time) = match amount.quick {
        true => (1, Duration::from_secs(1)),
        false => (
            amount.rounds.max(1),
            Duration::from_secs(amount.seconds.max(1)),
        ),
    };
    let mut groups = Vec::new();
    for &connections in &amount.connections {
        let step = steps.begin(&format!("measuring, connections: {connections}"));
        groups.push(measure(
            &step,
            &subjects,
            generator,
            connections,
            rounds,
            time,
        )?);
        step.done(format_args!(
            "{rounds} rounds of {} subjects",
            subjects.len()
        ));
    }

    let report = Report {
        conditions: conditions(
            &binary,
            wasmtime.filter(|_| compared),
            generator,
            rounds,
            time,
        ),
        groups,
    };
    println!("{}", report.markdown());
    let json = serde_json::to_string_pretty(&report.json())?;
    let kept = folder.join(format!("{name}.json"));
    for path in std::iter::once(&kept).chain(&amount.json) {
        fs::write(path, &json).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("figures of every round: {}", workspace.relative(&kept));
    Ok(())
}

/// Our server of a component, on a free port.
pub fn tensor_wasm_serve(
    binary: &Path,
    component: &Path,
    way: &str,
    reuse: Option<&str>,
) -> Subject {
    let mut arguments = vec!["serve".to_owned(), component.display().to_string()];
    arguments.extend(["--addr", "127.0.0.1:0"].map(str::to_owned));
    if let Some(count) = reuse {
        arguments.extend(["--reuse", count].map(str::to_owned));
    }
    Subject {
        name: format!("tensor-wasm, {way}"),
        kind: ServerKind::TensorWasm,
        program: binary.to_owned(),
        arguments,
        path: "/",
        authorization: None,
        against: None,
    }
}

impl Subject {
    /// Starts the server.
    ///
    /// # Errors
    /// Those of [`Server::start`].
    pub fn start(&self) -> Result<Server> {
        let mut command = Command::new(&self.program);
        command
            .args(&self.arguments)
            // Whoever debugs with these set would measure the backtraces.
            .env_remove("RUST_BACKTRACE")
            .env_remove("RUST_LIB_BACKTRACE")
            .env_remove("RUST_LOG");
        Server::start(&mut command, self.kind)
    }
}

fn measure(
    step: &Step,
    subjects: &[Subject],
    generator: Generator,
    connections: usize,
    rounds: usize,
    time: Duration,
) -> Result<Vec<Cell>> {
    let mut running = Vec::new();
    for subject in subjects {
        running.push((subject, subject.start()?, Vec::new()));
    }
    let put_under_load = |subject: &Subject, server: &Server, time| -> Result<Outcome> {
        let load = Load {
            address: server.address(),
            path: subject.path,
            tenant: None,
            authorization: subject.authorization.as_deref(),
            connections,
            time,
        };
        generator.run(&load).with_context(|| {
            format!(
                "{}; the server said:\n{}",
                subject.name,
                server.recent_output()
            )
        })
    };
    for (subject, server, _) in &running {
        put_under_load(subject, server, WARM_UP)?;
    }
    for round in 1..=rounds {
        for (subject, server, outcomes) in &mut running {
            step.at(format_args!("round {round} of {rounds}: {}", subject.name));
            outcomes.push(put_under_load(subject, server, time)?);
        }
    }
    let mut cells = Vec::new();
    for (subject, server, rounds) in running {
        cells.push(Cell {
            subject: subject.name.clone(),
            connections,
            rounds,
            peak_resident_bytes: server.peak_resident_bytes(),
            against: subject.against,
        });
        if subject.kind == ServerKind::TensorWasm {
            server.stop(STOP)?;
        }
    }
    Ok(cells)
}

fn conditions(
    binary: &Path,
    wasmtime: Option<String>,
    generator: Generator,
    rounds: usize,
    time: Duration,
) -> Vec<(&'static str, String)> {
    let generator = match generator {
        Generator::Wrk => "wrk, 1 thread, on the same machine",
        Generator::BuiltIn => "built in, 1 thread, on the same machine",
    };
    vec![
        ("machine", machine()),
        (
            "ours",
            version(binary).unwrap_or_else(|| "unknown".to_owned()),
        ),
        (
            "compared with",
            wasmtime.unwrap_or_else(|| "nothing".to_owned()),
        ),
        ("load", generator.to_owned()),
        (
            "figures",
            format!("medians of {rounds} rounds of {} s each", time.as_secs()),
        ),
    ]
}

/// Its processors.
pub fn machine() -> String {
    let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
    let model = fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .unwrap_or_else(|| "an unknown processor".to_owned());
    format!("{processors} processors, {model}")
}

/// What a program says of its version, where it can be started.
fn version(program: impl AsRef<Path>) -> Option<String> {
    let output = Command::new(program.as_ref())
        .arg("--version")
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned()).filter(|text| output.status.success() && !text.is_empty())
}

//! How a project's service is asked, and what is measured of it.

use std::{
    fmt, fs,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use super::project::Project;
use crate::{
    http::{Connection, Response, request},
    server::{Server, ServerKind},
    steps::Steps,
};

/// How long a server may take to end.
const STOP: Duration = Duration::from_secs(30);

/// How many requests are measured.
const REQUESTS: u32 = 200;

/// The request, and its answer: numbers are written differently.
const PATH: &str = "/?numbers=1,2.5,-3";
const ANSWER: &[&[f64]] = &[&[2.0, 5.0, -6.0]];

/// What was measured of a project.
pub struct Figures {
    bytes: u64,
    build: Duration,
    /// From the start to the server's lines: with an empty cache, and with what that left.
    cold: Duration,
    warm: Duration,
    first: Duration,
    per_second: f64,
    per_second_reused: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "component {:.1} MB, built in {:.1} s, compiled and loaded in {:.1} s, from the cache in \
             {:.2} s, first request {:.0} ms, {:.0} requests/s one after another, {:.0} with --reuse",
            self.bytes as f64 / 1e6,
            self.build.as_secs_f64(),
            self.cold.as_secs_f64(),
            self.warm.as_secs_f64(),
            self.first.as_secs_f64() * 1e3,
            self.per_second,
            self.per_second_reused,
        )
    }
}

/// Builds a project and serves it, a step each, and measures that.
///
/// # Errors
/// Where it does not build or start, or answers wrongly.
pub fn measured(project: &Project<'_>, steps: &mut Steps) -> Result<Figures> {
    let step = steps.begin(&format!("{}: building a new project", project.title()));
    let build = project.build(&step)?;
    step.done(format_args!("{:.1} s", build.as_secs_f64()));
    let step = steps.begin(&format!("{}: serving it", project.title()));
    let (server, cold) = served(project, "1")?;
    server.stop(STOP)?;
    let (server, warm) = served(project, "1")?;
    let (first, per_second) = asked(&server)?;
    server.stop(STOP)?;
    let (server, _) = served(project, "1000")?;
    let (_, per_second_reused) = asked(&server)?;
    server.stop(STOP)?;
    step.done("all answers as they should be");
    Ok(Figures {
        bytes: fs::metadata(project.component())?.len(),
        build,
        cold,
        warm,
        first,
        per_second,
        per_second_reused,
    })
}

/// Builds a project, tests it, serves it, and asks it once, which is a step.
///
/// # Errors
/// Where it does not build or start, its tests fail, or it answers wrongly.
pub fn answers(project: &Project<'_>, steps: &mut Steps) -> Result<()> {
    let step = steps.begin(&format!("{}: testing its kernel", project.title()));
    project.build(&step)?;
    project.test(&step)?;
    answers_with(project, PATH, ANSWER)?;
    step.done("passed, and the answer is as it should be");
    Ok(())
}

/// Serves a project, and compares its answer: a list of numbers a line.
///
/// # Errors
/// Where it does not start, or answers otherwise.
pub fn answers_with(project: &Project<'_>, path: &str, lines: &[&[f64]]) -> Result<()> {
    let (server, _) = served(project, "1")?;
    let runtime = runtime()?;
    let mut connection = runtime.block_on(Connection::open(server.address()))?;
    let text = request("GET", path, server.address(), &[], &[]);
    let response = runtime.block_on(connection.exchange(&text))?;
    check(&response, path, lines)
        .with_context(|| format!("the server said:\n{}", server.recent_output()))?;
    server.stop(STOP)?;
    Ok(())
}

/// A server of the component, and how long it took to listen.
fn served(project: &Project<'_>, reuse: &str) -> Result<(Server, Duration)> {
    let mut command = Command::new(&project.tools.binary);
    command
        .arg("serve")
        .arg(project.component())
        .args(["--addr", "127.0.0.1:0", "--reuse", reuse, "--cache-dir"])
        .arg(project.folder.join("cache"));
    let began = Instant::now();
    let server = Server::start(&mut command, ServerKind::TensorWasm)?;
    Ok((server, began.elapsed()))
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.context("cannot start a runtime")
}

/// Asks a server: how long the first answer takes, and how many there are a second then.
fn asked(server: &Server) -> Result<(Duration, f64)> {
    let runtime = runtime()?;
    let mut connection = runtime.block_on(Connection::open(server.address()))?;
    let text = request("GET", PATH, server.address(), &[], &[]);
    let mut ask = || -> Result<()> {
        let response = runtime.block_on(connection.exchange(&text))?;
        check(&response, PATH, ANSWER)
            .with_context(|| format!("the server said:\n{}", server.recent_output()))
    };
    let began = Instant::now();
    ask()?;
    let first = began.elapsed();
    let began = Instant::now();
    for _ in 0..REQUESTS {
        ask()?;
    }
    Ok((first, f64::from(REQUESTS) / began.elapsed().as_secs_f64()))
}

fn check(response: &Response, path: &str, lines: &[&[f64]]) -> Result<()> {
    let text = String::from_utf8_lossy(&response.body);
    let numbers = |line: &str| -> Vec<f64> {
        let numbers = line.trim().trim_matches(['[', ']']).split(',');
        numbers.filter_map(|n| n.trim().parse().ok()).collect()
    };
    let answered: Vec<Vec<f64>> = text.lines().map(numbers).collect();
    ensure!(
        response.status == 200 && answered == lines,
        "GET {path} was answered {} {text}",
        response.status
    );
    Ok(())
}

//! `cargo xtask languages`: a project of each language that `tensor-wasm new` creates, built by the
//! language's own tools, tested, served, and measured. It takes minutes and needs a network, and is
//! therefore apart from the tests.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use crate::{
    http::{Connection, Response, request},
    kernels::python_with,
    server::{Server, ServerKind},
    steps::{Step, Steps},
    workspace::{Profile, Workspace},
};

/// As the template's `requirements.txt` has it.
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";

/// How long a server may take to end.
const STOP: Duration = Duration::from_secs(30);

/// How many requests are measured.
const REQUESTS: u32 = 200;

/// The request, and its answer: numbers are written differently.
const PATH: &str = "/?numbers=1,2.5,-3";
const ANSWER: [f64; 3] = [2.0, 5.0, -6.0];

/// Create a project in each language, build it, test it, serve it, and measure it.
///
/// Needs Python 3 with venv, Node.js with npm, and a network.
#[derive(clap::Args)]
pub struct Arguments {
    /// Only this one.
    #[arg(value_enum)]
    language: Option<Language>,
    /// Use this binary instead of building one.
    #[arg(long, value_name = "FILE")]
    bin: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    Rust,
    Python,
    Javascript,
}

impl Language {
    fn name(self) -> &'static str {
        match self {
            Language::Rust => "rust",
            Language::Python => "python",
            Language::Javascript => "javascript",
        }
    }
}

/// What was measured of one language.
struct Figures {
    bytes: u64,
    build: Duration,
    /// From the start to the server's lines: with an empty cache, and with what that left.
    cold: Duration,
    warm: Duration,
    first: Duration,
    per_second: f64,
    per_second_reused: f64,
}

/// Runs the command.
///
/// # Errors
/// Where a tool is missing, or a project does not build, does not pass its tests, or answers wrongly.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let languages = match arguments.language {
        Some(language) => vec![language],
        None => vec![Language::Rust, Language::Python, Language::Javascript],
    };
    let components = usize::from(languages.contains(&Language::Rust));
    let mut steps = Steps::new(1 + 4 * languages.len() + components);
    let step = steps.begin("building tensor-wasm");
    let binary = match &arguments.bin {
        Some(binary) => binary.canonicalize().context("cannot find the binary")?,
        None => workspace.build_binary(&step, Profile::Dev, None)?,
    };
    step.done(workspace.relative(&binary));
    let folder = workspace.target().join("languages");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the projects of the last run")?;
    }
    fs::create_dir_all(&folder)?;
    let mut lines = Vec::new();
    for language in languages {
        let figures = measured(workspace, &mut steps, &binary, &folder, language)?;
        lines.push(format!(
            "{}: component {:.1} MB, built in {:.1} s, compiled and loaded in {:.1} s, from the cache \
             in {:.2} s, first request {:.0} ms, {:.0} requests/s one after another, {:.0} with --reuse",
            language.name(),
            figures.bytes as f64 / 1e6,
            figures.build.as_secs_f64(),
            figures.cold.as_secs_f64(),
            figures.warm.as_secs_f64(),
            figures.first.as_secs_f64() * 1e3,
            figures.per_second,
            figures.per_second_reused,
        ));
    }
    for line in lines {
        println!("{line}");
    }
    Ok(())
}

fn measured(
    workspace: &Workspace,
    steps: &mut Steps,
    binary: &Path,
    folder: &Path,
    language: Language,
) -> Result<Figures> {
    let name = format!("a-{}-service", language.name());
    let project = folder.join(&name);

    let step = steps.begin(&format!("{}: creating a project", language.name()));
    step.run(Command::new(binary).current_dir(folder).args([
        "new",
        &name,
        "--lang",
        language.name(),
    ]))?;
    let tools = tools(workspace, &step, language, &project)?;
    step.done(workspace.relative(&project));

    let path = path_with(binary, tools.as_deref())?;
    let in_project = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&project)
            .env("PATH", &path)
            .env_remove("CARGO_TARGET_DIR");
        command
    };

    let step = steps.begin(&format!("{}: building", language.name()));
    let out = project.join("component.wasm");
    let began = Instant::now();
    step.run(in_project("tensor-wasm", &["build", "--out", "component.wasm"]).arg("."))?;
    let build = began.elapsed();
    step.done(format_args!("{:.1} s", build.as_secs_f64()));

    let step = steps.begin(&format!("{}: testing the kernel", language.name()));
    step.run(&mut in_project("tensor-wasm", &["test"]))?;
    step.done("passed");

    if language == Language::Rust {
        let step = steps.begin("rust: building with cargo component");
        let has_it = in_project("cargo", &["component", "--version"]).output();
        if has_it.is_ok_and(|output| output.status.success()) {
            let arguments = [
                "component",
                "build",
                "--release",
                "--target",
                "wasm32-wasip2",
            ];
            step.run(&mut in_project("cargo", &arguments))?;
            let name = format!(
                "target/wasm32-wasip2/release/{}.wasm",
                name.replace('-', "_")
            );
            // What it makes takes the place of cargo's own, and is what is served below.
            fs::copy(project.join(name), &out)?;
            step.done("what it built is served below");
        } else {
            step.done("left out, since it is not installed (`cargo install cargo-component`)");
        }
    }

    let step = steps.begin(&format!("{}: serving", language.name()));
    let cache = project.join("cache");
    let serve = |reuse: &str| {
        let mut command = Command::new(binary);
        command
            .arg("serve")
            .arg(&out)
            .args(["--addr", "127.0.0.1:0", "--reuse", reuse, "--cache-dir"])
            .arg(&cache);
        command
    };
    let began = Instant::now();
    let server = Server::start(&mut serve("1"), ServerKind::TensorWasm)?;
    let cold = began.elapsed();
    server.stop(STOP)?;
    let began = Instant::now();
    let server = Server::start(&mut serve("1"), ServerKind::TensorWasm)?;
    let warm = began.elapsed();
    let (first, per_second) = asked(&server)?;
    server.stop(STOP)?;
    let server = Server::start(&mut serve("1000"), ServerKind::TensorWasm)?;
    let (_, per_second_reused) = asked(&server)?;
    server.stop(STOP)?;
    step.done("all answers as they should be");
    Ok(Figures {
        bytes: fs::metadata(&out)?.len(),
        build,
        cold,
        warm,
        first,
        per_second,
        per_second_reused,
    })
}

/// Gets what the language's own build needs; the folder of its programs, where there is one.
fn tools(
    workspace: &Workspace,
    step: &Step,
    language: Language,
    project: &Path,
) -> Result<Option<PathBuf>> {
    match language {
        Language::Rust => {
            crate::components::add_target(workspace, step)?;
            Ok(None)
        }
        Language::Python => {
            let wanted = fs::read_to_string(project.join("requirements.txt"))?;
            ensure!(
                wanted.trim() == COMPONENTIZE_PY,
                "the template wants {wanted}, and this command installs {COMPONENTIZE_PY}"
            );
            let python = python_with(workspace, step, "languages-venv", COMPONENTIZE_PY)?;
            Ok(python.parent().map(Path::to_owned))
        }
        Language::Javascript => {
            step.run(
                Command::new("npm")
                    .args(["install", "--no-fund", "--no-audit"])
                    .current_dir(project),
            )
            .context("jco is installed by Node.js's npm")?;
            Ok(None)
        }
    }
}

/// The path of programs, with our binary's folder and the tools' first.
fn path_with(binary: &Path, tools: Option<&Path>) -> Result<OsString> {
    let own = binary.parent().context("the binary lies in no folder")?;
    let folders = [Some(own), tools].into_iter().flatten().map(Path::to_owned);
    let others = env::var_os("PATH").unwrap_or_default();
    let others: Vec<_> = env::split_paths(&others).collect();
    Ok(env::join_paths(folders.chain(others))?)
}

/// Asks a server: how long the first answer takes, and how many there are a second then.
fn asked(server: &Server) -> Result<(Duration, f64)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut connection = runtime.block_on(Connection::open(server.address()))?;
    let text = request("GET", PATH, server.address(), &[], &[]);
    let mut ask = || -> Result<()> {
        let response = runtime.block_on(connection.exchange(&text))?;
        check(&response).with_context(|| format!("the server said:\n{}", server.recent_output()))
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

fn check(response: &Response) -> Result<()> {
    let text = String::from_utf8_lossy(&response.body);
    let numbers = text.trim().trim_matches(['[', ']']).split(',');
    let numbers: Vec<f64> = numbers.filter_map(|n| n.trim().parse().ok()).collect();
    ensure!(
        response.status == 200 && numbers == ANSWER,
        "GET {PATH} was answered {} {text}",
        response.status
    );
    Ok(())
}

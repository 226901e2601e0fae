//! `cargo xtask bench sdk`: what an author waits for, and what the SDK costs: projects of
//! `tensor-wasm new`, built by cargo, changed, and compared with generated bindings.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tensor_wasm_test_process::Process;

use crate::{
    components,
    http::{Connection, request},
    server::{Server, ServerKind},
    steps::{Step, Steps},
    workspace::{Profile, Workspace},
};

/// How long a server may take to end, and a change to be served.
const PATIENCE: Duration = Duration::from_secs(120);

/// How many changes are measured, and rounds of requests.
const ROUNDS: usize = 5;

/// How many requests a round has.
const REQUESTS: u32 = 400;

/// How many kernels are added to a project, to measure what one takes to compile.
const KERNELS: u32 = 64;

/// The service of the template `empty`, over generated bindings.
const RAW: &str = include_str!("raw.rs.template");

/// Its kernel, of the templates of other languages.
const DOUBLE: &str = "host/cli/templates/kernels/double.ptx";

/// What `empty` is asked, and answers.
const PATH: &str = "/?numbers=1,2.5,-3";
const ANSWER: &str = "[2.0, 5.0, -6.0]\n";

/// Measure what an author waits for, and what the SDK costs.
///
/// Projects of `tensor-wasm new` are built in one folder: the first one compiles what all
/// depend on. Times of builds are wall time on this machine.
#[derive(clap::Args)]
pub struct Arguments {
    /// Use this binary instead of building one for release.
    #[arg(long, value_name = "FILE")]
    bin: Option<PathBuf>,
}

/// Where projects are made.
struct Bench<'a> {
    workspace: &'a Workspace,
    binary: PathBuf,
    folder: PathBuf,
}

/// Runs the command.
///
/// # Errors
/// Where something does not build, or answers wrongly.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(6);
    let step = steps.begin("building tensor-wasm");
    components::add_target(workspace, &step)?;
    let binary = match &arguments.bin {
        Some(binary) => binary.canonicalize().context("cannot find the binary")?,
        None => workspace.build_binary(&step, Profile::Release, None)?,
    };
    step.done(workspace.relative(&binary));
    let folder = workspace.target().join("bench/sdk");
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove the projects of the last run")?;
    }
    fs::create_dir_all(folder.join("builds"))?;
    let bench = Bench {
        workspace,
        binary,
        folder,
    };
    let mut lines = Vec::new();

    let step = steps.begin("the first project, and what all depend on");
    let first = bench.to_the_first_answer(&step, "first")?;
    lines.push(format!(
        "from new to the first answer, nothing compiled: {}",
        said(first)
    ));
    let again = bench.to_the_first_answer(&step, "second")?;
    lines.push(format!(
        "from new to the first answer, dependencies compiled: {}",
        said(again)
    ));
    step.done(said(first));

    let step = steps.begin("sizes");
    for template in ["empty", "saxpy", "image", "stream", "embeddings"] {
        let project = bench.project(&step, &format!("sized-{template}"), template)?;
        let bytes = fs::metadata(bench.built(&step, &project)?.0)?.len();
        lines.push(format!(
            "size of {template}: {:.1} KiB",
            bytes as f64 / 1024.0
        ));
    }
    step.done("five templates");

    let step = steps.begin("changes that dev serves");
    let mut times = bench.changes(&step)?;
    times.sort();
    lines.push(format!(
        "from a saved file to the swapped service: {} (of {ROUNDS}: {} to {})",
        said(times[times.len() / 2]),
        said(times[0]),
        said(times[times.len() - 1])
    ));
    step.done(said(times[times.len() / 2]));

    let step = steps.begin("kernels, compiled");
    let each = bench.kernel(&step)?;
    lines.push(format!(
        "to compile a kernel, macro and expansion, of {KERNELS}: {:.1} ms each",
        each.as_secs_f64() * 1e3
    ));
    step.done(said(each));

    let step = steps.begin("the SDK against generated bindings");
    let [sdk, raw] = bench.against_bindings(&step)?;
    lines.push(format!(
        "requests one after another: SDK {:.0}/s with {:.1} KiB, generated bindings {:.0}/s with {:.1} KiB",
        sdk.0, sdk.1, raw.0, raw.1
    ));
    step.done("compared");

    for line in lines {
        println!("{line}");
    }
    Ok(())
}

fn said(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

impl Bench<'_> {
    /// Creates a project that is built in the common folder, of the crates of our lock file.
    fn project(&self, step: &Step, name: &str, template: &str) -> Result<PathBuf> {
        step.run(
            Command::new(&self.binary)
                .current_dir(&self.folder)
                .args(["new", name, "--template", template, "--sdk"])
                .arg(self.workspace.root()),
        )?;
        let project = self.folder.join(name);
        symlink(self.folder.join("builds"), project.join("target"))?;
        fs::copy(
            self.workspace.root().join("Cargo.lock"),
            project.join("Cargo.lock"),
        )?;
        Ok(project)
    }

    /// Builds a project: its component, and how long that took.
    fn built(&self, step: &Step, project: &Path) -> Result<(PathBuf, Duration)> {
        let out = project.join("component.wasm");
        let began = Instant::now();
        step.run(
            Command::new(&self.binary)
                .arg("build")
                .arg(project)
                .arg("--out")
                .arg(&out),
        )?;
        Ok((out, began.elapsed()))
    }

    fn serve(&self, component: &Path) -> Result<Server> {
        let mut command = Command::new(&self.binary);
        command
            .arg("serve")
            .arg(component)
            .args(["--addr", "127.0.0.1:0", "--cache-dir"])
            .arg(self.folder.join("cache"));
        Server::start(&mut command, ServerKind::TensorWasm)
    }

    fn to_the_first_answer(&self, step: &Step, name: &str) -> Result<Duration> {
        let began = Instant::now();
        let project = self.project(step, name, "empty")?;
        let (component, _) = self.built(step, &project)?;
        let server = self.serve(&component)?;
        let answer = ask(server.address())?;
        let took = began.elapsed();
        server.stop(PATIENCE)?;
        ensure!(answer == ANSWER, "{PATH} was answered {answer}");
        Ok(took)
    }

    /// Changes the factor of a project's kernel while it is served, and waits for each new answer.
    fn changes(&self, step: &Step) -> Result<Vec<Duration>> {
        let project = self.project(step, "changed", "empty")?;
        let source = project.join("src/lib.rs");
        let text = fs::read_to_string(&source)?;
        let mut command = Command::new(&self.binary);
        command
            .arg("dev")
            .arg(&project)
            .args(["--addr", "127.0.0.1:0"]);
        let mut dev = Process::spawn(&mut command)?;
        let listening = dev.wait_until(PATIENCE, |out| {
            let address = out.strip_prefix("listening on http://")?.lines().next()?;
            address.parse().ok()
        });
        let Ok(address) = listening else {
            anyhow::bail!("`tensor-wasm dev` does not listen: {}", dev.stderr.text());
        };
        ask(address)?;
        let mut times = Vec::new();
        for factor in 3..3 + ROUNDS {
            let changed = text.replace("2.0 * values", &format!("{factor}.0 * values"));
            ensure!(changed != text, "the template's kernel is another one");
            let expected = format!("[{factor}.0, ");
            fs::write(&source, changed)?;
            let began = Instant::now();
            while !ask(address)?.starts_with(&expected) {
                ensure!(
                    began.elapsed() < PATIENCE,
                    "not built: {}",
                    dev.stderr.text()
                );
                std::thread::sleep(Duration::from_millis(5));
            }
            times.push(began.elapsed());
        }
        dev.signal(tensor_wasm_test_process::Signal::TERM)?;
        dev.wait(PATIENCE)?;
        Ok(times)
    }

    /// How much longer a build takes with each kernel more.
    fn kernel(&self, step: &Step) -> Result<Duration> {
        let project = self.project(step, "kernels", "empty")?;
        let source = project.join("src/lib.rs");
        let text = fs::read_to_string(&source)?;
        let mut kernels = text.clone();
        for number in 0..KERNELS {
            write!(
                kernels,
                "\n#[kernel]\npub fn saxpy_{number}(a: f32, x: &[f32], y: GlobalMut<f32>) {{\n    \
                 let i = thread::global_x() as usize;\n    if i < y.len() {{\n        \
                 y.set(i, a * x[i] + y.get(i));\n    }}\n}}\n"
            )?;
        }
        let mut took = [Duration::MAX; 2];
        for round in 0..ROUNDS {
            for (best, text) in took.iter_mut().zip([&text, &kernels]) {
                // A comment, so that cargo builds it each time.
                fs::write(&source, format!("{text}\n// {round}\n"))?;
                *best = (*best).min(self.built(step, &project)?.1);
            }
        }
        Ok(took[1].saturating_sub(took[0]) / KERNELS)
    }

    /// Requests a second and KiB, of the template and of the same over generated bindings.
    fn against_bindings(&self, step: &Step) -> Result<[(f64, f64); 2]> {
        let sdk = self.project(step, "sdk", "empty")?;
        let raw = self.project(step, "raw", "empty")?;
        fs::write(raw.join("src/lib.rs"), RAW)?;
        fs::create_dir_all(raw.join("wit"))?;
        fs::create_dir_all(raw.join("kernels"))?;
        let root = self.workspace.root();
        fs::copy(
            root.join("guest-sdk/wit/tensor.wit"),
            raw.join("wit/tensor.wit"),
        )?;
        fs::copy(root.join(DOUBLE), raw.join("kernels/double.ptx"))?;
        let manifest = fs::read_to_string(raw.join("Cargo.toml"))?;
        let manifest = manifest.replacen(
            "[dependencies]\n",
            "[dependencies]\nwasip2 = \"2.0.1\"\nwit-bindgen = \"0.61.1\"\n",
            1,
        );
        fs::write(raw.join("Cargo.toml"), manifest)?;
        let mut servers = Vec::new();
        for project in [sdk, raw] {
            let (component, _) = self.built(step, &project)?;
            let kib = fs::metadata(&component)?.len() as f64 / 1024.0;
            servers.push((self.serve(&component)?, kib));
        }
        let mut found = [(0.0, 0.0); 2];
        // One after the other in turns, so that a change of the machine's speed is both's.
        for _ in 0..ROUNDS {
            for ((best, size), (server, kib)) in found.iter_mut().zip(&servers) {
                *best = f64::max(*best, per_second(server)?);
                *size = *kib;
            }
        }
        for (server, _) in servers {
            server.stop(PATIENCE)?;
        }
        Ok(found)
    }
}

/// The answer of a server.
fn ask(address: std::net::SocketAddr) -> Result<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let text = request("GET", PATH, address, &[], &[]);
    let response =
        runtime.block_on(async { Connection::open(address).await?.exchange(&text).await })?;
    Ok(String::from_utf8_lossy(&response.body).into_owned())
}

/// How many requests a server answers a second, one after another.
fn per_second(server: &Server) -> Result<f64> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut connection = runtime.block_on(Connection::open(server.address()))?;
    let text = request("GET", PATH, server.address(), &[], &[]);
    let began = Instant::now();
    for _ in 0..REQUESTS {
        let response = runtime.block_on(connection.exchange(&text))?;
        ensure!(
            response.body == ANSWER.as_bytes(),
            "{PATH} was answered {}",
            String::from_utf8_lossy(&response.body)
        );
    }
    Ok(f64::from(REQUESTS) / began.elapsed().as_secs_f64())
}

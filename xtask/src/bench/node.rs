//! `cargo xtask bench node`: what a node costs beside `tensor-wasm serve`, and how it carries
//! many functions, many jobs and a tenant that floods it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::load::{Generator, Load};
use super::rounds::{self, Amount, Bench, STOP, Subject, tensor_wasm_serve};
use crate::demo::write_secret;
use crate::http::{Connection, Response, request};
use crate::server::{Server, ServerKind};
use crate::steps::Step;
use crate::workspace::{Profile, Workspace};

/// How many requests an instance serves in the subjects that reuse instances.
const REUSE: &str = "1000";

/// What the policy in front asks for. Valid for each tenant.
const TOKEN: &str = "a-token-for-the-bench-only";

/// A rate that no measurement reaches: the limiter works, and refuses nothing.
const RATE: u32 = 10_000_000;

/// The tenants of the last measurement.
const QUIET: &str = "1";
const FLOODING: &str = "2";

/// Measure a node: requests, deployments, many functions, jobs, and a quiet tenant beside one
/// that floods.
///
/// All is behind the policy, with its limiter and an audit log in a file. Uses `wrk` where that
/// is on the path. The first table also goes to target/bench/node.json.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    amount: Amount,
    /// How many functions the node of many functions has.
    #[arg(long, default_value_t = 1000, value_name = "N")]
    functions: usize,
    /// How many jobs are run.
    #[arg(long, default_value_t = 500, value_name = "N")]
    jobs: usize,
}

/// Runs the command.
///
/// # Errors
/// Where something does not build or a server fails.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    rounds::run(workspace, "node", &arguments.amount, subjects)?;
    let binary = workspace.binary(Profile::Release);
    let folder = workspace.target().join("bench");
    let built = workspace.components_folder();
    let setup = Setup::new(&binary, &folder, &built)?;
    println!("| what | figure |\n|---|---|");
    setup.deployment(&built.join("image.wasm"))?;
    setup.many_functions(arguments.functions)?;
    setup.jobs(arguments.jobs)?;
    setup.neighbours()
}

/// `serve` and `node` with the same component and options; the node is compared with `serve`.
fn subjects(bench: &Bench<'_>, _step: &Step) -> Result<Vec<Subject>> {
    let built = bench.workspace.components_folder();
    let hello = built.join("tests/hello.wasm");
    let setup = Setup::new(bench.binary, bench.folder, &built)?;
    let mut subjects: Vec<Subject> = Vec::new();
    for reuse in [None, Some(REUSE)] {
        let way = match reuse {
            None => "instance a request".to_owned(),
            Some(count) => format!("{count} requests an instance"),
        };
        let name = format!("node-{}", reuse.unwrap_or("1"));
        let mut serve = tensor_wasm_serve(bench.binary, &hello, &format!("serve, {way}"), reuse);
        serve
            .arguments
            .extend(setup.options(&format!("serve-{name}")));
        // With an address for metrics it counts what a node always counts.
        serve.arguments.push("--admin=127.0.0.1:0".to_owned());
        serve.authorization = Some(format!("Bearer {TOKEN}"));
        let served = subjects.len();
        subjects.push(serve);

        let data = setup.data(&name)?;
        let server = setup.start(&data, &name, &[])?;
        setup.deploy(&server, "hello", &hello, "0")?;
        server.stop(STOP)?;
        let mut arguments = setup.arguments(&data, &name);
        if let Some(count) = reuse {
            arguments.extend(["--reuse", count].map(str::to_owned));
        }
        subjects.push(Subject {
            name: format!("tensor-wasm, node, {way}"),
            kind: ServerKind::TensorWasm,
            program: bench.binary.to_owned(),
            arguments,
            path: "/f/hello",
            authorization: Some(format!("Bearer {TOKEN}")),
            against: Some(served),
        });
    }
    Ok(subjects)
}

/// What nodes are started with.
struct Setup {
    binary: PathBuf,
    folder: PathBuf,
    policy: PathBuf,
    guests: PathBuf,
    tokens: PathBuf,
}

impl Setup {
    fn new(binary: &Path, folder: &Path, built: &Path) -> Result<Setup> {
        let tokens = folder.join("node.tokens");
        write_secret(&tokens, &format!("bench:{TOKEN}\n"))?;
        Ok(Setup {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            policy: built.join("policy.wasm"),
            guests: built.join("tests"),
            tokens,
        })
    }

    /// An empty data directory.
    fn data(&self, name: &str) -> Result<PathBuf> {
        let data = self.folder.join(format!("{name}.data"));
        if data.exists() {
            fs::remove_dir_all(&data)
                .with_context(|| format!("cannot remove {}", data.display()))?;
        }
        Ok(data)
    }

    /// The policy with everything on.
    fn options(&self, name: &str) -> Vec<String> {
        let log = self.folder.join(format!("{name}.audit.log"));
        // Of the run before.
        let _ = fs::remove_file(&log);
        let _ = fs::remove_file(log.with_extension("log.head"));
        vec![
            format!("--policy={}", self.policy.display()),
            format!("--token-file={}", self.tokens.display()),
            format!("--rate-limit-qps={RATE}"),
            format!("--rate-limit-burst={RATE}"),
            format!("--audit-log=file:{}", log.display()),
        ]
    }

    fn arguments(&self, data: &Path, name: &str) -> Vec<String> {
        let mut arguments = ["node", "--addr=127.0.0.1:0"].map(str::to_owned).to_vec();
        arguments.push(format!("--data-dir={}", data.display()));
        arguments.extend(self.options(name));
        arguments
    }

    fn start(&self, data: &Path, name: &str, more: &[&str]) -> Result<Server> {
        let mut command = Command::new(&self.binary);
        command
            .args(self.arguments(data, name))
            .args(more)
            .env_remove("RUST_LOG");
        Server::start(&mut command, ServerKind::TensorWasm)
    }

    fn deploy(&self, server: &Server, name: &str, component: &Path, tenant: &str) -> Result<()> {
        let bytes =
            fs::read(component).with_context(|| format!("cannot read {}", component.display()))?;
        let path = format!("/functions?name={name}");
        let headers = [("Content-Type", "application/wasm")];
        let response = self.send(server, "POST", &path, tenant, &headers, &bytes)?;
        ensure!(
            response.status == 201,
            "deploying answers {}: {}",
            response.status,
            String::from_utf8_lossy(&response.body)
        );
        Ok(())
    }

    fn send(
        &self,
        server: &Server,
        method: &str,
        path: &str,
        tenant: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response> {
        let authorization = format!("Bearer {TOKEN}");
        let mut all = vec![
            ("Authorization", authorization.as_str()),
            ("X-TensorWasm-Tenant", tenant),
        ];
        all.extend_from_slice(headers);
        let text = request(method, path, server.address(), &all, body);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut connection = Connection::open(server.address()).await?;
            connection.exchange(&text).await
        })
    }

    /// From the first byte of a component to the first response of its function.
    fn deployment(&self, component: &Path) -> Result<()> {
        let data = self.data("node-deployment")?;
        let server = self.start(&data, "node-deployment", &[])?;
        let bytes = fs::metadata(component)?.len();
        let begun = Instant::now();
        self.deploy(&server, "app", component, "0")?;
        let deployed = begun.elapsed();
        // Whatever it answers: it runs.
        self.send(&server, "GET", "/f/app", "0", &[], b"")?;
        row(
            &format!(
                "a component of {} KB, from its POST to its first response, compiled anew",
                bytes / 1000
            ),
            &format!("{} (deployed after {})", ms(begun.elapsed()), ms(deployed)),
        );
        server.stop(STOP)?;
        Ok(())
    }

    /// A node with so many functions: its start, its memory, and a function that is cold.
    fn many_functions(&self, count: usize) -> Result<()> {
        let data = self.data("node-many")?;
        let server = self.start(&data, "node-many", &["--max-functions=100000"])?;
        let hello = self.guests.join("hello.wasm");
        let begun = Instant::now();
        for number in 0..count {
            self.deploy(&server, &format!("f{number}"), &hello, "0")?;
        }
        row(
            &format!("{count} deployments, one after another"),
            &format!(
                "{} each",
                ms(begun.elapsed() / u32::try_from(count.max(1))?)
            ),
        );
        server.stop(STOP)?;
        let begun = Instant::now();
        let server = self.start(&data, "node-many", &[])?;
        row(
            &format!("start with {count} functions, until it serves"),
            &ms(begun.elapsed()),
        );
        let mut cold = Vec::new();
        for number in 0..count.min(50) {
            let path = format!("/f/f{number}");
            let begun = Instant::now();
            let response = self.send(&server, "GET", &path, "0", &[], b"")?;
            ensure!(response.status == 200, "{path} answers {}", response.status);
            cold.push(begun.elapsed());
        }
        cold.sort();
        let middle = cold.get(cold.len() / 2).copied().unwrap_or_default();
        row(
            "first invocation of a function that is not loaded, median",
            &ms(middle),
        );
        for number in 0..count {
            self.send(&server, "GET", &format!("/f/f{number}"), "0", &[], b"")?;
        }
        let peak = server.peak_resident_bytes().unwrap_or_default();
        row(
            &format!("memory, peak, after each of {count} functions was invoked"),
            &format!("{} MB", peak / 1_000_000),
        );
        server.stop(STOP)?;
        Ok(())
    }

    /// Jobs from the first request to the last end, each on the disk.
    fn jobs(&self, count: usize) -> Result<()> {
        const SENDERS: usize = 8;
        let data = self.data("node-jobs")?;
        let server = self.start(&data, "node-jobs", &["--max-tenant-jobs=100000"])?;
        self.deploy(&server, "hello", &self.guests.join("hello.wasm"), "0")?;
        let begun = Instant::now();
        std::thread::scope(|scope| {
            let senders: Vec<_> = (0..SENDERS)
                .map(|_| {
                    scope.spawn(|| {
                        for _ in 0..count / SENDERS {
                            let path = "/functions/hello/invoke-async";
                            let response = self.send(&server, "POST", path, "0", &[], b"x")?;
                            ensure!(response.status == 202, "{}", response.status);
                        }
                        Ok(())
                    })
                })
                .collect();
            senders
                .into_iter()
                .try_for_each(|sender| match sender.join() {
                    Ok(sent) => sent,
                    Err(_) => bail!("a thread that sends jobs failed"),
                })
        })?;
        let accepted = begun.elapsed();
        loop {
            let path = "/jobs?state=pending&limit=1";
            let pending = self.send(&server, "GET", path, "0", &[], b"")?;
            let path = "/jobs?state=running&limit=1";
            let running = self.send(&server, "GET", path, "0", &[], b"")?;
            let none = br#"{"jobs":[]"#;
            if pending.body.starts_with(none) && running.body.starts_with(none) {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let sent = (count / SENDERS * SENDERS) as f64;
        row(
            "jobs a second, each on the disk before it is answered and when it ends",
            &format!(
                "{:.0} accepted, {:.0} from the first request to the last end",
                sent / accepted.as_secs_f64(),
                sent / begun.elapsed().as_secs_f64()
            ),
        );
        server.stop(STOP)?;
        Ok(())
    }

    /// A tenant that sends one request after the other, alone and beside one that floods the
    /// node with endless loops.
    fn neighbours(&self) -> Result<()> {
        let data = self.data("node-neighbours")?;
        let server = self.start(&data, "node-neighbours", &["--request-timeout=2s"])?;
        self.deploy(&server, "hello", &self.guests.join("hello.wasm"), QUIET)?;
        let endless = self.guests.join("endless_loop.wasm");
        self.deploy(&server, "loop", &endless, FLOODING)?;
        let authorization = format!("Bearer {TOKEN}");
        let load = |path, tenant, connections, seconds| Load {
            address: server.address(),
            path,
            tenant: Some(tenant),
            authorization: Some(&authorization),
            connections,
            time: Duration::from_secs(seconds),
        };
        let generator = Generator::find();
        generator.run(&load("/f/hello", QUIET, 1, 1))?;
        let alone = generator.run(&load("/f/hello", QUIET, 1, 4))?;
        let beside = std::thread::scope(|scope| {
            let flood = scope.spawn(|| generator.run(&load("/f/loop", FLOODING, 16, 8)));
            std::thread::sleep(Duration::from_secs(2));
            let beside = generator.run(&load("/f/hello", QUIET, 1, 4));
            let _ = flood.join();
            beside
        })?;
        for (name, outcome) in [
            ("a quiet tenant alone, one connection", alone),
            ("the same beside 16 endless loops of another tenant", beside),
        ] {
            row(
                name,
                &format!(
                    "p50 {}, p99 {}, {} errors",
                    ms(outcome.p50),
                    ms(outcome.p99),
                    outcome.errors
                ),
            );
        }
        server.stop(STOP)?;
        Ok(())
    }
}

fn row(what: &str, figure: &str) {
    println!("| {what} | {figure} |");
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

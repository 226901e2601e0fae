//! `cargo xtask bench serve`: how fast a minimal component is served, beside
//! `wasmtime serve` where that is installed, and what a policy in front costs.

use std::{path::Path, process::Command};

use anyhow::Result;

use super::rounds::{self, Amount, Bench, Subject, tensor_wasm_serve};
use crate::{demo::write_secret, server::ServerKind, steps::Step, workspace::Workspace};

/// How many requests an instance serves in the subjects that reuse instances.
const REUSE: &str = "1000";

/// What the policy in front asks for.
const TOKEN: &str = "a-token-for-the-bench-only";

/// Measure how fast a minimal component is served.
///
/// Compares with `wasmtime serve` where `wasmtime` is on the path, and uses
/// `wrk` where that is. The table also goes to target/bench/serve.json.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    amount: Amount,
}

/// Runs the command.
///
/// # Errors
/// Where something does not build or a server fails.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    rounds::run(workspace, "serve", &arguments.amount, subjects)
}

/// What is measured. Ours stands after theirs, and is compared with it; with
/// the policy in front, ours is compared with ours without.
fn subjects(bench: &Bench<'_>, step: &Step) -> Result<Vec<Subject>> {
    let Bench { binary, folder, .. } = *bench;
    let built = bench.workspace.components_folder();
    let hello = built.join("tests/hello.wasm");
    let composite = folder.join("hello-behind-policy.wasm");
    step.run(
        Command::new(binary)
            .arg("compose")
            .arg(built.join("policy.wasm"))
            .arg(&hello)
            .arg("-o")
            .arg(&composite),
    )?;
    let tokens = folder.join("tokens");
    write_secret(&tokens, &format!("bench:{TOKEN}\n"))?;

    let mut subjects: Vec<Subject> = Vec::new();
    for reuse in [None, Some(REUSE)] {
        let way = match reuse {
            None => "instance a request".to_owned(),
            Some(count) => format!("{count} requests an instance"),
        };
        let theirs = bench.with_wasmtime.then(|| {
            subjects.push(wasmtime_serve(&hello, &way, reuse));
            subjects.len() - 1
        });
        let mut ours = tensor_wasm_serve(binary, &hello, &way, reuse);
        ours.against = theirs;
        subjects.push(ours);
        let without = subjects.len() - 1;
        let way = format!("{way}, policy in front");
        let mut behind = tensor_wasm_serve(binary, &composite, &way, reuse);
        // Records are no part of this: `bench policy` measures them.
        behind.arguments.push("--audit-log=none".to_owned());
        behind.arguments.push("--token-file".to_owned());
        behind.arguments.push(tokens.display().to_string());
        behind.authorization = Some(format!("Bearer {TOKEN}"));
        behind.against = Some(without);
        subjects.push(behind);
    }
    Ok(subjects)
}

fn wasmtime_serve(component: &Path, way: &str, reuse: Option<&str>) -> Subject {
    // Rust's standard library imports `wasi:cli`, which this server grants to a
    // service only where it is told to.
    let mut arguments: Vec<_> = ["serve", "--addr", "127.0.0.1:0", "-Scli"]
        .map(str::to_owned)
        .into();
    if let Some(count) = reuse {
        arguments.extend(["--max-instance-reuse-count", count].map(str::to_owned));
    }
    arguments.push(component.display().to_string());
    Subject {
        name: format!("wasmtime serve, {way}"),
        kind: ServerKind::Wasmtime,
        program: "wasmtime".into(),
        arguments,
        path: "/",
        authorization: None,
        against: None,
    }
}

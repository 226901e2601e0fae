//! `cargo xtask bench policy`: what a policy costs, step by step: in front of the
//! smallest service there is, with a limiter, and with records in a file.

use std::{path::Path, process::Command};

use anyhow::Result;

use super::rounds::{self, Amount, Bench, Subject, tensor_wasm_serve};
use crate::{demo::write_secret, steps::Step, workspace::Workspace};

/// How many requests an instance serves in the subjects that reuse instances.
const REUSE: &str = "1000";

/// What the policy asks for.
const TOKEN: &str = "a-token-for-the-bench-only";

/// A rate that no load reaches: it is counted, and nothing is refused.
const RATE: &str = "1000000000";

/// Measure what a policy in front of a service costs.
///
/// The policy composed with the service, then with a limit for each token and a
/// record of each request in a file, and last with instances of its own (`--policy`).
/// The table also goes to target/bench/policy.json.
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
    rounds::run(workspace, "policy", &arguments.amount, subjects)
}

/// What is measured. All others are compared with the service alone.
fn subjects(bench: &Bench<'_>, step: &Step) -> Result<Vec<Subject>> {
    let built = bench.workspace.components_folder();
    let (policy, hello) = (built.join("policy.wasm"), built.join("tests/hello.wasm"));
    let composite = bench.folder.join("hello-behind-policy.wasm");
    step.run(
        Command::new(bench.binary)
            .arg("compose")
            .args([&policy, &hello])
            .arg("-o")
            .arg(&composite),
    )?;
    let tokens = bench.folder.join("tokens");
    write_secret(&tokens, &format!("bench:{TOKEN}\n"))?;
    let tokens = format!("--token-file={}", tokens.display());
    let full = |name: &str| {
        let log = bench.folder.join(format!("{name}.audit.log"));
        vec![
            tokens.clone(),
            format!("--rate-limit-qps={RATE}"),
            format!("--rate-limit-burst={RATE}"),
            format!("--audit-log=file:{}", log.display()),
        ]
    };
    let in_front = format!("--policy={}", policy.display());

    let mut subjects: Vec<Subject> = Vec::new();
    for reuse in [None, Some(REUSE)] {
        let way = match reuse {
            None => "instance a request".to_owned(),
            Some(count) => format!("{count} requests an instance"),
        };
        let without = subjects.len();
        subjects.push(tensor_wasm_serve(
            bench.binary,
            &hello,
            &format!("{way}, no policy"),
            reuse,
        ));
        let mut guarded = |component: &Path, what: &str, arguments: Vec<String>| {
            let way = format!("{way}, {what}");
            let mut subject = tensor_wasm_serve(bench.binary, component, &way, reuse);
            subject.arguments.extend(arguments);
            subject.authorization = Some(format!("Bearer {TOKEN}"));
            subject.against = Some(without);
            subjects.push(subject);
        };
        let plain = vec![tokens.clone(), "--audit-log=none".to_owned()];
        guarded(&composite, "policy composed", plain.clone());
        let name = format!("composed-{}", reuse.unwrap_or("1"));
        guarded(
            &composite,
            "policy composed, limiter, audit file",
            full(&name),
        );
        let mut apart = full(&format!("apart-{}", reuse.unwrap_or("1")));
        apart.push(in_front.clone());
        guarded(&hello, "policy apart, limiter, audit file", apart);
    }
    Ok(subjects)
}

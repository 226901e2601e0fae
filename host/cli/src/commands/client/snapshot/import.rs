//! `tensor-wasm snapshot import`

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, json};
use tensor_wasm_snapshot::Keys;

use super::import_node::NodeImport;
use super::inspect::head;
use super::keys::SecretsKeyOption;
use super::restore::{describe, restore_from};
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::FunctionPage;
use crate::commands::client::options::{ClientOptions, LONG_TIMEOUT};
use crate::commands::client::output;
use crate::commands::client::pages::rows;
use crate::commands::client::request::Target;
use crate::commands::client::text::plain;

/// Restore the functions of all snapshots in a folder, as `export` has written them
///
/// All files are looked at first: where one is no snapshot, or a function is there and --over is not
/// given, nothing is restored. Then one function after another is, each as a whole or not at all.
#[derive(Args)]
#[command(after_help = help())]
pub struct Import {
    /// The folder
    folder: PathBuf,
    /// Restore all of a node, from what `export --node` has written: functions of all tenants with the
    /// ids that they had, what all functions used, jobs that had ended with their results, and snapshots
    /// that the node kept. For tokens that are valid for all tenants
    #[arg(long)]
    node: bool,
    /// Restore over functions that are there, by their names
    #[arg(long)]
    over: bool,
    /// Have their jobs wait again, too, and so run
    #[arg(long)]
    jobs: bool,
    /// Print the node's JSON, a document for each function
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    secrets_key: SecretsKeyOption,
    #[command(flatten)]
    client: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm snapshot import backup
  tensor-wasm snapshot import backup --over --tenant 7
  tensor-wasm snapshot import backup --node --jobs

{EXIT_CODES}"
    )
}

impl Import {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.import())
    }

    async fn import(self) -> Result<(), ClientError> {
        let client = self.client.client_with_timeout(LONG_TIMEOUT)?;
        let key = self.secrets_key.read()?;
        if self.node {
            let import = NodeImport {
                folder: &self.folder,
                over: self.over,
                jobs: self.jobs,
                json: self.json,
                key: key.as_ref().map(|key| key.as_str()),
            };
            return import.run(client).await;
        }
        let files = files_of(&self.folder)?;
        let functions = rows::<FunctionPage>(&client, || Target::of(&["functions"])).await?;
        let present: BTreeSet<_> = functions
            .into_iter()
            .map(|function| function.name)
            .collect();
        for (path, name) in &files {
            if present.contains(name) && !self.over {
                return Err(ClientError::Input(format!(
                    "{} is of the function {}, which is there: --over restores over it",
                    path.display(),
                    plain(name)
                )));
            }
        }
        for (path, name) in &files {
            let mut request = Map::new();
            if present.contains(name) {
                request.insert("over".to_owned(), name.clone().into());
            }
            request.insert("jobs".to_owned(), self.jobs.into());
            if let Some(key) = &key {
                request.insert("secrets_key".to_owned(), json!(key.as_str()));
            }
            let (json, restored) = restore_from(&client, path, request, false).await?;
            match self.json {
                true => output::print_json(&json)?,
                false => output::print(&describe(path, &restored))?,
            }
        }
        Ok(())
    }
}

/// The snapshots in a folder, with the names of their functions.
fn files_of(folder: &Path) -> Result<Vec<(PathBuf, String)>, ClientError> {
    let failed = |cause| ClientError::File {
        path: folder.to_owned(),
        cause,
    };
    let mut files = Vec::new();
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path
            .extension()
            .is_none_or(|extension| extension != "snapshot")
        {
            continue;
        }
        let manifest = head(&path, &Keys::default())?.manifest;
        let name = manifest.function.name;
        if !names.insert(name.clone()) {
            return Err(ClientError::Input(format!(
                "{} is a second snapshot of the function {}",
                path.display(),
                plain(&name)
            )));
        }
        files.push((path, name));
    }
    match files.is_empty() {
        true => Err(ClientError::Input(format!(
            "{} has no files with the ending .snapshot",
            folder.display()
        ))),
        false => {
            files.sort();
            Ok(files)
        }
    }
}

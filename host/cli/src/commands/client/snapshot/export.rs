//! `tensor-wasm snapshot export`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::export_node::NodeExport;
use super::keys::SecretsKeyOption;
use super::save::{describe, refuse_existing, save_as};
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::FunctionPage;
use crate::commands::client::options::{ClientOptions, LONG_TIMEOUT};
use crate::commands::client::output;
use crate::commands::client::pages::rows;
use crate::commands::client::request::Target;

/// Save all functions of the tenant to a folder, a file for each
///
/// Each function is as it was at a moment of its own. `import` makes functions of the files.
#[derive(Args)]
#[command(after_help = help())]
pub struct Export {
    /// The folder, which is made where it is missing
    folder: PathBuf,
    /// Save all of the node: the functions of all tenants and the snapshots that the node keeps, in a
    /// folder for each tenant, and beside them node.snapshot with what all functions used, jobs that have
    /// ended, hashes of tokens, and the end of the audit log. For tokens that are valid for all tenants
    #[arg(long)]
    node: bool,
    /// Write over files that are there
    #[arg(long)]
    force: bool,
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
  tensor-wasm snapshot export backup
  tensor-wasm snapshot export backup --tenant 7 --secrets-key snapshot.key
  tensor-wasm snapshot export backup --node --secrets-key snapshot.key

{EXIT_CODES}"
    )
}

impl Export {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.export())
    }

    async fn export(self) -> Result<(), ClientError> {
        let client = self.client.client_with_timeout(LONG_TIMEOUT)?;
        let key = self.secrets_key.read()?;
        let key = key.as_ref().map(|key| key.as_str());
        if self.node {
            let export = NodeExport {
                folder: &self.folder,
                force: self.force,
                json: self.json,
                key,
            };
            return export.run(client).await;
        }
        let functions = rows::<FunctionPage>(&client, || Target::of(&["functions"])).await?;
        // A name of a function is one of a file: letters, digits and hyphens.
        let files: Vec<_> = functions
            .into_iter()
            .map(|function| {
                let path = self.folder.join(format!("{}.snapshot", function.name));
                (function.id, path)
            })
            .collect();
        for (_, path) in files.iter().filter(|_| !self.force) {
            refuse_existing(path)?;
        }
        std::fs::create_dir_all(&self.folder).map_err(|cause| ClientError::Write {
            path: self.folder.clone(),
            cause,
        })?;
        for (id, path) in &files {
            let (json, saved) = save_as(&client, id, Some(path), key, false).await?;
            match self.json {
                true => output::print_json(&json)?,
                false => output::print(&describe(Some(path), &saved))?,
            }
        }
        match files.is_empty() && !self.json {
            true => output::print("no functions\n"),
            false => Ok(()),
        }
    }
}

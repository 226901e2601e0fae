//! `tensor-wasm snapshot save`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use http::Method;
use serde_json::json;

use super::delete::delete;
use super::download::download;
use super::keys::SecretsKeyOption;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::SavedSnapshot;
use crate::commands::client::options::{ClientOptions, LONG_TIMEOUT};
use crate::commands::client::output;
use crate::commands::client::request::{Call, Target};
use crate::commands::client::text::size;

/// Save a function to a file
///
/// Requests to it go on meanwhile; what its tenant does on the device waits while its named buffers are
/// copied there.
#[derive(Args)]
#[command(after_help = help())]
pub struct Save {
    /// The function's id or name
    id: String,
    /// The file; without one the snapshot stays on the node
    path: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
    /// Keep the snapshot on the node, too: the next one then stores only what has changed
    #[arg(long)]
    keep: bool,
    /// Print the node's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    secrets_key: SecretsKeyOption,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm snapshot save image image.snapshot
  tensor-wasm snapshot save image image.snapshot --keep --secrets-key snapshot.key

{EXIT_CODES}"
    )
}

impl Save {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.save())
    }

    async fn save(self) -> Result<(), ClientError> {
        let client = self.node.client_with_timeout(LONG_TIMEOUT)?;
        if let Some(path) = self.path.as_ref().filter(|path| path.exists())
            && !self.force
        {
            return Err(ClientError::Input(format!(
                "{} is there already: name another file, or write over it with --force",
                path.display()
            )));
        }
        let target = Target::of(&["functions", &self.id, "snapshots"]);
        let mut call = Call::new(Method::POST, target);
        if let Some(key) = self.secrets_key.read()? {
            call = call.with_json(&json!({ "secrets_key": &*key }));
        }
        let (json, saved) = client.json::<SavedSnapshot>(call).await?;
        if let Some(path) = &self.path {
            let downloaded = download(&client, &saved.id, path).await;
            if !self.keep {
                // Whether or not it has arrived.
                let deleted = delete(&client, &saved.id).await;
                downloaded?;
                deleted?;
            } else {
                downloaded?;
            }
        }
        if self.json {
            return output::print_json(&json);
        }
        let place = match &self.path {
            Some(path) => path.display().to_string(),
            None => saved.id.clone(),
        };
        output::print(&format!(
            "{place}: {} of {} ({} buffers, {} jobs), held back for {:.1} ms\n",
            size(saved.file_bytes),
            saved.function,
            saved.buffers,
            saved.jobs,
            saved.paused_ms
        ))
    }
}

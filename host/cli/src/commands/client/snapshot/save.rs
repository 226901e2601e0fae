//! `tensor-wasm snapshot save`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use http::Method;
use serde_json::json;

use super::delete::delete;
use super::download::download;
use super::keys::SecretsKeyOption;
use crate::commands::client::connection::Client;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::SavedSnapshot;
use crate::commands::client::options::{ClientOptions, LONG_TIMEOUT};
use crate::commands::client::output;
use crate::commands::client::request::{Call, Target};
use crate::commands::client::text::{plain, size};

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
        let path = self.path.as_deref();
        if !self.force {
            path.map_or(Ok(()), refuse_existing)?;
        }
        let key = self.secrets_key.read()?;
        let key = key.as_ref().map(|key| key.as_str());
        let (json, saved) = save_as(&client, &self.id, path, key, self.keep).await?;
        if self.json {
            return output::print_json(&json);
        }
        output::print(&describe(path, &saved))
    }
}

/// Refuses to write over a file.
pub fn refuse_existing(path: &Path) -> Result<(), ClientError> {
    match path.exists() {
        true => Err(ClientError::Input(format!(
            "{} is there already: name another file, or write over it with --force",
            path.display()
        ))),
        false => Ok(()),
    }
}

/// Saves a function, on the node or, where one is named, to a file. Returns the node's JSON, too.
///
/// # Errors
///
/// Where the node does not save it, or it does not arrive.
pub async fn save_as(
    client: &Client,
    id: &str,
    path: Option<&Path>,
    secrets_key: Option<&str>,
    keep: bool,
) -> Result<(Bytes, SavedSnapshot), ClientError> {
    let mut call = Call::new(Method::POST, Target::of(&["functions", id, "snapshots"]));
    if let Some(key) = secrets_key {
        call = call.with_json(&json!({ "secrets_key": key }));
    }
    let (json, saved) = client.json::<SavedSnapshot>(call).await?;
    if let Some(path) = path {
        let downloaded = download(client, &saved.id, path).await;
        // Whether or not it has arrived.
        let deleted = match keep {
            true => Ok(()),
            false => delete(client, &saved.id).await,
        };
        downloaded?;
        deleted?;
    }
    Ok((json, saved))
}

/// What a person is shown of a snapshot that was saved.
pub fn describe(path: Option<&Path>, saved: &SavedSnapshot) -> String {
    let place = match path {
        Some(path) => path.display().to_string(),
        None => plain(&saved.id),
    };
    format!(
        "{place}: {} of {} ({} buffers, {} jobs), held back for {:.1} ms\n",
        size(saved.file_bytes),
        plain(&saved.function),
        saved.buffers,
        saved.jobs,
        saved.paused_ms
    )
}

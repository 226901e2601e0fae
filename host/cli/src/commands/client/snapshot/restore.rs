//! `tensor-wasm snapshot restore`

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytes::Bytes;
use clap::Args;
use http::Method;
use serde_json::{Map, Value, json};

use super::delete::delete;
use super::keys::SecretsKeyOption;
use super::upload::upload;
use crate::commands::client::connection::Client;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::RestoredFunction;
use crate::commands::client::options::{ClientOptions, LONG_TIMEOUT};
use crate::commands::client::output;
use crate::commands::client::request::{Call, Target};
use crate::commands::client::text::{list, plain};

/// What ids of snapshots begin with.
const ID_PREFIX: &str = "snap_";

/// Restore a function from a snapshot: all of it, or nothing
///
/// The function gets a new id, and the name that it had or that of --name; with --over the snapshot
/// becomes the next version of a function that is there, which `tensor-wasm rollback` takes back.
#[derive(Args)]
#[command(after_help = help())]
pub struct Restore {
    /// The file or, of a snapshot that is on the node, its id
    snapshot: String,
    /// The name of the new function
    #[arg(long, conflicts_with = "over")]
    name: Option<String>,
    /// The function that is restored, by id or name
    #[arg(long, value_name = "ID")]
    over: Option<String>,
    /// Have its jobs wait again, too, and so run
    #[arg(long)]
    jobs: bool,
    /// Keep the snapshot on the node
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
  tensor-wasm snapshot restore image.snapshot
  tensor-wasm snapshot restore image.snapshot --over image
  tensor-wasm snapshot restore image.snapshot --name image-copy --server http://other:8080

{EXIT_CODES}"
    )
}

impl Restore {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.restore())
    }

    async fn restore(self) -> Result<(), ClientError> {
        let client = self.node.client_with_timeout(LONG_TIMEOUT)?;
        let mut request = Map::new();
        for (name, value) in [("name", &self.name), ("over", &self.over)] {
            if let Some(value) = value {
                request.insert(name.to_owned(), value.clone().into());
            }
        }
        request.insert("jobs".to_owned(), self.jobs.into());
        if let Some(key) = self.secrets_key.read()? {
            request.insert("secrets_key".to_owned(), json!(&*key));
        }
        let path = PathBuf::from(&self.snapshot);
        let is_on_node = self.snapshot.starts_with(ID_PREFIX) && !path.exists();
        let (json, restored) = match is_on_node {
            true => restore(&client, &self.snapshot, request).await?,
            false => restore_from(&client, &path, request, self.keep).await?,
        };
        if self.json {
            return output::print_json(&json);
        }
        let mut text = output::describe(&restored.function);
        let buffers: Vec<_> = restored.buffers.keys().cloned().collect();
        text += &format!("{:<14}{}\n", "buffers", list(&buffers, ", "));
        text += &format!("{:<14}{}\n", "jobs", restored.jobs);
        if !restored.missing_secrets.is_empty() {
            text += &format!(
                "{:<14}{} (set them with `tensor-wasm secrets set`)\n",
                "missing",
                list(&restored.missing_secrets, ", ")
            );
        }
        output::print(&text)
    }
}

/// Restores a snapshot that is on the node. Returns the node's JSON, too.
async fn restore(
    client: &Client,
    id: &str,
    request: Map<String, Value>,
) -> Result<(Bytes, RestoredFunction), ClientError> {
    let target = Target::of(&["snapshots", id, "restore"]);
    let call = Call::new(Method::POST, target).with_json(&Value::Object(request));
    client.json(call).await
}

/// Restores a snapshot from a file.
///
/// # Errors
///
/// Where the node does not take or restore it.
pub async fn restore_from(
    client: &Client,
    path: &Path,
    request: Map<String, Value>,
    keep: bool,
) -> Result<(Bytes, RestoredFunction), ClientError> {
    let id = upload(client, path).await?;
    let restored = restore(client, &id, request).await;
    if !keep {
        let deleted = delete(client, &id).await;
        if restored.is_ok() {
            deleted?;
        }
    }
    restored
}

/// What a person is shown of a function that was restored.
pub fn describe(path: &Path, restored: &RestoredFunction) -> String {
    let mut text = format!(
        "{}: {} ({} buffers, {} jobs)",
        path.display(),
        plain(&restored.function.name),
        restored.buffers.len(),
        restored.jobs
    );
    if !restored.missing_secrets.is_empty() {
        text += &format!(", without {}", list(&restored.missing_secrets, ", "));
    }
    text + "\n"
}

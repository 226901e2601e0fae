//! `tensor-wasm snapshot delete`

use std::process::ExitCode;

use clap::Args;
use http::Method;

use crate::commands::client::connection::Client;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::request::{Call, Target};

/// Delete a snapshot that a node keeps
#[derive(Args)]
#[command(after_help = help())]
pub struct Delete {
    /// The snapshot's id
    id: String,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm snapshot delete snap_0192a7c4e51f4c0d8e2b6a9f3d5c7e1b

{EXIT_CODES}"
    )
}

impl Delete {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(async move { delete(&self.node.client()?, &self.id).await })
    }
}

/// Deletes a snapshot.
///
/// # Errors
///
/// Where the node does not.
pub async fn delete(client: &Client, id: &str) -> Result<(), ClientError> {
    let call = Call::new(Method::DELETE, Target::of(&["snapshots", id]));
    client.send(call).await?.success().await?;
    Ok(())
}

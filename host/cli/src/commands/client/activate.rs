//! `tensor-wasm activate`: one version of a function gets all of its requests.

use std::process::ExitCode;

use clap::Args;

use super::error::{ClientError, EXIT_CODES};
use super::options::{ClientOptions, LONG_TIMEOUT};
use super::output;
use super::rollback::activate;

/// Direct all requests of a function to one of its versions
///
/// Requests that run finish on the version they began on.
#[derive(Args)]
#[command(after_help = help())]
pub struct Activate {
    /// The function's id or name
    id: String,
    /// The version's number, as `tensor-wasm show` lists it
    version: u32,
    /// Print the node's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm activate image 3

{EXIT_CODES}"
    )
}

impl Activate {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.activate())
    }

    async fn activate(self) -> Result<(), ClientError> {
        let client = self.node.client_with_timeout(LONG_TIMEOUT)?;
        activate(&client, &self.id, self.version, self.json).await
    }
}

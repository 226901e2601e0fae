//! `tensor-wasm assets put`

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::local::LocalFile;
use super::sync::upload;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::options::{ClientOptions, LONG_TIMEOUT};
use crate::commands::client::output;

/// Stage a file for a function's next version
#[derive(Args)]
#[command(after_help = help())]
pub struct Put {
    /// The function's id or name; a name need not have a function yet
    id: String,
    /// Where the function finds it, below /assets
    path: String,
    /// The file
    file: PathBuf,
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
  tensor-wasm assets put image weights/model.bin model-v2.bin

{EXIT_CODES}"
    )
}

impl Put {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.put())
    }

    async fn put(self) -> Result<(), ClientError> {
        let client = self.node.client_with_timeout(LONG_TIMEOUT)?;
        let file = LocalFile::open(self.path, self.file)?;
        let json = upload(&client, &self.id, &file).await?;
        match self.json {
            true => output::print_json(&json),
            false => Ok(()),
        }
    }
}

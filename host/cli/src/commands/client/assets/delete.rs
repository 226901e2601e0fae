//! `tensor-wasm assets delete`

use std::process::ExitCode;

use clap::Args;
use http::Method;

use super::target;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::request::{Call, Target};

/// Take a file, or all of them, from what is staged for a function's next version
#[derive(Args)]
#[command(after_help = help())]
pub struct Delete {
    /// The function's id or name
    id: String,
    /// The path below /assets
    #[arg(required_unless_present = "all")]
    path: Option<String>,
    /// All files
    #[arg(long, conflicts_with = "path")]
    all: bool,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm assets delete image weights/model.bin
  tensor-wasm assets delete image --all

{EXIT_CODES}"
    )
}

impl Delete {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.delete())
    }

    async fn delete(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let target = match &self.path {
            Some(path) => target(&self.id, path),
            None => Target::of(&["functions", &self.id, "assets"]),
        };
        let call = Call::new(Method::DELETE, target);
        client.send(call).await?.success().await?;
        Ok(())
    }
}

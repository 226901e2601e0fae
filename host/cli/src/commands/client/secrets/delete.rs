//! `tensor-wasm secrets delete`

use std::process::ExitCode;

use clap::Args;
use http::Method;

use super::target;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::request::Call;

/// Delete a secret of a function
#[derive(Args)]
#[command(after_help = help())]
pub struct Delete {
    /// The function's id or name
    id: String,
    /// The secret's name
    name: String,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm secrets delete image API_KEY

{EXIT_CODES}"
    )
}

impl Delete {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.delete())
    }

    async fn delete(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let call = Call::new(Method::DELETE, target(&self.id, &self.name));
        client.send(call).await?.success().await?;
        Ok(())
    }
}

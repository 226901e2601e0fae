//! `tensor-wasm settings show`

use std::process::ExitCode;

use clap::Args;

use super::{described, target};
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::FunctionConfig;
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::request::Call;

/// Show the settings of a function: values, and the names of its secrets
#[derive(Args)]
#[command(after_help = help())]
pub struct Show {
    /// The function's id or name
    id: String,
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
  tensor-wasm settings show image
  tensor-wasm settings show image --json | jq -r .values.mode

{EXIT_CODES}"
    )
}

impl Show {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.show())
    }

    async fn show(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let call = Call::get(target(&self.id));
        let (json, config) = client.json::<FunctionConfig>(call).await?;
        if self.json {
            return output::print_json(&json);
        }
        output::print(&described(&config))
    }
}

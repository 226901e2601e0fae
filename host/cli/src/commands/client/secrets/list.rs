//! `tensor-wasm secrets list`

use std::process::ExitCode;

use clap::Args;

use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::FunctionConfig;
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::request::{Call, Target};
use crate::commands::client::text::plain;

/// List the names of a function's secrets, a line each
#[derive(Args)]
#[command(after_help = help())]
pub struct List {
    /// The function's id or name
    id: String,
    /// Print the node's JSON, which has all settings
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm secrets list image

{EXIT_CODES}"
    )
}

impl List {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.list())
    }

    async fn list(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let call = Call::get(Target::of(&["functions", &self.id, "config"]));
        let (json, config) = client.json::<FunctionConfig>(call).await?;
        if self.json {
            return output::print_json(&json);
        }
        let names = config.secrets.iter();
        let lines: String = names.map(|name| format!("{}\n", plain(name))).collect();
        output::print(&lines)
    }
}

//! `tensor-wasm settings unset`

use std::process::ExitCode;

use clap::Args;

use super::{change, described};
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::text::plain;

/// Remove values of a function's settings; the others stay
#[derive(Args)]
#[command(after_help = help())]
pub struct Unset {
    /// The function's id or name
    id: String,
    /// The names of the values
    #[arg(value_name = "NAME", required = true)]
    names: Vec<String>,
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
  tensor-wasm settings unset image quality

{EXIT_CODES}"
    )
}

impl Unset {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.unset())
    }

    async fn unset(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let names = self.names;
        let (json, config) = change(&client, &self.id, |values| {
            for name in names {
                if values.remove(&name).is_none() {
                    return Err(ClientError::Input(format!(
                        "the function has no value `{}`: `tensor-wasm settings show` lists those \
                         there are, and `tensor-wasm secrets delete` deletes a secret",
                        plain(&name)
                    )));
                }
            }
            Ok(())
        })
        .await?;
        if self.json {
            return output::print_json(&json);
        }
        output::print(&described(&config))
    }
}

//! `tensor-wasm settings set`

use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;

use super::{change, described};
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;

/// Set values of a function's settings; the others stay
#[derive(Args)]
#[command(after_help = help())]
pub struct Set {
    /// The function's id or name
    id: String,
    /// A name of letters, digits and . _ -, and the value that the function finds there
    #[arg(value_name = "NAME=VALUE", required = true)]
    values: Vec<Assignment>,
    /// Print the node's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

/// A name and its value.
#[derive(Clone)]
struct Assignment {
    name: String,
    value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| "write NAME=VALUE".to_owned())?;
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm settings set image mode=fast
  tensor-wasm settings set image quality=90 \"greeting=hello there\"

{EXIT_CODES}"
    )
}

impl Set {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.set())
    }

    async fn set(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let assignments = self.values;
        let (json, config) = change(&client, &self.id, |values| {
            for assignment in assignments {
                values.insert(assignment.name, assignment.value);
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

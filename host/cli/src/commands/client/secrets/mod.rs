//! `tensor-wasm secrets`: settings of a function that are never read back.

mod delete;
mod list;
mod set;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::error::EXIT_CODES;
use super::request::Target;

/// Set, list and delete the secrets that a function finds in wasi:config/store
///
/// The node keeps them sealed, and shows nobody but the function what they are.
#[derive(Args)]
#[command(after_help = help())]
pub struct Secrets {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Set(set::Set),
    List(list::List),
    Delete(delete::Delete),
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm secrets set image API_KEY < api.key
  tensor-wasm secrets set image API_KEY --from-env API_KEY
  tensor-wasm secrets list image
  tensor-wasm secrets delete image API_KEY

{EXIT_CODES}"
    )
}

impl Secrets {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Set(command) => command.run(),
            Command::List(command) => command.run(),
            Command::Delete(command) => command.run(),
        }
    }
}

/// Where a secret of a function is.
fn target(id: &str, name: &str) -> Target {
    Target::of(&["functions", id, "secrets", name])
}

//! `tensor-wasm assets`: read-only files that a function finds below `/assets`.

mod delete;
mod list;
mod local;
mod put;
mod sync;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::error::EXIT_CODES;
use super::request::Target;

pub use sync::sync;

/// List, upload and delete the files that a function finds below /assets
///
/// They are staged for the function's next version: `tensor-wasm deploy` gives a version what is
/// staged then, and a version's files never change. `tensor-wasm deploy --assets DIR` stages a whole
/// folder first.
#[derive(Args)]
#[command(after_help = help())]
pub struct Assets {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::List),
    Put(put::Put),
    Delete(delete::Delete),
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm assets put image weights/model.bin model-v2.bin
  tensor-wasm deploy image.wasm
  tensor-wasm assets list image --version 2
  tensor-wasm assets delete image weights/model.bin

{EXIT_CODES}"
    )
}

impl Assets {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List(command) => command.run(),
            Command::Put(command) => command.run(),
            Command::Delete(command) => command.run(),
        }
    }
}

/// Where an asset is staged: its path's names are segments of the target.
fn target(id: &str, path: &str) -> Target {
    let segments = ["functions", id, "assets"].into_iter();
    Target::of(&segments.chain(path.split('/')).collect::<Vec<_>>())
}

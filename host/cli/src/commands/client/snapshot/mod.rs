//! `tensor-wasm snapshot`: a function with what it keeps on its device, as a file.

mod delete;
mod download;
mod export;
mod export_node;
mod import;
mod import_node;
mod inspect;
mod keys;
mod list;
mod node_file;
mod prepare;
mod restore;
mod save;
mod upload;
mod verify;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::error::EXIT_CODES;

/// Save a function with what it keeps on its device, and restore it there or elsewhere
///
/// A snapshot has the versions of the function that get requests, their assets, the contents of their
/// named buffers, its settings, and its jobs that wait. Secrets are in it only with --secrets-key.
/// `verify` and `inspect` read a file, and need no node.
#[derive(Args)]
#[command(after_help = help())]
pub struct Snapshot {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Save(save::Save),
    Restore(restore::Restore),
    Verify(verify::Verify),
    Inspect(inspect::Inspect),
    List(list::List),
    Delete(delete::Delete),
    Export(export::Export),
    Prepare(prepare::Prepare),
    Import(import::Import),
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm snapshot save image image.snapshot
  tensor-wasm snapshot verify image.snapshot
  tensor-wasm snapshot restore image.snapshot --over image
  tensor-wasm snapshot restore image.snapshot --name image-copy --server http://other:8080
  tensor-wasm snapshot export backup

{EXIT_CODES}"
    )
}

impl Snapshot {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Save(command) => command.run(),
            Command::Restore(command) => command.run(),
            Command::Verify(command) => command.run(),
            Command::Inspect(command) => command.run(),
            Command::List(command) => command.run(),
            Command::Delete(command) => command.run(),
            Command::Export(command) => command.run(),
            Command::Prepare(command) => command.run(),
            Command::Import(command) => command.run(),
        }
    }
}

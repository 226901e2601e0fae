//! `tensor-wasm`: serves WebAssembly components that use a GPU as a capability.
//!
//! This crate reads options, calls the crates that do the work, and prints. Each command
//! has a file of its own under `commands/`.

// Neither panics nor fails where an output of the program can't be written.
#![deny(clippy::print_stderr, clippy::print_stdout)]

#[macro_use]
mod output;

mod commands;
mod config;
mod environment;
mod log;
mod project;
mod values;
mod version;

use std::process::ExitCode;

use clap::Parser;
use tensor_wasm_node::traces::TraceConfig;

use commands::Command;

/// Serves WebAssembly components that use a GPU as a capability.
#[derive(Parser)]
#[command(name = "tensor-wasm", version, long_version = version::long(), max_term_width = 100, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  tensor-wasm serve image.wasm                      serve a component on 127.0.0.1:8080
  tensor-wasm serve image.wasm --policy policy.wasm --token-file tokens
  tensor-wasm inspect image.wasm                    what does it import, and ask for?
  tensor-wasm kernel check blur.ptx                 can the device run these kernels?
  tensor-wasm config show                           what is set, and by what?

Each command explains itself: tensor-wasm serve --help";

fn main() -> ExitCode {
    environment::backtraces_only_where_asked_for();
    let config::Loaded { cli, mut settings } = match config::load(std::env::args_os().collect()) {
        Ok(loaded) => loaded,
        Err(error) => return error.report(),
    };
    // The commands that stay. They have their settings, and read no variable of ours again.
    if let Command::Serve(_) | Command::Node(_) = cli.command {
        let traces = TraceConfig::from_variables(environment::text);
        settings.traces = match traces {
            Ok(traces) => traces,
            Err(error) => {
                report(&error.into());
                return ExitCode::FAILURE;
            }
        };
        let mut secrets = config::secret_variables();
        secrets.extend(TraceConfig::SECRET_VARIABLES.map(str::to_owned));
        environment::forget(&secrets);
    }
    match cli.command.run(settings) {
        Ok(code) => code,
        Err(error) => {
            report(&error);
            ExitCode::FAILURE
        }
    }
}

/// Prints an error with its causes, each on a line.
fn report(error: &anyhow::Error) {
    tell!("error: {error}");
    let mut last = error.to_string();
    for cause in error.chain().skip(1) {
        let text = cause.to_string();
        // Some errors repeat their cause in their own text.
        if !last.contains(&text) {
            tell!("  caused by: {text}");
        }
        last = text;
    }
}

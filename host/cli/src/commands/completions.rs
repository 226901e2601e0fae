//! `tensor-wasm completions`: what a shell needs to complete our options.

use std::process::ExitCode;

use clap::Args;
use clap_complete::{Shell, generate};

/// Print a completion script for a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm completions bash > ~/.local/share/bash-completion/completions/tensor-wasm
  tensor-wasm completions zsh > ~/.zfunc/_tensor-wasm
  tensor-wasm completions fish > ~/.config/fish/completions/tensor-wasm.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let mut script = Vec::new();
        generate(
            self.shell,
            &mut crate::config::command(),
            "tensor-wasm",
            &mut script,
        );
        super::print(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}

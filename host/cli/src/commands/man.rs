//! `tensor-wasm man`: manual pages, made of what `--help` says.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use clap_mangen::{Man, generate_to};

/// Print the manual page, or write those of all commands
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm man | man --local-file -
  tensor-wasm man --out ~/.local/share/man/man1")]
pub struct ManPages {
    /// Write a page for each command to this folder, which is made where it is missing
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

impl ManPages {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let command = crate::config::command();
        match self.out {
            Some(folder) => {
                let written =
                    std::fs::create_dir_all(&folder).and_then(|()| generate_to(command, &folder));
                written.with_context(|| format!("can't write to {}", folder.display()))?;
            }
            None => {
                let mut page = Vec::new();
                Man::new(command).render(&mut page)?;
                super::print(&String::from_utf8_lossy(&page))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

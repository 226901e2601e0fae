//! `tensor-wasm snapshot prepare`

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use tensor_wasm_node::audit::anchor_beside;
use tensor_wasm_node::tokens::TokenList;

use super::keys::TrustOptions;
use super::node_file;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::output;
use crate::commands::client::text::plain;

/// Write the tokens and the end of the audit log of an exported node, before a node is started in its
/// place
///
/// The tokens are written as hashes, so that whoever had one has it again. The new node's audit log goes
/// on where the old one was when it was exported: its first record has the next number, and the hash of
/// the old one's last record. Neither file may be there. `import --node` does the rest once the node runs.
#[derive(Args)]
#[command(after_help = help())]
pub struct Prepare {
    /// The folder that `export --node` has written
    folder: PathBuf,
    /// The token file that is written, as --token-file of the node names it
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The audit log that the node is to write, as --audit-log file:FILE names it
    #[arg(long, value_name = "FILE")]
    audit_log: Option<PathBuf>,
    /// The anchor of that log, which is written; by default beside it, as FILE.head
    #[arg(long, value_name = "FILE", requires = "audit_log")]
    audit_anchor: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm snapshot prepare backup --token-file tokens --audit-log audit.log
  tensor-wasm snapshot prepare backup --token-file tokens --require-signature

{EXIT_CODES}"
    )
}

impl Prepare {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(async move { self.prepare() })
    }

    fn prepare(&self) -> Result<(), ClientError> {
        let state = node_file::read(&self.folder, &self.trust.keys()?)?;
        let mut text = String::new();
        // Both are looked at before one is written.
        let tokens = match &self.token_file {
            Some(path) => Some((path, tokens(path, &state.tokens)?)),
            None => None,
        };
        let anchor = match &self.audit_log {
            Some(log) => Some(self.anchor(log, &state)?),
            None => None,
        };
        if let Some((path, count)) = tokens {
            write_new(path, &state.tokens)?;
            text += &format!("{}: {count} tokens\n", path.display());
            if state.tokens_left_out > 0 {
                text += &format!(
                    "  {} tokens that the node had in the clear are not among them\n",
                    state.tokens_left_out
                );
            }
        }
        if let Some((path, head)) = anchor {
            write_new(&path, &format!("{head}\n"))?;
            text += &format!("{}: the audit log goes on after {head}\n", path.display());
        }
        if text.is_empty() {
            text = "nothing to write: name a --token-file or an --audit-log\n".to_owned();
        }
        output::print(&text)
    }

    /// The file of the anchor, and what it is to hold.
    fn anchor(
        &self,
        log: &Path,
        state: &node_file::NodeState,
    ) -> Result<(PathBuf, String), ClientError> {
        let Some(end) = &state.audit else {
            return Err(ClientError::Input(format!(
                "the node whose state is in {} had no audit log in a file",
                self.folder.display()
            )));
        };
        let anchor = self.audit_anchor.clone();
        let anchor = anchor.unwrap_or_else(|| anchor_beside(log));
        refuse(log)?;
        refuse(&anchor)?;
        Ok((anchor, format!("{:020}:{}", end.seq, plain(&end.hash))))
    }
}

/// How many tokens there are, where they can be a new token file's.
fn tokens(path: &Path, text: &str) -> Result<usize, ClientError> {
    refuse(path)?;
    match TokenList::parse(text) {
        Ok(list) => Ok(list.len()),
        Err(error) => Err(ClientError::Input(format!(
            "the tokens of the node can't be used: {error}"
        ))),
    }
}

fn refuse(path: &Path) -> Result<(), ClientError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(ClientError::Input(format!(
            "{} is there already: name another file, or move it away",
            path.display()
        ))),
        Err(_) => Ok(()),
    }
}

/// Writes a file that only its owner may read.
fn write_new(path: &Path, text: &str) -> Result<(), ClientError> {
    let written = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    written().map_err(|cause| ClientError::Write {
        path: path.to_owned(),
        cause,
    })
}

//! `tensor-wasm verify`: whether a node does its work, as its client sees it. A function of the
//! command's own ([`FUNCTION`]) is deployed, invoked and removed, and what the node tells of that is
//! checked.

mod audit;
mod checks;
mod metrics;
mod report;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::address::NodeAddress;
use super::error::{ClientError, EXIT_CODES};
use super::options::{ClientOptions, LONG_TIMEOUT};
use super::output;
use checks::Verification;

/// The function that is deployed, as WebAssembly text.
const FUNCTION: &str = include_str!("function.wat");

/// Check that a node works: deploy a built-in function, invoke it, and remove it
///
/// Says for each step what it saw. The function gets a name of its own, and is removed whatever
/// happens, also where the command is interrupted. The node's metrics have to show the deployment and
/// the invocation, and that its audit log is written: at the address of --admin or, for a token that is
/// valid for all tenants, through the API. With --audit-log the records of both have to be in the file.
#[derive(Args)]
#[command(after_help = help())]
pub struct Verify {
    /// The node's address of --admin, for its metrics: http://HOST:PORT, https://HOST:PORT or
    /// unix:PATH
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<NodeAddress>,
    /// The node's audit log, where it is a file that can be read here
    #[arg(long, value_name = "FILE")]
    audit_log: Option<PathBuf>,
    /// Print what was seen as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm verify --server http://127.0.0.1:8080
  tensor-wasm verify --server https://node.example --admin http://127.0.0.1:9090
  tensor-wasm verify --audit-log /var/log/tensor-wasm/audit.log --json

A check that fails ends the command with exit code 1, and an answer of the node with that answer's.

{EXIT_CODES}"
    )
}

impl Verify {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.verify())
    }

    async fn verify(self) -> Result<(), ClientError> {
        let client = self.node.client_with_timeout(LONG_TIMEOUT)?;
        let admin = match &self.admin {
            Some(address) => Some(self.node.client_of_nobody(address)?),
            None => None,
        };
        let mut verification = Verification::new(client, admin, self.audit_log)?;
        let interrupted = tokio::select! {
            () = verification.run() => false,
            _ = tokio::signal::ctrl_c() => true,
        };
        verification.clean_up().await;
        let (report, failure) = verification.end(interrupted);
        match self.json {
            true => output::print_json(report.json().to_string().as_bytes())?,
            false => output::print(&report.text())?,
        }
        failure.map_or(Ok(()), Err)
    }
}

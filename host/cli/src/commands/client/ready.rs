//! `tensor-wasm ready`

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use http::StatusCode;
use serde::Deserialize;

use super::address::NodeAddress;
use super::error::{ClientError, EXIT_CODES};
use super::options::ClientOptions;
use super::output;
use super::request::{Call, Target};

/// Ask a server or node whether it is ready, as health checks do
///
/// Ends with 0 where /readyz answers 200, and otherwise with another code, and names the parts that can't
/// do their work. It needs no token where the policy lets everybody read that path, as a node's does.
#[derive(Args)]
#[command(after_help = help())]
pub struct Ready {
    /// Ask at the address of --admin instead, which needs no token
    #[arg(long, value_name = "ADDRESS", help_heading = "Node")]
    admin: Option<NodeAddress>,
    #[command(flatten)]
    node: ClientOptions,
}

/// What the API answers where it is not ready.
#[derive(Deserialize)]
struct Unavailable {
    unavailable: Vec<String>,
}

/// The longest answer that is shown, in bytes.
const LONGEST: usize = 4096;

/// How long it may say nothing.
const TIMEOUT: Duration = Duration::from_secs(10);

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm ready
  tensor-wasm ready --admin http://127.0.0.1:9090

{EXIT_CODES}"
    )
}

impl Ready {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.ready())
    }

    async fn ready(self) -> Result<(), ClientError> {
        let client = match &self.admin {
            Some(address) => self.node.client_of_nobody(address)?,
            None => self.node.client_with_timeout(TIMEOUT)?,
        };
        let mut answer = client.send(Call::get(Target::of(&["readyz"]))).await?;
        if answer.status != StatusCode::SERVICE_UNAVAILABLE {
            answer.success().await?;
            return output::print("ready\n");
        }
        let mut body = Vec::new();
        while body.len() < LONGEST
            && let Some(part) = answer.part().await?
        {
            body.extend_from_slice(&part);
        }
        Err(ClientError::NotReady(match serde_json::from_slice(&body) {
            Ok(Unavailable { unavailable }) => unavailable.join(", "),
            // As the address of --admin says it.
            Err(_) => String::from_utf8_lossy(&body).into_owned(),
        }))
    }
}

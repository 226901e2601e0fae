//! `tensor-wasm rollback`: an older version of a function gets its requests again.

use std::process::ExitCode;

use clap::Args;
use http::Method;

use super::connection::Client;
use super::error::{ClientError, EXIT_CODES};
use super::model::Function;
use super::options::{ClientOptions, LONG_TIMEOUT};
use super::output;
use super::request::{Call, Target};
use super::text::plain;

/// Direct a function's requests to another of its versions
///
/// Without --to, to the newest version below those that get requests now. Requests that
/// run finish on the version they began on.
#[derive(Args)]
#[command(after_help = help())]
pub struct Rollback {
    /// The function's id or name
    id: String,
    /// The version that is to get all requests
    #[arg(long, value_name = "VERSION")]
    to: Option<u32>,
    /// Print the node's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm rollback image
  tensor-wasm rollback image --to 3

{EXIT_CODES}"
    )
}

impl Rollback {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.roll_back())
    }

    async fn roll_back(self) -> Result<(), ClientError> {
        let client = self.node.client_with_timeout(LONG_TIMEOUT)?;
        let version = match self.to {
            Some(version) => version,
            None => {
                let call = Call::get(Target::of(&["functions", &self.id]));
                let (_, function) = client.json::<Function>(call).await?;
                version_before(&function).ok_or_else(|| {
                    ClientError::Input(format!(
                        "the function {} has no version below the one that gets its requests: \
                         `tensor-wasm show {}` lists them, and --to names one",
                        plain(&function.name),
                        plain(&self.id)
                    ))
                })?
            }
        };
        activate(&client, &self.id, version, self.json).await
    }
}

/// Directs all requests of a function to one of its versions, and says so.
///
/// # Errors
///
/// Where the node refuses it.
pub async fn activate(
    client: &Client,
    id: &str,
    version: u32,
    json: bool,
) -> Result<(), ClientError> {
    let number = version.to_string();
    let target = Target::of(&["functions", id, "versions", &number, "activate"]);
    let call = Call::new(Method::POST, target);
    let (answer, function) = client.json::<Function>(call).await?;
    if json {
        return output::print_json(&answer);
    }
    output::print(&format!(
        "{}: version {} gets all requests\n",
        plain(&function.name),
        function.version
    ))
}

/// The newest version that is older than all that get requests.
fn version_before(function: &Function) -> Option<u32> {
    let active = function.traffic.iter().filter(|(_, percent)| **percent > 0);
    let oldest = active.map(|(version, _)| *version).min();
    let oldest = oldest.unwrap_or(function.version);
    let versions = function.versions.iter().map(|version| version.version);
    versions.filter(|version| *version < oldest).max()
}

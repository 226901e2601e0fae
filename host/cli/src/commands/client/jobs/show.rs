//! `tensor-wasm jobs show`

use std::process::ExitCode;

use clap::Args;

use super::describe;
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::Job;
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::request::{Call, Target};

/// Show a job
#[derive(Args)]
#[command(after_help = help())]
pub struct Show {
    /// The job's id
    id: String,
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
  tensor-wasm jobs show job_0123456789abcdef0123456789abcdef
  tensor-wasm jobs show $JOB --json | jq -r .state

{EXIT_CODES}"
    )
}

impl Show {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.show())
    }

    async fn show(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let call = Call::get(Target::of(&["jobs", &self.id]));
        let (json, job) = client.json::<Job>(call).await?;
        if self.json {
            return output::print_json(&json);
        }
        output::print(&describe(&job))
    }
}

//! `tensor-wasm jobs cancel`

use std::process::ExitCode;

use clap::Args;
use http::Method;

use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::Job;
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::request::{Call, Target};
use crate::commands::client::text::plain;

/// Cancel a job; one that has ended stays as it is
#[derive(Args)]
#[command(after_help = help())]
pub struct Cancel {
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
  tensor-wasm jobs cancel job_0123456789abcdef0123456789abcdef

{EXIT_CODES}"
    )
}

impl Cancel {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.cancel())
    }

    async fn cancel(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let call = Call::new(Method::DELETE, Target::of(&["jobs", &self.id]));
        let (json, job) = client.json::<Job>(call).await?;
        if self.json {
            return output::print_json(&json);
        }
        output::print(&format!("{} {}\n", plain(&job.id), plain(&job.state)))
    }
}

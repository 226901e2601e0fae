//! `tensor-wasm jobs result`

use std::process::ExitCode;

use clap::Args;

use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::request::{Call, Target};
use crate::commands::client::response::pass_on;

/// Print the response that a job's function gave
#[derive(Args)]
#[command(after_help = help())]
pub struct Result {
    /// The job's id
    id: String,
    /// Print the head of the response too
    #[arg(long)]
    include: bool,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm jobs result job_0123456789abcdef0123456789abcdef > out.png
  tensor-wasm jobs result $JOB --include

{EXIT_CODES}"
    )
}

impl Result {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.print())
    }

    async fn print(self) -> std::result::Result<(), ClientError> {
        let client = self.node.client()?;
        let call = Call::get(Target::of(&["jobs", &self.id, "result"]));
        pass_on(client.send(call).await?, self.include).await
    }
}

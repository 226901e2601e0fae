//! `tensor-wasm jobs list`

use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::JobPage;
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::pages::{print_pages, rows};
use crate::commands::client::request::Target;
use crate::commands::client::text::plain;

/// List a tenant's jobs, newest first
#[derive(Args)]
#[command(after_help = help())]
pub struct List {
    /// Those of this function alone, by its id or name
    #[arg(long, value_name = "ID")]
    function: Option<String>,
    /// Those in this state alone
    #[arg(long, value_enum)]
    state: Option<JobState>,
    /// Print the node's JSON: a document for each 100 jobs
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

/// Where a job is in its life.
#[derive(Clone, Copy, ValueEnum)]
enum JobState {
    /// It waits for its turn, or for another attempt
    Pending,
    /// It runs
    Running,
    /// The function answered
    Succeeded,
    /// All attempts failed
    Failed,
    /// Somebody cancelled it
    Cancelled,
    /// It ran when the node ended, and is not to be run again
    Lost,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm jobs list
  tensor-wasm jobs list --function image --state failed
  tensor-wasm jobs list --json | jq -r '.jobs[].id'

{EXIT_CODES}"
    )
}

impl List {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.list())
    }

    async fn list(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let state = self.state.and_then(|state| state.to_possible_value());
        let target = || {
            Target::of(&["jobs"])
                .with_query("function", self.function.as_ref())
                .with_query("state", state.as_ref().map(|state| state.get_name()))
        };
        if self.json {
            return print_pages::<JobPage>(&client, target).await;
        }
        let jobs = rows::<JobPage>(&client, target).await?;
        let rows: Vec<[String; 6]> = jobs
            .iter()
            .map(|job| {
                let status = job.status.map(|status| status.to_string());
                [
                    plain(&job.id),
                    plain(&job.function),
                    plain(&job.state),
                    format!("{} of {}", job.attempts, job.max_attempts),
                    status.unwrap_or_else(|| "-".to_owned()),
                    plain(&job.created_at),
                ]
            })
            .collect();
        let titles = ["ID", "FUNCTION", "STATE", "ATTEMPTS", "STATUS", "CREATED"];
        output::print_table(titles, &rows, "no jobs")
    }
}

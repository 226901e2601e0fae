//! `tensor-wasm jobs wait`

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;

use super::{describe, has_ended};
use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::Job;
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::request::{Call, Target};
use crate::commands::client::text::plain;
use crate::values;

/// How long the first pause between two questions is; each further one is longer by half.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause between two questions.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Wait until a job has ended
///
/// Ends with 0 where it succeeded, with 7 where it failed, and with 1 where it was cancelled
/// or lost. While the node can't be reached, for example since it starts anew, it waits on.
#[derive(Args)]
#[command(after_help = help())]
pub struct Wait {
    /// The job's id
    id: String,
    /// How long to wait; the command then ends with 6, and the job goes on
    #[arg(long = "for", value_name = "TIME", value_parser = values::duration)]
    limit: Option<Duration>,
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
  tensor-wasm jobs wait job_0123456789abcdef0123456789abcdef
  tensor-wasm jobs wait $JOB --for 5m && tensor-wasm jobs result $JOB

{EXIT_CODES}"
    )
}

impl Wait {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.wait())
    }

    async fn wait(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut has_answered = false;
        let mut state = "not known".to_owned();
        loop {
            let call = Call::get(Target::of(&["jobs", &self.id]));
            match client.json::<Job>(call).await {
                Ok((json, job)) if has_ended(&job.state) => {
                    if self.json {
                        output::print_json(&json)?;
                    } else {
                        output::print(&describe(&job))?;
                    }
                    return outcome(&job);
                }
                Ok((_, job)) => {
                    has_answered = true;
                    state = plain(&job.state);
                }
                // A node that never was there is not waited for: the address may be wrong.
                Err(error) if has_answered && error.may_pass() => {}
                Err(error) => return Err(error),
            }
            let waited = start.elapsed();
            let left = self.limit.map(|limit| limit.saturating_sub(waited));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(ClientError::StillRunning {
                    id: plain(&self.id),
                    state,
                    waited: self.limit.unwrap_or(waited),
                });
            }
            tokio::time::sleep(left.map_or(pause, |left| pause.min(left))).await;
            pause = LONGEST_PAUSE.min(pause * 3 / 2);
        }
    }
}

/// What a job's end means for whoever waited for it.
fn outcome(job: &Job) -> Result<(), ClientError> {
    let because = job.error.as_ref().map_or_else(String::new, |error| {
        format!(": {}: {}", plain(&error.kind), plain(&error.message))
    });
    let (id, state) = (plain(&job.id), plain(&job.state));
    match job.state.as_str() {
        "succeeded" => Ok(()),
        "failed" => Err(ClientError::Job {
            text: format!("the job {id} failed{because}"),
            is_failure: true,
        }),
        _ => Err(ClientError::Job {
            text: format!("the job {id} is {state}{because}"),
            is_failure: false,
        }),
    }
}

//! `tensor-wasm jobs`: invocations that a node runs by itself, and keeps the results of.

mod cancel;
mod list;
mod result;
mod show;
mod wait;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::error::EXIT_CODES;
use super::model::Job;
use super::text::plain;

/// See what becomes of jobs: invocations that the node runs by itself
#[derive(Args)]
#[command(after_help = help())]
pub struct Jobs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(list::List),
    Show(show::Show),
    Result(result::Result),
    Cancel(cancel::Cancel),
    Wait(wait::Wait),
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm invoke image --async --data @cat.png    make a job, and print its id
  tensor-wasm jobs list --state running
  tensor-wasm jobs wait JOB && tensor-wasm jobs result JOB > out.png

{EXIT_CODES}"
    )
}

impl Jobs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::List(command) => command.run(),
            Command::Show(command) => command.run(),
            Command::Result(command) => command.run(),
            Command::Cancel(command) => command.run(),
            Command::Wait(command) => command.run(),
        }
    }
}

/// Whether a job in this state never leaves it.
fn has_ended(state: &str) -> bool {
    !matches!(state, "pending" | "running")
}

/// What a person is shown of a job.
fn describe(job: &Job) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| text += &format!("{name:<10}{}\n", plain(value));
    let or_dash = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    line("id", &job.id);
    line(
        "function",
        &format!("{} ({})", job.function, job.function_id),
    );
    line("state", &job.state);
    line(
        "attempts",
        &format!("{} of {}", job.attempts, job.max_attempts),
    );
    line("created", &job.created_at);
    line("started", &or_dash(&job.started_at));
    line("finished", &or_dash(&job.finished_at));
    let status = job.status.map(|status| status.to_string());
    line("status", &or_dash(&status));
    if let Some(error) = &job.error {
        line("error", &format!("{}: {}", error.kind, error.message));
    }
    text
}

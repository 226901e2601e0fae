//! `tensor-wasm logs`: what a function writes.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::error::{ClientError, EXIT_CODES};
use super::model::LogPage;
use super::options::ClientOptions;
use super::output;
use super::request::{Call, Target};
use super::text::plain;

/// How long to wait before the node is asked for new lines again.
const PAUSE: Duration = Duration::from_millis(500);

/// Show what a function wrote to its standard output and error
///
/// The node keeps the last lines of each function, up to 2000; its own log keeps all of them.
#[derive(Args)]
#[command(after_help = help())]
pub struct Logs {
    /// The function's name or id
    function: String,
    /// Go on with the lines that follow, until the command is interrupted
    #[arg(long, short)]
    follow: bool,
    /// Print each line as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm logs saxpy
  tensor-wasm logs saxpy --follow
  tensor-wasm logs saxpy --json | jq -r 'select(.stream == \"stderr\").text'

{EXIT_CODES}"
    )
}

impl Logs {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.show())
    }

    async fn show(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let mut after = 0;
        loop {
            let target = Target::of(&["functions", &self.function, "logs"])
                .with_query("after", Some(after))
                .with_query("limit", Some(1000));
            let (_, page) = client.json::<LogPage>(Call::get(target)).await?;
            let mut text = String::new();
            for line in &page.lines {
                match self.json {
                    true => text += &format!("{line}\n"),
                    false => text += &shown(line),
                }
            }
            output::print(&text)?;
            let is_last = page.lines.is_empty() || page.next == after;
            after = page.next;
            if is_last {
                if !self.follow {
                    return Ok(());
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// A line for people: when, which request, which stream, and the text.
fn shown(line: &Value) -> String {
    let text = |name: &str| plain(line.get(name).and_then(Value::as_str).unwrap_or("-"));
    format!(
        "{} {} {} {}\n",
        text("time"),
        text("request_id"),
        text("stream"),
        text("text")
    )
}

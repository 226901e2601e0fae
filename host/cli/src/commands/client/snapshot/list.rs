//! `tensor-wasm snapshot list`

use std::process::ExitCode;

use clap::Args;

use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::SnapshotPage;
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::pages::{print_pages, rows};
use crate::commands::client::request::Target;
use crate::commands::client::text::{plain, size};

/// List the snapshots that a node keeps, newest first
#[derive(Args)]
#[command(after_help = help())]
pub struct List {
    /// Those of this function alone, by its id or name
    #[arg(long, value_name = "ID")]
    function: Option<String>,
    /// Print the node's JSON: a document for each 100 snapshots
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm snapshot list
  tensor-wasm snapshot list --function image --json

{EXIT_CODES}"
    )
}

impl List {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.list())
    }

    async fn list(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let target = || Target::of(&["snapshots"]).with_query("function", self.function.as_ref());
        if self.json {
            return print_pages::<SnapshotPage>(&client, target).await;
        }
        let snapshots = rows::<SnapshotPage>(&client, target).await?;
        let rows: Vec<[String; 5]> = snapshots
            .iter()
            .map(|snapshot| {
                [
                    plain(&snapshot.id),
                    plain(&snapshot.function),
                    size(snapshot.file_bytes),
                    plain(&snapshot.created_at),
                    plain(snapshot.signed_by.as_deref().unwrap_or("-")),
                ]
            })
            .collect();
        let titles = ["ID", "FUNCTION", "SIZE", "CREATED", "SIGNED BY"];
        output::print_table(titles, &rows, "no snapshots")
    }
}

//! `tensor-wasm show`: a function and its versions.

use std::process::ExitCode;

use clap::Args;

use super::error::{ClientError, EXIT_CODES};
use super::model::Function;
use super::options::ClientOptions;
use super::output::{self, describe};
use super::request::{Call, Target};
use super::text::{plain, size};
use crate::commands::table::table;

/// Show a function of a node, and its versions
#[derive(Args)]
#[command(after_help = help())]
pub struct Show {
    /// The function's id or name
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
  tensor-wasm show image
  tensor-wasm show image --json | jq '.versions[].digest'

{EXIT_CODES}"
    )
}

impl Show {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.show())
    }

    async fn show(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let call = Call::get(Target::of(&["functions", &self.id]));
        let (json, function) = client.json::<Function>(call).await?;
        if self.json {
            return output::print_json(&json);
        }
        let rows: Vec<[String; 7]> = function
            .versions
            .iter()
            .map(|version| {
                let percent = function.traffic.get(&version.version);
                [
                    version.version.to_string(),
                    percent.map_or_else(|| "-".to_owned(), |percent| format!("{percent}%")),
                    size(version.size_bytes),
                    match version.asset_files {
                        0 => "-".to_owned(),
                        files => format!("{files} ({})", size(version.asset_bytes)),
                    },
                    plain(&version.created_at),
                    version.created_by.as_deref().map_or("-".to_owned(), plain),
                    plain(&version.digest),
                ]
            })
            .collect();
        let titles = [
            "VERSION", "TRAFFIC", "SIZE", "ASSETS", "CREATED", "BY", "DIGEST",
        ];
        let versions = table(titles, &rows);
        output::print(&format!("{}\n{versions}", describe(&function)))
    }
}

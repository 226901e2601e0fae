//! `tensor-wasm assets list`

use std::process::ExitCode;

use clap::Args;

use crate::commands::client::error::{ClientError, EXIT_CODES};
use crate::commands::client::model::AssetList;
use crate::commands::client::options::ClientOptions;
use crate::commands::client::output;
use crate::commands::client::request::{Call, Target};
use crate::commands::client::text::{plain, size};
use crate::commands::table::table;

/// List what is staged for a function's next version, or the files of a version
#[derive(Args)]
#[command(after_help = help())]
pub struct List {
    /// The function's id or name
    id: String,
    /// The version whose files are listed
    #[arg(long, value_name = "VERSION")]
    version: Option<u32>,
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
  tensor-wasm assets list image
  tensor-wasm assets list image --version 2

{EXIT_CODES}"
    )
}

impl List {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.list())
    }

    async fn list(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let target = Target::of(&["functions", &self.id, "assets"]);
        let target = target.with_query("version", self.version);
        let (json, list) = client.json::<AssetList>(Call::get(target)).await?;
        if self.json {
            return output::print_json(&json);
        }
        if list.assets.is_empty() {
            return output::print("no assets\n");
        }
        let assets = list.assets.iter();
        let rows: Vec<[String; 3]> = assets
            .map(|asset| {
                [
                    plain(&asset.path),
                    size(asset.size_bytes),
                    plain(&asset.digest),
                ]
            })
            .collect();
        output::print(&table(["PATH", "SIZE", "DIGEST"], &rows))
    }
}

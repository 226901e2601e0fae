//! `tensor-wasm list`: the functions of a tenant.

use std::process::ExitCode;

use clap::Args;

use super::error::{ClientError, EXIT_CODES};
use super::model::FunctionPage;
use super::options::ClientOptions;
use super::output::{self, traffic};
use super::pages::each_page;
use super::request::Target;
use super::text::{list, plain, size};
use crate::commands::table::table;

/// List a tenant's functions on a node
#[derive(Args)]
#[command(after_help = help())]
pub struct List {
    /// Print the node's JSON: a document for each 100 functions
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm list
  tensor-wasm list --tenant 7
  tensor-wasm list --json | jq -r '.functions[].name'

{EXIT_CODES}"
    )
}

impl List {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.list())
    }

    async fn list(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let mut functions = Vec::new();
        let target = || Target::of(&["functions"]);
        each_page(&client, target, |json, page: FunctionPage| {
            if self.json {
                output::print_json(json)?;
            } else {
                functions.extend(page.functions);
            }
            Ok(page.next)
        })
        .await?;
        if self.json {
            return Ok(());
        }
        if functions.is_empty() {
            return output::print("no functions\n");
        }
        let rows: Vec<[String; 7]> = functions
            .iter()
            .map(|function| {
                [
                    plain(&function.name),
                    plain(&function.id),
                    function.version.to_string(),
                    traffic(function),
                    size(function.size_bytes),
                    plain(&function.updated_at),
                    list(&function.capabilities, ","),
                ]
            })
            .collect();
        let titles = [
            "NAME",
            "ID",
            "VERSION",
            "TRAFFIC",
            "SIZE",
            "UPDATED",
            "CAPABILITIES",
        ];
        output::print(&table(titles, &rows))
    }
}

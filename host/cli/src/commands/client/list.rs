//! `tensor-wasm list`: the functions of a tenant.

use std::process::ExitCode;

use clap::Args;

use super::error::{ClientError, EXIT_CODES};
use super::model::FunctionPage;
use super::options::ClientOptions;
use super::output::{self, traffic};
use super::pages::{print_pages, rows};
use super::request::Target;
use super::text::{list, plain, size};

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
        let target = || Target::of(&["functions"]);
        if self.json {
            return print_pages::<FunctionPage>(&client, target).await;
        }
        let functions = rows::<FunctionPage>(&client, target).await?;
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
        output::print_table(titles, &rows, "no functions")
    }
}

//! `tensor-wasm outgoing`: the servers that a function may send HTTP requests to.

use std::process::ExitCode;

use clap::Args;
use http::Method;
use serde_json::json;

use super::error::{ClientError, EXIT_CODES};
use super::model::OutgoingHttp;
use super::options::ClientOptions;
use super::output;
use super::request::{Call, Target};
use super::text::plain;

/// Show or set the servers that a function may send HTTP requests to
///
/// The operator of the node grants servers to each tenant; a function's own list only takes some of
/// them away. A change holds for requests that begin after it.
#[derive(Args)]
#[command(after_help = help())]
pub struct Outgoing {
    /// The function's id or name
    id: String,
    /// The only servers that it may send requests to, HOST or HOST:PORT; repeatable
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with_all = ["none", "all"])]
    allow: Vec<String>,
    /// It may send requests to no server
    #[arg(long, conflicts_with = "all")]
    none: bool,
    /// It may send requests to all servers that the operator grants
    #[arg(long)]
    all: bool,
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
  tensor-wasm outgoing image
  tensor-wasm outgoing image --allow api.example --allow models.example:8443
  tensor-wasm outgoing image --none

{EXIT_CODES}"
    )
}

impl Outgoing {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.set())
    }

    async fn set(self) -> Result<(), ClientError> {
        let target = Target::of(&["functions", &self.id, "outgoing-http"]);
        let put = |hosts: Option<&[String]>| {
            Call::new(Method::PUT, target).with_json(&json!({ "hosts": hosts }))
        };
        let call = match (self.allow.as_slice(), self.none, self.all) {
            (hosts @ [_, ..], ..) => put(Some(hosts)),
            ([], true, _) => put(Some(&[])),
            ([], _, true) => put(None),
            ([], false, false) => Call::get(Target::of(&["functions", &self.id, "outgoing-http"])),
        };
        let client = self.node.client()?;
        let (json, outgoing) = client.json::<OutgoingHttp>(call).await?;
        if self.json {
            return output::print_json(&json);
        }
        output::print(&described(&outgoing))
    }
}

fn described(outgoing: &OutgoingHttp) -> String {
    let list = |hosts: &[String]| match hosts {
        [] => "none".to_owned(),
        hosts => plain(&hosts.join(", ")),
    };
    let own = outgoing.hosts.as_deref();
    format!(
        "{:<10}{}\n{:<10}{}\n",
        "allowed",
        own.map_or_else(|| "all that are granted".to_owned(), list),
        "granted",
        list(&outgoing.granted)
    )
}

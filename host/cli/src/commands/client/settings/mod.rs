//! `tensor-wasm settings`: what a function finds in `wasi:config/store`.

mod set;
mod show;
mod unset;

use std::collections::BTreeMap;
use std::process::ExitCode;

use bytes::Bytes;
use clap::{Args, Subcommand};
use http::Method;
use serde_json::json;

use super::connection::Client;
use super::error::{ClientError, EXIT_CODES};
use super::model::FunctionConfig;
use super::request::{Call, Target};
use super::text::plain;
use crate::commands::table::aligned;

/// Show or change the settings that a function finds in wasi:config/store
///
/// They are the function's, whatever its version, and hold for requests that begin after the change.
/// What is secret is set by `tensor-wasm secrets`.
#[derive(Args)]
#[command(after_help = help())]
pub struct Settings {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Show(show::Show),
    Set(set::Set),
    Unset(unset::Unset),
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm settings show image
  tensor-wasm settings set image mode=fast quality=90
  tensor-wasm settings unset image quality

{EXIT_CODES}"
    )
}

impl Settings {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Show(command) => command.run(),
            Command::Set(command) => command.run(),
            Command::Unset(command) => command.run(),
        }
    }
}

fn target(id: &str) -> Target {
    Target::of(&["functions", id, "config"])
}

/// Changes the values of a function. What another client changes at the same time may be lost.
///
/// # Errors
///
/// Where the node refuses it, or `change` does.
async fn change(
    client: &Client,
    id: &str,
    change: impl FnOnce(&mut BTreeMap<String, String>) -> Result<(), ClientError>,
) -> Result<(Bytes, FunctionConfig), ClientError> {
    let (_, config) = client.json::<FunctionConfig>(Call::get(target(id))).await?;
    let mut values = config.values;
    change(&mut values)?;
    let call = Call::new(Method::PUT, target(id)).with_json(&json!({ "values": values }));
    client.json(call).await
}

/// What a person is shown of settings: a line each, secrets without their values.
fn described(config: &FunctionConfig) -> String {
    let values = config.values.iter();
    let mut rows: Vec<Vec<String>> = values
        .map(|(name, value)| vec![plain(name), plain(value)])
        .collect();
    let secrets = config.secrets.iter();
    rows.extend(secrets.map(|name| vec![plain(name), "(secret)".to_owned()]));
    match rows.is_empty() {
        true => "no settings\n".to_owned(),
        false => aligned(&rows),
    }
}

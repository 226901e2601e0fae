//! `tensor-wasm traffic`: how the requests of a function are divided among its versions.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;
use http::Method;
use serde_json::json;

use super::error::{ClientError, EXIT_CODES};
use super::model::Function;
use super::options::{ClientOptions, LONG_TIMEOUT};
use super::output::{self, traffic};
use super::request::{Call, Target};
use super::text::plain;

/// Divide a function's requests among its versions, or show how they are divided
///
/// A new version gets a part of the requests first (a canary), the one before it the rest. Requests
/// that run finish on the version they began on. `tensor-wasm deploy` directs all requests to the
/// version that it makes; `tensor-wasm activate` directs all of them to one version.
#[derive(Args)]
#[command(after_help = help())]
pub struct Traffic {
    /// The function's id or name
    id: String,
    /// Percent of the requests, by version: one or two versions, 100 in all
    #[arg(value_name = "VERSION=PERCENT")]
    weights: Vec<Weight>,
    /// Print the node's JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    node: ClientOptions,
}

/// How much one version gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Weight {
    version: u32,
    percent: u8,
}

impl FromStr for Weight {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once('=').and_then(|(version, percent)| {
            let percent = percent.strip_suffix('%').unwrap_or(percent);
            Some(Self {
                version: version.parse().ok()?,
                percent: percent.parse().ok()?,
            })
        });
        parsed.ok_or_else(|| "write the number of a version and percent, such as 2=10".to_owned())
    }
}

fn help() -> String {
    format!(
        "\
Examples:
  tensor-wasm traffic image
  tensor-wasm traffic image 1=90 2=10
  tensor-wasm traffic image 2=100

{EXIT_CODES}"
    )
}

impl Traffic {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.divide())
    }

    async fn divide(self) -> Result<(), ClientError> {
        let call = match self.weights.is_empty() {
            true => Call::get(Target::of(&["functions", &self.id])),
            false => {
                let mut versions = BTreeMap::new();
                for weight in &self.weights {
                    if versions.insert(weight.version, weight.percent).is_some() {
                        return Err(ClientError::Input(format!(
                            "version {} is named twice",
                            weight.version
                        )));
                    }
                }
                let target = Target::of(&["functions", &self.id, "traffic"]);
                Call::new(Method::PUT, target).with_json(&json!({ "versions": versions }))
            }
        };
        let client = self.node.client_with_timeout(LONG_TIMEOUT)?;
        let (json, function) = client.json::<Function>(call).await?;
        if self.json {
            return output::print_json(&json);
        }
        output::print(&format!(
            "{}: {}\n",
            plain(&function.name),
            traffic(&function)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_a_version_and_percent() {
        for text in ["2=10", "2=10%"] {
            let expected = Weight {
                version: 2,
                percent: 10,
            };
            assert_eq!(text.parse(), Ok(expected));
        }
        for wrong in ["", "2", "=10", "2=", "2=ten", "2=300", "-1=10"] {
            assert!(wrong.parse::<Weight>().is_err(), "{wrong}");
        }
    }
}

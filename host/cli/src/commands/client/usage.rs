//! `tensor-wasm usage`: what a tenant's functions have used.

use std::collections::BTreeSet;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value};

use super::error::{ClientError, EXIT_CODES};
use super::model::Usage as Answer;
use super::options::ClientOptions;
use super::output;
use super::request::{Call, Target};
use super::text::plain;
use crate::commands::table::aligned;

/// Show what a tenant's functions have used, by function and hour
#[derive(Args)]
#[command(after_help = help())]
pub struct Usage {
    /// From when on: a time such as 2026-11-30T09:00:00Z, or a day; by default as the node
    /// has it
    #[arg(long, value_name = "TIME", value_parser = time)]
    from: Option<String>,
    /// Until when, that time left out
    #[arg(long, value_name = "TIME", value_parser = time)]
    to: Option<String>,
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
  tensor-wasm usage
  tensor-wasm usage --from 2026-11-01 --to 2026-12-01
  tensor-wasm usage --json | jq '[.usage[].requests] | add'

{EXIT_CODES}"
    )
}

/// A time in the form of RFC 3339 in UTC, or a day.
fn time(text: &str) -> Result<String, String> {
    let whole = match text.len() {
        10 => format!("{text}T00:00:00Z"),
        _ => text.to_owned(),
    };
    humantime::parse_rfc3339(&whole)
        .map(|_| whole)
        .map_err(|_| "write a time such as 2026-11-30T09:00:00Z, or a day".to_owned())
}

impl Usage {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        output::run(self.show())
    }

    async fn show(self) -> Result<(), ClientError> {
        let client = self.node.client()?;
        let target = Target::of(&["usage"])
            .with_query("from", self.from.as_ref())
            .with_query("to", self.to.as_ref());
        let (json, answer) = client.json::<Answer>(Call::get(target)).await?;
        if self.json {
            return output::print_json(&json);
        }
        if answer.usage.is_empty() {
            return output::print("nothing was used\n");
        }
        output::print(&columns(&answer.usage))
    }
}

/// The columns that come first; the rest follow by name.
const FIRST: [&str; 4] = ["hour", "function", "function_id", "requests"];

/// All members of the records as columns, so that whatever a node meters is shown.
fn columns(records: &[Map<String, Value>]) -> String {
    let all: BTreeSet<&str> = records
        .iter()
        .flat_map(|record| record.keys().map(String::as_str))
        .collect();
    let first = FIRST.into_iter().filter(|name| all.contains(name));
    let rest = all.iter().copied().filter(|name| !FIRST.contains(name));
    let names: Vec<&str> = first.chain(rest).collect();
    let cell = |record: &Map<String, Value>, name: &str| match record.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => plain(text),
        Some(value) => plain(&value.to_string()),
    };
    let mut rows = vec![
        names
            .iter()
            .map(|name| plain(&name.to_uppercase()))
            .collect(),
    ];
    rows.extend(records.iter().map(|record| {
        let cells = names.iter().map(|name| cell(record, name));
        cells.collect::<Vec<String>>()
    }));
    aligned(&rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_time_is_one_of_rfc_3339_or_a_day() {
        assert_eq!(time("2026-11-30").unwrap(), "2026-11-30T00:00:00Z");
        let exact = "2026-11-30T09:00:00.5Z";
        assert_eq!(time(exact).unwrap(), exact);
        for wrong in ["", "now", "2026-13-01", "2026-11-30T09:00"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn whatever_is_metered_has_a_column() {
        let records = [
            json!({"function": "a", "hour": "h", "cpu_seconds": 1.5}),
            json!({"function": "b", "hour": "h", "launches": 3}),
        ];
        let records = records.map(|record| record.as_object().unwrap().clone());
        assert_eq!(
            columns(&records),
            "HOUR  FUNCTION  CPU_SECONDS  LAUNCHES\n\
             h     a         1.5          -\n\
             h     b         -            3\n"
        );
    }
}

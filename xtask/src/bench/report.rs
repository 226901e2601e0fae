//! What the measurements come to: medians, ratios taken round by round, and
//! the same as a table for readers and as JSON for programs.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use super::load::Outcome;

/// The measurements of one subject at one number of connections.
pub struct Cell {
    /// What was measured, for example `tensor-wasm, instance a request`.
    pub subject: String,
    /// How many connections sent at a time.
    pub connections: usize,
    /// One outcome a round, in order.
    pub rounds: Vec<Outcome>,
    /// The most memory that the server held, in bytes, where the system tells.
    pub peak_resident_bytes: Option<u64>,
    /// The subject that this one is compared with: its place among the cells of
    /// the same number of connections.
    pub against: Option<usize>,
}

impl Cell {
    fn rate(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.rate))
    }

    fn p50(&self) -> Duration {
        Duration::from_secs_f64(median(
            self.rounds.iter().map(|round| round.p50.as_secs_f64()),
        ))
    }

    fn p99(&self) -> Duration {
        Duration::from_secs_f64(median(
            self.rounds.iter().map(|round| round.p99.as_secs_f64()),
        ))
    }

    fn errors(&self) -> u64 {
        self.rounds.iter().map(|round| round.errors).sum()
    }

    /// How many times the other's rate this one has: the median over the
    /// rounds, so that a machine whose speed drifts changes both sides alike.
    fn ratio(&self, other: &Self) -> f64 {
        median(
            self.rounds
                .iter()
                .zip(&other.rounds)
                .map(|(ours, theirs)| ours.rate / theirs.rate),
        )
    }
}

/// A whole run: for each number of connections, one cell a subject.
pub struct Report {
    /// The machine and the programs, as lines of name and value.
    pub conditions: Vec<(&'static str, String)>,
    /// The cells, grouped by their number of connections.
    pub groups: Vec<Vec<Cell>>,
}

impl Report {
    /// The report in Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::new();
        for (name, value) in &self.conditions {
            let _ = writeln!(text, "- {name}: {value}");
        }
        text.push_str(
            "\n| connections | subject | requests/s | p50 ms | p99 ms | peak memory MiB | times the rate of |\n\
             |---:|---|---:|---:|---:|---:|---|\n",
        );
        for (cell, against) in self.cells() {
            let memory = cell.peak_resident_bytes.map_or_else(
                || "?".to_owned(),
                |bytes| format!("{:.0}", bytes as f64 / 1048576.0),
            );
            let ratio = against.map_or_else(String::new, |other| {
                format!("{:.2} × {}", cell.ratio(other), other.subject)
            });
            let errors = match cell.errors() {
                0 => String::new(),
                errors => format!(" ({errors} errors)"),
            };
            let _ = writeln!(
                text,
                "| {} | {}{errors} | {:.0} | {:.2} | {:.2} | {memory} | {ratio} |",
                cell.connections,
                cell.subject,
                cell.rate(),
                cell.p50().as_secs_f64() * 1e3,
                cell.p99().as_secs_f64() * 1e3,
            );
        }
        text
    }

    /// The report with every round's figures.
    pub fn json(&self) -> Value {
        let conditions: serde_json::Map<_, _> = self
            .conditions
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let cells: Vec<_> = self
            .cells()
            .map(|(cell, against)| {
                json!({
                    "subject": cell.subject,
                    "connections": cell.connections,
                    "requests_per_second": cell.rate(),
                    "p50_seconds": cell.p50().as_secs_f64(),
                    "p99_seconds": cell.p99().as_secs_f64(),
                    "peak_resident_bytes": cell.peak_resident_bytes,
                    "errors": cell.errors(),
                    "against": against.map(|other| &other.subject),
                    "ratio": against.map(|other| cell.ratio(other)),
                    "rounds": cell.rounds.iter().map(|round| json!({
                        "requests_per_second": round.rate,
                        "p50_seconds": round.p50.as_secs_f64(),
                        "p99_seconds": round.p99.as_secs_f64(),
                        "errors": round.errors,
                    })).collect::<Vec<_>>(),
                })
            })
            .collect();
        json!({ "conditions": conditions, "cells": cells })
    }

    fn cells(&self) -> impl Iterator<Item = (&Cell, Option<&Cell>)> {
        self.groups.iter().flat_map(|group| {
            group
                .iter()
                .map(move |cell| (cell, cell.against.and_then(|place| group.get(place))))
        })
    }
}

/// The middle value; of an even number, the lower of the two in the middle.
pub fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(subject: &str, rates: &[f64], against: Option<usize>) -> Cell {
        let rounds = rates.iter().map(|rate| Outcome {
            rate: *rate,
            p50: Duration::from_micros(500),
            p99: Duration::from_millis(2),
            errors: 0,
        });
        Cell {
            subject: subject.to_owned(),
            connections: 16,
            rounds: rounds.collect(),
            peak_resident_bytes: Some(64 << 20),
            against,
        }
    }

    #[test]
    fn ratios_hold_when_the_machine_slows_down_between_rounds() {
        let report = Report {
            conditions: vec![("processors", "2".to_owned())],
            groups: vec![vec![
                cell("theirs", &[1000.0, 100.0, 500.0], None),
                cell("ours", &[2000.0, 200.0, 1000.0], Some(0)),
            ]],
        };
        let table = report.markdown();
        assert!(
            table.contains("| 16 | ours | 1000 | 0.50 | 2.00 | 64 | 2.00 × theirs |"),
            "{table}"
        );
        let json = report.json();
        assert_eq!(json.pointer("/cells/1/ratio"), Some(&json!(2.0)));
        assert_eq!(json.pointer("/cells/0/ratio"), Some(&Value::Null));
    }

    #[test]
    fn the_median_is_not_moved_by_one_odd_round() {
        assert_eq!(median([5.0, 1.0, 9000.0].into_iter()), 5.0);
        assert_eq!(median([2.0, 1.0].into_iter()), 1.0);
        assert_eq!(median(std::iter::empty()), 0.0);
    }
}

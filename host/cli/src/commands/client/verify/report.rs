//! What was seen: a line for each step.

use std::time::Duration;

use serde_json::{Value, json};

use crate::commands::client::text::plain;
use crate::commands::table::aligned;

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    Failed,
    /// It could not be done, and does not count.
    Skipped,
}

/// One step.
pub struct Step {
    pub name: &'static str,
    pub outcome: Outcome,
    /// What was seen.
    pub detail: String,
    pub took: Duration,
}

/// All steps, in order.
pub struct Report {
    /// The address of the node.
    pub server: String,
    pub steps: Vec<Step>,
}

impl Outcome {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl Report {
    /// For people.
    pub fn text(&self) -> String {
        let rows = self.steps.iter().map(|step| {
            vec![
                step.outcome.word().to_owned(),
                step.name.to_owned(),
                format!("{} ms", step.took.as_millis()),
                plain(&step.detail),
            ]
        });
        aligned(&rows.collect::<Vec<_>>())
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let steps = self.steps.iter().map(|step| {
            json!({
                "name": step.name,
                "outcome": step.outcome.word(),
                "detail": step.detail,
                "ms": step.took.as_secs_f64() * 1e3,
            })
        });
        let is_ok = self
            .steps
            .iter()
            .all(|step| step.outcome != Outcome::Failed);
        json!({
            "server": self.server,
            "ok": is_ok,
            "steps": steps.collect::<Vec<_>>(),
        })
    }
}

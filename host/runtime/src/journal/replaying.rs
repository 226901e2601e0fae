//! How far a replay is: which call comes next, and the first that differs.

use super::encode::are_same;
use super::ending::Ending;
use crate::request::RequestTask;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;

/// A recorded call.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// Interface and function.
    pub call: String,
    /// What it was called with.
    pub arguments: Value,
    /// What it answered. Nothing where the guest was ended in it.
    #[serde(default, deserialize_with = "is_there")]
    pub result: Option<Value>,
}

/// A result that is `null` is one.
fn is_there<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// How far floating-point numbers may lie from those that were recorded: relative to the larger one,
/// for what a device with other instructions has computed. 0 where each bit has to be the same.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance(pub f32);

/// The first call of a replayed request that is another than was recorded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// Which call, counted from 0.
    pub index: u64,
    /// Interface and function; `response` where it is how the request ended.
    pub call: String,
    /// What of it differs: `name`, `arguments`, `result` or `end`.
    pub what: &'static str,
    /// What it was called with.
    pub arguments: Value,
    /// What was recorded.
    pub expected: Value,
    /// What the replay has found.
    pub found: Value,
}

/// How a replay ended.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayOutcome {
    /// How many calls were the same.
    pub calls: u64,
    /// How many were recorded.
    pub recorded: u64,
    /// Whether the guest went as far as the recording does, which does not have its end.
    pub reached_end: bool,
    /// How many reads differed within the tolerance.
    pub tolerated: u64,
    /// How the guest ended.
    pub ending: Ending,
    /// The first call that differs.
    pub difference: Option<Difference>,
}

/// How far a replay is.
pub(super) struct Replaying {
    pub(super) calls: Vec<Call>,
    /// The call that comes next.
    pub(super) next: usize,
    pub(super) ending: Ending,
    /// Whether the recording has all calls of its guest.
    pub(super) is_whole: bool,
    pub(super) tolerance: Tolerance,
    pub(super) tolerated: u64,
    pub(super) reached_end: bool,
    pub(super) difference: Option<Difference>,
    pub(super) outcome: Option<Result<u16, &'static str>>,
    pub(super) task: Option<Arc<RequestTask>>,
    /// Whether the guest has an instance.
    pub(super) is_at_work: watch::Sender<bool>,
}

impl Replaying {
    fn is_over(&self) -> bool {
        self.reached_end || self.difference.is_some()
    }

    /// The result that was recorded of the next call.
    pub(super) fn begin(&mut self, name: &'static str, found: Value) -> wasmtime::Result<Value> {
        if self.is_over() {
            return Err(over());
        }
        let Some(call) = self.calls.get(self.next).cloned() else {
            if !self.is_whole {
                self.reached_end = true;
                return Err(over());
            }
            return Err(self.set(
                "name",
                "response",
                Value::Null,
                Value::Null,
                json!({ "call": name, "arguments": found }),
            ));
        };
        if call.call != name {
            let found = json!({ "call": name, "arguments": found });
            let expected = json!({ "call": call.call, "arguments": call.arguments });
            return Err(self.set("name", &call.call, call.arguments.clone(), expected, found));
        }
        if !are_same(&call.arguments, &found) {
            let expected = call.arguments.clone();
            return Err(self.set("arguments", name, call.arguments, expected, found));
        }
        let Some(result) = call.result else {
            self.reached_end = true;
            return Err(over());
        };
        self.next += 1;
        Ok(result)
    }

    /// The call that was begun last has another result.
    pub(super) fn differs(&mut self, expected: Value, found: Value) -> wasmtime::Error {
        self.next = self.next.saturating_sub(1);
        let call = self.calls.get(self.next).cloned();
        let (name, arguments) =
            call.map_or_else(Default::default, |call| (call.call, call.arguments));
        self.set("result", &name, arguments, expected, found)
    }

    /// The call that was begun last has a result that no recorder writes.
    pub(super) fn unreadable(&mut self) -> wasmtime::Error {
        let found = Value::String("a result that can be read".to_owned());
        let last = self
            .next
            .checked_sub(1)
            .and_then(|last| self.calls.get(last));
        let expected = last
            .and_then(|call| call.result.clone())
            .unwrap_or_default();
        self.differs(expected, found)
    }

    fn set(
        &mut self,
        what: &'static str,
        call: &str,
        arguments: Value,
        expected: Value,
        found: Value,
    ) -> wasmtime::Error {
        self.difference.get_or_insert(Difference {
            index: self.next as u64,
            call: call.to_owned(),
            what,
            arguments,
            expected,
            found,
        });
        over()
    }

    pub(super) fn responded(&mut self, outcome: Result<u16, &'static str>) {
        self.outcome = Some(outcome);
    }

    /// Whether bytes that differ are numbers that differ within the tolerance.
    pub(super) fn tolerates(&mut self, expected: &[u8], found: &[u8]) -> bool {
        let Tolerance(tolerance) = self.tolerance;
        if tolerance <= 0.0 || expected.len() != found.len() {
            return false;
        }
        let ((one, one_rest), (other, other_rest)) =
            (expected.as_chunks::<4>(), found.as_chunks::<4>());
        let mut pairs = one.iter().zip(other);
        let is_near = one_rest == other_rest
            && pairs.all(|(one, other)| {
                let (a, b) = (f32::from_le_bytes(*one), f32::from_le_bytes(*other));
                one == other
                    || (a.is_nan() && b.is_nan())
                    || (a.is_finite()
                        && b.is_finite()
                        && (a - b).abs() <= tolerance * a.abs().max(b.abs()))
            });
        if is_near {
            self.tolerated += 1;
        }
        is_near
    }

    pub(super) fn ended(&mut self) -> ReplayOutcome {
        let status = self.outcome.and_then(Result::ok);
        let error = self.outcome.and_then(Result::err);
        let ending = match &self.task {
            Some(task) => Ending::of(task, status, error),
            None => Ending::default(),
        };
        let calls = self.next as u64;
        let missing = self.calls.get(self.next).cloned();
        if let (false, Some(call)) = (self.is_over(), missing) {
            let found = json!({ "ended": ending });
            let expected = json!({ "call": call.call, "arguments": call.arguments });
            self.set("end", &call.call, call.arguments, expected, found);
        }
        if !self.is_over() && self.is_whole {
            self.difference = compare_endings(&self.ending, &ending, calls);
        }
        ReplayOutcome {
            calls,
            recorded: self.calls.len() as u64,
            reached_end: self.reached_end || !self.is_whole,
            tolerated: self.tolerated,
            ending,
            difference: self.difference.clone(),
        }
    }
}

/// What ends the guest of a replay that goes no further.
fn over() -> wasmtime::Error {
    wasmtime::format_err!("the replay goes no further")
}

/// How a replayed request ended, beside how it was recorded.
fn compare_endings(expected: &Ending, found: &Ending, calls: u64) -> Option<Difference> {
    if !expected.complete {
        return None;
    }
    let is_same = expected.status == found.status
        && expected.error == found.error
        && expected.trap == found.trap;
    (!is_same).then(|| Difference {
        index: calls,
        call: "response".to_owned(),
        what: "end",
        arguments: Value::Null,
        expected: json!(expected),
        found: json!(found),
    })
}

//! How the request of a recording ended.

use crate::request::{RequestTask, Stop};
use serde::{Deserialize, Serialize};

/// How the request of a recording ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    /// The status of the guest's response, if it gave one.
    pub status: Option<u16>,
    /// Why the guest gave no response, as the host's own response says it, for example `trap`.
    pub error: Option<String>,
    /// What trapped.
    pub trap: Option<String>,
    /// Whether the guest came to its own end. If not, it was stopped from outside: its client was
    /// gone, or the request's time was over.
    pub complete: bool,
}

impl Ending {
    /// As a task knows it whose guest is gone.
    pub(super) fn of(
        task: &RequestTask,
        status: Option<u16>,
        error: Option<&'static str>,
    ) -> Ending {
        let run = &task.run;
        // Whoever waits for a response that does not come, or breaks off, stops the guest too.
        let error = match (error, run.trap(), run.stopped()) {
            (Some(error), ..) => Some(error),
            (None, Some(_), _) => Some("trap"),
            (None, None, Some(Stop::TimedOut)) => Some("timeout"),
            (None, None, Some(Stop::ClientGone)) => Some("client_gone"),
            (None, None, None) => run.has_failed().then_some("trap"),
        };
        Ending {
            status,
            error: error.map(str::to_owned),
            trap: run.trap().map(|trap| trap.to_string()),
            complete: error.is_none_or(is_of_guest),
        }
    }

    /// Whether the request failed, and not by its client's doing.
    pub fn has_failed(&self) -> bool {
        let by_error = self
            .error
            .as_deref()
            .is_some_and(|error| error != "client_gone");
        by_error || self.status.is_some_and(|status| status >= 500)
    }
}

/// Whether an error is the guest's own doing, which a replay repeats.
fn is_of_guest(error: &str) -> bool {
    matches!(error, "trap" | "no_response" | "invalid_status")
}

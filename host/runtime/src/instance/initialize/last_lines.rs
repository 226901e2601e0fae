//! The last lines that a component's `init` writes, for whoever is told that it failed: a component that was
//! never deployed has no log that its author could read.

use crate::capability::output::OutputSink;
use crate::lock::ignore_poison;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// How many lines are kept, and how many bytes of each.
const LINES: usize = 4;
const BYTES: usize = 300;

/// Keeps the last lines, and gives all of them to whoever takes them otherwise.
pub(super) struct LastLines {
    taker: Option<Arc<dyn OutputSink>>,
    last: Mutex<VecDeque<String>>,
}

impl LastLines {
    pub(super) fn new(taker: Option<Arc<dyn OutputSink>>) -> Arc<LastLines> {
        Arc::new(LastLines {
            taker,
            last: Mutex::default(),
        })
    }

    /// The lines, oldest first.
    pub(super) fn text(&self) -> String {
        let last = ignore_poison(self.last.lock());
        let lines: Vec<&str> = last.iter().map(String::as_str).collect();
        lines.join(" | ")
    }
}

impl OutputSink for LastLines {
    fn line(&self, request_id: &str, is_error: bool, text: &str) {
        if let Some(taker) = &self.taker {
            taker.line(request_id, is_error, text);
        }
        let mut last = ignore_poison(self.last.lock());
        if last.len() == LINES {
            last.pop_front();
        }
        let end = text.floor_char_boundary(BYTES);
        last.push_back(text.get(..end).unwrap_or_default().to_owned());
    }
}

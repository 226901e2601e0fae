//! What functions write to their standard output and error: the last lines of each, in memory.
//! The node's own log has them too, and keeps them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use tensor_wasm_runtime::OutputSink;

use super::now_ms;
use crate::lock::ignore_poison;

/// What is kept of one function, in bytes of text, and in lines.
const BYTES: usize = 256 << 10;
const LINES: usize = 2000;

/// Functions of which lines are kept. Where there are more, the one that wrote longest ago is
/// forgotten.
const FUNCTIONS: usize = 512;

/// A line that a function wrote.
#[derive(Clone, Debug)]
pub(crate) struct LogLine {
    /// Counts the lines of the function, from 1, for as long as the node runs.
    pub(crate) number: u64,
    /// Milliseconds since 1970, UTC.
    pub(crate) time_ms: i64,
    /// The request that wrote it.
    pub(crate) request_id: String,
    /// Whether it came by standard error.
    pub(crate) is_error: bool,
    pub(crate) text: String,
}

/// The last lines of all functions.
#[derive(Default)]
pub(super) struct Logs(Mutex<HashMap<String, Arc<FunctionLog>>>);

/// The last lines of one function.
#[derive(Default)]
pub(super) struct FunctionLog(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    kept: VecDeque<LogLine>,
    bytes: usize,
    written: u64,
}

impl Logs {
    /// Where a function's lines go. A function that is being made has no id yet, and writes
    /// nothing.
    pub(super) fn of(&self, function_id: &str) -> Arc<FunctionLog> {
        let mut logs = ignore_poison(self.0.lock());
        if let Some(log) = logs.get(function_id) {
            return log.clone();
        }
        if logs.len() >= FUNCTIONS {
            let oldest = logs.iter().min_by_key(|(_, log)| log.last_ms());
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                logs.remove(&id);
            }
        }
        let log = Arc::<FunctionLog>::default();
        logs.insert(function_id.to_owned(), log.clone());
        log
    }

    /// The lines after this one, at most `limit`, oldest first.
    pub(super) fn after(&self, function_id: &str, after: u64, limit: usize) -> Vec<LogLine> {
        let log = ignore_poison(self.0.lock()).get(function_id).cloned();
        let Some(log) = log else {
            return Vec::new();
        };
        let lines = ignore_poison(log.0.lock());
        let newer = lines.kept.iter().filter(|line| line.number > after);
        newer.take(limit).cloned().collect()
    }

    /// Forgets a function.
    pub(super) fn remove(&self, function_id: &str) {
        ignore_poison(self.0.lock()).remove(function_id);
    }
}

impl FunctionLog {
    fn last_ms(&self) -> i64 {
        let lines = ignore_poison(self.0.lock());
        lines.kept.back().map_or(0, |line| line.time_ms)
    }
}

impl OutputSink for FunctionLog {
    fn line(&self, request_id: &str, is_error: bool, text: &str) {
        let mut lines = ignore_poison(self.0.lock());
        lines.written += 1;
        let line = LogLine {
            number: lines.written,
            time_ms: now_ms(),
            request_id: request_id.to_owned(),
            is_error,
            text: text.to_owned(),
        };
        lines.bytes += line.text.len();
        lines.kept.push_back(line);
        while lines.bytes > BYTES || lines.kept.len() > LINES {
            let Some(oldest) = lines.kept.pop_front() else {
                return;
            };
            lines.bytes -= oldest.text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_of_a_function_are_kept_and_numbered() {
        let logs = Logs::default();
        let log = logs.of("a");
        for number in 0..LINES + 10 {
            log.line("r", number % 2 == 0, &number.to_string());
        }
        let all = logs.after("a", 0, usize::MAX);
        assert_eq!(all.len(), LINES);
        assert_eq!((all[0].number, all[0].text.as_str()), (11, "10"));
        let next = logs.after("a", 2008, 5);
        let numbers: Vec<_> = next.iter().map(|line| line.number).collect();
        assert_eq!(numbers, [2009, 2010]);
        assert!(logs.after("b", 0, 1).is_empty());
        log.line("r", true, &"x".repeat(BYTES + 1));
        assert!(logs.after("a", 0, 1).is_empty());
        logs.remove("a");
        assert!(logs.after("a", 0, 1).is_empty());
    }

    #[test]
    fn the_function_that_wrote_longest_ago_is_forgotten_for_another() {
        let logs = Logs::default();
        for number in 0..FUNCTIONS {
            logs.of(&number.to_string()).line("r", false, "x");
        }
        logs.of("new").line("r", false, "x");
        assert_eq!(logs.0.lock().map(|logs| logs.len()).unwrap_or(0), FUNCTIONS);
        assert_eq!(logs.after("new", 0, 9).len(), 1);
    }
}

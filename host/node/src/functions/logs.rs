//! What functions write to their standard output and error: the last lines of each, in memory.
//! The node's own log has them too, and keeps them.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use tensor_wasm_runtime::OutputSink;

use crate::clock::Clock;
use crate::lock::ignore_poison;

/// What is kept of one function, in bytes of text, and in lines.
const BYTES: usize = 256 << 10;
const LINES: usize = 2000;

/// Functions of which lines are kept. Where there are more, the tenant that has most gives up the one
/// that wrote longest ago, so that no tenant's lines give way to a flood of another's.
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
#[derive(Clone)]
pub(super) struct Logs {
    clock: Arc<dyn Clock>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    by_function: HashMap<String, FunctionLog>,
    /// Counts the lines of all functions.
    lines: u64,
}

/// The last lines of one function.
struct FunctionLog {
    tenant: u64,
    kept: VecDeque<LogLine>,
    bytes: usize,
    written: u64,
    /// The last line, by the count of all lines.
    last: u64,
}

/// Where the lines of one function go.
pub(super) struct FunctionOutput {
    logs: Logs,
    tenant: u64,
    id: String,
}

impl Logs {
    /// No function has written anything.
    pub(super) fn new(clock: Arc<dyn Clock>) -> Logs {
        Logs {
            clock,
            kept: Arc::default(),
        }
    }

    /// Where a function's lines go.
    pub(super) fn of(&self, tenant: u64, function_id: &str) -> Arc<FunctionOutput> {
        Arc::new(FunctionOutput {
            logs: self.clone(),
            tenant,
            id: function_id.to_owned(),
        })
    }

    /// The lines after this one, at most `limit`, oldest first.
    pub(super) fn after(&self, function_id: &str, after: u64, limit: usize) -> Vec<LogLine> {
        let kept = ignore_poison(self.kept.lock());
        let Some(log) = kept.by_function.get(function_id) else {
            return Vec::new();
        };
        let newer = log.kept.iter().filter(|line| line.number > after);
        newer.take(limit).cloned().collect()
    }

    /// Forgets a function.
    pub(super) fn remove(&self, function_id: &str) {
        ignore_poison(self.kept.lock())
            .by_function
            .remove(function_id);
    }
}

/// Makes room for the lines of another function.
fn evict(logs: &mut HashMap<String, FunctionLog>) {
    let mut counts: HashMap<u64, usize> = HashMap::new();
    for log in logs.values() {
        *counts.entry(log.tenant).or_default() += 1;
    }
    let most = counts.values().max();
    let of_largest = logs
        .iter()
        .filter(|(_, log)| counts.get(&log.tenant) == most);
    let oldest = of_largest.min_by_key(|(_, log)| log.last);
    if let Some(id) = oldest.map(|(id, _)| id.clone()) {
        logs.remove(&id);
    }
}

impl FunctionLog {
    fn new(tenant: u64) -> FunctionLog {
        FunctionLog {
            tenant,
            kept: VecDeque::new(),
            bytes: 0,
            written: 0,
            last: 0,
        }
    }

    fn push(&mut self, mut line: LogLine) {
        self.written += 1;
        line.number = self.written;
        self.bytes += line.text.len();
        self.kept.push_back(line);
        while self.bytes > BYTES || self.kept.len() > LINES {
            let Some(oldest) = self.kept.pop_front() else {
                return;
            };
            self.bytes -= oldest.text.len();
        }
    }
}

impl OutputSink for FunctionOutput {
    fn line(&self, request_id: &str, is_error: bool, text: &str) {
        let line = LogLine {
            number: 0,
            time_ms: self.logs.clock.now_ms(),
            request_id: request_id.to_owned(),
            is_error,
            text: text.to_owned(),
        };
        let mut kept = ignore_poison(self.logs.kept.lock());
        kept.lines += 1;
        let last = kept.lines;
        let logs = &mut kept.by_function;
        if !logs.contains_key(&self.id) && logs.len() >= FUNCTIONS {
            evict(logs);
        }
        let log = logs.entry(self.id.clone());
        let log = log.or_insert_with(|| FunctionLog::new(self.tenant));
        log.last = last;
        log.push(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    fn logs() -> Logs {
        Logs::new(Arc::new(SystemClock))
    }

    #[test]
    fn the_last_lines_of_a_function_are_kept_and_numbered() {
        let logs = logs();
        let log = logs.of(7, "a");
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
    fn a_tenant_whose_functions_write_pushes_out_no_line_of_another() {
        let logs = logs();
        let quiet = logs.of(1, "quiet");
        quiet.line("r", false, "kept");
        for number in 0..2 * FUNCTIONS {
            logs.of(2, &number.to_string()).line("r", false, "x");
        }
        let count = ignore_poison(logs.kept.lock()).by_function.len();
        assert_eq!(count, FUNCTIONS);
        assert_eq!(logs.after("quiet", 0, 9).len(), 1);
    }

    #[test]
    fn a_function_whose_lines_gave_way_writes_others() {
        let logs = logs();
        let first = logs.of(1, "first");
        first.line("r", false, "lost");
        for number in 0..FUNCTIONS {
            logs.of(1, &number.to_string()).line("r", false, "x");
        }
        assert!(logs.after("first", 0, 9).is_empty());
        first.line("r", false, "new");
        let lines = logs.after("first", 0, 9);
        let texts: Vec<_> = lines.iter().map(|line| line.text.as_str()).collect();
        assert_eq!(texts, ["new"]);
    }
}

//! The end of an existing log: where its chain continues, and what a crash or a full disk
//! left of the last line. Only the last part of a file is read, however large it is.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::chain::Chain;
use super::record::{LONGEST_LINE, Record};

/// How much of a file's end is read: a whole line and a torn one.
const WINDOW: u64 = 2 * (LONGEST_LINE as u64 + 1);

/// The end of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tail {
    /// What the next line continues.
    pub chain: Chain,
    /// What is wrong with the last line.
    pub flaw: Option<Flaw>,
}

/// What is wrong with the last line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Only its newline is missing.
    NoNewline,
    /// It breaks off. These are its bytes, the last of the file.
    Torn(Vec<u8>),
}

/// Why the end of a file is not that of a log.
pub(super) enum TailError {
    Read(io::Error),
    NoLog(String),
}

/// Reads the end of a file that is `length` bytes long.
pub(super) fn read(file: &File, length: u64) -> Result<Tail, TailError> {
    let start = length.saturating_sub(WINDOW);
    let mut window = vec![0; usize::try_from(length - start).unwrap_or(0)];
    file.read_exact_at(&mut window, start)
        .map_err(TailError::Read)?;
    of_window(&window, start == 0)
}

/// Reads the end of a log from its last bytes, or from all of them.
fn of_window(window: &[u8], all: bool) -> Result<Tail, TailError> {
    let no_log = |problem: &str| Err(TailError::NoLog(problem.to_owned()));
    let is_end = |byte: &u8| *byte == b'\n';
    let Some(end) = window.iter().rposition(is_end) else {
        let begins_as_one = window.starts_with(b"{\"seq\":") || b"{\"seq\":".starts_with(window);
        if !all || !begins_as_one {
            return no_log("it has no line of an audit log");
        }
        // After a rotation the first record of a file continues another one.
        let first = Record::parse(window).map(|record| Chain {
            seq: record.seq,
            prev_hash: record.prev_hash,
        });
        return Ok(of_end(first.unwrap_or(Chain::NEW), window));
    };
    let (lines, rest) = window.split_at(end);
    let begin = lines.iter().rposition(is_end).map(|at| at + 1);
    let line = match begin {
        Some(begin) => lines.get(begin..).unwrap_or_default(),
        None if all => lines,
        None => return no_log("its last whole line is longer than any record"),
    };
    match Record::parse(line) {
        Ok(record) => Ok(of_end(
            Chain::after(record.seq, line),
            rest.get(1..).unwrap_or_default(),
        )),
        Err(error) => no_log(&format!("its last whole line is no audit record ({error})")),
    }
}

/// Classifies the bytes after the last newline.
fn of_end(chain: Chain, rest: &[u8]) -> Tail {
    let (chain, flaw) = match Record::parse(rest) {
        _ if rest.is_empty() => (chain, None),
        // A record that lacks only its newline is kept.
        Ok(record) if record.prev_hash == chain.prev_hash && record.seq == chain.seq => {
            (Chain::after(record.seq, rest), Some(Flaw::NoNewline))
        }
        _ => (chain, Some(Flaw::Torn(rest.to_owned()))),
    };
    Tail { chain, flaw }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;
    use crate::audit::record::Outcome;

    /// The lines of so many records, and the chain after each.
    fn log(records: usize) -> (Vec<u8>, Vec<Chain>) {
        let (mut bytes, mut chain, mut chains) = (Vec::new(), Chain::NEW, vec![Chain::NEW]);
        for number in 0..records {
            Record::of_system("test", &number.to_string(), Outcome::done())
                .write(&mut chain, &mut bytes)
                .unwrap();
            chains.push(chain);
        }
        (bytes, chains)
    }

    fn tail(bytes: &[u8]) -> Result<Tail, String> {
        of_window(bytes, true).map_err(|error| match error {
            TailError::NoLog(problem) => problem,
            TailError::Read(error) => error.to_string(),
        })
    }

    #[test]
    fn wherever_a_log_breaks_off_the_last_whole_record_is_found() {
        let (bytes, chains) = log(3);
        for length in 0..=bytes.len() {
            let part = &bytes[..length];
            let found = tail(part).unwrap();
            let whole = part.iter().filter(|byte| **byte == b'\n').count();
            let torn = part.rsplit(|byte| *byte == b'\n').next().unwrap();
            match found.flaw {
                None => assert!(torn.is_empty()),
                Some(Flaw::NoNewline) => {
                    assert_eq!(bytes[length], b'\n');
                    assert_eq!(found.chain, chains[whole + 1]);
                    continue;
                }
                Some(Flaw::Torn(kept)) => assert_eq!(kept, torn),
            }
            assert_eq!(found.chain, chains[whole]);
        }
    }

    #[test]
    fn what_is_no_log_is_not_taken_for_a_torn_one() {
        for text in ["hello", "hello\n", "{}\n", "{\"seq\":0}\n", "\n", "[1]\n\n"] {
            let problem = tail(text.as_bytes()).unwrap_err();
            assert!(problem.contains("line"), "{text:?}: {problem}");
        }
    }

    #[test]
    fn a_whole_record_of_another_chain_is_torn_off() {
        let (bytes, chains) = log(2);
        let last = bytes[..bytes.len() - 1]
            .rsplit(|byte| *byte == b'\n')
            .next();
        let twice = [bytes.as_slice(), last.unwrap()].concat();
        let found = tail(&twice).unwrap();
        assert_eq!(found.chain, chains[2]);
        assert!(matches!(found.flaw, Some(Flaw::Torn(_))));
    }

    #[test]
    fn of_a_large_file_only_the_end_is_read() {
        let (bytes, chains) = log(2);
        let file = tempfile::tempfile().unwrap();
        // Ten gigabytes of nothing: reading them all would take this machine's memory.
        let start = 10 << 30;
        file.write_all_at(b"\n", start - 1).unwrap();
        file.write_all_at(&bytes, start).unwrap();
        let found = read(&file, start + bytes.len() as u64).ok().unwrap();
        assert_eq!((found.chain, found.flaw), (chains[2], None));
    }

    #[test]
    fn a_line_longer_than_any_record_is_not_searched_for_its_beginning() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"\n", 1 << 30).unwrap();
        for length in [1 << 30, (1 << 30) + 1] {
            assert!(matches!(read(&file, length), Err(TailError::NoLog(_))));
        }
    }
}

//! Verification of a log: each line has to be a record, with the next number and the hash
//! of the line before it. Files are read as streams, in bounded memory, whatever they
//! contain.
//!
//! ```
//! use tensor_wasm_node::audit::verify::Verifier;
//!
//! let mut verifier = Verifier::new(Vec::new());
//! verifier.file("audit.log", &b"not a record\n"[..])?;
//! let found = verifier.finish();
//! assert!(!found.is_whole());
//! assert_eq!(found.problems[0].line, 1);
//! # Ok::<(), std::io::Error>(())
//! ```

mod lines;
mod report;

pub use report::{Fault, Note, Noted, Position, Problem, Verification};

use std::io::{self, BufRead};
use std::sync::Arc;

use super::chain::{Chain, Head, LineHash};
use super::record::Record;
use lines::{Line, Lines};

/// Reads the files of one log, oldest first.
#[derive(Debug)]
pub struct Verifier {
    heads: Vec<(Head, Found)>,
    /// Where the chain goes on, once there was a record.
    chain: Option<Chain>,
    /// Lines since then that are no records.
    unreadable: u64,
    /// The hash of the first record's line.
    first_line: Option<LineHash>,
    found: Verification,
}

/// Whether a noted head was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Not,
    Same,
    Other,
}

/// Where a line stands.
#[derive(Clone)]
struct LinePlace {
    file: Arc<str>,
    line: u64,
}

impl Verifier {
    /// Begins. Each of the heads, noted elsewhere and earlier, must be in the log.
    pub fn new(heads: Vec<Head>) -> Verifier {
        Verifier {
            heads: heads.into_iter().map(|head| (head, Found::Not)).collect(),
            chain: None,
            unreadable: 0,
            first_line: None,
            found: Verification::default(),
        }
    }

    /// Reads the log's next file, to its end. The name is for the report.
    ///
    /// # Errors
    ///
    /// The file can't be read; what was found so far stays.
    pub fn file(&mut self, name: &str, reader: impl BufRead) -> io::Result<()> {
        let file = Arc::<str>::from(name);
        let mut lines = Lines::new(reader);
        let mut number = 0;
        if self.found.end.1 == 0 {
            self.found.end.0 = file.clone();
        }
        while let Some(line) = lines.next()? {
            number += 1;
            let place = LinePlace {
                file: file.clone(),
                line: number,
            };
            match line {
                Line::Whole(bytes) => match Record::parse(bytes) {
                    Ok(record) => self.record(&place, &record, bytes),
                    Err(error) => self.unreadable(&place, Fault::Invalid(error.to_string())),
                },
                Line::TooLong => self.unreadable(&place, Fault::TooLong),
                Line::Torn { bytes } => self.problem(&place, Fault::Torn { bytes }),
            }
        }
        Ok(())
    }

    /// Ends, with what was found.
    pub fn finish(mut self) -> Verification {
        let last = self.found.last.as_ref().map(|last| last.head);
        for (head, found) in std::mem::take(&mut self.heads) {
            let fault = match (found, last) {
                (Found::Same, _) => continue,
                (Found::Other, _) => Fault::HeadDiffers(head),
                (Found::Not, Some(last)) if last.seq >= head.seq => Fault::HeadNotFound(head),
                (Found::Not, _) => Fault::EndMissing(head),
            };
            let place = self.found.end.clone();
            self.found.add(Problem {
                file: place.0.to_string(),
                line: place.1,
                fault,
            });
        }
        if self.found.records == 0 && self.found.is_whole() {
            let place = self.found.end.clone();
            self.found.add(Problem {
                file: place.0.to_string(),
                line: place.1,
                fault: Fault::Empty,
            });
        }
        self.found.forget_what_was_only_moved();
        self.found
    }

    fn problem(&mut self, place: &LinePlace, fault: Fault) {
        self.found.end = (place.file.clone(), place.line);
        self.found.add(Problem {
            file: place.file.to_string(),
            line: place.line,
            fault,
        });
    }

    fn unreadable(&mut self, place: &LinePlace, fault: Fault) {
        self.unreadable = self.unreadable.saturating_add(1);
        self.problem(place, fault);
    }

    fn record(&mut self, place: &LinePlace, record: &Record, line: &[u8]) {
        self.found.records = self.found.records.saturating_add(1);
        self.found.end = (place.file.clone(), place.line);
        let begins = record.seq == 0 && record.prev_hash == LineHash::ZERO;
        if record.seq == 0 && !begins {
            // The first of all has nothing before it.
            self.problem(place, Fault::NotTheFirst);
        }
        let Some(chain) = self.chain else {
            self.first_line = Some(LineHash::of(line));
            return self.accept(place, record, line, record.seq);
        };
        let follows = record.prev_hash == chain.prev_hash;
        // Each line that could not be read may have been one of the records.
        let latest = chain.seq.saturating_add(self.unreadable);
        if begins && self.first_line != Some(LineHash::of(line)) {
            self.problem(place, Fault::NewChain);
            self.accept(place, record, line, 0);
        } else if follows {
            if record.seq != chain.seq {
                let (is, should_be) = (record.seq, chain.seq);
                self.problem(place, Fault::WrongNumber { is, should_be });
            }
            self.accept(place, record, line, chain.seq);
        } else if record.seq < chain.seq {
            // Its place is somewhere else, so that the next line may still follow
            // the one before.
            let seq = record.seq;
            let fault = match self.found.is_known(seq) {
                true => Fault::Repeated { seq },
                false => Fault::Moved { seq },
            };
            self.problem(place, fault);
        } else {
            if record.seq > latest {
                let (from, to) = (latest, record.seq - 1);
                self.problem(place, Fault::Missing { from, to });
            } else if self.unreadable == 0 {
                let seq = record.seq.saturating_sub(1);
                self.problem(place, Fault::Altered { seq });
            }
            self.accept(place, record, line, record.seq);
        }
    }

    /// Goes on from a record, which has this number whatever it says.
    fn accept(&mut self, place: &LinePlace, record: &Record, line: &[u8], seq: u64) {
        let chain = Chain::after(seq, line);
        let position = Position {
            ts_unix_ms: record.ts_unix_ms,
            head: Head {
                seq,
                hash: chain.prev_hash,
            },
        };
        for (head, found) in &mut self.heads {
            let hash = if head.seq == seq {
                chain.prev_hash
            } else if self.chain.is_none() && head.seq.checked_add(1) == Some(seq) {
                // The last of the file before this one.
                record.prev_hash
            } else {
                continue;
            };
            // In a log that begins anew it is enough to be in one of the chains.
            if *found != Found::Same {
                *found = match hash == head.hash {
                    true => Found::Same,
                    false => Found::Other,
                };
            }
        }
        if let (Some(lost), Some(kind)) = (record.lost, Note::of_action(&record.action)) {
            self.found.note(Noted {
                file: place.file.to_string(),
                line: place.line,
                note: kind(lost),
            });
        }
        self.found.first.get_or_insert(position);
        self.found.last = Some(position);
        self.chain = Some(chain);
        self.unreadable = 0;
    }
}

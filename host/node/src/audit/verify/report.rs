//! The report of a verification: which records a log has, and what is wrong with it.

use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use crate::audit::chain::Head;

/// How many problems, and how many notes, are listed; more are counted.
const LISTED: usize = 100;

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Verification {
    /// Lines that are records.
    pub records: u64,
    /// The first record. Where its number isn't 0, an older file comes before it.
    pub first: Option<Position>,
    /// The last record: the head of the log, worth noting elsewhere.
    pub last: Option<Position>,
    /// What is wrong, in the order of the lines.
    pub problems: Vec<Problem>,
    /// How many more problems there are than are listed.
    pub problems_omitted: u64,
    /// What the log itself says is missing.
    pub notes: Vec<Noted>,
    /// How many more notes there are than are listed.
    pub notes_omitted: u64,
    /// The last position that was read.
    #[serde(skip)]
    pub(super) end: (Arc<str>, u64),
}

/// The position of a record in its log, and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Position {
    /// When it was recorded, in milliseconds since 1970 (UTC).
    pub ts_unix_ms: u64,
    /// Its number and its hash.
    pub head: Head,
}

/// Something that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 where no file had one.
    pub line: u64,
    /// What is wrong.
    #[serde(flatten)]
    pub fault: Fault,
}

/// What is wrong with a line, or with the log up to it.
#[derive(Clone, Debug, Error, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "detail", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// It is not a record.
    #[error("is no audit record: {0}")]
    Invalid(String),
    /// It is longer than any record.
    #[error("is longer than any audit record")]
    TooLong,
    /// The file ends in the middle of a line.
    #[error("breaks off after {bytes} bytes, without a newline: a torn end")]
    Torn {
        /// How many bytes there are of it.
        bytes: u64,
    },
    /// The hash that it holds isn't that of the line before it.
    #[error(
        "does not hold the hash of the line before it: record {seq} was altered, or this line's prev_hash"
    )]
    Altered {
        /// The number of the record before.
        seq: u64,
    },
    /// It follows the line before it, but its number doesn't.
    #[error("was altered: it says it is record {is}, and its hash says {should_be}")]
    WrongNumber {
        /// What it says.
        is: u64,
        /// What it follows.
        should_be: u64,
    },
    /// Records are missing before it.
    #[error("has records missing before it: {}", range(*.from, *.to))]
    Missing {
        /// The first that is missing.
        from: u64,
        /// The last that is missing.
        to: u64,
    },
    /// It belongs to an earlier position.
    #[error("is out of order: record {seq} belongs further up")]
    Moved {
        /// Its number.
        seq: u64,
    },
    /// It was there before.
    #[error("repeats record {seq}")]
    Repeated {
        /// Its number.
        seq: u64,
    },
    /// It says it is the first of all, and what came before it.
    #[error("was altered: it says it is record 0, and its prev_hash is not all zeros")]
    NotTheFirst,
    /// A log begins in the middle of another.
    #[error(
        "begins a new log: the server started without the file before it, or that file was made away with"
    )]
    NewChain,
    /// A head that was noted is another.
    #[error("comes after a record {} that is not the one that was noted: the log was written anew", .0.seq)]
    HeadDiffers(Head),
    /// A head that was noted lies before the log, or in what is missing.
    #[error("is the last, and record {}, which was noted, is not in the log", .0.seq)]
    HeadNotFound(Head),
    /// The log ends before a head that was noted.
    #[error("is the last, and record {}, which was noted, is not there: the log's end was cut off", .0.seq)]
    EndMissing(Head),
    /// There is no record at all.
    #[error("holds no record: a server records its start, so that a log without one was emptied")]
    Empty,
}

fn range(from: u64, to: u64) -> String {
    match from == to {
        true => format!("{from}"),
        false => format!("{from} to {to}"),
    }
}

/// Something that the log itself reports, and its position.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Noted {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// What it tells.
    #[serde(flatten)]
    pub note: Note,
}

/// What a log reports about itself.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Note {
    /// Records could not be kept while the log could not be written.
    #[error("audit.gap: the log could not be written, and {lost} records are missing here")]
    Gap {
        /// How many.
        lost: u64,
    },
    /// A line was torn, and was cut off when the log was opened again.
    #[error("audit.torn: a torn line stood here and was cut off")]
    Torn {
        /// How many records that were.
        lost: u64,
    },
}

impl Note {
    /// What a record with this action tells.
    pub(super) fn of_action(action: &str) -> Option<fn(u64) -> Note> {
        match action {
            "audit.gap" => Some(|lost| Note::Gap { lost }),
            "audit.torn" => Some(|lost| Note::Torn { lost }),
            _ => None,
        }
    }
}

impl Verification {
    /// Whether nothing is wrong.
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }

    /// Whether the log goes on from an older file.
    pub fn continues(&self) -> bool {
        self.first.is_some_and(|first| first.head.seq > 0)
    }

    pub(super) fn add(&mut self, problem: Problem) {
        match self.problems.len() < LISTED {
            true => self.problems.push(problem),
            false => self.problems_omitted = self.problems_omitted.saturating_add(1),
        }
    }

    pub(super) fn note(&mut self, note: Noted) {
        match self.notes.len() < LISTED {
            true => self.notes.push(note),
            false => self.notes_omitted = self.notes_omitted.saturating_add(1),
        }
    }

    /// Whether a record with this number was seen, for one before the last.
    pub(super) fn is_known(&self, seq: u64) -> bool {
        let before = self.first.is_some_and(|first| seq < first.head.seq);
        let seen = self.problems.iter().any(|problem| match problem.fault {
            Fault::Moved { seq: moved } => moved == seq,
            _ => false,
        });
        let missing = self.problems.iter().any(|problem| match problem.fault {
            Fault::Missing { from, to } => (from..=to).contains(&seq),
            _ => false,
        });
        seen || !(before || missing)
    }

    /// What was missing in one place and is there in another isn't missing.
    pub(super) fn forget_what_was_only_moved(&mut self) {
        let moved: Vec<u64> = self
            .problems
            .iter()
            .filter_map(|problem| match problem.fault {
                Fault::Moved { seq } => Some(seq),
                _ => None,
            })
            .collect();
        self.problems.retain(|problem| match problem.fault {
            Fault::Missing { from, to } => {
                let found = moved.iter().filter(|seq| (from..=to).contains(seq)).count();
                found as u64 <= to - from
            }
            _ => true,
        });
    }
}

//! `tensor-wasm audit verify`: verifies that an audit log is what the server wrote.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde::Serialize;
use tensor_wasm_node::audit::verify::{Noted, Position, Problem, Verification, Verifier};
use tensor_wasm_node::audit::{Head, anchor_beside, read_anchor};

/// Work with audit logs
#[derive(Args)]
pub struct Audit {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Subcommand)]
enum AuditCommand {
    Verify(Verify),
}

/// Check that no line of an audit log was altered, removed or moved
///
/// Give the files of a log that was rotated in their order, oldest first. Ends with
/// status 1 where something is wrong. That lines are missing from the end shows only
/// beside the log's anchor, which is looked for beside the last file, or beside a head,
/// SEQ:HASH, that was noted elsewhere: give it with --head.
#[derive(Args)]
#[command(after_help = "\
Examples:
  tensor-wasm audit verify audit.log
  tensor-wasm audit verify audit.log.2 audit.log.1 audit.log
  tensor-wasm audit verify audit.log --json | jq -r .last.head
  zcat audit.log.1.gz | tensor-wasm audit verify -")]
struct Verify {
    /// The files, oldest first; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<String>,
    /// The anchor of the log, where it is not beside the last file as FILE.head
    #[arg(long, value_name = "FILE")]
    anchor: Option<PathBuf>,
    /// A head that was noted earlier and must be in the log; may be repeated
    #[arg(long, value_name = "SEQ:HASH")]
    head: Vec<Head>,
    /// Print JSON, for machines
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            AuditCommand::Verify(verify) => verify.run(),
        }
    }
}

impl Verify {
    fn run(self) -> anyhow::Result<ExitCode> {
        let anchor = self.anchor();
        let mut heads = self.head;
        if let Some(path) = &anchor {
            heads.extend(read_anchor(path)?);
        }
        let mut verifier = Verifier::new(heads);
        for name in &self.files {
            verifier
                .file(name, open(name)?)
                .with_context(|| format!("can't read {name}"))?;
        }
        let found = verifier.finish();
        if self.json {
            super::print_json(&Report::new(&found, anchor.as_deref()))?;
        } else {
            for Noted { file, line, note } in &found.notes {
                tell!("{file}:{line}: {note}");
            }
            more(found.notes_omitted);
            for Problem { file, line, fault } in &found.problems {
                tell!("{file}:{line}: {fault}");
            }
            more(found.problems_omitted);
            if found.is_whole() {
                super::print(&describe(&self.files, &found, anchor.as_deref()))?;
            } else {
                let wrong = match found.problems.len() as u64 + found.problems_omitted {
                    1 => "one problem".to_owned(),
                    more => format!("{more} problems"),
                };
                tell!("error: the audit log is not whole: {wrong}");
            }
        }
        Ok(match found.is_whole() {
            true => ExitCode::SUCCESS,
            false => ExitCode::FAILURE,
        })
    }
}

impl Verify {
    /// The log's anchor: the one that is named, or the one beside the last file.
    fn anchor(&self) -> Option<PathBuf> {
        let beside = || {
            let last = self.files.last().filter(|name| *name != "-")?;
            let path = anchor_beside(Path::new(last));
            path.exists().then_some(path)
        };
        self.anchor.clone().or_else(beside)
    }
}

fn open(name: &str) -> anyhow::Result<Box<dyn BufRead>> {
    if name == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let file = File::open(name).with_context(|| format!("can't read {name}"))?;
    Ok(Box::new(BufReader::with_capacity(64 << 10, file)))
}

fn more(omitted: u64) {
    if omitted > 0 {
        tell!("... and {omitted} more");
    }
}

fn describe(files: &[String], found: &Verification, anchor: Option<&Path>) -> String {
    let mut text = format!("{}: ", files.join(", "));
    let (Some(first), Some(last)) = (found.first, found.last) else {
        return text;
    };
    // Writing to a string can't fail.
    let _ = write!(
        text,
        "whole\n  records  {}, number {} to {}\n  from     {}\n  to       {}\n  head     {}\n",
        found.records,
        first.head.seq,
        last.head.seq,
        time(first),
        time(last),
        last.head,
    );
    let _ = match anchor {
        Some(path) => writeln!(text, "  anchor   {}", path.display()),
        None => writeln!(
            text,
            "  anchor   none: records that are missing from the end would not show"
        ),
    };
    if found.continues() {
        let _ = writeln!(
            text,
            "  begins   after record {}, in a file before these",
            first.head.seq - 1
        );
    }
    text
}

/// A record's time. A record may hold any time, also one after the year 9999, which the
/// usual format can't write.
fn time(position: Position) -> String {
    const YEAR_10_000: u64 = 253_402_300_800_000;
    let ms = position.ts_unix_ms;
    match ms < YEAR_10_000 {
        true => {
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(ms);
            humantime::format_rfc3339_millis(time).to_string()
        }
        false => format!("{ms} ms after 1970"),
    }
}

/// The report, in the shape that scripts may rely on.
#[derive(Serialize)]
struct Report<'a> {
    whole: bool,
    /// Whether an older file comes before these.
    continues: bool,
    /// The anchor that the log was held against.
    anchor: Option<&'a Path>,
    #[serde(flatten)]
    found: &'a Verification,
    /// The problems again, as sentences.
    messages: Vec<String>,
}

impl<'a> Report<'a> {
    fn new(found: &'a Verification, anchor: Option<&'a Path>) -> Self {
        Self {
            anchor,
            whole: found.is_whole(),
            continues: found.continues(),
            found,
            messages: found
                .problems
                .iter()
                .map(|Problem { file, line, fault }| format!("{file}:{line}: {fault}"))
                .collect(),
        }
    }
}

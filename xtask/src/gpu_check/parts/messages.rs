//! What the driver's kernel module said meanwhile: errors of the device (Xid) are there alone.

use std::{process::Command, time::Duration};

use anyhow::Result;

use crate::gpu_check::{child, record::Record, run::Run};

/// Where the system's messages are had, whichever works first.
const COMMANDS: [(&str, &[&str]); 2] = [
    ("dmesg", &[]),
    ("journalctl", &["--dmesg", "--no-pager", "--since=-1hour"]),
];

/// Words of the lines that are the driver's.
const WORDS: [&str; 4] = ["NVRM", "Xid", "nvidia", "nvlink"];

/// The most lines on the page; the file has all.
const MOST: usize = 40;

pub fn look(run: &Run<'_>, record: &mut Record) -> Result<()> {
    for (program, options) in COMMANDS {
        let log = run.out.join(format!("{program}.log"));
        let limit = run.remaining(Duration::from_secs(4));
        let ended = child::run(Command::new(program).args(options), &log, limit);
        match ended {
            Ok(ended) if ended.succeeded() => {
                let said = ended.said();
                let is_drivers = |line: &&str| WORDS.iter().any(|word| line.contains(word));
                let lines: Vec<_> = said.lines().filter(is_drivers).collect();
                let shown = lines
                    .get(lines.len().saturating_sub(MOST)..)
                    .unwrap_or_default();
                record.fact(
                    format_args!("lines of the driver, by {program}"),
                    lines.len(),
                )?;
                record.fact("the last of them", shown.join("\n"))?;
                let errors = lines.iter().filter(|line| line.contains("Xid")).count();
                return record.fact(
                    "errors of the device (Xid), some of which this caused",
                    errors,
                );
            }
            Ok(ended) => record.left_out(program, ended.why())?,
            Err(_) => record.left_out(program, "it is not there")?,
        }
    }
    Ok(())
}

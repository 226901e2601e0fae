//! What the script has seen so far: a line of JSON for each fact and each check, written when it is known,
//! and a page for readers, written after each part. Whenever the script is stopped, these are what was seen
//! until then.

use std::{
    fmt::{Display, Write as _},
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// A file of lines, and one for readers.
const LINES: &str = "results.jsonl";
const PAGE: &str = "results.md";

pub struct Record {
    lines: File,
    page: PathBuf,
    started: Instant,
    /// What stands before everything on the page.
    head: String,
    parts: Vec<Part>,
}

struct Part {
    name: &'static str,
    title: &'static str,
    entries: Vec<(String, Seen)>,
    /// Tables and lists, as Markdown.
    text: String,
}

/// What is written of one thing.
enum Seen {
    Fact(Value),
    Passed(String),
    Failed(String),
    LeftOut(String),
}

impl Record {
    /// Begins a record in a folder, in place of one that is there. `head` says what it is of.
    ///
    /// # Errors
    /// Where the files cannot be written.
    pub fn begin(folder: &Path, head: String) -> Result<Self> {
        let path = folder.join(LINES);
        let lines =
            File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let record = Self {
            lines,
            page: folder.join(PAGE),
            started: Instant::now(),
            head,
            parts: Vec::new(),
        };
        record.write_page()?;
        Ok(record)
    }

    /// What follows is of this part.
    pub fn part(&mut self, name: &'static str, title: &'static str) {
        eprintln!("[{:4.0} s] {title}", self.started.elapsed().as_secs_f64());
        self.parts.push(Part {
            name,
            title,
            entries: Vec::new(),
            text: String::new(),
        });
    }

    /// What is so, and neither right nor wrong.
    ///
    /// # Errors
    /// Where it cannot be written; as all that follow.
    pub fn fact(&mut self, name: impl Display, value: impl Into<Value>) -> Result<()> {
        self.write(name.to_string(), Seen::Fact(value.into()))
    }

    /// What has to be so: what was seen, or why it is not.
    pub fn check(&mut self, name: impl Display, outcome: Result<String>) -> Result<()> {
        let seen = match outcome {
            Ok(seen) => Seen::Passed(seen),
            Err(error) => Seen::Failed(format!("{error:#}")),
        };
        self.write(name.to_string(), seen)
    }

    /// What was not looked at, and why.
    pub fn left_out(&mut self, name: impl Display, why: impl Display) -> Result<()> {
        self.write(name.to_string(), Seen::LeftOut(why.to_string()))
    }

    /// Something longer for the page alone, as Markdown.
    pub fn text(&mut self, text: &str) {
        if let Some(part) = self.parts.last_mut() {
            part.text.push_str(text);
        }
    }

    fn write(&mut self, name: String, seen: Seen) -> Result<()> {
        let at = self.started.elapsed().as_secs_f64();
        let (key, value) = match &seen {
            Seen::Fact(value) => ("fact", value.clone()),
            Seen::Passed(what) => ("passed", Value::from(what.as_str())),
            Seen::Failed(why) => ("failed", Value::from(why.as_str())),
            Seen::LeftOut(why) => ("left_out", Value::from(why.as_str())),
        };
        let part = self.parts.last_mut().context("no part has begun")?;
        let line = json!({ "at_s": (at * 1000.0).round() / 1000.0, "part": part.name, "name": name, key: value });
        let shown = match &seen {
            Seen::Fact(value) => format!("{name}: {}", shown(value)),
            Seen::Passed(what) => format!("passed: {name}: {what}"),
            Seen::Failed(why) => format!("FAILED: {name}: {why}"),
            Seen::LeftOut(why) => format!("left out: {name}: {why}"),
        };
        eprintln!("[{at:4.0} s]   {}", shown.replace('\n', "\n           "));
        part.entries.push((name, seen));
        writeln!(self.lines, "{line}")?;
        // The machine itself may go.
        self.lines.sync_data()?;
        Ok(())
    }

    /// Writes the page anew.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn write_page(&self) -> Result<()> {
        fs::write(&self.page, self.markdown())
            .with_context(|| format!("cannot write {}", self.page.display()))
    }

    /// The page.
    pub fn markdown(&self) -> String {
        let mut text = format!("{}\n", self.head);
        for part in &self.parts {
            let _ = writeln!(text, "\n### {}\n", part.title);
            for (name, seen) in &part.entries {
                let line = match seen {
                    Seen::Fact(value) => format!("{name}: {}", shown(value)),
                    Seen::Passed(what) => format!("passed: {name}: {what}"),
                    Seen::Failed(why) => format!("**failed**: {name}: {why}"),
                    Seen::LeftOut(why) => format!("left out: {name}: {why}"),
                };
                // A line of the list stays one item.
                let _ = writeln!(text, "- {}", line.trim_end().replace('\n', "\n  "));
            }
            if !part.text.is_empty() {
                let _ = writeln!(text, "\n{}", part.text.trim_end());
            }
        }
        text
    }

    /// What is not as it has to be, by part and name.
    pub fn failures(&self) -> Vec<String> {
        let entries = self.parts.iter().flat_map(|part| {
            part.entries
                .iter()
                .map(move |(name, seen)| (part.name, name, seen))
        });
        entries
            .filter(|(_, _, seen)| matches!(seen, Seen::Failed(_)))
            .map(|(part, name, _)| format!("{part}: {name}"))
            .collect()
    }

    /// How many checks passed, and how many things were left out.
    pub fn counts(&self) -> (usize, usize) {
        let count = |is: fn(&Seen) -> bool| {
            let entries = self.parts.iter().flat_map(|part| &part.entries);
            entries.filter(|(_, seen)| is(seen)).count()
        };
        (
            count(|seen| matches!(seen, Seen::Passed(_))),
            count(|seen| matches!(seen, Seen::LeftOut(_))),
        )
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn each_thing_is_in_the_file_before_the_next_one_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = Record::begin(folder.path(), "of a test".to_owned()).unwrap();
        let lines = || {
            let text = fs::read_to_string(folder.path().join(LINES)).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
            lines.collect::<Vec<Value>>()
        };
        record.part("machine", "The machine");
        record.fact("kernel", "6.1").unwrap();
        assert_eq!(lines()[0]["fact"], "6.1");
        record.check("it runs", Ok("in 3 ms".to_owned())).unwrap();
        assert_eq!(lines()[1]["passed"], "in 3 ms");
        record
            .check("it ends", Err(anyhow!("it does not")))
            .unwrap();
        record.left_out("the rest", "no time is left").unwrap();
        assert_eq!(
            (lines()[2]["failed"].as_str(), lines().len()),
            (Some("it does not"), 4)
        );
        record.text("| a |\n|---|\n");
        record.write_page().unwrap();
        let page = fs::read_to_string(folder.path().join(PAGE)).unwrap();
        for line in [
            "of a test",
            "### The machine",
            "- kernel: 6.1",
            "- **failed**: it ends: it does not",
            "- left out: the rest: no time is left",
            "| a |",
        ] {
            assert!(page.lines().any(|other| other == line), "{page}");
        }
        assert_eq!(record.failures(), ["machine: it ends"]);
        assert_eq!(record.counts(), (1, 1));
    }
}

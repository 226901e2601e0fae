//! Passes over the finished text that bring its checks together: those of indices and divisors, each of
//! which branches to a panic. What lies between them is then one piece of straight code.
//!
//! `value_numbering` leaves out what is computed twice, `bounded` checks that never fail, `dominated` those that were passed before, `motion` moves checks up to others, `ranges` makes one of those of indices that are a constant apart,
//! `merge` makes one branch of those that stand together, to code that finds out which of them failed.
//! `line` reads the text back, and
//! `linear` says what registers are made of. A thread may stop before it has stored what it would have stored before
//! it failed; that it stops, and where in the source, stays the same.

mod bounded;
mod dominated;
mod line;
mod linear;
mod merge;
mod motion;
mod ranges;
mod value_numbering;

use std::collections::HashMap;

use line::{Branch, Line, LineKind};

/// Numbers of the next registers and labels.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    pub predicates: u32,
    /// Registers of 32 bits, and of 64.
    pub words: u32,
    pub long_words: u32,
    pub labels: u32,
}

impl Names {
    fn predicate(&mut self) -> String {
        self.predicates += 1;
        format!("%p{}", self.predicates)
    }

    fn integer(&mut self, is_long: bool) -> String {
        if is_long {
            self.long_words += 1;
            format!("%rd{}", self.long_words)
        } else {
            self.words += 1;
            format!("%r{}", self.words)
        }
    }

    fn label(&mut self) -> String {
        self.labels += 1;
        format!("$L{}", self.labels)
    }
}

/// Brings the checks of a text together, which branch to these panics; `prologue` stands before it.
/// Returns the text, and what comes behind it: the code that finds out which check failed.
pub fn run(
    lines: Vec<String>,
    prologue: &[String],
    panics: Vec<String>,
    names: &mut Names,
) -> (Vec<String>, Vec<String>) {
    let mut text = Text::new(lines, panics);
    text.number_values();
    text.leave_out_checks(prologue);
    text.leave_out_dominated_checks();
    text.move_checks(names);
    let mut behind = text.join_ranges(names);
    let (lines, merged) = text.merge(names);
    behind.extend(merged);
    (lines, behind)
}

/// The text of a kernel.
struct Text {
    lines: Vec<Line>,
    panics: Vec<String>,
    /// How often each register is defined.
    definitions: HashMap<String, u32>,
    /// The line of each that is defined once, and how often each is read: for `ranges`.
    defined_in: HashMap<String, usize>,
    used: HashMap<String, u32>,
    /// What comes before the text.
    prologue: Vec<Line>,
}

impl Text {
    fn new(lines: Vec<String>, panics: Vec<String>) -> Text {
        let lines: Vec<Line> = lines.into_iter().map(Line::read).collect();
        let mut text = Text {
            lines: Vec::new(),
            panics,
            definitions: HashMap::new(),
            defined_in: HashMap::new(),
            used: HashMap::new(),
            prologue: Vec::new(),
        };
        for line in &lines {
            text.note(line);
        }
        text.lines = lines;
        text
    }

    /// Notes what a line defines.
    fn note(&mut self, line: &Line) {
        for register in line.defined() {
            *self.definitions.entry(register).or_insert(0) += 1;
        }
    }

    /// The check that a line is.
    fn check(&self, at: usize) -> Option<&Branch> {
        match &self.lines.get(at)?.kind {
            LineKind::Branch(branch) if self.panics.contains(&branch.target) => Some(branch),
            _ => None,
        }
    }

    /// Whether a register has one value, where it has any. What has no definition is a special register.
    fn is_fixed(&self, register: &str) -> bool {
        self.definitions
            .get(register)
            .is_none_or(|count| *count == 1)
    }
}

/// A predicate that is true where this one is, or where it is not; adds the step that makes it.
fn positive(
    predicate: &str,
    is_negated: bool,
    names: &mut Names,
    added: &mut Vec<String>,
) -> String {
    if !is_negated {
        return predicate.to_owned();
    }
    let inverse = names.predicate();
    added.push(format!("    not.pred {inverse}, {predicate};"));
    inverse
}

#[cfg(test)]
/// The text and what comes behind it, for panics `$L90` to `$L99`.
fn moved(text: &str) -> String {
    let lines = text.lines().map(str::to_owned).collect();
    let panics: Vec<String> = (90..100).map(|number| format!("$L{number}")).collect();
    let mut names = Names {
        predicates: 50,
        words: 50,
        long_words: 50,
        labels: 50,
    };
    let (text, behind) = run(lines, &[], panics, &mut names);
    [text, behind].concat().join("\n")
}

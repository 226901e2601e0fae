//! The crate does no input or output, and asks the system for nothing: neither its state nor the
//! time. Whoever embeds it brings those.

use std::fs;
use std::path::{Path, PathBuf};

/// What of the standard library has a system under it.
const SYSTEM: [&str; 10] = [
    "env", "fs", "io", "net", "os", "path", "process", "random", "thread", "time",
];

/// Macros that write somewhere or read a file.
const MACROS: [&str; 8] = [
    "print!",
    "println!",
    "eprint!",
    "eprintln!",
    "dbg!",
    "include!",
    "env!",
    "option_env!",
];

pub fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Whether a word stands in a line, and is not the end of a longer one.
fn has(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(place, _)| {
        let before = line[..place].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

/// What a line of code asks of the system, if anything.
fn asks(line: &str) -> Option<&'static str> {
    let code = line.split("//").next().unwrap_or_default();
    let modules = SYSTEM.into_iter().find(|module| {
        let path = format!("std::{module}");
        code.match_indices(&path).any(|(place, _)| {
            let after = code[place + path.len()..].chars().next();
            !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
    });
    // Several at once hide their paths, and `extern` functions are the system's own.
    let grouped = has(code, "std::{").then_some("std::{");
    let foreign = has(code, "extern \"C").then_some("extern");
    modules
        .or_else(|| MACROS.into_iter().find(|name| has(code, name)))
        .or(grouped)
        .or(foreign)
}

#[test]
fn no_source_of_the_crate_asks_the_system_for_anything() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    assert!(files.len() > 50);
    let mut found = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            if let Some(what) = asks(line) {
                found.push(format!("{}:{number}: {what}", file.display()));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_asks_the_system_is_found() {
    for line in [
        "use std::fs::File;",
        "    std::time::Instant::now()",
        "use std::env;",
        "println!(\"hello\");",
        "use std::{fs, io};",
        "extern \"C\" fn write();",
    ] {
        assert!(asks(line).is_some(), "{line}");
    }
    for line in [
        "use std::fmt;",
        "// std::fs is not used",
        "pretty_print!(x)",
        "use std::iter::once;",
    ] {
        assert_eq!(asks(line), None, "{line}");
    }
}

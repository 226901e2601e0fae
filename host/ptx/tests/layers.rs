//! The folders of the crate depend downwards only. The interpreter and the compiler know nothing of
//! each other, so that what they come to can be held against each other.

use std::fs;
use std::path::Path;

use crate::no_system::sources;

/// Each folder, and which of the others it may use.
const LAYERS: [(&str, &[&str]); 6] = [
    ("syntax", &[]),
    ("numeric", &["syntax"]),
    ("simt", &["syntax", "numeric"]),
    ("interpret", &["syntax", "numeric", "simt", "address"]),
    ("compile", &["syntax", "numeric", "simt", "address"]),
    ("exec", &["simt", "compile", "address"]),
];

/// The folders that a line of code names by their path from the crate's root.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::").skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
        rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()
    })
}

#[test]
fn folders_depend_downwards_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for (folder, below) in LAYERS {
        let mut files = Vec::new();
        sources(&root.join(folder), &mut files);
        assert!(!files.is_empty(), "{folder}");
        // Files of tests may use everything.
        files.retain(|file| !file.to_string_lossy().ends_with("tests.rs"));
        for file in files {
            let text = fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next();
            let code = code.unwrap_or_default();
            for (number, line) in (1..).zip(code.lines()) {
                let strange = named(line).find(|name| {
                    let known = LAYERS.iter().any(|(other, _)| other == name);
                    known && *name != folder && !below.contains(name)
                });
                if let Some(name) = strange {
                    found.push(format!("{}:{number}: {folder} uses {name}", file.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_folder_that_is_used_is_found() {
    let line = "use crate::interpret::{a, b}; let c = crate::exec::d(); // crate::compile";
    assert_eq!(named(line).collect::<Vec<_>>(), ["interpret", "exec"]);
}

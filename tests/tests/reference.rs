//! The reference of the contract, `docs/interfaces.md`, is made of the files in `wit/`: their comments
//! become its text. `UPDATE_DOCS=1` writes it anew.

use std::fs;

use crate::docs::root;

const HEAD: &str = "\
# Interfaces

What a component may import from TensorWasm, what it may export beside WASI's handlers, and the worlds that
tools make bindings of. This page is made of the files in `wit/`, and `tensor-wasm wit` prints them, with what
they need of WASI. In Rust, the crate `tensor-wasm-guest` has a typed API over them: see [components and kernels](guests.md). How policies use
theirs is in [policies](policy.md).
";

/// The file of each package, or of a version of WASI's worlds.
const FILES: [&str; 5] = [
    "gpu.wit",
    "lifecycle.wit",
    "policy.wit",
    "worlds.wit",
    "worlds-p3.wit",
];

/// How many spaces the declarations within an interface begin with.
const WITHIN: usize = 4;

/// The page.
fn reference() -> String {
    let mut page = HEAD.to_owned();
    for file in FILES {
        let text = fs::read_to_string(root().join("wit").join(file)).unwrap();
        let package = text.lines().next().unwrap();
        let package = package.strip_prefix("package ").unwrap();
        let (name, version) = package.trim_end_matches(';').split_once('@').unwrap();
        page += &format!("\n## {name}\n\nVersion {version}, `wit/{file}`.\n");
        for (declaration, text) in declarations(&text, 0) {
            let first = declaration.lines().next().unwrap();
            let name = heading(first);
            page += &format!("\n### {name}\n\n{text}");
            if !first.starts_with("interface ") {
                page += &format!("\n```wit\n{declaration}```\n");
                continue;
            }
            for (declaration, text) in declarations(&declaration, WITHIN) {
                // What an interface uses of others is seen where it uses it.
                if declaration.starts_with("use ") {
                    continue;
                }
                let name = heading(declaration.lines().next().unwrap());
                page += &format!("\n#### {name}\n\n");
                if !text.is_empty() {
                    page += &format!("{text}\n");
                }
                page += &format!("```wit\n{declaration}```\n");
            }
        }
    }
    page
}

/// The declarations that begin with so many spaces, without those, each with its comment as text.
fn declarations(wit: &str, indent: usize) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut declaration, mut comment) = (String::new(), String::new());
    // The first line is of what the declarations are in: a package or an interface.
    for line in wit.lines().skip(1) {
        let is_deeper = line.len() - line.trim_start().len() > indent;
        let line = line.get(indent..).unwrap_or_default();
        if let Some(text) = line.strip_prefix("///") {
            comment += text.trim();
            comment.push('\n');
        } else if !declaration.is_empty() || !line.trim().is_empty() && line != "}" {
            declaration += line;
            declaration.push('\n');
            let ends = line == "}" || line.ends_with(';') && !is_deeper;
            if ends {
                let text = (
                    std::mem::take(&mut declaration),
                    std::mem::take(&mut comment),
                );
                found.push(text);
            }
        }
    }
    assert!(declaration.is_empty(), "does not end: {declaration}");
    found
}

/// `record extent {` becomes `extent: record`, which is a heading that can be linked to.
fn heading(line: &str) -> String {
    let line = line.trim_end_matches(" {");
    match line.split_once(": func") {
        Some((name, _)) => format!("{name}: function"),
        None => {
            let (kind, name) = line.split_once(' ').unwrap();
            format!("{name}: {kind}")
        }
    }
}

#[test]
fn the_reference_of_the_contract_is_what_its_files_say() {
    let path = root().join("docs/interfaces.md");
    let made = reference();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "docs/interfaces.md differs from wit/: run this test with UPDATE_DOCS=1"
    );
    // Each comment and each declaration is on the page.
    for file in FILES {
        for line in fs::read_to_string(root().join("wit").join(file))
            .unwrap()
            .lines()
        {
            let words = line.trim().trim_start_matches("/// ");
            let is_frame = words.is_empty() || words == "}" || words == "///";
            let is_named = ["package ", "interface ", "use "]
                .iter()
                .any(|kind| words.starts_with(kind));
            assert!(
                is_frame || is_named || made.contains(words),
                "{file}: {line}"
            );
        }
    }
}

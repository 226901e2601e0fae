//! The crate's seams: which of its modules may know which others.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What a tenant uses, and what is between that and a backend.
const ABOVE_THE_SEAM: [&str; 33] = [
    "backend.rs",
    "buffer.rs",
    "cache.rs",
    "command.rs",
    "effects.rs",
    "event.rs",
    "launch.rs",
    "launch_config.rs",
    "lease.rs",
    "lease/operations.rs",
    "linear/check.rs",
    "linear/gelu.rs",
    "linear/kernel.rs",
    "linear/mod.rs",
    "linear/operations/attention/kernel.rs",
    "linear/operations/attention/mod.rs",
    "linear/operations/mod.rs",
    "linear/operations/norm.rs",
    "linear/operations/place.rs",
    "linear/operations/ptx.rs",
    "linear/operations/reduce.rs",
    "linear/operations/row.rs",
    "linear/operations/softmax.rs",
    "linear/operations/top_k.rs",
    "linear/shape.rs",
    "module.rs",
    "queue.rs",
    "queue/pieces.rs",
    "residency.rs",
    "session.rs",
    "staging.rs",
    "submission.rs",
    "tenant.rs",
];

/// The modules that implement the seam, and those that a worker process consists of.
const BELOW_THE_SEAM: [&str; 3] = ["cpu", "remote", "worker"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// All files below a folder, by their paths from `src`, and their code without comments and tests.
fn files(folder: &str) -> Vec<(String, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![source().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(source())
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.ends_with("tests.rs") && name != "testing.rs" {
                found.push((name, code(&path)));
            }
        }
    }
    assert!(!found.is_empty(), "{folder}");
    found
}

fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next();
    let lines = text.unwrap_or_default().lines();
    lines
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect()
}

/// The modules that code names by their paths from the crate's root.
fn uses(code: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(list) => list
                .split('}')
                .next()
                .unwrap_or_default()
                .split(',')
                .collect(),
            None => vec![rest],
        };
        for name in names {
            let name = name.trim();
            let end = name.find(|c: char| !c.is_alphanumeric() && c != '_');
            found.insert(&name[..end.unwrap_or(name.len())]);
        }
    }
    found
}

#[test]
fn what_a_tenant_uses_knows_no_backend() {
    for name in ABOVE_THE_SEAM {
        let code = code(&source().join(name));
        let used = uses(&code);
        for module in BELOW_THE_SEAM {
            assert!(!used.contains(module), "{name} uses {module}");
        }
    }
}

#[test]
fn backends_know_neither_each_other_nor_what_a_tenant_uses() {
    let objects = ["device", "event", "lease", "queue", "residency", "session"];
    for (folder, others) in [("cpu", ["remote", "worker"]), ("remote", ["cpu", "worker"])] {
        for (name, code) in files(folder) {
            let used = uses(&code);
            for module in others.iter().chain(&objects) {
                // The answer of the process that asks the driver is a type of the worker's.
                let is_answer = name == "remote/probe.rs" && *module == "worker";
                assert!(is_answer || !used.contains(module), "{name} uses {module}");
            }
        }
    }
}

#[test]
fn algorithms_and_identifiers_depend_on_nothing() {
    for name in [
        "failure_state.rs",
        "fair_queue.rs",
        "identity.rs",
        "sync.rs",
    ] {
        assert_eq!(uses(&code(&source().join(name))), BTreeSet::new(), "{name}");
    }
}

#[test]
fn unsafe_code_is_in_few_modules() {
    let files = files("");
    let with_unsafe = files
        .iter()
        .filter(|(_, code)| code.contains("unsafe_code"));
    let mut names: Vec<&str> = with_unsafe.map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "cpu/compiled/memory.rs",
            "cpu/product/multiply.rs",
            "large_pages.rs",
            "memory/copy.rs",
            "memory/mapping.rs",
            "memory/write_log.rs",
            "worker/cuda/driver.rs",
            "worker/sandbox/mod.rs",
        ]
    );
}

#[test]
fn modules_that_are_used_are_found() {
    let code = "use crate::{Error, cpu};\nlet c = crate::remote::d();\nuse crate::memory::{A, B};";
    assert_eq!(
        uses(code),
        BTreeSet::from(["Error", "cpu", "memory", "remote"])
    );
}

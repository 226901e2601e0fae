//! The layers of this crate: its folders import only from below, so that no two of them
//! know each other. `docs/architecture.md` has the picture.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Modules below all folders, which every folder may import.
const BASE: [&str; 10] = [
    "idle_pools",
    "init_error",
    "init_export",
    "lock",
    "log_throttle",
    "grant",
    "error",
    "engine",
    "file_kind",
    "schedule",
];

/// The folders, and the others that each may import.
const FOLDERS: [(&str, &[&str]); 6] = [
    ("request", &[]),
    ("server", &["request"]),
    ("journal", &["request"]),
    ("capability", &["request", "journal"]),
    ("instance", &["request", "journal", "capability"]),
    (
        "application",
        &["request", "journal", "server", "capability", "instance"],
    ),
];

/// The code of all files of a folder, without comments and unit tests.
fn code(folder: &Path) -> String {
    let mut code = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            code += &self::code(&path);
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let text = text.split("#[cfg(test)]\nmod ").next().unwrap();
        for line in text.lines() {
            if !line.trim_start().starts_with("//") {
                code += line;
                code += "\n";
            }
        }
    }
    code
}

/// The modules of the crate that code names, by paths that begin with `crate::`.
fn imports(code: &str) -> BTreeSet<String> {
    let name = |path: &str| -> String {
        let letters = path.chars();
        letters
            .take_while(|c| c.is_ascii_lowercase() || *c == '_')
            .collect()
    };
    code.split("crate::").skip(1).map(name).collect()
}

#[test]
fn the_folders_of_the_runtime_import_only_from_below() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (folder, below) in FOLDERS {
        let imports = imports(&code(&source.join(folder)));
        for import in imports {
            assert!(
                import == folder
                    || BASE.contains(&import.as_str())
                    || below.contains(&import.as_str()),
                "`{folder}` imports `crate::{import}`"
            );
        }
    }
}

#[test]
fn what_a_request_is_depends_on_nothing_but_the_lock_helper() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/request");
    let imports = imports(&code(&source));
    assert_eq!(imports, BTreeSet::from(["lock".to_owned()]));
}

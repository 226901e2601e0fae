//! `docs/adding-an-instruction.md` shows code of this crate. Each block names the file that it is
//! from, and has to be in it; each path that the page names has to exist.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    fs::read_to_string(root().join("docs/adding-an-instruction.md")).unwrap()
}

/// The blocks that open with "```rust PATH": the path, and the text.
fn blocks(page: &str) -> Vec<(&str, &str)> {
    page.split("\n```rust ")
        .skip(1)
        .filter_map(|rest| {
            let (path, rest) = rest.split_once('\n')?;
            Some((path, rest.split_once("\n```\n")?.0))
        })
        .collect()
}

#[test]
fn the_code_on_the_page_is_the_code_that_is_compiled() {
    let page = page();
    let blocks = blocks(&page);
    assert_eq!(blocks.len(), page.matches("```rust").count());
    assert!(blocks.len() >= 5);
    for (path, text) in blocks {
        let source = fs::read_to_string(root().join(path)).unwrap();
        assert!(
            source.contains(&format!("\n{text}\n")),
            "{path} does not contain what docs/adding-an-instruction.md shows of it:\n{text}"
        );
    }
}

#[test]
fn the_files_that_the_page_names_exist() {
    let page = page();
    let mut paths = page
        .split('`')
        .filter(|text| text.starts_with("host/") && !text.contains(char::is_whitespace))
        .peekable();
    assert!(paths.peek().is_some());
    for path in paths {
        assert!(root().join(path).exists(), "{path} does not exist");
    }
}

#[test]
fn the_function_that_lists_the_kinds_of_instructions_is_where_the_page_says() {
    let table = fs::read_to_string(root().join("host/ptx/src/syntax/table.rs")).unwrap();
    assert!(table.contains("pub(crate) fn effect(self) -> Effect"));
}

//! The pages of the documentation as a book: every link leads somewhere, and the book's summary has
//! every page once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::docs::{pages, root};

/// A page's text without what is code, in which brackets are no links, and `#` no headings.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            // Every second part is between backquotes.
            for part in line.split('`').step_by(2) {
                prose += part;
            }
            prose.push('\n');
        }
    }
    prose
}

/// The names by which a page's headings are linked to, by the rules of GitHub, which mdBook shares. One
/// that is there twice gets a number.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut seen = BTreeMap::<String, u32>::new();
    let mut anchors = BTreeSet::new();
    let mut inside = false;
    for line in text.lines() {
        inside ^= line.starts_with("```");
        let heading = line.trim_start_matches('#');
        if inside || heading == line || !heading.starts_with(' ') {
            continue;
        }
        let kept = heading.trim().chars().filter_map(|letter| match letter {
            ' ' => Some('-'),
            '-' | '_' => Some(letter),
            _ => letter.is_alphanumeric().then_some(letter),
        });
        let name: String = kept.flat_map(char::to_lowercase).collect();
        let count = seen.entry(name.clone()).or_default();
        anchors.insert(match *count {
            0 => name,
            count => format!("{name}-{count}"),
        });
        *count += 1;
    }
    anchors
}

/// Where the links of a text lead.
fn links(text: &str) -> Vec<String> {
    let ends = text.split("](").skip(1);
    ends.filter_map(|rest| rest.split(')').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_a_heading_that_are_there() {
    let mut broken = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in links(&prose(&text)) {
            if link.contains("://") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match file {
                "" => page.clone(),
                file => page.parent().unwrap().join(file),
            };
            let is_page = target.extension().is_some_and(|ending| ending == "md");
            let there = target.exists()
                && (anchor.is_empty()
                    || is_page && anchors(&fs::read_to_string(&target).unwrap()).contains(anchor));
            if !there {
                broken.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn the_book_has_every_page_once_and_nothing_from_outside() {
    let docs = root().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let listed: Vec<PathBuf> = links(&summary).iter().map(|link| docs.join(link)).collect();
    let distinct: BTreeSet<&Path> = listed.iter().map(PathBuf::as_path).collect();
    assert_eq!(listed.len(), distinct.len(), "a page is listed twice");
    let pages = pages();
    let there: BTreeSet<&Path> = pages
        .iter()
        .map(PathBuf::as_path)
        .filter(|page| page.starts_with(&docs) && !page.ends_with("SUMMARY.md"))
        .collect();
    assert_eq!(there, distinct, "left: the pages, right: docs/SUMMARY.md");
    for page in there {
        for link in links(&prose(&fs::read_to_string(page).unwrap())) {
            let file = link.split('#').next().unwrap();
            let depth = page.strip_prefix(&docs).unwrap().components().count() - 1;
            assert!(
                file.contains("://") || file.matches("../").count() <= depth,
                "{}: {link} leads out of the book: name the file with its path, without a link",
                page.display()
            );
        }
    }
}

#[test]
fn headings_are_linked_to_by_their_words() {
    let text = "# A `b`-c, d\n```sh\n# none\n```\n## Again\n## Again\n#no\n";
    let expected = ["a-b-c-d", "again", "again-1"].map(str::to_owned);
    assert_eq!(anchors(text), BTreeSet::from(expected));
}

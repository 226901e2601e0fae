//! Pages of the documentation, followed in each language. A block of commands that is marked
//! `sh python` takes the place of the `sh` block before it where the page is followed in Python, or
//! stands alone on a page that is followed for what it says of Python only.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};

use super::{Language, project::Tools};
use crate::{steps::Steps, workspace::Workspace};

/// Comes before each script, as in the tests of the documentation.
const PRELUDE: &str = include_str!("../../../tests/docs/prelude.sh");

/// What differs here: cargo builds the project, and not the checkout; the packages of npm, and those
/// of pip, are there already. An interpreter takes an engine a while to compile.
const HERE: &str = r#"
patience=12000
cargo() { command cargo "$@"; }
npm() {
    if [ "$1" = install ]; then ln -s "$PACKAGES" "$3/node_modules"; return; fi
    command npm "$@"
}
"#;

/// A page, and how it is followed.
struct Page {
    path: &'static str,
    /// The word behind `sh` in the marks of its blocks.
    mark: &'static str,
    follow: Follow,
    /// What its commands print.
    said: &'static [&'static str],
}

#[derive(Clone, Copy, PartialEq)]
enum Follow {
    /// All of it, with the language's blocks in the place of others.
    Whole,
    /// The language's blocks alone.
    Own,
}

/// The pages that are followed in a language.
fn pages(language: Language) -> &'static [Page] {
    const TUTORIAL: &str = "docs/guide/tutorial.md";
    const GUESTS: &str = "docs/guests.md";
    match language {
        Language::Rust => &[Page {
            path: TUTORIAL,
            mark: "cargo-component",
            follow: Follow::Whole,
            said: &[
                "[2.0, 4.0, 6.0]",
                "[1.0, 4.0, 9.0]",
                "unauthorized",
                "[25.0]",
            ],
        }],
        Language::Python => &[
            Page {
                path: TUTORIAL,
                mark: "python",
                follow: Follow::Whole,
                said: &[
                    "[2.0, 4.0, 6.0]",
                    "[1.0, 4.0, 9.0]",
                    "unauthorized",
                    "[25.0]",
                ],
            },
            Page {
                path: GUESTS,
                mark: "python",
                follow: Follow::Own,
                said: &["HTTP service (WASI 0.2)", "HTTP service (WASI 0.3)"],
            },
        ],
        Language::Javascript => &[
            Page {
                path: TUTORIAL,
                mark: "javascript",
                follow: Follow::Whole,
                said: &["[2,4,6]", "[1,4,9]", "unauthorized", "[25]"],
            },
            Page {
                path: GUESTS,
                mark: "javascript",
                follow: Follow::Own,
                said: &["HTTP service (WASI 0.2)", "HTTP service (WASI 0.3)"],
            },
        ],
    }
}

/// How many pages are followed in a language.
pub fn count(language: Language) -> usize {
    pages(language).len()
}

/// Follows the pages of a language.
///
/// # Errors
/// Where a command fails, or prints otherwise than the page says.
pub fn followed(
    workspace: &Workspace,
    steps: &mut Steps,
    tools: &Tools,
    language: Language,
) -> Result<()> {
    for page in pages(language) {
        let step = steps.begin(&format!("{}: following {}", page.mark, page.path));
        if page.mark == "cargo-component" && !tools.cargo_component {
            step.done("left out, since it is not installed (`cargo install cargo-component`)");
            continue;
        }
        let text = fs::read_to_string(workspace.root().join(page.path))?;
        let commands = commands(&text, page.mark, page.follow);
        ensure!(
            !commands.is_empty(),
            "{} has no block marked `sh {}`",
            page.path,
            page.mark
        );
        let said = said(workspace, tools, &commands)
            .with_context(|| format!("{} in {}", page.path, page.mark))?;
        for words in page.said {
            ensure!(
                said.contains(words),
                "{} in {}: {words:?} is not in:\n{said}",
                page.path,
                page.mark
            );
        }
        step.done("all commands");
    }
    Ok(())
}

/// The commands of a page: none where it has none for the language.
fn commands(page: &str, mark: &str, follow: Follow) -> String {
    let mut taken: Vec<String> = Vec::new();
    let mut is_own = false;
    // The block that a line is in: whether it is taken.
    let mut inside: Option<bool> = None;
    for line in page.lines() {
        match (inside, line.strip_prefix("```")) {
            (None, Some(opening)) => {
                let mut words = opening.split_whitespace();
                let is_shell = words.next() == Some("sh");
                let marks: Vec<&str> = words.collect();
                let own = is_shell && marks.contains(&mark);
                let common = is_shell && marks.is_empty() && follow == Follow::Whole;
                if own && follow == Follow::Whole {
                    taken.pop();
                }
                if own || common {
                    taken.push(String::new());
                }
                is_own |= own;
                inside = Some(own || common);
            }
            (Some(_), Some(_)) => inside = None,
            (Some(true), None) => {
                if let Some(block) = taken.last_mut() {
                    *block += line;
                    block.push('\n');
                }
            }
            _ => {}
        }
    }
    if is_own {
        taken.concat()
    } else {
        String::new()
    }
}

/// Runs commands in a folder like the checkout, and says what they printed.
fn said(workspace: &Workspace, tools: &Tools, commands: &str) -> Result<String> {
    let folder = tempfile::tempdir()?;
    for name in ["components", "guest-sdk", "tests", "wit", "docs"] {
        let original = workspace.root().join(name);
        std::os::unix::fs::symlink(original, folder.path().join(name))?;
    }
    std::os::unix::fs::symlink(workspace.target(), folder.path().join("target"))?;
    let none = Path::new("/nonexistent");
    let languages = workspace.target().join("languages");
    let output = Command::new("bash")
        .args(["-c", &format!("{PRELUDE}{HERE}{commands}")])
        .current_dir(folder.path())
        .env("PATH", &tools.path)
        .env("CHECKOUT", workspace.root())
        .env("PACKAGES", tools.packages.as_deref().unwrap_or(none))
        .env("PROJECTS", languages.join("projects"))
        .env("XDG_CACHE_HOME", languages.join("cache"))
        .env("CARGO_NET_OFFLINE", "true")
        .env_remove("CARGO_TARGET_DIR")
        .stdin(Stdio::null())
        .output()
        .context("pages are followed by bash")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success(),
        "{}\n{said}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_s_block_takes_the_place_of_the_one_before() {
        let page = "```sh\none\n```\ntext\n```sh python x\ntwo\n```\n```sh\nthree\n```\n```text\n```\n\
                    ```sh checked\nfour\n```\n";
        assert_eq!(commands(page, "python", Follow::Whole), "two\nthree\n");
        assert_eq!(commands(page, "python", Follow::Own), "two\n");
        assert_eq!(commands(page, "javascript", Follow::Whole), "");
    }
}

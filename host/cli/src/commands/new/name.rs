//! The name of a project: one that is a folder, a package of cargo and of WIT, and a module of
//! each language, at one time.

use std::str::FromStr;

/// The longest name. Package registries take no longer ones.
const LONGEST: usize = 64;

/// Names that a crate can't have, or that would hide one that each program uses. The keywords
/// of Rust's reference, section 2.1, and the crates of its standard library.
const TAKEN: &[&str] = &[
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "static",
    "std",
    "struct",
    "super",
    "target",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "yield",
];

/// A checked name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectName(String);

impl ProjectName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As a module of Rust or Python, and as cargo names files.
    pub fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// As WIT and tools for components write names.
    pub fn kebab(&self) -> String {
        self.0.replace('_', "-")
    }
}

impl FromStr for ProjectName {
    type Err = String;

    fn from_str(text: &str) -> Result<ProjectName, String> {
        let form = "a name consists of words of small letters and digits, each beginning with a \
                    letter, with `-` or `_` between them, such as my-service";
        if text.is_empty() {
            return Err(format!("it is empty: {form}"));
        }
        if text.len() > LONGEST {
            return Err(format!("it is longer than {LONGEST} letters"));
        }
        let is_word = |word: &str| {
            word.starts_with(|first: char| first.is_ascii_lowercase())
                && word
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        };
        if !text.split(['-', '_']).all(is_word) {
            return Err(form.to_owned());
        }
        let name = ProjectName(text.to_owned());
        if TAKEN.contains(&name.kebab().as_str()) {
            return Err(format!(
                "`{text}` has a meaning of its own in Rust: choose another name"
            ));
        }
        Ok(name)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_name_is_one_in_every_language() {
        for good in ["a", "my-service", "my_service", "saxpy2", "n9-a1"] {
            let name: ProjectName = good.parse().unwrap();
            assert_eq!(name.as_str(), good);
        }
        let name: ProjectName = "my-nice_service".parse().unwrap();
        assert_eq!(name.snake(), "my_nice_service");
        assert_eq!(name.kebab(), "my-nice-service");
        for bad in [
            "",
            "-",
            "-a",
            "a-",
            "a--b",
            "a-1",
            "1a",
            "A",
            "my service",
            "a/b",
            "..",
            "ü",
            "a.b",
            "fn",
            "std",
            "proc_macro",
            "test",
        ] {
            assert!(bad.parse::<ProjectName>().is_err(), "{bad:?}");
        }
        assert!("a".repeat(65).parse::<ProjectName>().is_err());
    }
}

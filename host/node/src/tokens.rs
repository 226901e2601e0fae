//! The bearer tokens that a server knows, from a file.
//!
//! One token a line, with a name before it or without; blank lines, and lines that
//! begin with `#`, don't count:
//!
//! ```text
//! # who may call the image service
//! build-server:0Jd9rUq4mW2hX7cT
//! Zk3vN8pQ1sY6bF5g
//! ```
//!
//! No token stays in memory: the list holds hashes under a key that was made for
//! this process, so that a copy of its memory tells nobody a token, and two
//! processes with the same list have nothing in common.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use subtle::{ConditionallySelectable, ConstantTimeEq};
use tensor_wasm_runtime::policy::{Authenticator, Principal, Refusal, Scope};
use thiserror::Error;
use zeroize::Zeroizing;

/// The longest file that is read, in bytes.
const LARGEST_FILE: u64 = 1 << 20;

/// Below this many characters, a token is worth a warning: it could be guessed.
const SHORT: usize = 16;

/// The longest name and the longest token, in characters.
const LONGEST_NAME: usize = 64;
const LONGEST_TOKEN: usize = 512;

/// Why a list of tokens was not taken. No message holds a token.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// The file can't be read.
    #[error("the token file {path} can't be read", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        cause: io::Error,
    },
    /// The file is larger than a list of tokens could reasonably be.
    #[error("the token file {path} is larger than {LARGEST_FILE} bytes", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A line that is no token.
    #[error("line {line} of the token list {problem}; write TOKEN or NAME:TOKEN")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The same token, or the same name, twice.
    #[error("line {line} of the token list repeats the {what} of line {first}")]
    Repeated {
        /// From 1.
        line: usize,
        /// The earlier line, from 1.
        first: usize,
        /// `name` or `token`.
        what: &'static str,
    },
    /// Nobody could call.
    #[error("the token list holds no token: write one token a line")]
    Empty,
    /// The operating system has no random numbers.
    #[error("the operating system gives no random numbers to hash tokens with: {0}")]
    NoRandomNumbers(getrandom::Error),
}

/// A list of tokens, each with the principal that holds it.
pub struct TokenList {
    key: [u8; blake3::KEY_LEN],
    entries: Vec<Entry>,
}

struct Entry {
    line: usize,
    hash: [u8; blake3::OUT_LEN],
    principal: Principal,
}

impl fmt::Debug for TokenList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let principals: Vec<_> = self.entries.iter().map(|e| &e.principal.id).collect();
        f.debug_tuple("TokenList").field(&principals).finish()
    }
}

impl TokenList {
    /// Reads a file of tokens. Warns in the log where others may read it.
    ///
    /// # Errors
    ///
    /// [`TokenError`], with the line where one is to blame.
    pub fn from_file(path: &Path) -> Result<Self, TokenError> {
        let read = |cause| TokenError::Read {
            path: path.to_owned(),
            cause,
        };
        let metadata = fs::metadata(path).map_err(read)?;
        if metadata.len() > LARGEST_FILE {
            return Err(TokenError::TooLarge {
                path: path.to_owned(),
            });
        }
        if others_may_read(&metadata) {
            tracing::warn!(
                path = %path.display(),
                "other users of this machine may read the token file: `chmod 600` it"
            );
        }
        let text = fs::read_to_string(path).map(Zeroizing::new).map_err(read)?;
        Self::parse(&text)
    }

    /// Takes the tokens from the text of such a file.
    ///
    /// # Errors
    ///
    /// [`TokenError`], with the line where one is to blame.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let mut key = [0; blake3::KEY_LEN];
        getrandom::fill(&mut key).map_err(TokenError::NoRandomNumbers)?;
        let mut list = Self {
            key,
            entries: Vec::new(),
        };
        for (index, line) in text.lines().enumerate() {
            let (number, line) = (index + 1, line.trim());
            if !line.is_empty() && !line.starts_with('#') {
                list.add(number, line)?;
            }
        }
        if list.entries.is_empty() {
            return Err(TokenError::Empty);
        }
        Ok(list)
    }

    /// How many tokens it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none, which no list that was taken does.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn add(&mut self, line: usize, text: &str) -> Result<(), TokenError> {
        let wrong = |problem| Err(TokenError::Line { line, problem });
        let (name, token) = match text.split_once(':') {
            Some((name, token)) => (Some(name.trim()), token.trim()),
            None => (None, text),
        };
        if let Some(name) = name {
            let fits = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(fits) {
                return wrong("has a name that isn't 1 to 64 of A-Z a-z 0-9 . _ -");
            }
        }
        if token.is_empty() {
            return wrong("has a name and no token");
        }
        if token.len() > LONGEST_TOKEN {
            return wrong("has a token of more than 512 characters");
        }
        // What may stand behind `Bearer` (RFC 6750): anything else never matches.
        if !token
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._~+/=".contains(c))
        {
            return wrong("has a token with a character that HTTP allows in no bearer token");
        }
        if token.len() < SHORT {
            tracing::warn!(
                line,
                "a token of fewer than {SHORT} characters could be guessed"
            );
        }

        let hash = self.hash(token);
        let id = name.map_or_else(
            || format!("token-{}", self.entries.len() + 1),
            str::to_owned,
        );
        for (what, first) in [
            (
                "token",
                self.entries.iter().find(|entry| entry.hash == hash),
            ),
            (
                "name",
                self.entries.iter().find(|entry| entry.principal.id == id),
            ),
        ] {
            if let Some(first) = first {
                let first = first.line;
                return Err(TokenError::Repeated { line, first, what });
            }
        }
        let principal = Principal {
            id,
            scope: Scope::All,
            roles: Vec::new(),
        };
        self.entries.push(Entry {
            line,
            hash,
            principal,
        });
        Ok(())
    }

    fn hash(&self, token: &str) -> [u8; blake3::OUT_LEN] {
        *blake3::keyed_hash(&self.key, token.as_bytes()).as_bytes()
    }
}

impl Authenticator for TokenList {
    fn authenticate(&self, token: &str) -> Result<Principal, Refusal> {
        if token.len() > LONGEST_TOKEN {
            return Err(Refusal::Unknown);
        }
        let hash = self.hash(token);
        // Looks at each entry whatever it found, and takes the index without a
        // branch: the time tells neither whether a token is known nor which it is.
        let mut found = u64::MAX;
        for (index, entry) in (0_u64..).zip(&self.entries) {
            found.conditional_assign(&index, entry.hash.ct_eq(&hash));
        }
        usize::try_from(found)
            .ok()
            .and_then(|index| self.entries.get(index))
            .map(|entry| entry.principal.clone())
            .ok_or(Refusal::Unknown)
    }
}

#[cfg(unix)]
fn others_may_read(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o044 != 0
}

#[cfg(not(unix))]
fn others_may_read(_metadata: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    const LIST: &str = "# comment\n\nbuild:0Jd9rUq4mW2hX7cT\r\n  Zk3vN8pQ1sY6bF5g  \n";

    #[test]
    fn a_known_token_names_its_principal() {
        let list = TokenList::parse(LIST).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(list.authenticate("0Jd9rUq4mW2hX7cT").unwrap().id, "build");
        let unnamed = list.authenticate("Zk3vN8pQ1sY6bF5g").unwrap();
        assert_eq!(
            (unnamed.id.as_str(), unnamed.scope),
            ("token-2", Scope::All)
        );
    }

    #[test]
    fn whatever_is_not_a_token_of_the_list_is_unknown() {
        let list = TokenList::parse(LIST).unwrap();
        let long = "x".repeat(1 << 20);
        for token in [
            "",
            "0Jd9rUq4mW2hX7c",
            "0Jd9rUq4mW2hX7cTT",
            "build",
            "# comment",
            &long,
        ] {
            assert_eq!(list.authenticate(token), Err(Refusal::Unknown));
        }
    }

    #[test]
    fn an_error_names_the_line_and_never_the_token() {
        for (text, line) in [
            ("good-token-0123456\nse cret", 2),
            ("\n:secret", 2),
            ("name:", 1),
            ("na me:secret", 1),
            ("a:b:secret", 1),
            ("sécret", 1),
        ] {
            let error = TokenList::parse(text).unwrap_err();
            assert!(
                matches!(error, TokenError::Line { line: l, .. } if l == line),
                "{text}"
            );
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("cret"), "{shown}");
        }
    }

    #[test]
    fn a_token_or_name_that_comes_twice_is_an_error_with_both_lines() {
        for (text, what) in [
            ("a:one\nb:two\nc:one", "token"),
            ("a:one\nb:two\na:three", "name"),
        ] {
            let error = TokenList::parse(text).unwrap_err();
            assert!(
                matches!(&error, TokenError::Repeated { line: 3, first: 1, what: w } if *w == what),
                "{error}"
            );
        }
    }

    #[test]
    fn a_list_without_tokens_is_an_error_rather_than_a_closed_door() {
        for text in ["", "\n\n", "# nothing\n"] {
            assert!(matches!(TokenList::parse(text), Err(TokenError::Empty)));
        }
    }

    #[test]
    fn a_list_never_shows_what_it_was_made_of() {
        let list = TokenList::parse(LIST).unwrap();
        assert_eq!(format!("{list:?}"), r#"TokenList(["build", "token-2"])"#);
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = TokenList::from_file(Path::new("/nowhere/tokens")).unwrap_err();
        assert!(error.to_string().contains("/nowhere/tokens"), "{error}");
    }

    #[test]
    fn a_file_is_read_and_one_that_is_huge_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tokens");
        fs::write(&path, LIST).unwrap();
        assert_eq!(TokenList::from_file(&path).unwrap().len(), 2);
        fs::write(&path, "#".repeat(2 << 20)).unwrap();
        assert!(matches!(
            TokenList::from_file(&path),
            Err(TokenError::TooLarge { .. })
        ));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(matches!(
            TokenList::from_file(&path),
            Err(TokenError::Read { .. })
        ));
    }
}

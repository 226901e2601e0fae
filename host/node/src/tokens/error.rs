//! Why a list of tokens is refused, with the position. No message contains a token.

use std::fmt;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::{LARGEST_FILE, MOST_KEYS};
use crate::deprecation::Deprecation;

/// Where a token was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// A line of the token file, from 1.
    Line(usize),
    /// An entry of `TENSOR_WASM_API_TOKENS`, from 1. Numbers of tenants are no
    /// entries of their own.
    Entry(usize),
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TokenSource::Line(number) => write!(f, "line {number} of the token file"),
            TokenSource::Entry(number) => write!(f, "entry {number} of TENSOR_WASM_API_TOKENS"),
        }
    }
}

impl TokenSource {
    /// How to write a token there.
    fn cure(self) -> &'static str {
        match self {
            TokenSource::Line(_) => "TOKEN, NAME:TOKEN, or what `tensor-wasm token new` prints",
            TokenSource::Entry(_) => "TOKEN:tenant=* or TOKEN:tenant=1,2",
        }
    }
}

/// Why a list of tokens is refused. No message contains a token.
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
    /// The file is a pipe, and nobody writes into it when it is read again.
    #[error(
        "the token file {path} is no regular file, and nobody has written tokens into it: \
         write all of them into it while the server reads it, or name a regular file",
        path = path.display()
    )]
    NothingWritten {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be written.
    #[error("the token file {path} can't be written", path = path.display())]
    Write {
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
    /// A line or entry that is not a token.
    #[error("{place} {problem}; write {cure}", cure = place.cure())]
    Wrong {
        /// Its position.
        place: TokenSource,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A form of token that this version no longer takes.
    #[error("{place} is one of the {what}, which are refused since version {removal}: {cure}", what = .deprecation.what, removal = .deprecation.removal, cure = .deprecation.cure)]
    Removed {
        /// Its position.
        place: TokenSource,
        /// What was deprecated.
        deprecation: &'static Deprecation,
    },
    /// The same token twice, or a name that can be there only once.
    #[error("{place} repeats the {what} of {first}: remove one of them")]
    Repeated {
        /// Its position.
        place: TokenSource,
        /// The position of the first one.
        first: TokenSource,
        /// `name` or `token`.
        what: &'static str,
    },
    /// More tokens of one name than a rotation needs.
    #[error(
        "{place} is a third valid token of the name that {first} and {second} have: \
         two are enough to change from one to the other, so remove one"
    )]
    ThirdOfName {
        /// Its position.
        place: TokenSource,
        /// The position of the first.
        first: TokenSource,
        /// The position of the second.
        second: TokenSource,
    },
    /// Too many keys: each costs every request a hash.
    #[error(
        "{place} has one key more than the {MOST_KEYS} that a token file may have: \
         add tokens with `tensor-wasm token new --file`, which uses the file's own key"
    )]
    TooManyKeys {
        /// The position of the first key over the limit.
        place: TokenSource,
    },
    /// The list is empty, so that nobody could call.
    #[error("the token list holds no token: write one token a line")]
    Empty,
    /// The claims of a new token are invalid.
    #[error("the token {problem}")]
    Claims {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A secret that a fast hash doesn't protect, or that no request can carry.
    #[error("the secret {problem}; `tensor-wasm token new` makes a good one")]
    Secret {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The operating system has no random numbers.
    #[error("the operating system gives no random numbers to hash tokens with: {0}")]
    NoRandomNumbers(getrandom::Error),
}

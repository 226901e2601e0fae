//! Why a snapshot is not written or read.

use thiserror::Error;

use crate::limits::FORMAT_VERSION;

/// Why a snapshot is not written or read. Of a file that is refused nothing was used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The file is another one.
    #[error("this is no snapshot: it does not begin with the mark of one")]
    NotASnapshot,
    /// A newer version of the program has written it.
    #[error(
        "the snapshot has format version {found}, and this version of tensor-wasm reads up to \
         {FORMAT_VERSION}: use a newer one"
    )]
    Newer {
        /// The version of its format.
        found: u16,
    },
    /// It is of another kind.
    #[error("the file is {found}, and {expected} is expected here")]
    OtherKind {
        /// What it is.
        found: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// It has another content than when it was written.
    #[error("the snapshot is damaged: {what}; take another copy of it")]
    Damaged {
        /// What is wrong.
        what: String,
    },
    /// It ends too early.
    #[error("the snapshot is cut short: {missing} bytes at least are missing at byte {at}")]
    Truncated {
        /// Where it ends, in bytes.
        at: u64,
        /// How many bytes are missing, at least.
        missing: u64,
    },
    /// It goes on behind its end.
    #[error("the snapshot has bytes behind its end at byte {at}: take another copy of it")]
    TooLong {
        /// Where it should end, in bytes.
        at: u64,
    },
    /// Its manifest says what no writer says.
    #[error("the snapshot's manifest can't be used: {what}")]
    Manifest {
        /// What is wrong.
        what: String,
    },
    /// It has no signature, and one is required.
    #[error(
        "the snapshot is not signed, and a signature is required: save it on a node that has the key"
    )]
    Unsigned,
    /// It is signed by a key that is not trusted.
    #[error(
        "the snapshot is signed by another key ({key}): trust that one, or take a snapshot that is \
         signed by yours"
    )]
    OtherKey {
        /// Which key.
        key: String,
    },
    /// A key has not the form that it should have.
    #[error("{what}")]
    Key {
        /// What is wrong, and what would be right.
        what: &'static str,
    },
    /// A secret can't be opened.
    #[error(
        "the secret {name} was sealed by another key: give the one that the snapshot was saved with"
    )]
    SecretKey {
        /// The name of the secret.
        name: String,
    },
    /// Reading or writing failed.
    #[error("can't read or write the snapshot")]
    Io(#[from] std::io::Error),
}

impl Error {
    pub(crate) fn damaged(what: impl Into<String>) -> Error {
        Error::Damaged { what: what.into() }
    }

    pub(crate) fn manifest(what: impl Into<String>) -> Error {
        Error::Manifest { what: what.into() }
    }
}

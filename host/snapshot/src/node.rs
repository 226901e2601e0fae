//! The manifest of a node's own state: what a node has beside its functions, each of which has a
//! snapshot of its own.

use serde::{Deserialize, Serialize};

use crate::check::{at_most, check_chunks, check_contents, distinct, name};
use crate::limits::{FUNCTIONS, NODE_VERSION, TOKEN_BYTES};
use crate::{ChunkEntry, Content, Error, FileManifest};

/// What a node has beside its functions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeManifest {
    /// The program that wrote it, and its version.
    pub program: String,
    /// When its contents were as they are here, in milliseconds since 1970, UTC.
    pub created_ms: i64,
    /// The functions that there were.
    pub functions: Vec<NodeFunction>,
    /// What functions used, by hour: a JSON document a line.
    pub usage: Content,
    /// The tokens whose hashes the node knew, as a token file has them.
    pub tokens: Content,
    /// How many tokens the node knew in the clear, of which nothing is here.
    pub tokens_left_out: u64,
    /// The last record of the audit log, where there was one in a file.
    pub audit: Option<AuditPosition>,
    /// All chunks, in the order in which they are in the file.
    pub chunks: Vec<ChunkEntry>,
}

/// A function of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeFunction {
    /// Whose it is.
    pub tenant: u64,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// The last record of an audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditPosition {
    /// Its number.
    pub seq: u64,
    /// BLAKE3 of its line: 64 hexadecimal digits.
    pub hash: String,
}

impl FileManifest for NodeManifest {
    const VERSION: u16 = NODE_VERSION;
    const WHAT: &'static str =
        "the state of a node, which `tensor-wasm snapshot import --node` takes";

    fn check(&self) -> Result<(), Error> {
        check_chunks(&self.chunks)?;
        check_contents(&self.chunks, self.contents())?;
        name("the program", &self.program)?;
        at_most("functions", self.functions.len(), FUNCTIONS)?;
        for function in &self.functions {
            name("a function's id", &function.id)?;
            name("a function", &function.name)?;
        }
        distinct("function", self.functions.iter().map(|one| &one.id))?;
        let names = self.functions.iter().map(|one| (one.tenant, &one.name));
        distinct("name", names)?;
        if self.tokens.bytes > TOKEN_BYTES {
            return Err(Error::manifest(format!(
                "its tokens have {} bytes, and {TOKEN_BYTES} are read at most",
                self.tokens.bytes
            )));
        }
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        match &self.audit {
            Some(end) if end.hash.len() != 64 || !end.hash.bytes().all(is_digit) => Err(
                Error::manifest("the last record of its audit log has no hash"),
            ),
            _ => Ok(()),
        }
    }

    fn chunks(&self) -> &[ChunkEntry] {
        &self.chunks
    }

    fn contents(&self) -> Vec<(String, &Content)> {
        vec![
            ("the usage".to_owned(), &self.usage),
            ("the tokens".to_owned(), &self.tokens),
        ]
    }
}

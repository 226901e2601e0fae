//! The manifest of a node's own state: what a node has beside its functions, each of which has a
//! snapshot of its own.

use serde::{Deserialize, Serialize};

use crate::check::{at_most, check_chunks, check_contents, distinct, name};
use crate::digest::{digest_of, is_digest};
use crate::limits::{FIRST_NODE_VERSION, FUNCTIONS, KEPT_SNAPSHOTS, NODE_VERSION, TOKEN_BYTES};
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
    /// The snapshots that the node keeps.
    pub snapshots: Vec<KeptSnapshot>,
    /// What functions used, by hour: a JSON document a line.
    pub usage: Content,
    /// Jobs that have ended: for each a JSON document in a line, and behind it the bytes of its result, if
    /// it has one, and a line feed.
    pub jobs: Content,
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

/// A snapshot that a node keeps. It has a file of its own.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptSnapshot {
    /// Whose it is.
    pub tenant: u64,
    /// Its id.
    pub id: String,
    /// BLAKE3 of its header and manifest, as `blake3:` and hexadecimal digits.
    pub head: String,
}

/// The manifest of a file that was written before jobs and snapshots were in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstNodeManifest {
    program: String,
    created_ms: i64,
    functions: Vec<NodeFunction>,
    usage: Content,
    tokens: Content,
    tokens_left_out: u64,
    audit: Option<AuditPosition>,
    chunks: Vec<ChunkEntry>,
}

impl From<FirstNodeManifest> for NodeManifest {
    fn from(first: FirstNodeManifest) -> NodeManifest {
        NodeManifest {
            program: first.program,
            created_ms: first.created_ms,
            functions: first.functions,
            snapshots: Vec::new(),
            usage: first.usage,
            jobs: Content {
                digest: digest_of(&[]),
                bytes: 0,
                chunks: Vec::new(),
            },
            tokens: first.tokens,
            tokens_left_out: first.tokens_left_out,
            audit: first.audit,
            chunks: first.chunks,
        }
    }
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

    fn reads(version: u16) -> bool {
        matches!(version, FIRST_NODE_VERSION | NODE_VERSION)
    }

    fn of_text(version: u16, text: &[u8]) -> Result<NodeManifest, Error> {
        let read = match version {
            FIRST_NODE_VERSION => {
                serde_json::from_slice::<FirstNodeManifest>(text).map(NodeManifest::from)
            }
            _ => serde_json::from_slice(text),
        };
        read.map_err(|error| Error::manifest(error.to_string()))
    }

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
        at_most("snapshots", self.snapshots.len(), KEPT_SNAPSHOTS)?;
        for snapshot in &self.snapshots {
            name("a snapshot", &snapshot.id)?;
            if !is_digest(&snapshot.head) {
                return Err(Error::manifest("a snapshot has no digest"));
            }
        }
        distinct("snapshot", self.snapshots.iter().map(|one| &one.id))?;
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
            ("the jobs".to_owned(), &self.jobs),
            ("the tokens".to_owned(), &self.tokens),
        ]
    }
}

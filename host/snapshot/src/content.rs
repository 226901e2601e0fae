//! What a manifest says of the contents that follow it: of which chunks they are made.

use serde::{Deserialize, Serialize};

/// Bytes, as chunks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Content {
    /// BLAKE3 of the whole: `blake3:` and hexadecimal digits.
    pub digest: String,
    /// How many there are.
    pub bytes: u64,
    /// The chunks, by their places in the manifest's list.
    pub chunks: Vec<u32>,
}

/// A chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChunkEntry {
    /// BLAKE3 of its stored form.
    pub digest: String,
    /// The length of its stored form, in bytes.
    pub stored: u32,
    /// How many bytes it decompresses to.
    pub bytes: u32,
}

//! What a file may have at most. A reader refuses more before it takes memory for it.

/// The newest version of the format that this program reads.
pub const FORMAT_VERSION: u16 = NODE_VERSION;

/// The version of the format of a function.
pub const FUNCTION_VERSION: u16 = 1;

/// The version of the format of a node's own state without jobs and snapshots, as it was written before.
pub const FIRST_NODE_VERSION: u16 = 2;

/// The version of the format of a recorded request.
pub const RECORDING_VERSION: u16 = 3;

/// The version of the format of a node's own state.
pub const NODE_VERSION: u16 = 4;

/// The longest manifest, in bytes.
pub const MANIFEST_BYTES: u32 = 64 << 20;

/// What a writer makes a chunk of, in bytes. The last one of a content is shorter.
pub const CHUNK_BYTES: usize = 1 << 20;

/// The longest chunk that a reader takes, in bytes, decompressed.
pub const MOST_CHUNK_BYTES: u32 = 4 << 20;

/// The longest stored form of a chunk of so many bytes: what the compressor makes of those that it
/// can't compress.
pub fn most_stored_bytes(bytes: u32) -> u32 {
    // `ZSTD_COMPRESSBOUND` of zstd, and the same again for other versions of it.
    bytes.saturating_add(bytes / 128).saturating_add(1024)
}

/// Chunks of one file. With the longest chunks that is 4 TiB.
pub const CHUNKS: usize = 1 << 20;

/// Versions of the function.
pub const VERSIONS: usize = 100;

/// Assets of a version.
pub const ASSETS: usize = 10_000;

/// Named buffers of a version.
pub const BUFFERS: usize = 4096;

/// Settings and secrets, each.
pub const SETTINGS: usize = 1024;

/// Jobs that wait.
pub const JOBS: usize = 100_000;

/// Functions of a node.
pub const FUNCTIONS: usize = 500_000;

/// Snapshots that a node keeps.
pub const KEPT_SNAPSHOTS: usize = 500_000;

/// Bytes of the tokens of a node.
pub const TOKEN_BYTES: u64 = 32 << 20;

/// The calls of a recording, and the bytes that they name, each, in bytes.
pub const RECORDING_BYTES: u64 = 1 << 30;

/// The head of a recorded request and the settings of its guest together, in bytes.
pub const RECORDING_TEXT_BYTES: usize = 4 << 20;

/// The longest path of an asset, and the longest name of anything, in bytes.
pub const NAME_BYTES: usize = 1024;

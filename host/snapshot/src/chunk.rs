//! Chunks: pieces of a content, compressed, and named by the digest of their stored form. Equal ones
//! are stored once.

use std::collections::HashMap;

use crate::digest::{digest_of, named};
use crate::limits::{CHUNK_BYTES, MOST_CHUNK_BYTES};
use crate::{ChunkEntry, Content, Error};

/// Fast: a snapshot is to be written about as fast as a disk takes it.
const LEVEL: i32 = 1;

/// For what can't be compressed, such as trained weights: looks for almost nothing, and stores it as it is.
const LEVEL_OF_NOISE: i32 = -1000;

/// The part of a chunk, in bytes, that tells whether it can be compressed.
const SAMPLE: usize = 32 << 10;

/// A chunk in its stored form.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// What the manifest says of it.
    pub entry: ChunkEntry,
    /// A frame of zstd (RFC 8878).
    pub stored: Vec<u8>,
}

impl Chunk {
    /// Compresses a piece of a content.
    ///
    /// # Errors
    ///
    /// Where the compressor fails, or the piece is too long.
    pub fn pack(bytes: &[u8]) -> Result<Chunk, Error> {
        let raw = u32::try_from(bytes.len()).ok();
        let raw = raw.filter(|raw| *raw <= MOST_CHUNK_BYTES);
        let raw = raw.ok_or_else(|| Error::manifest("a chunk is too long"))?;
        let stored = zstd::bulk::compress(bytes, level(bytes)?)?;
        Ok(Chunk {
            entry: ChunkEntry {
                digest: digest_of(&stored),
                stored: u32::try_from(stored.len()).unwrap_or(u32::MAX),
                bytes: raw,
            },
            stored,
        })
    }

    /// Its stored form, where that is the one that the manifest names.
    ///
    /// # Errors
    ///
    /// Where it is another.
    pub fn of(entry: ChunkEntry, stored: Vec<u8>) -> Result<Chunk, Error> {
        if digest_of(&stored) != entry.digest {
            return Err(Error::damaged(format!(
                "the chunk {} has another content",
                entry.digest
            )));
        }
        Ok(Chunk { entry, stored })
    }

    /// Decompresses it: never to more than the manifest says.
    ///
    /// # Errors
    ///
    /// Where it decompresses to more or less, or to nothing.
    pub fn unpack(&self) -> Result<Vec<u8>, Error> {
        let bytes = self.entry.bytes as usize;
        let unpacked = zstd::bulk::decompress(&self.stored, bytes).ok();
        let unpacked = unpacked.filter(|unpacked| unpacked.len() == bytes);
        unpacked.ok_or_else(|| {
            Error::damaged(format!(
                "the chunk {} does not decompress to {bytes} bytes",
                self.entry.digest
            ))
        })
    }
}

/// How much is done to compress a chunk: little where its middle can't be compressed by a twentieth.
fn level(bytes: &[u8]) -> Result<i32, Error> {
    let middle = bytes.len() / 2;
    let Some(sample) = bytes.get(middle..middle + SAMPLE) else {
        return Ok(LEVEL);
    };
    let compressed = zstd::bulk::compress(sample, LEVEL)?.len();
    Ok(match compressed > SAMPLE - SAMPLE / 20 {
        true => LEVEL_OF_NOISE,
        false => LEVEL,
    })
}

/// Makes the table of the chunks of a snapshot, and what each content is made of.
#[derive(Default)]
pub struct Chunker {
    entries: Vec<ChunkEntry>,
    places: HashMap<String, u32>,
    content: Vec<u32>,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl Chunker {
    /// Adds the next piece of the content, and returns it as a chunk. Pieces of
    /// [`CHUNK_BYTES`] are found again in other snapshots.
    ///
    /// # Errors
    ///
    /// Where it can't be compressed.
    pub fn add(&mut self, piece: &[u8]) -> Result<Chunk, Error> {
        let chunk = Chunk::pack(piece)?;
        self.add_packed(piece, &chunk.entry);
        Ok(chunk)
    }

    /// Adds the next piece of the content, which somebody has compressed.
    pub fn add_packed(&mut self, piece: &[u8], entry: &ChunkEntry) {
        self.hasher.update(piece);
        self.bytes += piece.len() as u64;
        let place = match self.places.get(&entry.digest) {
            Some(place) => *place,
            None => {
                let place = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
                self.places.insert(entry.digest.clone(), place);
                self.entries.push(entry.clone());
                place
            }
        };
        self.content.push(place);
    }

    /// Adds a content that is in memory, and returns the chunks that it is made of.
    ///
    /// # Errors
    ///
    /// As those of [`Chunker::add`].
    pub fn add_all(&mut self, bytes: &[u8]) -> Result<(Content, Vec<Chunk>), Error> {
        let pieces = bytes.chunks(CHUNK_BYTES);
        let chunks: Result<Vec<_>, _> = pieces.map(|piece| self.add(piece)).collect();
        Ok((self.finish(), chunks?))
    }

    /// Ends a content; the next piece is the first one of another.
    pub fn finish(&mut self) -> Content {
        Content {
            digest: named(&std::mem::take(&mut self.hasher).finalize()),
            bytes: std::mem::take(&mut self.bytes),
            chunks: std::mem::take(&mut self.content),
        }
    }

    /// The table of all chunks, in the order in which they came.
    pub fn into_entries(self) -> Vec<ChunkEntry> {
        self.entries
    }
}

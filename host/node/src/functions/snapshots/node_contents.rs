//! Contents of the state of a node, written as they come: a chunk at a time is in memory.

use tensor_wasm_snapshot::limits::CHUNK_BYTES;
use tensor_wasm_snapshot::{Chunk, ChunkEntry, Chunker, Content};

use super::SnapshotError;
use super::contents::{Pins, apart};

/// Writes one content after another.
pub(super) struct ContentWriter<'a> {
    pins: &'a Pins,
    chunker: Chunker,
    /// What makes no chunk yet.
    pending: Vec<u8>,
}

impl<'a> ContentWriter<'a> {
    pub(super) fn new(pins: &'a Pins) -> ContentWriter<'a> {
        ContentWriter {
            pins,
            chunker: Chunker::default(),
            pending: Vec::new(),
        }
    }

    /// Appends to the content.
    pub(super) async fn write(&mut self, mut bytes: &[u8]) -> Result<(), SnapshotError> {
        while self.pending.len() + bytes.len() >= CHUNK_BYTES {
            let (now, later) = bytes.split_at(CHUNK_BYTES - self.pending.len());
            self.pending.extend_from_slice(now);
            bytes = later;
            self.save().await?;
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends the content. What is written next is the next one's.
    pub(super) async fn finish(&mut self) -> Result<Content, SnapshotError> {
        if !self.pending.is_empty() {
            self.save().await?;
        }
        Ok(self.chunker.finish())
    }

    /// All chunks of all contents.
    pub(super) fn into_entries(self) -> Vec<ChunkEntry> {
        self.chunker.into_entries()
    }

    async fn save(&mut self) -> Result<(), SnapshotError> {
        let piece = std::mem::take(&mut self.pending);
        let (chunk, piece) = apart(move || (Chunk::pack(&piece), piece)).await?;
        let chunk = chunk?;
        let stored = chunk.stored.into();
        self.pins.put_uncharged(&chunk.entry.digest, stored).await?;
        self.chunker.add_packed(&piece, &chunk.entry);
        Ok(())
    }
}

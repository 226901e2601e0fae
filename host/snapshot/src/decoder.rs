//! Reading a snapshot as it comes: bytes go in, the manifest and then each chunk come out, and nothing
//! comes out that was not checked.

use std::ops::Deref;

use crate::header::{BYTES, Header};
use crate::{
    Chunk, Error, FileManifest, Keys, Manifest, NodeManifest, RecordingManifest, Signature,
};

/// Reads a snapshot whose bytes come in any pieces. Holds what has come of the next part alone: the
/// manifest, or one chunk.
#[derive(Debug)]
pub struct Decoder<K, M = Manifest> {
    keys: K,
    state: DecoderState<M>,
    /// Header and manifest as they came.
    head: Vec<u8>,
    /// What has come and is not used yet, from `used` on.
    pending: Vec<u8>,
    used: usize,
    /// How much of the file was used.
    at: u64,
}

#[derive(Debug)]
enum DecoderState<M> {
    Header,
    Manifest(Box<Header>, Signature),
    /// The chunk that is next.
    Chunks(Box<M>, Signature, usize),
    /// It was refused.
    Failed,
}

/// What was read.
#[derive(Debug)]
pub enum Event {
    /// The manifest, which is the first that is read.
    Manifest,
    /// The next chunk, with its place in the manifest's list.
    Chunk(usize, Chunk),
}

impl<K: Deref<Target = Keys>> Decoder<K> {
    /// Begins to read a snapshot of a function, which has to be signed as these keys say.
    pub fn new(keys: K) -> Decoder<K> {
        Decoder::of(keys)
    }
}

impl<K: Deref<Target = Keys>, M: FileManifest> Decoder<K, M> {
    /// Begins to read a file with this manifest, which has to be signed as these keys say.
    pub fn of(keys: K) -> Decoder<K, M> {
        Decoder {
            keys,
            state: DecoderState::Header,
            head: Vec::new(),
            pending: Vec::new(),
            used: 0,
            at: 0,
        }
    }

    /// Goes on with a file whose head was read before, and so many of its chunks: what comes next is
    /// what follows them.
    ///
    /// # Errors
    ///
    /// Where the head can't be used, or its file has fewer chunks.
    pub fn resume(keys: K, head: &[u8], chunks: usize) -> Result<Decoder<K, M>, Error> {
        let mut decoder = Self::of(keys);
        decoder.push(head);
        decoder.next_event()?;
        match &mut decoder.state {
            DecoderState::Chunks(manifest, _, place) if chunks <= manifest.chunks().len() => {
                let before = manifest.chunks().iter().take(chunks);
                decoder.at += before.map(|chunk| u64::from(chunk.stored)).sum::<u64>();
                *place = chunks;
                Ok(decoder)
            }
            _ => Err(Error::damaged("its head is cut short")),
        }
    }

    /// How many chunks were read.
    pub fn chunks_read(&self) -> usize {
        match &self.state {
            DecoderState::Chunks(_, _, place) => *place,
            _ => 0,
        }
    }

    /// Takes the next bytes. [`next_event`](Decoder::next_event) is to be called until there is nothing, before
    /// more come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.drain(..self.used);
        self.used = 0;
        self.pending.extend_from_slice(bytes);
    }

    /// What can be made of the bytes that have come; nothing where there are too few.
    ///
    /// # Errors
    ///
    /// Where the snapshot can't be used. It stays so.
    pub fn next_event(&mut self) -> Result<Option<Event>, Error> {
        let next = self.step();
        if next.is_err() {
            self.state = DecoderState::Failed;
        }
        next
    }

    fn step(&mut self) -> Result<Option<Event>, Error> {
        loop {
            match std::mem::replace(&mut self.state, DecoderState::Failed) {
                DecoderState::Header => {
                    let Some(bytes) = self.take(BYTES) else {
                        // What can't be one any more is refused without waiting for the rest.
                        let given = self.rest();
                        let mark = &crate::header::MAGIC;
                        if !mark.starts_with(given) && !given.starts_with(mark) {
                            return Err(Error::NotASnapshot);
                        }
                        self.state = DecoderState::Header;
                        return Ok(None);
                    };
                    let mut header = [0; BYTES];
                    header.copy_from_slice(&bytes);
                    self.head = bytes;
                    let header = Header::decode(&header)?;
                    if !M::reads(header.version) {
                        return Err(Error::OtherKind {
                            found: what(header.version),
                            expected: M::WHAT,
                        });
                    }
                    let signature = self.keys.check(&header)?;
                    self.state = DecoderState::Manifest(Box::new(header), signature);
                }
                DecoderState::Manifest(header, signature) => {
                    let Some(text) = self.take(header.manifest_bytes as usize) else {
                        self.state = DecoderState::Manifest(header, signature);
                        return Ok(None);
                    };
                    let manifest = M::parse(&header, &text)?;
                    self.head.extend_from_slice(&text);
                    self.state = DecoderState::Chunks(Box::new(manifest), signature, 0);
                    return Ok(Some(Event::Manifest));
                }
                DecoderState::Chunks(manifest, signature, place) => {
                    let Some(entry) = manifest.chunks().get(place) else {
                        let is_over = self.rest().is_empty();
                        self.state = DecoderState::Chunks(manifest, signature, place);
                        return match is_over {
                            true => Ok(None),
                            false => Err(Error::TooLong { at: self.at }),
                        };
                    };
                    let entry = entry.clone();
                    let Some(stored) = self.take(entry.stored as usize) else {
                        self.state = DecoderState::Chunks(manifest, signature, place);
                        return Ok(None);
                    };
                    let chunk = Chunk::of(entry, stored)?;
                    self.state = DecoderState::Chunks(manifest, signature, place + 1);
                    return Ok(Some(Event::Chunk(place, chunk)));
                }
                DecoderState::Failed => return Err(Error::damaged("it was refused before")),
            }
        }
    }

    fn rest(&self) -> &[u8] {
        self.pending.get(self.used..).unwrap_or_default()
    }

    fn take(&mut self, count: usize) -> Option<Vec<u8>> {
        let taken = self.rest().get(..count)?.to_vec();
        self.used += count;
        self.at += count as u64;
        Some(taken)
    }

    /// The manifest, once it was read.
    pub fn manifest(&self) -> Option<&M> {
        match &self.state {
            DecoderState::Chunks(manifest, ..) => Some(manifest),
            _ => None,
        }
    }

    /// How many bytes have come.
    pub fn arrived(&self) -> u64 {
        self.at + self.rest().len() as u64
    }

    /// Whether all of the file has come, and was read.
    pub fn is_whole(&self) -> bool {
        match &self.state {
            DecoderState::Chunks(manifest, _, place) => {
                *place == manifest.chunks().len() && self.rest().is_empty()
            }
            _ => false,
        }
    }

    /// The beginning of the file as it came, once the manifest was read: what comes before the chunks.
    pub fn head(&self) -> &[u8] {
        match &self.state {
            DecoderState::Chunks(..) => &self.head,
            _ => &[],
        }
    }

    /// Who has signed it, once the manifest was read.
    pub fn signature(&self) -> Option<&Signature> {
        match &self.state {
            DecoderState::Chunks(_, signature, _) => Some(signature),
            _ => None,
        }
    }

    /// Ends reading. Returns the manifest, and who has signed it.
    ///
    /// # Errors
    ///
    /// Where the snapshot is cut short, or was refused.
    pub fn finish(self) -> Result<(M, Signature), Error> {
        let given = self.rest().len() as u64;
        let at = self.at + given;
        let wanted = match &self.state {
            DecoderState::Header => BYTES as u64,
            DecoderState::Manifest(header, _) => header.manifest_bytes.into(),
            DecoderState::Chunks(manifest, _, place) => {
                let left = manifest.chunks().iter().skip(*place);
                left.map(|chunk| u64::from(chunk.stored)).sum()
            }
            DecoderState::Failed => return Err(Error::damaged("it was refused before")),
        };
        match self.state {
            DecoderState::Chunks(manifest, signature, _) if wanted == 0 && given == 0 => {
                Ok((*manifest, signature))
            }
            _ => Err(Error::Truncated {
                at,
                missing: wanted.saturating_sub(given),
            }),
        }
    }
}

/// What a file of this version of the format is, in words.
fn what(version: u16) -> &'static str {
    match version {
        version if NodeManifest::reads(version) => NodeManifest::WHAT,
        version if RecordingManifest::reads(version) => RecordingManifest::WHAT,
        _ => <Manifest as FileManifest>::WHAT,
    }
}

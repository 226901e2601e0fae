//! Verifying a snapshot as a whole: its signature, each chunk, and each content that chunks make up.

use std::collections::HashMap;
use std::io::Read;

use crate::digest::named;
use crate::{Chunk, Decoder, Error, Event, FileManifest, Keys, Manifest, Signature};

/// How much is read at once.
const PIECE: usize = 256 << 10;

/// Contents that have begun and are not whole. A writer begins one when the one before is whole.
const MOST_BEGUN: usize = 1024;

/// A snapshot that was read to its end.
#[derive(Debug)]
pub struct Verified<M = Manifest> {
    /// What it is of.
    pub manifest: M,
    /// Who has signed it.
    pub signature: Signature,
    /// How long the file is, in bytes.
    pub file_bytes: u64,
}

/// Reads a snapshot to its end, and checks everything in it. Holds a chunk at a time and, for contents
/// that are not yet whole, their digests so far.
///
/// # Errors
///
/// Where it can't be read, or can't be used.
pub fn verify(source: impl Read, keys: &Keys) -> Result<Verified, Error> {
    verify_as(source, keys)
}

/// As [`verify`], for a file with this manifest.
///
/// # Errors
///
/// As those of [`verify`].
pub fn verify_as<M: FileManifest>(
    mut source: impl Read,
    keys: &Keys,
) -> Result<Verified<M>, Error> {
    let mut decoder = Decoder::<_, M>::of(keys);
    let mut contents = Contents::default();
    let mut piece = vec![0; PIECE];
    let mut file_bytes = 0;
    loop {
        let count = source.read(&mut piece)?;
        if count == 0 {
            break;
        }
        file_bytes += count as u64;
        decoder.push(piece.get(..count).unwrap_or_default());
        while let Some(event) = decoder.next_event()? {
            match event {
                Event::Manifest => {
                    if let Some(manifest) = decoder.manifest() {
                        contents = Contents::of(manifest);
                    }
                }
                Event::Chunk(place, chunk) => contents.add(place, &chunk)?,
            }
        }
    }
    let (manifest, signature) = decoder.finish()?;
    contents.finish()?;
    Ok(Verified {
        manifest,
        signature,
        file_bytes,
    })
}

/// The contents whose digests are being computed, as their chunks come. Where a content has a chunk
/// twice, or one that came before, since another content has it too, the chunks alone are checked.
#[derive(Default)]
struct Contents {
    open: Vec<Open>,
    /// Which contents may go on with each chunk.
    waiting: HashMap<usize, Vec<usize>>,
    begun: usize,
}

struct Open {
    what: String,
    digest: String,
    chunks: Vec<u32>,
    next: usize,
    /// From its first chunk to its last.
    hasher: Option<Box<blake3::Hasher>>,
}

impl Contents {
    fn of(manifest: &impl FileManifest) -> Contents {
        let mut contents = Contents::default();
        for (what, content) in manifest.contents() {
            let is_in_order = content.chunks.windows(2).all(|pair| match pair {
                [one, other] => one < other,
                _ => true,
            });
            if !is_in_order {
                continue;
            }
            let index = contents.open.len();
            for place in &content.chunks {
                let waiting = contents.waiting.entry(*place as usize).or_default();
                waiting.push(index);
            }
            contents.open.push(Open {
                what,
                digest: content.digest.clone(),
                chunks: content.chunks.clone(),
                next: 0,
                hasher: None,
            });
        }
        contents
    }

    fn add(&mut self, place: usize, chunk: &Chunk) -> Result<(), Error> {
        let bytes = chunk.unpack()?;
        for index in self.waiting.remove(&place).into_iter().flatten() {
            let Some(open) = self.open.get_mut(index) else {
                continue;
            };
            let hasher = match &mut open.hasher {
                Some(hasher) => hasher,
                None => {
                    self.begun += 1;
                    open.hasher.get_or_insert_default()
                }
            };
            hasher.update(&bytes);
            open.next += 1;
            if open.next == open.chunks.len() {
                self.begun -= 1;
                open.end()?;
            }
        }
        match self.begun > MOST_BEGUN {
            true => Err(Error::manifest("the chunks of its contents are mixed")),
            false => Ok(()),
        }
    }

    /// Those without a chunk.
    fn finish(mut self) -> Result<(), Error> {
        let empty = self.open.iter_mut().filter(|open| open.chunks.is_empty());
        empty.into_iter().try_for_each(Open::end)
    }
}

impl Open {
    fn end(&mut self) -> Result<(), Error> {
        let digest = self.hasher.take().unwrap_or_default().finalize();
        match named(&digest) == self.digest {
            true => Ok(()),
            false => Err(Error::manifest(format!(
                "{} is not what its chunks make up",
                self.what
            ))),
        }
    }
}

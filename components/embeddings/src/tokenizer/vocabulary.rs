//! The vocabulary: which piece has which id. `vocab.txt` has a piece a line, and the line's number is
//! the id. Each instance reads it anew, so the table that finds pieces is one allocation without a
//! string for each piece.

use thiserror::Error;

/// What pieces begin with that continue a word.
const CONTINUES: &[u8] = b"##";

/// An empty place of the table.
const EMPTY: u32 = u32::MAX;

/// Why a file is no vocabulary.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum VocabularyError {
    /// It has not what the model puts around each text.
    #[error("it has no line `{0}`, which BERT's vocabularies have")]
    Without(&'static str),
    /// It has lines for which the model has no weights.
    #[error("it has {lines} lines, but the model has weights for {most} pieces (`vocab_size`)")]
    TooLong {
        /// How many it has.
        lines: usize,
        /// How many it may have.
        most: usize,
    },
}

/// Pieces of words and their ids.
pub struct Vocabulary {
    text: Vec<u8>,
    /// Where the piece of each id begins and ends.
    pieces: Vec<(u32, u32)>,
    /// Ids by the hash of their pieces; a hash table with open addressing and linear probing, at most
    /// half full, of a power of two of places.
    table: Vec<u32>,
    cls: u32,
    sep: u32,
    unknown: u32,
}

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vocabulary({})", self.pieces.len())
    }
}

impl Vocabulary {
    /// Reads the text of `vocab.txt`, which may have no more than `most` lines.
    ///
    /// # Errors
    /// Where it has more, or not the tokens that stand around texts and for unknown words.
    pub fn parse(text: Vec<u8>, most: usize) -> Result<Vocabulary, VocabularyError> {
        let lines = text.iter().filter(|byte| **byte == b'\n').count()
            + usize::from(text.last().is_some_and(|byte| *byte != b'\n'));
        if lines > most {
            return Err(VocabularyError::TooLong { lines, most });
        }
        let mut vocabulary = Vocabulary {
            pieces: Vec::with_capacity(lines),
            table: vec![EMPTY; (lines * 2).next_power_of_two().max(2)],
            text: Vec::new(),
            cls: 0,
            sep: 0,
            unknown: 0,
        };
        let mut start = 0;
        for line in text.split(|byte| *byte == b'\n').take(lines) {
            let piece = line.trim_ascii_end();
            let end = start + piece.len() as u32;
            let id = vocabulary.pieces.len() as u32;
            vocabulary.pieces.push((start, end));
            let hash = piece
                .iter()
                .fold(Hash::START, |hash, byte| hash.then(*byte));
            // The last line of equal ones has the piece, as in other implementations.
            let place = find(&vocabulary.table, &vocabulary.pieces, &text, hash, &[piece]);
            vocabulary.table[place] = id;
            start += line.len() as u32 + 1;
        }
        vocabulary.text = text;
        let required = |piece: &'static str| {
            vocabulary
                .whole(piece.as_bytes())
                .ok_or(VocabularyError::Without(piece))
        };
        let (cls, sep, unknown) = (required("[CLS]")?, required("[SEP]")?, required("[UNK]")?);
        Ok(Vocabulary {
            cls,
            sep,
            unknown,
            ..vocabulary
        })
    }

    /// What stands in front of each text.
    pub fn cls(&self) -> u32 {
        self.cls
    }

    /// What stands behind each text.
    pub fn sep(&self) -> u32 {
        self.sep
    }

    /// What stands for a word of which there are no pieces.
    pub fn unknown(&self) -> u32 {
        self.unknown
    }

    /// The id of a piece as the file has it.
    fn whole(&self, piece: &[u8]) -> Option<u32> {
        let hash = piece
            .iter()
            .fold(Hash::START, |hash, byte| hash.then(*byte));
        self.at(hash, &[piece])
    }

    /// The longest piece that `rest` begins with, and its length in bytes. Pieces end where letters end,
    /// since vocabulary and text are both UTF-8.
    pub fn longest(&self, rest: &[u8], continues: bool) -> Option<(u32, usize)> {
        let prefix = if continues { CONTINUES } else { &[] };
        let mut hash = prefix
            .iter()
            .fold(Hash::START, |hash, byte| hash.then(*byte));
        let mut longest = None;
        for (index, byte) in rest.iter().enumerate() {
            hash = hash.then(*byte);
            if let Some(id) = self.at(hash, &[prefix, &rest[..=index]]) {
                longest = Some((id, index + 1));
            }
        }
        longest
    }

    fn at(&self, hash: Hash, parts: &[&[u8]]) -> Option<u32> {
        let place = find(&self.table, &self.pieces, &self.text, hash, parts);
        Some(self.table[place]).filter(|id| *id != EMPTY)
    }
}

/// The place of a piece, given in parts, or the empty one where it belongs.
fn find(table: &[u32], pieces: &[(u32, u32)], text: &[u8], hash: Hash, parts: &[&[u8]]) -> usize {
    let mask = table.len() - 1;
    let mut place = hash.place() & mask;
    loop {
        let id = table[place];
        if id == EMPTY {
            return place;
        }
        let (start, end) = pieces[id as usize];
        let mut rest = &text[start as usize..end as usize];
        let is_it = parts.iter().all(|part| match rest.strip_prefix(*part) {
            Some(behind) => {
                rest = behind;
                true
            }
            None => false,
        });
        if is_it && rest.is_empty() {
            return place;
        }
        place = (place + 1) & mask;
    }
}

/// FNV-1a: the hash of a piece is also the beginning of that of each longer one.
#[derive(Clone, Copy)]
struct Hash(u32);

impl Hash {
    const START: Hash = Hash(0x811c_9dc5);

    fn then(self, byte: u8) -> Hash {
        Hash((self.0 ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }

    /// Its low bits alone tell little of the last letters.
    fn place(self) -> usize {
        (self.0 ^ (self.0 >> 15)) as usize
    }
}

//! The pieces of a word: the longest that the vocabulary has, then the longest of the rest, and so on.

use super::Vocabulary;

/// The letters of the longest word that has pieces.
const LONGEST_WORD: usize = 100;

/// Appends the ids of the pieces of a word: one that is for unknown words, where it has none.
pub fn split(vocabulary: &Vocabulary, word: &str, ids: &mut Vec<u32>) {
    let before = ids.len();
    if word.chars().count() > LONGEST_WORD {
        ids.push(vocabulary.unknown());
        return;
    }
    let mut rest = word.as_bytes();
    while !rest.is_empty() {
        match vocabulary.longest(rest, ids.len() > before) {
            Some((id, length)) => {
                ids.push(id);
                rest = &rest[length..];
            }
            None => {
                ids.truncate(before);
                ids.push(vocabulary.unknown());
                return;
            }
        }
    }
}

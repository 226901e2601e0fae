//! What a text is before it is cut into pieces, as the `BertNormalizer` and `BertPreTokenizer` of the
//! crate `tokenizers` have it: without control characters, a space around each Chinese character,
//! decomposed, without accents, in lower case, cut at white space and around punctuation.

use unicode_general_category::{GeneralCategory, get_general_category};
use unicode_normalization::UnicodeNormalization as _;

use super::Normalization;

/// The words of a text, one after another.
pub fn words(text: &str, how: Normalization) -> impl Iterator<Item = String> {
    let spaced = text
        .chars()
        .filter(|c| !is_dropped(*c))
        .flat_map(move |c| match how.tokenize_chinese_chars && is_chinese(c) {
            true => [Some(' '), Some(c), Some(' ')],
            false => [Some(c), None, None],
        })
        .flatten();
    let strip = how.strip_accents.unwrap_or(how.do_lower_case);
    let letters: Box<dyn Iterator<Item = char>> = match strip {
        true => Box::new(spaced.nfd().filter(|c| !is_accent(*c))),
        false => Box::new(spaced),
    };
    let letters: Box<dyn Iterator<Item = char>> = match how.do_lower_case {
        true => Box::new(letters.flat_map(char::to_lowercase)),
        false => letters,
    };
    Words {
        letters: letters.peekable(),
    }
}

/// Cuts at white space, and makes a word of each punctuation mark.
struct Words<I: Iterator<Item = char>> {
    letters: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = char>> Iterator for Words<I> {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        while self.letters.next_if(|c| c.is_whitespace()).is_some() {}
        let first = self.letters.next()?;
        let mut word = String::from(first);
        if !is_punctuation(first) {
            while let Some(c) = self
                .letters
                .next_if(|c| !c.is_whitespace() && !is_punctuation(*c))
            {
                // A word of more letters than any piece has is unknown: nobody needs the rest.
                if word.len() <= LONGEST {
                    word.push(c);
                }
            }
        }
        Some(word)
    }
}

/// Bytes that a word may have before what follows in it is passed over: more than the letters of any
/// word that is not unknown for its length (`wordpiece::LONGEST_WORD`) can have.
const LONGEST: usize = 101 * 4;

/// What stands for nothing: control characters, but for those that are white space. Characters that
/// Unicode does not define (yet) are letters, as in other implementations.
fn is_dropped(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() && !matches!(c, '\t' | '\n' | '\r');
    }
    c == char::REPLACEMENT_CHARACTER
        || matches!(
            get_general_category(c),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::PrivateUse
                | GeneralCategory::Surrogate
        )
}

fn is_accent(c: char) -> bool {
    !c.is_ascii() && get_general_category(c) == GeneralCategory::NonspacingMark
}

fn is_punctuation(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    matches!(
        get_general_category(c),
        GeneralCategory::ConnectorPunctuation
            | GeneralCategory::DashPunctuation
            | GeneralCategory::OpenPunctuation
            | GeneralCategory::ClosePunctuation
            | GeneralCategory::InitialPunctuation
            | GeneralCategory::FinalPunctuation
            | GeneralCategory::OtherPunctuation
    )
}

/// The blocks of ideographs that BERT's own code has: not Hangul, Hiragana and Katakana, whose words
/// are separated or written together as in other scripts.
fn is_chinese(c: char) -> bool {
    matches!(
        u32::from(c),
        0x4E00..=0x9FFF
            | 0x3400..=0x4DBF
            | 0x20000..=0x2A6DF
            | 0x2A700..=0x2B73F
            | 0x2B740..=0x2B81F
            | 0x2B820..=0x2CEAF
            | 0xF900..=0xFAFF
            | 0x2F800..=0x2FA1F
    )
}

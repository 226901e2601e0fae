#![allow(clippy::unwrap_used)]
//! The tokenizer, compared with what the package `tokenizers` makes of the same texts
//! (`xtask/models/tokens.py`).

use serde::Deserialize;

use super::vocabulary::VocabularyError;
use super::{Normalization, Tokenizer, Vocabulary};

#[derive(Deserialize)]
struct Reference {
    vocabulary: Vec<String>,
    texts: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    text: String,
    lower: Vec<u32>,
    cased: Vec<u32>,
    accents: Vec<u32>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("reference.json")).unwrap()
}

fn tokenizer(reference: &Reference, normalization: Normalization) -> Tokenizer {
    let text = reference.vocabulary.join("\n");
    let vocabulary = Vocabulary::parse(text.into_bytes(), reference.vocabulary.len()).unwrap();
    Tokenizer::new(vocabulary, normalization)
}

fn compare(normalization: Normalization, expected: fn(&Case) -> &Vec<u32>) {
    let reference = reference();
    let tokenizer = tokenizer(&reference, normalization);
    for case in &reference.texts {
        let ids = tokenizer.encode(&case.text, usize::MAX);
        let own = &ids[1..ids.len() - 1];
        assert_eq!(own, expected(case), "{:?}", case.text);
        assert_eq!([ids[0], ids[ids.len() - 1]], [2, 3]);
    }
}

#[test]
fn texts_in_lower_case_without_accents_have_the_tokens_of_the_reference() {
    compare(Normalization::default(), |case| &case.lower);
}

#[test]
fn texts_with_their_case_have_the_tokens_of_the_reference() {
    let cased = Normalization {
        do_lower_case: false,
        ..Normalization::default()
    };
    compare(cased, |case| &case.cased);
}

#[test]
fn texts_with_their_accents_have_the_tokens_of_the_reference() {
    let accents = Normalization {
        strip_accents: Some(false),
        tokenize_chinese_chars: false,
        ..Normalization::default()
    };
    compare(accents, |case| &case.accents);
}

#[test]
fn a_long_text_is_cut_off_before_its_end_token() {
    let reference = reference();
    let tokenizer = tokenizer(&reference, Normalization::default());
    let text = "the quick fox jumps ".repeat(25_000);
    let all = tokenizer.encode(&text[..400], usize::MAX);
    let cut = tokenizer.encode(&text, 16);
    assert_eq!(cut.len(), 16);
    assert_eq!(cut[..15], all[..15]);
    assert_eq!(cut[15], 3);
    assert_eq!(tokenizer.enclose(&all[1..50], 16), cut);
    assert_eq!(tokenizer.encode("", 16), [2, 3]);
}

#[test]
fn a_vocabulary_without_special_tokens_or_with_too_many_lines_is_refused() {
    let parse = |text: &str, most| Vocabulary::parse(text.into(), most).unwrap_err();
    let missing = VocabularyError::Without("[SEP]");
    assert_eq!(parse("[UNK]\n[CLS]\na", 9), missing);
    assert_eq!(parse("", 9), VocabularyError::Without("[CLS]"));
    let long = VocabularyError::TooLong { lines: 3, most: 2 };
    assert_eq!(parse("[UNK]\n[CLS]\n[SEP]\n", 2), long);
}

#[test]
fn windows_line_ends_and_a_missing_last_one_make_no_difference() {
    for text in [
        "[UNK]\r\n[CLS]\r\n[SEP]\r\nfox\r\n",
        "[UNK]\n[CLS]\n[SEP]\nfox",
    ] {
        let vocabulary = Vocabulary::parse(text.into(), 4).unwrap();
        let tokenizer = Tokenizer::new(vocabulary, Normalization::default());
        assert_eq!(tokenizer.encode("fox dog", 9), [1, 3, 0, 2]);
    }
}

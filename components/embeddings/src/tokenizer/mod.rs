//! WordPiece tokenization, as BERT has it: a text is normalised, cut into words, and each word into the
//! longest pieces that the vocabulary has (Devlin et al. 2018; the implementation that others are held
//! to is the crate `tokenizers`). An instance serves one request, so what is read is not a
//! `tokenizer.json`, which takes longer to parse than most requests to compute.

mod normalize;
mod vocabulary;
mod wordpiece;

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;

use serde::Deserialize;

pub use vocabulary::Vocabulary;

/// How a text is normalised: `tokenizer_config.json`, of which most models have the defaults.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub struct Normalization {
    /// Whether case makes no difference.
    pub do_lower_case: bool,
    /// Whether accents make no difference; where it is not said, they make none where case makes none.
    pub strip_accents: Option<bool>,
    /// Whether each Chinese character is a word.
    pub tokenize_chinese_chars: bool,
}

impl Default for Normalization {
    fn default() -> Normalization {
        Normalization {
            do_lower_case: true,
            strip_accents: None,
            tokenize_chinese_chars: true,
        }
    }
}

/// Makes tokens of texts.
#[derive(Debug)]
pub struct Tokenizer {
    vocabulary: Vocabulary,
    normalization: Normalization,
}

impl Tokenizer {
    /// A tokenizer with this vocabulary.
    pub fn new(vocabulary: Vocabulary, normalization: Normalization) -> Tokenizer {
        Tokenizer {
            vocabulary,
            normalization,
        }
    }

    /// The tokens of a text as the model takes them, between `[CLS]` and `[SEP]`. What is beyond `most`
    /// tokens with these two is cut off. The names of special tokens in a text are text.
    pub fn encode(&self, text: &str, most: usize) -> Vec<u32> {
        let most = most.saturating_sub(1);
        let mut ids = vec![self.vocabulary.cls()];
        for word in normalize::words(text, self.normalization) {
            // Cut here, a text of any length costs no more than a long one.
            if ids.len() >= most {
                break;
            }
            wordpiece::split(&self.vocabulary, &word, &mut ids);
        }
        self.end(ids, most)
    }

    /// The same of a text's tokens.
    pub fn enclose(&self, tokens: &[u32], most: usize) -> Vec<u32> {
        let most = most.saturating_sub(1);
        let mut ids = vec![self.vocabulary.cls()];
        ids.extend(tokens.iter().take(most));
        self.end(ids, most)
    }

    fn end(&self, mut ids: Vec<u32>, most: usize) -> Vec<u32> {
        ids.truncate(most);
        ids.push(self.vocabulary.sep());
        ids
    }
}

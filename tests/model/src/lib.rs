//! A BERT of a few thousand random numbers, as sentence-transformers would store it, so that what
//! serves such models is tested without one that has to be downloaded; and what it computes, in `f64`,
//! as the formulas have it ([`TinyModel::embedding`]).

mod files;
mod reference;

use std::collections::BTreeMap;

/// The words that its vocabulary has as a whole, beside letters, digits and punctuation.
pub const WORDS: [&str; 20] = [
    "the", "a", "cat", "dog", "sat", "ran", "on", "under", "mat", "river", "bank", "money", "fish",
    "swims", "in", "is", "red", "blue", "old", "new",
];

/// What stands in the vocabulary's first lines, in the order of their ids.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

/// A tensor: its rows and columns, or only columns, and its numbers, row by row.
#[derive(Clone, Debug)]
struct Tensor {
    shape: Vec<usize>,
    numbers: Vec<f32>,
}

/// A model of random weights.
#[derive(Clone, Debug)]
pub struct TinyModel {
    /// The numbers of an embedding.
    pub hidden: usize,
    /// How many heads share them.
    pub heads: usize,
    /// How many layers it has.
    pub layers: usize,
    /// The numbers in the middle of a layer's feed-forward part.
    pub intermediate: usize,
    /// How many tokens it knows positions of.
    pub positions: usize,
    /// The most tokens of a text, with those around it.
    pub most_tokens: usize,
    vocabulary: Vec<String>,
    tensors: BTreeMap<String, Tensor>,
}

impl TinyModel {
    /// The model of a seed, with so many heads that share 64 numbers: 1 or 2.
    pub fn seeded(seed: u64, heads: usize) -> TinyModel {
        let mut model = TinyModel {
            hidden: 64,
            heads,
            layers: 2,
            intermediate: 96,
            positions: 80,
            most_tokens: 72,
            vocabulary: vocabulary(),
            tensors: BTreeMap::new(),
        };
        let (hidden, inner) = (model.hidden, model.intermediate);
        let mut random = Random(seed);
        let mut add = |name: &str, shape: &[usize], mean: f32, spread: f32| {
            let numbers = (0..shape.iter().product())
                .map(|_| mean + spread * random.next())
                .collect();
            let shape = shape.to_vec();
            model
                .tensors
                .insert(name.to_owned(), Tensor { shape, numbers });
        };
        let table = |kind| format!("embeddings.{kind}_embeddings.weight");
        add(&table("word"), &[model.vocabulary.len(), hidden], 0.0, 1.0);
        add(&table("position"), &[model.positions, hidden], 0.0, 0.3);
        add(&table("token_type"), &[2, hidden], 0.0, 0.1);
        let mut norms = vec!["embeddings.LayerNorm".to_owned()];
        for layer in 0..model.layers {
            let name = |part: &str| format!("encoder.layer.{layer}.{part}");
            let linears = [
                ("attention.self.query", hidden, hidden),
                ("attention.self.key", hidden, hidden),
                ("attention.self.value", hidden, hidden),
                ("attention.output.dense", hidden, hidden),
                ("intermediate.dense", inner, hidden),
                ("output.dense", hidden, inner),
            ];
            for (part, rows, columns) in linears {
                // As large on the average as what it is multiplied with.
                let spread = (3.0 / columns as f32).sqrt();
                add(
                    &name(&format!("{part}.weight")),
                    &[rows, columns],
                    0.0,
                    spread,
                );
                add(&name(&format!("{part}.bias")), &[rows], 0.0, 0.1);
            }
            norms.push(name("attention.output.LayerNorm"));
            norms.push(name("output.LayerNorm"));
        }
        for norm in norms {
            add(&format!("{norm}.weight"), &[hidden], 1.0, 0.2);
            add(&format!("{norm}.bias"), &[hidden], 0.0, 0.1);
        }
        model
    }

    /// The tokens of words that the vocabulary has as a whole, between the two that stand around a text.
    ///
    /// # Panics
    /// Where it has not.
    pub fn tokens(&self, words: &str) -> Vec<u32> {
        let id = |piece: &str| {
            let place = self.vocabulary.iter().position(|own| own == piece);
            place.unwrap_or_else(|| panic!("{piece} is no piece of the vocabulary")) as u32
        };
        let own = words.split_whitespace().map(id);
        [id("[CLS]")]
            .into_iter()
            .chain(own)
            .chain([id("[SEP]")])
            .collect()
    }

    /// How many tokens there are.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary.len()
    }

    fn tensor(&self, name: &str) -> &Tensor {
        &self.tensors[name]
    }
}

/// Special tokens, words, and all that other words in Latin letters are made of.
fn vocabulary() -> Vec<String> {
    let letters = || ('a'..='z').chain('0'..='9');
    let special = SPECIAL.into_iter().map(str::to_owned);
    let words = WORDS.into_iter().map(str::to_owned);
    let ends = ["##s", "##ing", "##ed"].into_iter().map(str::to_owned);
    let other = "!?.,:;-'中文ßñ".chars().map(String::from);
    let mut all: Vec<String> = special
        .chain(words)
        .chain(letters().map(String::from))
        .chain(letters().map(|letter| format!("##{letter}")))
        .chain(ends)
        .chain(other)
        .collect();
    // A word of one letter stands among the letters too.
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|piece| seen.insert(piece.clone()));
    all
}

/// SplitMix64 (Steele, Lea and Flood 2014): the same numbers on every machine.
struct Random(u64);

impl Random {
    /// From -1 to 1.
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        (bits >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }
}

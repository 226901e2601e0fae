//! What a model is: `config.json` as Hugging Face writes it.

use serde::Deserialize;

/// The longest text in tokens, whatever the model's positions: attention takes memory for its square.
pub const MOST_TOKENS: u32 = 512;

/// Sizes of a model. No field is without bounds: see [`Config::check`].
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// What kind of model it is.
    model_type: String,
    hidden_act: String,
    #[serde(default = "absolute")]
    position_embedding_type: String,
    /// The numbers of an embedding.
    pub hidden_size: u32,
    /// How many layers.
    #[serde(rename = "num_hidden_layers")]
    pub layers: u32,
    /// How many heads share the numbers.
    #[serde(rename = "num_attention_heads")]
    pub heads: u32,
    /// The numbers between the two products of a layer's feed-forward part.
    #[serde(rename = "intermediate_size")]
    pub intermediate: u32,
    /// How many pieces the vocabulary may have.
    #[serde(rename = "vocab_size")]
    pub vocabulary: u32,
    /// How many tokens a text may have, as far as the weights go.
    #[serde(rename = "max_position_embeddings")]
    pub positions: u32,
    /// How many kinds of texts there are; ours is the first.
    #[serde(rename = "type_vocab_size")]
    pub types: u32,
    /// What keeps a normalisation from dividing by 0.
    #[serde(rename = "layer_norm_eps")]
    pub epsilon: f32,
}

fn absolute() -> String {
    "absolute".into()
}

impl Config {
    /// Whether this is a model that the kernels compute.
    ///
    /// # Errors
    /// With the field that says otherwise.
    pub fn check(&self) -> Result<(), String> {
        let words = [
            ("model_type", &self.model_type, "bert"),
            ("hidden_act", &self.hidden_act, "gelu"),
            (
                "position_embedding_type",
                &self.position_embedding_type,
                "absolute",
            ),
        ];
        for (field, value, expected) in words {
            if value != expected {
                return Err(format!(r#"{field} is "{value}", and not "{expected}""#));
            }
        }
        let numbers = [
            ("hidden_size", self.hidden_size, 4096),
            ("num_hidden_layers", self.layers, 64),
            ("num_attention_heads", self.heads, 128),
            ("intermediate_size", self.intermediate, 16_384),
            ("vocab_size", self.vocabulary, 1 << 20),
            ("max_position_embeddings", self.positions, 1 << 16),
            ("type_vocab_size", self.types, 16),
        ];
        for (field, value, most) in numbers {
            if value == 0 || value > most {
                return Err(format!("{field} is {value}, and not from 1 to {most}"));
            }
        }
        if !self.hidden_size.is_multiple_of(self.heads) || !matches!(self.head_size(), 32 | 64) {
            return Err(format!(
                "hidden_size {} in num_attention_heads {}: heads must have 32 or 64 numbers each",
                self.hidden_size, self.heads
            ));
        }
        if self.positions < 3 {
            return Err(format!(
                "max_position_embeddings is {}, which leaves no token between [CLS] and [SEP]",
                self.positions
            ));
        }
        Ok(())
    }

    /// The numbers of a head.
    pub fn head_size(&self) -> u32 {
        self.hidden_size / self.heads
    }

    /// The most tokens of a text, where sentence-transformers' file says a number or none.
    pub fn most_tokens(&self, said: Option<u32>) -> u32 {
        let most = self.positions.min(MOST_TOKENS);
        said.map_or(most, |said| said.clamp(3, most))
    }
}

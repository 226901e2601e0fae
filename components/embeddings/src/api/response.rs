//! The response to `POST /v1/embeddings`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use super::input::Encoding;

/// All of it.
#[derive(Serialize)]
pub struct EmbeddingResponse<'a> {
    object: &'static str,
    data: Vec<Embedding<'a>>,
    model: &'a str,
    usage: Usage,
}

#[derive(Serialize)]
struct Embedding<'a> {
    object: &'static str,
    index: usize,
    embedding: Numbers<'a>,
}

#[derive(Serialize)]
struct Usage {
    prompt_tokens: usize,
    total_tokens: usize,
}

impl<'a> EmbeddingResponse<'a> {
    /// Embeddings of `size` numbers each, one behind the other, made of so many tokens.
    pub fn new(
        model: &'a str,
        numbers: &'a [f32],
        size: usize,
        encoding: Encoding,
        tokens: usize,
    ) -> EmbeddingResponse<'a> {
        let data = numbers.chunks_exact(size).enumerate();
        EmbeddingResponse {
            object: "list",
            data: data
                .map(|(index, numbers)| Embedding {
                    object: "embedding",
                    index,
                    embedding: Numbers(numbers, encoding),
                })
                .collect(),
            model,
            usage: Usage {
                prompt_tokens: tokens,
                total_tokens: tokens,
            },
        }
    }
}

/// Numbers as a list, or their bytes, the lowest first, as Base64.
struct Numbers<'a>(&'a [f32], Encoding);

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.1 {
            Encoding::Float => self.0.serialize(serializer),
            // WebAssembly has the lowest byte first in memory.
            Encoding::Base64 => {
                serializer.serialize_str(&STANDARD.encode(bytemuck::cast_slice::<f32, u8>(self.0)))
            }
        }
    }
}

//! The body of `POST /v1/embeddings`, which is read into no more memory than a request that is
//! computed needs, whatever a body of the allowed length says.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::error::ApiError;

/// The most texts of a request, as OpenAI has it.
pub const MOST_TEXTS: usize = 2048;

/// The most ids of a text: more than any model takes, as what is too long is cut off.
const MOST_IDS: usize = 8192;

/// A request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingRequest {
    /// What to embed.
    #[serde(deserialize_with = "input")]
    pub input: Input,
    /// The name of the model.
    #[serde(deserialize_with = "model")]
    pub model: String,
    /// How embeddings are written.
    #[serde(default, deserialize_with = "encoding_format")]
    pub encoding_format: Encoding,
    /// How many numbers an embedding is to have.
    #[serde(default, deserialize_with = "dimensions")]
    pub dimensions: Option<u64>,
    /// Who asks. It makes no difference.
    #[serde(default, rename = "user")]
    _user: IgnoredAny,
}

/// What there is to embed.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// A text.
    Text(String),
    /// Texts, and tokens of texts.
    Texts(Vec<Text>),
    /// The tokens of a text.
    Ids(Vec<u32>),
}

/// One of several texts.
#[derive(Debug, PartialEq, Eq)]
pub enum Text {
    /// As letters.
    Letters(String),
    /// As tokens.
    Ids(Vec<u32>),
}

/// How embeddings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// As a list of numbers.
    #[default]
    Float,
    /// Their bytes, the lowest first, as Base64.
    Base64,
}

impl EmbeddingRequest {
    /// Reads a body.
    ///
    /// # Errors
    /// With the field that is wrong.
    pub fn parse(body: &[u8]) -> Result<EmbeddingRequest, ApiError> {
        serde_json::from_slice(body).map_err(|error| {
            let message = error.to_string();
            let fields = ["input", "model", "encoding_format", "dimensions"];
            let field = fields.into_iter().find(|field| {
                let rest = message.strip_prefix(field);
                rest.is_some_and(|rest| rest.starts_with(':'))
                    || message.starts_with(&format!("missing field `{field}`"))
            });
            match field {
                Some(field) => ApiError::field(field, message),
                None => ApiError::invalid(format!(
                    r#"the body is not as expected, which is {{"model":…,"input":…}} in JSON: {message}"#
                )),
            }
        })
    }
}

/// Puts the field's name in front of what is wrong with it.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    field: &str,
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(deserializer).map_err(|error| D::Error::custom(format_args!("{field}: {error}")))
}

fn input<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Input, D::Error> {
    named("input", deserializer)
}

fn model<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    named("model", deserializer)
}

fn encoding_format<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Encoding, D::Error> {
    named::<D, Option<Encoding>>("encoding_format", deserializer).map(Option::unwrap_or_default)
}

fn dimensions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    named("dimensions", deserializer)
}

/// What an element of `input` may be.
enum Element {
    Text(Text),
    Id(u32),
}

impl<'de> Deserialize<'de> for Input {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Input, D::Error> {
        deserializer.deserialize_any(InputVisitor)
    }
}

struct InputVisitor;

impl<'de> Visitor<'de> for InputVisitor {
    type Value = Input;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a list of strings, a list of token ids or a list of such lists")
    }

    fn visit_str<E>(self, text: &str) -> Result<Input, E> {
        Ok(Input::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Input, A::Error> {
        let mut texts = Vec::new();
        let mut ids = Vec::new();
        while let Some(element) = elements.next_element_seed(ElementSeed)? {
            match element {
                Element::Text(text) => texts.push(text),
                Element::Id(id) => ids.push(id),
            }
            if !texts.is_empty() && !ids.is_empty() {
                return Err(A::Error::custom(
                    "token ids stand beside texts; a list of token ids is one text",
                ));
            }
            if texts.len() > MOST_TEXTS {
                return Err(A::Error::custom(format_args!(
                    "more than {MOST_TEXTS} texts; send them in several requests"
                )));
            }
            check_ids(&ids)?;
        }
        Ok(match ids.is_empty() {
            true => Input::Texts(texts),
            false => Input::Ids(ids),
        })
    }
}

struct ElementSeed;

impl<'de> DeserializeSeed<'de> for ElementSeed {
    type Value = Element;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Element, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ElementSeed {
    type Value = Element;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a token id or a list of token ids")
    }

    fn visit_str<E>(self, text: &str) -> Result<Element, E> {
        Ok(Element::Text(Text::Letters(text.to_owned())))
    }

    fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<Element, E> {
        let id = u32::try_from(id);
        Ok(Element::Id(
            id.map_err(|_| E::custom("a token id is below 2^32"))?,
        ))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Element, A::Error> {
        let mut ids = Vec::new();
        while let Some(id) = elements.next_element()? {
            ids.push(id);
            check_ids(&ids)?;
        }
        Ok(Element::Text(Text::Ids(ids)))
    }
}

fn check_ids<E: serde::de::Error>(ids: &[u32]) -> Result<(), E> {
    match ids.len() > MOST_IDS {
        true => Err(E::custom(format_args!(
            "more than {MOST_IDS} token ids in one text, which is more than any model takes"
        ))),
        false => Ok(()),
    }
}

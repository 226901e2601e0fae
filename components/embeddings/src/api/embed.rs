//! `POST /v1/embeddings`.

use tensor_wasm_guest::Device;
use tensor_wasm_guest::http::{Request, Response};

use super::error::ApiError;
use super::input::{EmbeddingRequest, Input, MOST_TEXTS, Text};
use super::json;
use super::response::EmbeddingResponse;
use crate::model::{self, Folder, Loaded, ModelError};

/// The longest body, in bytes.
const MOST_BYTES: usize = 16 << 20;

/// The most tokens of all texts of a request, as OpenAI has it.
const MOST_TOKENS: usize = 300_000;

/// Answers with an embedding of each text.
pub fn embed(request: &Request) -> Result<Response, ApiError> {
    let body = request.body(MOST_BYTES)?;
    let request = EmbeddingRequest::parse(&body)?;
    drop(body);
    let texts = match request.input {
        Input::Text(text) => vec![Text::Letters(text)],
        Input::Ids(ids) => vec![Text::Ids(ids)],
        Input::Texts(texts) => texts,
    };
    if texts.is_empty() {
        let message = format!("input is an empty list; send 1 to {MOST_TEXTS} texts");
        return Err(ApiError::field("input", message));
    }
    let folder = Folder::of(&request.model).ok_or_else(|| ApiError::no_model(&request.model))?;
    let model = folder.load()?;
    let size = u64::from(model.config.hidden_size);
    if request.dimensions.is_some_and(|wanted| wanted != size) {
        let message = format!(
            "{} has embeddings of {size} numbers, which mean nothing when they are cut off; leave dimensions out",
            folder.id()
        );
        return Err(ApiError::field("dimensions", message));
    }
    let tokens = tokenize(&texts, &model)?;
    let count = tokens.iter().map(Vec::len).sum();
    if count > MOST_TOKENS {
        let message = format!(
            "{count} tokens in all, which is more than {MOST_TOKENS}; send the texts in several requests"
        );
        return Err(ApiError::field("input", message));
    }

    let device = Device::open().map_err(ModelError::from)?;
    let queue = device.queue().map_err(ModelError::from)?;
    let weights = model::weights(&device, &queue, &folder, &model)?;
    let numbers =
        model::forward(&device, &queue, &model, &weights, &tokens).map_err(ModelError::from)?;
    json(&EmbeddingResponse::new(
        folder.id(),
        &numbers,
        model.config.hidden_size as usize,
        request.encoding_format,
        count,
    ))
}

fn tokenize(texts: &[Text], model: &Loaded) -> Result<Vec<Vec<u32>>, ApiError> {
    let most = model.most_tokens as usize;
    let empty = |index| {
        let message = format!("the text with index {index} is empty");
        ApiError::field("input", message)
    };
    let one = |(index, text): (usize, &Text)| match text {
        Text::Letters(text) if text.is_empty() => Err(empty(index)),
        Text::Letters(text) => Ok(model.tokenizer.encode(text, most)),
        Text::Ids(ids) if ids.is_empty() => Err(empty(index)),
        Text::Ids(ids) => match ids.iter().find(|id| **id >= model.config.vocabulary) {
            Some(id) => {
                let message = format!(
                    "the text with index {index} has the token id {id}, but the model has ids below {}",
                    model.config.vocabulary
                );
                Err(ApiError::field("input", message))
            }
            None => Ok(model.tokenizer.enclose(ids, most)),
        },
    };
    texts.iter().enumerate().map(one).collect()
}

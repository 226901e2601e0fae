//! A service that embeds texts: BERT with mean pooling, as the models of sentence-transformers have
//! it (all-MiniLM-L6-v2 and its like), by the interface of OpenAI.
//!
//! | request | response |
//! |---|---|
//! | `POST /v1/embeddings` | an embedding of each text |
//! | `GET /v1/models`, `GET /v1/models/{id}` | the models there are |
//!
//! Each folder of `/models` (or of what the variable `MODELS` names) is a model under the folder's
//! name, in the files of Hugging Face: `config.json`, `vocab.txt`, `model.safetensors`. Weights are
//! uploaded by the first request, and stay on the device for those behind it.

// What is served; the rest is tested on the build machine.
#[cfg(target_arch = "wasm32")]
mod api;
#[cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(dead_code, reason = "used by `model`")
)]
mod kernels;
#[cfg(target_arch = "wasm32")]
mod model;
#[cfg_attr(
    not(any(test, target_arch = "wasm32")),
    expect(dead_code, reason = "used by `model`")
)]
mod tokenizer;

#[cfg(target_arch = "wasm32")]
tensor_wasm_guest::http::service!(api::handle);

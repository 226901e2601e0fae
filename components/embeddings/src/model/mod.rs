//! A model: its folder, what its files say, its weights on the device, and what it computes.

mod config;
mod folder;
mod forward;
mod layout;
mod weights;

use thiserror::Error;

pub use config::Config;
pub use folder::{Folder, Loaded};
pub use forward::forward;
pub use weights::weights;

/// Why there are no embeddings, where the request was a right one.
#[derive(Debug, Error)]
pub enum ModelError {
    /// A file of the model is not there, or not what it should be.
    #[error("{file}: {reason}; {cure}")]
    File {
        /// Its path, as this component has it.
        file: String,
        /// What is wrong with it.
        reason: String,
        /// What the operator can do.
        cure: &'static str,
    },
    /// The device failed.
    #[error(transparent)]
    Device(#[from] tensor_wasm_guest::Error),
}

/// What helps where a file is missing or damaged.
const COPY_AGAIN: &str = "copy the model's folder again, with config.json, vocab.txt and \
                          model.safetensors of one model";

/// What helps where a whole model is of the wrong kind.
const OTHER_MODEL: &str = "this service computes BERT with mean pooling, such as all-MiniLM-L6-v2; \
                           put such a model there";

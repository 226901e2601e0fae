//! The model as files, which are written here without the library that reads them.

use std::path::Path;
use std::{fs, io};

use serde_json::{Map, Value, json};

use super::TinyModel;

impl TinyModel {
    /// Writes the folder of the model.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder.join("1_Pooling"))?;
        let write = |name: &str, value: Value| fs::write(folder.join(name), value.to_string());
        write("config.json", self.config())?;
        write(
            "sentence_bert_config.json",
            json!({ "max_seq_length": self.most_tokens, "do_lower_case": false }),
        )?;
        write("tokenizer_config.json", json!({ "do_lower_case": true }))?;
        write(
            "1_Pooling/config.json",
            json!({ "word_embedding_dimension": self.hidden, "pooling_mode_mean_tokens": true }),
        )?;
        fs::write(folder.join("vocab.txt"), self.vocabulary.join("\n") + "\n")?;
        fs::write(folder.join("model.safetensors"), self.safetensors())
    }

    /// What `config.json` has.
    pub fn config(&self) -> Value {
        json!({
            "model_type": "bert",
            "hidden_act": "gelu",
            "hidden_size": self.hidden,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": self.intermediate,
            "vocab_size": self.vocabulary.len(),
            "max_position_embeddings": self.positions,
            "type_vocab_size": 2,
            "layer_norm_eps": 1e-12,
        })
    }

    /// Its weights in the format safetensors: the length of the header in 8 bytes, the header in JSON,
    /// then the numbers.
    pub fn safetensors(&self) -> Vec<u8> {
        let mut header = Map::new();
        let mut numbers = Vec::new();
        for (name, tensor) in &self.tensors {
            let start = numbers.len();
            numbers.extend(
                tensor
                    .numbers
                    .iter()
                    .flat_map(|number| number.to_le_bytes()),
            );
            let place = json!({
                "dtype": "F32",
                "shape": tensor.shape,
                "data_offsets": [start, numbers.len()],
            });
            header.insert(name.clone(), place);
        }
        let mut header = Value::Object(header).to_string();
        while !header.len().is_multiple_of(8) {
            header.push(' ');
        }
        let length = (header.len() as u64).to_le_bytes();
        [&length[..], header.as_bytes(), &numbers].concat()
    }
}

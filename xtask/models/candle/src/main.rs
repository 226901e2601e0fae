//! Embeddings of texts by candle, on all threads, for `bench.py`, which asks by lines: texts to embed again
//! and again for so many seconds, or `null`. Answers by a line each: how often they were embedded in a second, or the
//! most memory that this process had, in bytes.
//!
//! ```text
//! embeddings-by-candle MODEL-FOLDER
//! ```

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;
use std::{env, fs, io};

use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config};
use tokenizers::{PaddingParams, Tokenizer, TruncationParams};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

struct Model {
    bert: BertModel,
    tokenizer: Tokenizer,
}

impl Model {
    fn load(folder: PathBuf) -> Result<Model> {
        let config: Config = serde_json::from_slice(&fs::read(folder.join("config.json"))?)?;
        let weights = candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu)?;
        let weights = VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
        let mut tokenizer = Tokenizer::from_file(folder.join("tokenizer.json"))?;
        tokenizer.with_padding(Some(PaddingParams::default()));
        tokenizer.with_truncation(Some(TruncationParams {
            max_length: 256,
            ..TruncationParams::default()
        }))?;
        Ok(Model {
            bert: BertModel::load(weights, &config)?,
            tokenizer,
        })
    }

    /// A row a text: the mean of its tokens, with length 1.
    fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        let encoded = self.tokenizer.encode_batch(texts.to_vec(), true)?;
        let rows = |of: &dyn Fn(&tokenizers::Encoding) -> Vec<u32>| -> Result<Tensor> {
            let rows: Vec<Vec<u32>> = encoded.iter().map(of).collect();
            Ok(Tensor::new(rows, &Device::Cpu)?)
        };
        let ids = rows(&|encoding| encoding.get_ids().to_vec())?;
        let mask = rows(&|encoding| encoding.get_attention_mask().to_vec())?;
        let tokens = self.bert.forward(&ids, &ids.zeros_like()?, Some(&mask))?;
        let mask = mask.to_dtype(DType::F32)?.unsqueeze(2)?;
        let sums = tokens.broadcast_mul(&mask)?.sum(1)?;
        let means = sums.broadcast_div(&mask.sum(1)?)?;
        let lengths = means.sqr()?.sum_keepdim(1)?.sqrt()?;
        Ok(means.broadcast_div(&lengths)?.to_vec2()?)
    }
}

/// The most memory that this process had, in bytes.
fn peak_resident_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kibibytes.ok_or("the system does not say what memory is used")?.parse::<u64>()? * 1024)
}

fn main() -> Result<()> {
    let folder = env::args_os().nth(1).ok_or("embeddings-by-candle MODEL-FOLDER")?;
    let model = Model::load(folder.into())?;
    for line in io::stdin().lines() {
        let Some((texts, seconds)) = serde_json::from_str::<Option<(Vec<String>, f64)>>(&line?)? else {
            println!("{}", peak_resident_bytes()?);
            continue;
        };
        let first = model.embed(&texts)?;
        let (began, mut calls) = (Instant::now(), 0u32);
        while began.elapsed().as_secs_f64() < seconds {
            model.embed(&texts)?;
            calls += 1;
        }
        let rate = f64::from(calls) / began.elapsed().as_secs_f64();
        println!("{}", serde_json::json!({ "rate": rate, "first": first }));
    }
    Ok(())
}

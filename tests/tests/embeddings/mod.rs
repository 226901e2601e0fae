//! The component `embeddings`, with models of random numbers: what it answers is compared with the
//! formulas in `f64` (`tests/model`), which have nothing in common with it.

mod answers;
mod errors;
mod files;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tensor_wasm_test_model::TinyModel;
use tensor_wasm_tests::{Reply, Serve, Server, SharedServer, component};

/// Two heads of 32 numbers, and one of 64.
const TINY: &str = "tiny";
const WIDE: &str = "wide";

static SERVER: SharedServer = SharedServer::new(|| serve(&models()));

fn tiny() -> TinyModel {
    TinyModel::seeded(1, 2)
}

fn wide() -> TinyModel {
    TinyModel::seeded(2, 1)
}

/// A folder with both models, which tests of all processes share: it is written elsewhere, and has
/// its name once it is whole.
fn models() -> PathBuf {
    let hash = blake3::hash(&[tiny().safetensors(), wide().safetensors()].concat());
    let temporary = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = temporary.join(format!("models-{}", &hash.to_hex()[..16]));
    if !folder.exists() {
        let fresh = tempfile::tempdir_in(temporary).unwrap();
        tiny().write(&fresh.path().join(TINY)).unwrap();
        wide().write(&fresh.path().join(WIDE)).unwrap();
        // Another process may have been first.
        if let Err(error) = fs::rename(fresh.path(), &folder) {
            assert!(folder.exists(), "{error}");
        }
    }
    folder
}

fn serve(models: &Path) -> Serve {
    let mounted = format!("{}::/models", models.display());
    Serve::new(component("embeddings")).args(["--dir", &mounted])
}

fn post(server: &Server, body: &Value) -> Reply {
    server.post("/v1/embeddings", body.to_string())
}

/// The embeddings of an input, by the model of this name.
#[track_caller]
fn embed(server: &Server, model: &str, input: Value) -> Vec<Vec<f64>> {
    let reply = post(server, &json!({ "model": model, "input": input }));
    assert_eq!(reply.status, 200, "{}", reply.text());
    embeddings(&reply.json())
}

fn embeddings(answer: &Value) -> Vec<Vec<f64>> {
    let data = answer["data"].as_array().unwrap();
    data.iter()
        .enumerate()
        .map(|(index, entry)| {
            assert_eq!(entry["object"], "embedding");
            assert_eq!(entry["index"], index);
            let numbers = entry["embedding"].as_array().unwrap();
            numbers
                .iter()
                .map(|number| number.as_f64().unwrap())
                .collect()
        })
        .collect()
}

/// One minus the cosine, of vectors of length 1.
#[track_caller]
fn distance(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    1.0 - a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>()
}

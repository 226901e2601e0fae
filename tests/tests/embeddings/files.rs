//! Models whose files are missing, damaged or of another kind: an error names the file and the cure, and
//! the other models are served.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::errors::assert_error;
use super::{TINY, distance, embed, post, serve, tiny};

/// Sets fields of `config.json`.
fn configure(folder: &Path, changes: Value) {
    let mut config = tiny().config();
    for (name, value) in changes.as_object().unwrap() {
        config[name] = value.clone();
    }
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
}

/// Writes the weights with a header in which each `from` is a `to` of the same length.
fn with_header(folder: &Path, from: &str, to: &str) {
    assert_eq!(from.len(), to.len());
    let bytes = tiny().safetensors();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&bytes[8..8 + length]).unwrap();
    assert!(header.contains(from), "{header}");
    let changed = header.replace(from, to);
    let whole = [&bytes[..8], changed.as_bytes(), &bytes[8 + length..]].concat();
    weights(folder, &whole);
}

fn weights(folder: &Path, bytes: &[u8]) {
    fs::write(folder.join("model.safetensors"), bytes).unwrap();
}

/// How a model is spoiled, and what of it an error says.
type Spoiled = (&'static str, fn(&Path), &'static str, &'static str);

const SPOILED: [Spoiled; 19] = [
    (
        "no-weights",
        |folder| fs::remove_file(folder.join("model.safetensors")).unwrap(),
        "model.safetensors",
        "no such file",
    ),
    (
        "no-vocabulary",
        |folder| fs::remove_file(folder.join("vocab.txt")).unwrap(),
        "vocab.txt",
        "no such file",
    ),
    (
        "no-config",
        |folder| fs::remove_file(folder.join("config.json")).unwrap(),
        "config.json",
        "no such file",
    ),
    (
        "config-of-nothing",
        |folder| fs::write(folder.join("config.json"), "{}").unwrap(),
        "config.json",
        "missing field",
    ),
    (
        "config-cut-off",
        |folder| fs::write(folder.join("config.json"), "{\"model_type\":").unwrap(),
        "config.json",
        "EOF",
    ),
    (
        "other-architecture",
        |folder| configure(folder, json!({ "model_type": "t5" })),
        "config.json",
        "model_type is \"t5\"",
    ),
    (
        "other-activation",
        |folder| configure(folder, json!({ "hidden_act": "silu" })),
        "config.json",
        "hidden_act",
    ),
    (
        "odd-heads",
        |folder| configure(folder, json!({ "num_attention_heads": 3 })),
        "config.json",
        "32 or 64 numbers",
    ),
    (
        "no-layers",
        |folder| configure(folder, json!({ "num_hidden_layers": 0 })),
        "config.json",
        "num_hidden_layers is 0",
    ),
    (
        "far-too-large",
        |folder| configure(folder, json!({ "hidden_size": 4_294_967_295_u32 })),
        "config.json",
        "hidden_size",
    ),
    (
        "more-layers",
        |folder| configure(folder, json!({ "num_hidden_layers": 3 })),
        "model.safetensors",
        "encoder.layer.2.",
    ),
    (
        "larger-vocabulary",
        |folder| configure(folder, json!({ "vocab_size": 5000 })),
        "model.safetensors",
        "5000 by 64",
    ),
    (
        "other-pooling",
        |folder| {
            fs::write(
                folder.join("1_Pooling/config.json"),
                r#"{"pooling_mode_cls_token":true}"#,
            )
            .unwrap()
        },
        "1_Pooling/config.json",
        "pooling_mode_mean_tokens",
    ),
    (
        "empty",
        |folder| weights(folder, b""),
        "model.safetensors",
        "0 bytes",
    ),
    (
        "no-safetensors",
        |folder| weights(folder, &[0xff; 4096]),
        "model.safetensors",
        "no safetensors file",
    ),
    (
        "cut-off",
        |folder| weights(folder, &tiny().safetensors()[..100_000]),
        "model.safetensors",
        "cut off",
    ),
    (
        "cut-header",
        |folder| weights(folder, &tiny().safetensors()[..1000]),
        "model.safetensors",
        "no safetensors file",
    ),
    (
        "lying-shape",
        |folder| with_header(folder, r#""shape":[96,64]"#, r#""shape":[99,64]"#),
        "model.safetensors",
        "header is damaged",
    ),
    (
        "lying-vocabulary",
        |folder| fs::write(folder.join("vocab.txt"), "a\nb\n").unwrap(),
        "vocab.txt",
        "[CLS]",
    ),
];

#[test]
fn a_model_that_cannot_be_used_says_which_file_and_what_to_do() {
    let models = tempfile::tempdir().unwrap();
    for (name, spoil, _, _) in SPOILED {
        let folder = models.path().join(name);
        tiny().write(&folder).unwrap();
        spoil(&folder);
    }
    tiny().write(&models.path().join("swapped")).unwrap();
    // As many numbers, but the sides of the matrix are exchanged.
    with_header(
        &models.path().join("swapped"),
        r#""shape":[96,64]"#,
        r#""shape":[64,96]"#,
    );
    tiny().write(&models.path().join(TINY)).unwrap();
    let server = serve(models.path()).start();
    let swapped = ("swapped", "model.safetensors", "64 by 96");
    let spoiled = SPOILED.map(|(name, _, file, text)| (name, file, text));
    for (name, file, text) in spoiled.into_iter().chain([swapped]) {
        let reply = post(&server, &json!({ "model": name, "input": "the cat" }));
        let code = [Value::Null, json!("model_unusable")];
        assert_error(&reply, 500, code, text);
        let message = reply.json()["error"]["message"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(
            message.starts_with(&format!("/models/{name}/{file}: ")),
            "{message}"
        );
        let cured = message.contains("copy the model's folder again")
            || message.contains("put such a model there");
        assert!(cured, "{message}");
    }
    assert_eq!(embed(&server, TINY, json!("the cat")).len(), 1);
}

#[test]
fn a_model_that_was_replaced_is_used_from_the_next_request_on() {
    let models = tempfile::tempdir().unwrap();
    let folder = models.path().join(TINY);
    tiny().write(&folder).unwrap();
    let server = serve(models.path()).start();
    let words = "the red fish swims";
    let first = embed(&server, TINY, json!(words));
    assert!(distance(&first[0], &tiny().embedding(&tiny().tokens(words))) < 1e-6);
    let other = tensor_wasm_test_model::TinyModel::seeded(9, 2);
    other.write(&folder).unwrap();
    let second = embed(&server, TINY, json!(words));
    assert!(distance(&second[0], &other.embedding(&other.tokens(words))) < 1e-6);
}
